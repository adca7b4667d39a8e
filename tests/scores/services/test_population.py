"""The stored population: what the statement gives is what the pure function gives, whoever is asked about."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from scores import catalogue
from scores.models import Enrolment, Entry, Link
from scores.population import day_number
from scores.sample.loading import demo_sources, enrol_with_records
from scores.sample.people import months_forward, read_people
from scores.sample.sample import newcomer
from scores.scoring import score
from scores.services import population
from scores.services.population import Result, end_of_range, results, results_of, statement_for, statement_for_range
from scores.services.rescoring import entries_to_score
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, entry_of, link
from tests.factories.tampering import entry_guards_off

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


@pytest.fixture
def people(db):
    """Sixty of the sample's people and two without entries; some links are off, some entries disputed or struck."""
    months = months_forward(TODAY)
    some = [newcomer(person, months=months) for person in list(read_people())[::16][:60]]
    enrol_with_records(some, sources=demo_sources(), now=NOW)
    EnrolmentFactory.create_batch(2, now=NOW)
    links = list(Link.objects.order_by("pk").values_list("pk", flat=True))
    Link.objects.filter(pk__in=links[::7]).update(is_on=False)
    entries = list(Entry.objects.order_by("pk").values_list("pk", flat=True))
    Entry.objects.filter(pk__in=entries[::5]).update(status="disputed")
    Entry.objects.filter(pk__in=entries[::11]).update(status="struck")
    Entry.objects.filter(pk__in=entries[::13]).update(lapses_on=TODAY)
    return list(Enrolment.objects.order_by("pk").values_list("pk", flat=True))


def by_pure(card, citizen_id, day):
    scoring = score(card, entries_to_score(citizen_id), day)
    keys = list(Entry.objects.of(citizen_id).order_by("pk").values_list("pk", flat=True))
    return Result(
        citizen_id,
        scoring.explanation.counted,
        scoring.state,
        scoring.value,
        scoring.factors,
        {code: purpose.value for code, purpose in scoring.purposes.items()},
        last_entry_id=keys[-1] if keys else 0,
        entry_count=len(keys),
    )


@pytest.mark.parametrize("day", [TODAY, TODAY + timedelta(days=200), date(2020, 1, 1)])
def test_everybody_has_the_score_the_pure_function_gives(people, shipped_card, day):
    assert list(results(shipped_card, as_of=day)) == [by_pure(shipped_card, one, day) for one in people]


def test_who_has_no_entries_has_a_thin_file_with_a_row(people, shipped_card):
    last = list(results(shipped_card, as_of=TODAY))[-1]
    assert (last.citizen_id, last.state, last.value, last.counted) == (people[-1], "thin_file", None, 0)
    assert set(last.factors.values()) == {0}
    assert set(last.purposes.values()) == {None}
    assert (last.last_entry_id, last.entry_count) == (0, 0)


def test_ranges_cover_everybody_once(people, shipped_card, monkeypatch, django_assert_num_queries):
    whole = list(results(shipped_card, as_of=TODAY))
    monkeypatch.setattr(population, "RANGE", 7)
    assert list(results(shipped_card, as_of=TODAY)) == whole
    part = list(results(shipped_card, as_of=TODAY, after=people[9], upto=people[30]))
    assert [one.citizen_id for one in part] == people[10:31]


def test_a_range_ends_where_so_many_have_been_counted(people):
    assert end_of_range(after=0, citizens=10) == people[9]
    assert end_of_range(after=people[9], citizens=10_000) == people[-1]
    assert end_of_range(after=people[-1]) is None


def test_some_people_by_their_keys(people, shipped_card):
    chosen = [people[3], people[20], people[-1]]
    found = list(results_of(shipped_card, as_of=TODAY, citizen_ids=[*chosen, 10**12]))
    assert found == [by_pure(shipped_card, one, TODAY) for one in chosen]
    assert list(results_of(shipped_card, as_of=TODAY, citizen_ids=[])) == []


def test_the_statement_can_be_stored_by_whoever_wraps_it(people, shipped_card):
    for sql, params in (
        statement_for_range(shipped_card, as_of=TODAY, after=0, upto=people[9]),
        statement_for(shipped_card, as_of=TODAY, citizen_ids=people[:10]),
    ):
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE fresh AS {sql}", params or None)
            cursor.execute("SELECT citizen_id, value, entry_count FROM fresh ORDER BY citizen_id")
            rows = cursor.fetchall()
            cursor.execute("DROP TABLE fresh")
        wanted = [by_pure(shipped_card, one, TODAY) for one in people[:10]]
        assert rows == [(one.citizen_id, one.value, one.entry_count) for one in wanted]


def test_the_plan_reads_entries_from_the_covering_index_alone(people, shipped_card):
    sql, _ = statement_for_range(shipped_card, as_of=TODAY, after=0, upto=people[-1])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Index Only Scan using entry_of_citizen" in plan
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = "\n".join(str(line[-1]) for line in cursor.fetchall())
            assert "USING COVERING INDEX entry_of_citizen" in plan


def test_the_day_of_an_entry_follows_its_date_and_the_database_sees_to_it():
    linked = link(EnrolmentFactory(now=NOW).citizen, SourceFactory(), now=NOW)
    for number, day in enumerate((date(1999, 12, 31), date(2026, 2, 1), date(2040, 10, 9))):
        entry = entry_of(linked, occurred_on=day, external_id=f"d{number}")
        assert Entry.objects.get(pk=entry.pk).day == day_number(day)
    assert day_number(date(2030, 1, 31)) == 32 * (12 * 2030 + 1) + 31
    with entry_guards_off():
        with pytest.raises(IntegrityError, match="entry_day_is_its_date"), transaction.atomic():
            Entry.objects.filter(pk=entry.pk).update(occurred_on="2030-01-31")
        Entry.objects.filter(pk=entry.pk).update(occurred_on="2030-01-31", day=day_number(date(2030, 1, 31)))


def test_keys_of_entries_stay_below_what_the_statement_can_carry():
    linked = link(EnrolmentFactory(now=NOW).citizen, SourceFactory(), now=NOW)
    entry_of(linked, id=(1 << 43) - 1, external_id="last")
    with pytest.raises(IntegrityError, match="entry_key_within_bounds"), transaction.atomic():
        entry_of(linked, id=1 << 43, external_id="beyond")


def test_kinds_have_numbers_an_array_can_have():
    assert all(1 <= kind.number <= 32_767 for kind in catalogue.KINDS)
