"""Everybody's score made again in a run: as each alone would be, with history for what changed and for nothing else."""

import json
import re
from datetime import UTC, date, datetime
from unittest import mock

import pytest
from django.db import transaction

from citizen_app.models import OutboxMessage
from citizen_app.outbox import run_due
from scores.changes import Line
from scores.models import Entry, Link, RescoringRun, Score, Scorecard, ScoreChange
from scores.services import runs
from scores.services.linking import switch_source
from scores.services.publishing import publish_scorecard
from scores.services.rescoring import explained_score, rescore, score_in_force
from scores.services.verifying import history_behind, wrong_changes, wrong_explanations, wrong_scores
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, entry_of, scored_citizen
from tests.factories.tampering import entry_guards_off

pytestmark = pytest.mark.django_db

DECEMBER = datetime(2026, 12, 3, tzinfo=UTC)
JUNE = datetime(2027, 6, 1, tzinfo=UTC)


def new_card(version="2026-12", **changes):
    """The current scorecard with something else in it, published."""
    document = Scorecard.objects.get(is_current=True).document | {"version": version} | changes
    text = re.sub(r'"(-?\d+(?:\.\d+)?)"', r"\1", json.dumps(document))
    return publish_scorecard(text=text.replace(f'"version": {version}', f'"version": "{version}"'), now=NOW)


def run_through(*, cause, now=NOW):
    """A run from its start to its end, by whoever keeps promises."""
    with mock.patch("django.utils.timezone.now", return_value=now):
        run = runs.start_run(cause=cause, now=now)
        while run_due():
            pass
    run.refresh_from_db()
    return run


def sound():
    return [*wrong_scores(), *wrong_changes(), *wrong_explanations(), *history_behind()] == []


def lines_of(change):
    return [(line.kind, line.about, line.micro) for line in map(Line.from_document, change.lines)]


def last_change(citizen):
    return ScoreChange.objects.filter(enrolment_id=citizen.pk).latest("id")


def test_a_new_scorecard_reaches_everybody_with_the_lines_each_alone_would_have_been_told():
    bank = SourceFactory()
    many = [scored_citizen(bank, payments=count) for count in (3, 4, 12)]
    thin = EnrolmentFactory(now=NOW).citizen
    twins = [scored_citizen(bank, payments=count) for count in (3, 4, 12)]
    factors = [
        one | ({"max": "60"} if one["code"] == "credit_history" else {})
        for one in Scorecard.objects.get().document["factors"]
    ]
    new_card(base="557.3", factors=factors)
    for twin in twins:
        rescore(citizen_id=twin.pk, cause="scorecard", now=NOW)
    run = run_through(cause="scorecard")
    assert (run.total_count, run.done_count, run.changed_count) == (4, 4, 3)
    assert run.finished_at is not None
    for citizen, twin in zip(many, twins, strict=True):
        mine, others = last_change(citizen), last_change(twin)
        assert lines_of(mine) == lines_of(others)
        assert (mine.cause, mine.previous, mine.value, mine.difference, mine.scorecard_version) == (
            others.cause,
            others.previous,
            others.value,
            others.difference,
            others.scorecard_version,
        )
        a, b = Score.objects.get(pk=citizen.pk), Score.objects.get(pk=twin.pk)
        assert (a.state, a.value, a.factors, a.purposes, a.kept, a.as_of, a.scorecard_id, a.revision) == (
            b.state,
            b.value,
            b.factors,
            b.purposes,
            b.kept,
            b.as_of,
            b.scorecard_id,
            b.revision,
        )
    assert ScoreChange.objects.filter(enrolment_id=thin.pk).count() == 1
    assert sound()


def test_a_scorecard_that_changes_nobodys_value_writes_no_history():
    citizens = [scored_citizen(payments=count) for count in (3, 6)]
    rows = ScoreChange.objects.count()
    card = new_card()
    run = run_through(cause="scorecard")
    assert (run.done_count, run.changed_count, ScoreChange.objects.count()) == (2, 0, rows)
    assert set(Score.objects.values_list("scorecard_id", flat=True)) == {card.pk}
    assert sound()
    entry_of(Link.objects.get(enrolment_id=citizens[0].pk, source__code__startswith="bank"), external_id="more")
    rescore(citizen_id=citizens[0].pk, cause="entries", now=NOW)
    assert sound()


def test_what_follows_a_run_is_told_entry_by_entry_as_if_there_had_been_none():
    """The run keeps no explanation: the entries are its memory."""
    citizen = scored_citizen(payments=6)
    new_card(base="560")
    run_through(cause="scorecard")
    score = Score.objects.get(pk=citizen.pk)
    assert (score.compared_with, score.compared_upto) == (None, Entry.objects.latest("id").pk)
    link = Link.objects.get(enrolment_id=citizen.pk, source__code__startswith="bank")
    added = entry_of(link, external_id="more", occurred_on=date(2026, 11, 2))
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    assert [line[0] for line in last_change(citizen).lines] == ["entry_added"]
    assert {line[3] for line in last_change(citizen).lines} == {added.pk}
    assert sound()


def test_a_strike_and_a_switch_after_a_run_are_told_as_what_they_are():
    struck, switched = scored_citizen(payments=6), scored_citizen(payments=6)
    new_card(base="560")
    run_through(cause="scorecard")
    victim = Entry.objects.filter(enrolment_id=struck.pk).earliest("occurred_on")
    Entry.objects.filter(pk=victim.pk).strike(why="retracted", now=DECEMBER)
    rescore(citizen_id=struck.pk, cause="entries", now=NOW)
    assert ("entry_struck", "credit.payment", -6_000_000) in lines_of(last_change(struck))
    source = Link.objects.get(enrolment_id=switched.pk, source__code__startswith="bank").source
    switch_source(citizen=switched, source_code=source.code, on=False, now=DECEMBER)
    assert last_change(switched).cause == "source"
    switch_source(citizen=switched, source_code=source.code, on=True, now=DECEMBER)
    assert sound()


def test_where_what_was_cannot_be_made_again_the_factors_are_told_and_the_sum_is_exact():
    citizen = scored_citizen(payments=6)
    new_card(base="560")
    run_through(cause="scorecard")
    with entry_guards_off():
        Entry.objects.filter(enrolment_id=citizen.pk).update(value=10_000)
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    assert lines_of(last_change(citizen))[0][:2] == ("faded", "credit_history")
    assert sound()


def test_a_month_that_moves_a_value_names_the_entries_and_one_that_does_not_writes_nothing():
    fading, still = scored_citizen(payments=6), scored_citizen(payments=6)
    link = Link.objects.get(enrolment_id=fading.pk, source__code__startswith="bank")
    entry_of(link, external_id="old", occurred_on=date(2024, 12, 31))
    for citizen in (fading, still):
        rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    rows = ScoreChange.objects.filter(enrolment_id=still.pk).count()
    run = run_through(cause="month", now=DECEMBER)
    assert (run.total_count, run.done_count, run.changed_count) == (2, 2, 1)
    assert last_change(fading).cause == "month"
    assert ("entry_lapsed", "credit.payment", -6_000_000) in lines_of(last_change(fading))
    assert ScoreChange.objects.filter(enrolment_id=still.pk).count() == rows
    assert {score.as_of for score in Score.objects.all()} == {DECEMBER.date()}
    assert sound()


def test_a_first_value_is_told_from_the_base_on():
    citizen = scored_citizen(payments=2)
    assert Score.objects.get(pk=citizen.pk).value is None
    new_card(thin_file={"min_entries": 2})
    run = run_through(cause="scorecard")
    assert (run.done_count, run.changed_count) == (1, 1)
    assert lines_of(last_change(citizen))[0][0] == "base"
    assert last_change(citizen).previous is None
    new_card("2026-13", thin_file={"min_entries": 3})
    run_through(cause="scorecard")
    assert (last_change(citizen).value, last_change(citizen).lines) == (None, [])
    assert sound()


def test_a_portion_done_twice_changes_nobody_twice():
    citizens = [scored_citizen(payments=count) for count in (3, 6)]
    new_card(base="560")
    run = run_through(cause="scorecard")
    before = list(Score.objects.order_by("pk").values()), list(ScoreChange.objects.order_by("pk").values())
    RescoringRun.objects.update(finished_at=None)
    runs.run_portion(run_id=run.pk, after=0, upto=max(citizen.pk for citizen in citizens))
    assert before == (list(Score.objects.order_by("pk").values()), list(ScoreChange.objects.order_by("pk").values()))
    run.refresh_from_db()
    assert (run.done_count, run.changed_count) == (2, 2)


def test_a_score_touched_while_the_run_computed_keeps_what_touched_it():
    """Between computing and storing a citizen's own rescoring goes first; the run then leaves that row alone."""
    citizen, other = scored_citizen(payments=6), scored_citizen(payments=6)
    new_card(base="560")

    real = runs.RunStatements.hold

    def hold(statements, **bounds):
        rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
        return real(statements, **bounds)

    with mock.patch.object(runs.RunStatements, "hold", hold):
        run = run_through(cause="scorecard")
    assert run.done_count == 1
    assert last_change(citizen).cause == "entries"
    assert last_change(other).cause == "scorecard"
    assert ScoreChange.objects.filter(enrolment_id=citizen.pk).count() == 3
    assert sound()


def test_one_run_of_a_scorecard_goes_on_at_a_time_and_a_later_one_takes_its_place():
    scored_citizen()
    new_card(base="560")
    with transaction.atomic():
        first = runs.start_run(cause="scorecard", now=NOW)
        again = runs.start_run(cause="scorecard", now=NOW)
    assert (first.pk, OutboxMessage.objects.filter(topic=runs.RUN_TOPIC).count()) == (again.pk, 1)
    with transaction.atomic():
        next_month = runs.start_run(cause="month", now=DECEMBER)
    first.refresh_from_db()
    assert first.finished_at is not None
    assert next_month.finished_at is None
    new_card("2026-13", base="570")
    while run_due():
        pass
    next_month.refresh_from_db()
    assert next_month.finished_at is not None
    assert set(Score.objects.values_list("scorecard__version", flat=True)) == {"2026-11"}  # its own run is to come


def test_the_sweep_makes_a_few_again_itself_and_starts_a_run_for_many():
    citizens = [scored_citizen() for _ in range(3)]
    assert runs.turn_the_month(now=NOW) == 0
    with mock.patch.object(runs, "FEW", 2), mock.patch("django.utils.timezone.now", return_value=DECEMBER):
        assert runs.turn_the_month(now=DECEMBER) == 3
        assert runs.turn_the_month(now=DECEMBER) == 3  # still going on
        while run_due():
            pass
    run = RescoringRun.objects.get()
    run.refresh_from_db()
    assert (run.cause, run.done_count, run.finished_at) == ("month", 3, DECEMBER)
    assert runs.turn_the_month(now=JUNE) == 3
    assert {score.as_of for score in Score.objects.all()} == {JUNE.date()}
    assert RescoringRun.objects.count() == 1
    assert len(citizens) == 3


def test_what_is_shown_before_a_promised_rescoring_is_done_adds_up_all_the_same():
    citizen = scored_citizen(payments=6)
    link = Link.objects.get(enrolment_id=citizen.pk, source__code__startswith="bank")
    entry_of(link, external_id="more")
    score = explained_score(citizen.pk, now=NOW)
    assert score.explanation.counted == 7
    assert score.explanation.value == score.value == Score.objects.get(pk=citizen.pk).value
    assert score_in_force(citizen.pk, now=NOW).revision == score.revision
