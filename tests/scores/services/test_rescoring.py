"""The score follows from the entries, and each change of it is kept with lines that sum to it (P6)."""

import itertools
from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from citizen_app.db import violated
from citizen_app.models import OutboxMessage
from citizen_app.outbox import run_due
from scores.changes import Line
from scores.errors import NotEnrolled
from scores.models import Entry, Score, Scorecard, ScoreChange
from scores.services.linking import switch_source
from scores.services.publishing import publish_scorecard
from scores.services.rescoring import request_rescore, rescore, rescore_together, score_in_force
from scores.services.verifying import wrong_changes, wrong_explanations, wrong_scores
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, entry_of, explanation_of, link, scored_citizen

pytestmark = pytest.mark.django_db

DECEMBER = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)


def history(citizen):
    return list(ScoreChange.objects.filter(enrolment_id=citizen.pk).order_by("id"))


def lines_of(change):
    return [Line.from_document(line) for line in change.lines]


def test_p6_the_first_value_is_told_from_the_base_on_and_its_lines_sum_to_it():
    citizen = scored_citizen(payments=6)
    score = Score.objects.get(pk=citizen.pk)
    first, change = history(citizen)
    assert (first.cause, first.value) == ("enrolled", None)
    assert (change.cause, change.previous, change.difference, change.value) == ("entries", None, None, score.value)
    lines = lines_of(change)
    assert lines[0].kind == "base"
    assert sum(line.micro for line in lines) == score.value * 1_000_000
    assert {line.entry_id for line in lines if line.kind == "entry_added"} <= set(
        Entry.objects.values_list("pk", flat=True)
    )


def test_p6_every_row_sums_to_its_difference_through_a_life():
    bank, city = SourceFactory(), SourceFactory(kinds=["conduct.recycling"])
    citizen = scored_citizen(bank, payments=6)
    linked = link(citizen, city, now=NOW)
    entry_of(linked, kind="conduct.recycling", value=12, external_id="glass")
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    late = entry_of(
        Entry.objects.filter(link__source=bank).first().link, value=2, external_id="late", occurred_on=date(2026, 11, 1)
    )
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    switch_source(citizen=citizen, source_code=city.code, on=False, now=NOW)
    switch_source(citizen=citizen, source_code=city.code, on=True, now=NOW)
    Entry.objects.filter(pk=late.pk).strike(why="retracted", now=NOW)
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    for year, month in ((2027, 2), (2027, 6), (2028, 3), (2030, 1)):
        rescore(citizen_id=citizen.pk, cause="month", now=datetime(year, month, 1, tzinfo=UTC))
    changes = history(citizen)
    assert len(changes) >= 8
    for before, change in itertools.pairwise(changes):
        assert change.previous == before.value
        assert (change.state, change.value) != (before.state, before.value)
        due = change.value if change.previous is None else change.difference
        assert sum(line.micro for line in lines_of(change)) == (due or 0) * 1_000_000
    assert changes[-1].value is None
    assert lines_of(changes[-1]) == []
    assert not [*wrong_changes(), *wrong_scores(), *wrong_explanations()]


def test_a_row_is_written_only_when_state_or_value_differs():
    citizen = scored_citizen()
    rows = len(history(citizen))
    before = Score.objects.get(pk=citizen.pk)
    score = rescore(citizen_id=citizen.pk, cause="month", now=NOW)
    assert len(history(citizen)) == rows
    assert (score.value, score.revision) == (before.value, before.revision + 1)


def test_lines_compare_with_the_explanation_kept_with_the_row_before():
    """What faded without moving the value is told by the row that does move."""
    citizen = scored_citizen(payments=6)
    kept = Score.objects.get(pk=citizen.pk).compared_with
    linked = Entry.objects.first().link
    entry_of(linked, external_id="kind-without-points", kind="credit.payment", occurred_on=date(2023, 1, 1))
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    assert Score.objects.get(pk=citizen.pk).compared_with == kept
    assert explanation_of(citizen.pk).to_document() != kept


def test_rescoring_who_has_left_or_never_came_does_nothing():
    citizen = CitizenFactory()
    assert rescore(citizen_id=citizen.pk, cause="entries") is None
    assert Score.objects.count() == 0


def test_rescoring_costs_the_same_queries_however_many_entries():
    few, many = scored_citizen(payments=3), scored_citizen(payments=60)
    costs = []
    for citizen in (few, many):
        rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
        with CaptureQueriesContext(connection) as queries:
            rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 7


def test_some_together_are_made_as_each_alone_at_the_cost_of_one():
    alone, together = [[scored_citizen(payments=count) for count in (2, 3, 12)] for _ in range(2)]
    gone = CitizenFactory()
    for citizen in (*alone, *together):
        entry_of(Entry.objects.filter(enrolment_id=citizen.pk).first().link, value=2, external_id="late")
    with CaptureQueriesContext(connection) as of_one:
        rescore(citizen_id=alone[0].pk, cause="entries", now=NOW)
    for citizen in alone[1:]:
        rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    with CaptureQueriesContext(connection) as of_three:
        made = rescore_together(citizen_ids=[*[citizen.pk for citizen in together], gone.pk], cause="entries", now=NOW)
    assert len(of_three) == len(of_one)
    assert set(made) == {citizen.pk for citizen in together}
    for one, other in zip(alone, together, strict=True):
        assert told_of(one) == told_of(other)
    assert [*wrong_scores(), *wrong_changes()] == []


def told_of(citizen):
    score = Score.objects.get(pk=citizen.pk)
    rows = [(row.cause, row.previous, row.value, [line.micro for line in lines_of(row)]) for row in history(citizen)]
    return score.state, score.value, score.revision, score.purposes, score.computed_at, rows


def test_a_score_of_an_earlier_month_is_made_again_before_it_is_used():
    citizen = scored_citizen()
    Score.objects.filter(pk=citizen.pk).update(as_of=date(2026, 11, 30))
    same = score_in_force(citizen.pk, now=datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))
    assert same.as_of == date(2026, 11, 30)
    fresh = score_in_force(citizen.pk, now=DECEMBER)
    assert fresh.as_of == date(2026, 12, 1)
    assert fresh.revision == same.revision + 1


def test_a_month_that_moves_the_score_is_told_as_the_month():
    citizen = scored_citizen(payments=6)
    score_in_force(citizen.pk, now=datetime(2027, 6, 1, tzinfo=UTC))
    last = history(citizen)[-1]
    assert last.cause == "month"
    assert last.difference < 0


def test_a_score_of_an_earlier_scorecard_is_made_again_before_it_is_used():
    citizen = scored_citizen()
    before = Score.objects.get(pk=citizen.pk).value
    document = Scorecard.objects.get().document
    text = _as_yaml(document | {"version": "2026-12", "base": "560"})
    publish_scorecard(text=text, now=NOW)
    fresh = score_in_force(citizen.pk, now=NOW)
    assert fresh.value == before + 10
    last = history(citizen)[-1]
    assert (last.cause, last.scorecard_version, last.difference) == ("scorecard", "2026-12", 10)
    assert [(line.kind, line.micro) for line in lines_of(last)] == [("scorecard_replaced", 10_000_000)]


def _as_yaml(document):
    """The stored form as a scorecard's text: JSON is YAML, with the numbers it keeps as text written as numbers."""
    import json
    import re

    return re.sub(r'"(-?\d+(?:\.\d+)?)"', r"\1", json.dumps(document))


def test_a_promise_names_at_most_five_hundred_citizens():
    with transaction.atomic():
        request_rescore([*range(1, 1102), 5, 5])
    sizes = [len(message.payload["citizen_ids"]) for message in OutboxMessage.objects.order_by("id")]
    assert sizes == [500, 500, 101]
    assert run_due() == 3  # nobody of them is enrolled: safe


def test_nobody_enrolled_has_no_score_in_force():
    with pytest.raises(NotEnrolled):
        score_in_force(CitizenFactory().pk)


def test_the_database_holds_a_value_exactly_when_scored_and_differences_exact():
    citizen = EnrolmentFactory().citizen
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Score.objects.filter(pk=citizen.pk).update(value=600)
    assert violated(refusal.value) == "score_value_iff_scored"
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        ScoreChange.objects.filter(enrolment_id=citizen.pk).update(previous=1, value=5, difference=3)
    assert violated(refusal.value) == "score_change_difference_is_exact"
