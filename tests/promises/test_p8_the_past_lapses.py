"""P8: the past lapses on a day that only moves earlier, and is erased 30 days later, its name in the history too."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, Field, JSONField, TextField
from django.utils import timezone

from citizen_app.db import violated
from citizen_app.outbox import run_due, run_sweeps
from scores import entry_guards
from scores.models import Entry, EntryStatusChange, ScoreChange
from scores.services.verifying import history_behind, wrong_changes, wrong_explanations, wrong_scores
from tests.factories.scores import SourceFactory, entry_of, link, scored_citizen
from tests.promises.doors import App, enrolled, furnish, linked, record

pytestmark = pytest.mark.django_db
KINDS = ["credit.payment", "conduct.recycling"]


def at(year, month, day, hour=12):
    return datetime(year, month, day, hour, tzinfo=UTC)


def settle():
    """Everything that runs by itself, until nothing is left to do."""
    for _ in range(20):
        if not any(run_sweeps().values()) and not run_due():
            return
    raise AssertionError("the sweeps never end")


def sound():
    return not [*wrong_changes(), *wrong_scores(), *wrong_explanations(), *history_behind()]


@pytest.fixture
def ana() -> tuple[App, App]:
    """Somebody whose city told of five months of recycling, one of them taken back."""
    _, app = enrolled()
    server = linked(app, SourceFactory(code="city", kinds=KINDS), "ana-1")
    rows = [
        record("ana-1", f"glass{month}", "conduct.recycling", f"2026-{month:02}-05", value=30) for month in range(6, 11)
    ]
    assert furnish(server, *rows)["accepted"] == 5
    assert server.delete("/sources/entries/glass9?subject=ana-1").status_code == 204
    run_due()
    return app, server


# -- Fixed, and only ever earlier ----------------------------------------------------------------------------------


def refused(**fields):
    """The constraint that refuses to change this of the one entry there is."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Entry.objects.update(**fields)
    return violated(refusal.value)


@pytest.fixture
def entry():
    citizen = scored_citizen(payments=0)
    return entry_of(citizen.enrolment.links.get(source__code__startswith="bank"))


def test_the_database_refuses_a_later_lapse_and_keeps_the_first(entry):
    was = entry.lapses_on
    assert refused(lapses_on=was + timedelta(days=1)) == entry_guards.LAPSES_ONLY_EARLIER
    assert Entry.objects.get().lapses_on == was
    assert Entry.objects.update(lapses_on=was - timedelta(days=1)) == 1
    assert refused(lapses_on=was) == entry_guards.LAPSES_ONLY_EARLIER
    assert Entry.objects.get().lapses_on == was - timedelta(days=1)


def test_the_database_refuses_to_change_a_recorded_fact(entry):
    other = link(scored_citizen().enrolment.citizen, SourceFactory())
    Entry.objects.exclude(pk=entry.pk).delete()
    before = Entry.objects.values().get()
    for changed in (
        {"occurred_on": date(2026, 9, 30)},
        {"value": 10_000},
        {"kind_number": 2},
        {"link": other},
        {"enrolment": other.enrolment_id},
        {"external_id": "another"},
        {"recorded_at": timezone.now() + timedelta(days=1)},
        {"id": entry.pk + 1_000},
    ):
        assert refused(**changed) == entry_guards.FACTS_NEVER_CHANGE, changed
    assert Entry.objects.values().get() == before


def test_what_may_change_of_an_entry_still_may(entry):
    older = entry_of(entry.link, external_id="older")
    entry.status, entry.replaces = Entry.Status.DISPUTED, older
    entry.save()
    Entry.objects.filter(pk=older.pk).delete()
    entry.refresh_from_db()
    assert (entry.status, entry.replaces_id) == ("disputed", None)
    assert Entry.objects.strike(why="retracted", now=timezone.now()) == 1


def test_a_database_without_its_guards_would_let_it_through(entry):
    """The guards are what refuses: without them the same writes pass."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in entry_guards.statements_to_remove(connection.vendor):
            cursor.execute(statement)
        assert Entry.objects.update(lapses_on=entry.lapses_on + timedelta(days=1), value=10_000) == 1
        transaction.set_rollback(True)
    assert refused(value=10_000) == entry_guards.FACTS_NEVER_CHANGE


def test_a_correction_inherits_the_earlier_lapse_and_sending_again_prolongs_nothing(ana):
    app, server = ana
    before = {one["id"]: one["lapses_on"] for one in app.whole("/me/entries")}
    again = record("ana-1", "glass6", "conduct.recycling", "2026-06-05", value=30)
    assert furnish(server, again)["duplicates"] == 1
    later = record("ana-1", "new", "conduct.recycling", "2026-08-05", value=30, replaces="glass6")
    assert furnish(server, later)["accepted"] == 1
    after = {one["id"]: one["lapses_on"] for one in app.whole("/me/entries")}
    assert {name: after[name] for name in before} == before
    [correction] = [day for name, day in after.items() if name not in before]
    assert correction == "2031-06-01"


# -- Lapsed and erased ---------------------------------------------------------------------------------------------


def test_an_entry_counts_until_the_day_it_lapses_and_is_gone_thirty_days_later(ana):
    app, _ = ana
    [june] = [one["id"] for one in app.whole("/me/entries") if one["occurred_on"] == "2026-06-05"]
    for day, known in (
        (at(2031, 5, 31), True),
        (at(2031, 6, 1), True),
        (at(2031, 6, 30), True),
        (at(2031, 7, 1), False),
    ):
        with time_machine.travel(day):
            settle()
            answer = app.get(f"/me/entries/{june}")
            assert answer.status_code == (200 if known else 404), day
            if known and day >= at(2031, 6, 1):
                assert answer.json()["points"] == "0.000000"
            assert sound()


def test_a_lapse_moved_to_a_day_within_a_month_is_felt_that_day():
    citizen = scored_citizen(payments=3)
    app = App(citizen)
    assert app.get("/me/score").json()["state"] == "scored"
    Entry.objects.filter(pk=Entry.objects.last().pk).update(lapses_on=date(2026, 11, 25))
    with time_machine.travel(at(2026, 11, 24)):
        settle()
        assert app.get("/me/score").json()["state"] == "scored"
    with time_machine.travel(at(2026, 11, 25, 0)):
        settle()
        assert app.get("/me/score").json()["state"] == "thin_file"
        assert sound()
        assert run_sweeps()["scores.lapsed_today"] == 0


def texts_and_documents():
    """Every text and document in the database, with where it stands."""
    for model in apps.get_models():
        fields = [
            field for field in model._meta.concrete_fields if isinstance(field, CharField | TextField | JSONField)
        ]
        for row in model._default_manager.values(*[field.name for field in fields]) if fields else ():
            yield from ((model._meta.label, name, value) for name, value in row.items())


def named_by_key(gone):
    """Every row that points at one of these entries."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, Field) and field.related_model is Entry:
                yield from model._default_manager.filter(**{f"{field.name}__in": gone})


def test_nothing_anywhere_names_what_was_erased(ana):
    app, _ = ana
    of_the_city = Entry.objects.filter(link__source__code="city")
    gone = list(of_the_city.values_list("pk", flat=True))
    names = {entry.public_id for entry in of_the_city}
    # The person's verified address stays for a hundred years: what is kept is kept, and has another number.
    assert Entry.objects.exclude(pk__in=gone).count() == 1
    assert EntryStatusChange.objects.count() == 1
    told = app.whole("/me/score/history")
    assert {line["entry_id"] for row in told for line in row["lines"] if line.get("entry_id")} <= names
    with time_machine.travel(at(2031, 12, 31)):
        settle()
        assert not of_the_city.all().exists()
        assert not EntryStatusChange.objects.exists()
        assert list(named_by_key(gone)) == []
        for table, column, value in texts_and_documents():
            assert not any(name in str(value) for name in (*names, "glass")), (table, column)
        for change in ScoreChange.objects.all():
            assert all(line[3] is None for line in change.lines if line[0].startswith("entry_")), change.lines
        lines = [line for row in app.whole("/me/score/history") for line in row["lines"]]
        assert not any(line.get("entry_id") for line in lines)
        assert "a record that has lapsed" in {line["text"] for line in lines}
        assert sound()


def test_what_the_history_said_it_was_worth_stays_worth_that(ana):
    app, _ = ana
    before = [[line["points"] for line in row["lines"]] for row in app.whole("/me/score/history")[::-1]]
    values = [(row["previous"], row["value"], row["difference"]) for row in app.whole("/me/score/history")[::-1]]
    with time_machine.travel(at(2028, 10, 31)):  # before anything is thinned
        settle()
    Entry.objects.update(lapses_on=date(2027, 1, 1))
    with time_machine.travel(at(2027, 2, 15)):
        settle()
        assert not Entry.objects.exists()
        rows = app.whole("/me/score/history")[::-1]
        assert [[line["points"] for line in row["lines"]] for row in rows][: len(before)] == before
        assert [(row["previous"], row["value"], row["difference"]) for row in rows][: len(values)] == values


# -- The history, whole for 24 months ------------------------------------------------------------------------------


def test_history_is_kept_twenty_four_months_and_then_one_value_a_month():
    _, app = enrolled()
    server = linked(app, SourceFactory(code="bank", kinds=KINDS), "ana-1")
    moment, sent = at(2026, 11, 24), 0
    while moment < at(2027, 3, 1):
        with time_machine.travel(moment):
            sent += 1
            day = moment.date().isoformat()
            furnish(server, record("ana-1", f"p{sent}", on=day, value=sent % 3))
        moment += timedelta(days=4)
    whole = app.whole("/me/score/history")
    last_of_month = {row["at"][:7]: row for row in reversed(whole)}
    assert len(whole) > len(last_of_month) + 4
    for now, kept_from in ((at(2028, 11, 30), "2026-11"), (at(2029, 2, 1), "2027-02"), (at(2029, 9, 1), "2027-09")):
        with time_machine.travel(now):
            settle()
            rows = [row for row in app.whole("/me/score/history") if row["at"] <= whole[0]["at"]]
            old = [row for row in rows if row["at"][:7] < kept_from]
            assert [row["id"] for row in old] == [
                row["id"] for row in whole if row["at"][:7] < kept_from and row is last_of_month[row["at"][:7]]
            ]
            assert [row["value"] for row in old] == [last_of_month[row["at"][:7]]["value"] for row in old]
            assert rows[: len(rows) - len(old)] == [row for row in whole if row["at"][:7] >= kept_from]
            assert sound()
            assert run_sweeps()["scores.old_history"] == 0
