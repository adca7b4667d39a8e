"""History is kept whole for 24 months, then one value a month (P8)."""

from datetime import UTC, date, datetime

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scores.changes import Line
from scores.models import Entry, ScoreChange
from scores.services.linking import switch_source
from scores.services.rescoring import rescore
from scores.services.thinning import kept_whole_from, thin_history
from scores.services.verifying import history_behind, wrong_changes
from tests.budgets import tries
from tests.factories.scores import EnrolmentFactory, SourceFactory, entry_of, link

pytestmark = pytest.mark.django_db
BEGIN = datetime(2024, 1, 3, 9, tzinfo=UTC)


def at(year, month, day, hour=9):
    return datetime(year, month, day, hour, tzinfo=UTC)


def lived(days, *, ends=None):
    """Somebody with a payment on each of these days, told at once; `ends` switches the source off and on."""
    citizen = EnrolmentFactory(now=BEGIN).citizen
    linked = link(citizen, SourceFactory(), now=BEGIN)
    for number, (day, late) in enumerate(days):
        entry_of(linked, occurred_on=day.date(), value=late, external_id=f"p{number}", recorded_at=day)
        rescore(citizen_id=citizen.pk, cause="entries", now=day)
        if number == ends:
            for on in (False, True):
                switch_source(citizen=citizen, source_code=linked.source.code, on=on, now=day)
    return citizen


def history(citizen):
    rows = ScoreChange.objects.filter(enrolment_id=citizen.pk).order_by("id")
    return [(row.at.date(), row.previous, row.value) for row in rows]


FIVE = [(at(2024, 2, day), day % 2) for day in (1, 5, 9, 13, 20)]


def test_the_months_to_keep_whole_begin_twenty_four_months_before_this_one():
    assert kept_whole_from(at(2026, 11, 23)) == at(2024, 11, 1, 0)
    assert kept_whole_from(at(2026, 1, 31)) == at(2024, 1, 1, 0)


def test_nothing_is_thinned_before_its_time():
    citizen = lived(FIVE)
    before = history(citizen)
    assert thin_history(now=at(2026, 2, 28), limit=100) == 1  # January, with its one row
    assert history(citizen) == before


def test_an_old_month_keeps_its_last_value():
    citizen = lived(FIVE)
    value = citizen.enrolment.score.value
    assert [day for day, *_ in history(citizen)] == [date(2024, 1, 3), *(date(2024, 2, day) for day in (9, 13, 20))]
    assert thin_history(now=at(2026, 3, 1), limit=100) == 4
    assert history(citizen) == [(date(2024, 1, 3), None, None), (date(2024, 2, 20), None, value)]
    assert not [*wrong_changes(), *history_behind()]
    lines = [Line.from_document(line) for line in ScoreChange.objects.last().lines]
    assert {line.entry_id for line in lines} - {None} <= set(Entry.objects.values_list("pk", flat=True))
    assert thin_history(now=at(2026, 3, 1), limit=100) == 0


def test_a_score_lost_and_found_again_within_a_month_is_still_told():
    citizen = lived([*FIVE, (at(2024, 3, 4), 0), (at(2024, 3, 5), 0)], ends=5)
    thin_history(now=at(2026, 4, 2), limit=100)
    february = citizen.enrolment.score_changes.filter(at__month=2).last().value
    assert history(citizen)[2:] == [
        (date(2024, 3, 4), february, None),
        (date(2024, 3, 5), None, citizen.enrolment.score.value),
    ]
    assert not [*wrong_changes(), *history_behind()]


def test_thinning_is_done_some_people_at_a_time_and_ends():
    for _ in range(3):
        lived(FIVE)
    total = ScoreChange.objects.count()
    runs = [thin_history(now=at(2027, 1, 1), limit=1) for _ in range(4)]
    assert runs == [4, 4, 4, 0]
    assert (total, ScoreChange.objects.count()) == (12, 6)


def test_thinning_reads_a_citizen_in_a_few_statements(django_assert_num_queries):
    lived(FIVE)
    with django_assert_num_queries(8):
        assert thin_history(now=at(2027, 1, 1), limit=100) == 4


DAYS = st.lists(
    st.tuples(st.integers(0, 11), st.integers(1, 28), st.integers(-1, 3)),
    min_size=3,
    max_size=14,
    unique_by=lambda one: one[:2],
)


@given(DAYS, st.integers(2, 12), st.integers(0, 30))
@settings(
    max_examples=tries(8, 30, 200),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # a life told through the database is slow to make smaller
)
def test_any_life_still_verifies_at_each_stage_of_its_thinning(days, ends, months_later):
    with transaction.atomic():
        days = sorted((at(2024, 1 + month, max(day, 4)), late) for month, day, late in days)
        citizen = lived(days, ends=ends)
        values = {row.at.timetuple()[:2]: row.value for row in citizen.enrolment.score_changes.order_by("id")}
        years, month = divmod(2025 * 12 + months_later, 12)
        now = at(years, month + 1, 15)
        thin_history(now=now, limit=5)
        assert not [*wrong_changes(), *history_behind()]
        left = list(citizen.enrolment.score_changes.order_by("id"))
        assert {row.at.timetuple()[:2]: row.value for row in left} == values
        old = [(row.at.timetuple()[:2], row.value is None) for row in left if row.at < kept_whole_from(now)]
        assert len(set(old)) == len(old)
        assert thin_history(now=now, limit=5) == 0
        transaction.set_rollback(True)
