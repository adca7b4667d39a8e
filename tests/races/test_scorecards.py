"""Two operators at the same moment: one scorecard comes into force, one change of a draft is kept."""

from collections import Counter

import pytest

from citizen_app.outbox import run_due
from scores.models import Scorecard, ScorecardDraft, ShadowRun
from scores.services.drafts import save_draft
from scores.services.publication import publish_draft, submit_draft
from scores.services.shadow_runs import run_range, start_shadow_run
from tests.factories.people import operator_with
from tests.factories.scorecards import NOTE, a_draft, a_population, changed, run_of
from tests.factories.scores import NOW
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]


def ready(writer, **at):
    draft = a_draft(writer, **at)
    run_of(draft)
    return submit_draft(draft=draft, revision=draft.revision, by=writer, now=NOW)


def test_one_draft_published_by_many_at_once_is_published_once():
    draft = ready(operator_with("scoring"))
    others = [operator_with("scoring") for _ in range(6)]
    results = at_once(*[lambda by=by: publish_draft(draft=draft, by=by, now=NOW).version for by in others])
    assert Counter(results) == {"2026-11.2": 1, "wrong_state": 5}
    assert Counter(Scorecard.objects.values_list("version", "is_current")) == {
        ("2026-11", False): 1,
        ("2026-11.2", True): 1,
    }
    while run_due():
        pass


def test_of_several_drafts_published_at_once_one_comes_into_force():
    writer, second = operator_with("scoring"), operator_with("scoring")
    drafts = [ready(writer, version=f"2027-0{number}") for number in range(1, 5)]
    results = at_once(*[lambda one=one: bool(publish_draft(draft=one, by=second, now=NOW)) for one in drafts])
    # The others were tried out against a scorecard that is no longer in force.
    assert Counter(results) == {True: 1, "wrong_state": 3}
    assert Scorecard.objects.filter(is_current=True).count() == 1
    assert Scorecard.objects.count() == 2
    assert Counter(ScorecardDraft.objects.values_list("state", flat=True)) == {"published": 1, "submitted": 3}
    while run_due():
        pass


def test_of_several_who_save_what_they_read_one_is_kept():
    writers = [operator_with("scoring") for _ in range(6)]
    draft = a_draft(writers[0])

    def save(number, by):
        document = changed(draft.document, base=str(551 + number))
        return save_draft(draft=draft, document=document, note=NOTE, revision=2, by=by, now=NOW).revision

    results = at_once(*[lambda number=number, by=by: save(number, by) for number, by in enumerate(writers)])
    assert Counter(results) == {3: 1, "wrong_state": 5}
    kept = ScorecardDraft.objects.get()
    assert kept.revision == 3
    assert kept.document["base"] == str(551 + results.index(3))


def test_a_range_counted_by_many_workers_at_once_counts_once():
    a_population(8)
    operator = operator_with("scoring")
    run = start_shadow_run(draft=a_draft(operator), by=operator, now=NOW)
    results = at_once(*[lambda: run_range(run_id=str(run.pk), after=0, limit=5)] * 4)
    assert Counter(results) == {5: 1, 0: 3}
    run.refresh_from_db()
    assert run.done_count == 5
    while run_due():
        pass
    run.refresh_from_db()
    assert (run.done_count, run.state) == (8, "done")


def test_one_run_of_a_draft_is_begun():
    operator = operator_with("scoring")
    draft = a_draft(operator)
    results = at_once(*[lambda: bool(start_shadow_run(draft=draft, by=operator, now=NOW))] * 5)
    assert Counter(results) == {True: 1, "wrong_state": 4}
    assert ShadowRun.objects.count() == 1
