"""A shadow run on stored people: right in totals, unnoticed, resumed where it stopped, and nothing kept of anybody."""

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from citizen_app.db import violated
from citizen_app.errors import RateLimited, WrongState
from citizen_app.models import OutboxMessage
from citizen_app.outbox import run_due
from citizen_app.sealing import unseal
from scores.models import Enrolment, Score, ScoreChange, ShadowRun
from scores.services import shadow_runs
from scores.services.drafts import save_draft
from scores.services.enrolment import leave
from scores.services.shadow_runs import cancel_shadow_run, finish_here, latest_run, run_range, start_shadow_run
from tests.factories.people import operator_with
from tests.factories.perks import PerkFactory
from tests.factories.scorecards import NOTE, a_draft, a_population, changed, run_of
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db
MORE = {"rules__0__bins__1__points": "8", "rules__2__bins__1__points": "-23"}
"""On time earns 2 points more each, a latest payment a month late 20 fewer."""


@pytest.fixture
def operator(db):
    return operator_with("scoring")


def test_a_run_tells_how_many_move_how_far_and_which_perks_open(operator):
    a_population(90, late=30)
    for purpose, threshold in (("travel", 630), ("travel", 700)):
        tier = {"min_score": threshold, "benefit": {"type": "percent", "percent": 5}}
        PerkFactory(purpose=purpose, title=f"From {threshold}", tiers=[tier])
    values = sorted(Score.objects.values_list("value", flat=True))
    run = run_of(a_draft(operator, **MORE))
    assert (run.state, run.done_count, run.total_count, run.tally) == ("done", 90, 90, "")
    moves = {tuple(group["cells"]): group["people"] for group in run.result["moves"]["groups"]}
    # 60 paid six times on time and gain 12; 30 paid five times and gain 10 less 20.
    assert set(moves) == {("up_1", "up_5", "up_10", "up_20"), ("down_20", "down_10", "down_5", "down_1")}
    assert abs(moves["up_1", "up_5", "up_10", "up_20"] - 60) <= 12
    assert abs(moves["down_20", "down_10", "down_5", "down_1"] - 30) <= 12
    assert run.result["moves"]["rest"] is None
    reach = {value for value in values if value < 630 <= value + 12}
    opened = {one["min_score"]: one["opens"] for one in run.result["perks"]}
    assert opened[700] is None
    assert (opened[630] is not None) == bool(reach)
    assert run.result["fairness"] == {"passed": True, "lowest": None, "measured": True}
    assert run.thresholds[0]["labels"][0].startswith("From 630, ")


def test_a_run_changes_nothing_for_anybody(operator):
    a_population(3)
    before = [list(model.objects.order_by("pk").values()) for model in (Score, ScoreChange, Enrolment)]
    run_of(a_draft(operator, **MORE))
    assert [list(model.objects.order_by("pk").values()) for model in (Score, ScoreChange, Enrolment)] == before


def test_a_run_through_the_outbox_ends_by_itself(operator, monkeypatch):
    a_population(7)
    monkeypatch.setattr(shadow_runs, "AT_ONCE", 3)
    monkeypatch.setattr(run_range, "__kwdefaults__", run_range.__kwdefaults__ | {"limit": 3})
    run = start_shadow_run(draft=a_draft(operator), by=operator, now=NOW)
    while run_due():
        pass
    run.refresh_from_db()
    assert (run.state, run.done_count) == ("done", 7)
    # Three ranges of people, and one that found nobody more.
    assert OutboxMessage.objects.filter(topic=shadow_runs.SHADOW_TOPIC, done_at__isnull=False).count() == 4


def ranges_of(run, limit=10):
    while run.state == "running":
        run_range(run_id=str(run.pk), after=run.position, limit=limit)
        run.refresh_from_db()
    return run


def test_a_range_that_is_asked_for_twice_counts_once(operator):
    a_population(25, late=5)
    draft = a_draft(operator, **MORE)
    once = ranges_of(start_shadow_run(draft=draft, by=operator, now=NOW))
    run = start_shadow_run(draft=draft, by=operator, now=NOW)
    while run.state == "running":
        at = run.position
        for _ in range(3):
            run_range(run_id=str(run.pk), after=at, limit=10)
        run.refresh_from_db()
    assert run.done_count == 25
    assert run.result == once.result


def test_a_run_that_broke_off_goes_on_where_it_was(operator, monkeypatch):
    a_population(25, late=5)
    draft = a_draft(operator, **MORE)
    whole = ranges_of(start_shadow_run(draft=draft, by=operator, now=NOW)).result
    run = start_shadow_run(draft=draft, by=operator, now=NOW)
    run_range(run_id=str(run.pk), after=0, limit=10)
    run.refresh_from_db()
    counted, position, tally = run.done_count, run.position, run.tally

    class Killed(Exception):
        pass

    def killed(*args, **kwargs):
        raise Killed

    for place in ("enqueue", "_sealed"):  # after the counting, and in the middle of its transaction
        with monkeypatch.context() as patch:
            patch.setattr(shadow_runs, place, killed)
            with pytest.raises(Killed), transaction.atomic():
                run_range(run_id=str(run.pk), after=position, limit=10)
        run.refresh_from_db()
        assert (run.done_count, run.position, run.tally) == (counted, position, tally) == (10, position, tally)
    assert ranges_of(run).result == whole


def test_a_handler_that_failed_is_tried_again_and_nothing_is_lost(operator, monkeypatch):
    a_population(4)
    while run_due():  # what the population itself promised
        pass
    run = start_shadow_run(draft=a_draft(operator), by=operator, now=NOW)
    with monkeypatch.context() as patch:
        patch.setattr(shadow_runs.population, "results", lambda *args, **kwargs: 1 / 0)
        assert run_due() == 0
    message = OutboxMessage.objects.get(topic=shadow_runs.SHADOW_TOPIC)
    assert (message.done_at, message.last_error) == (None, "builtins.ZeroDivisionError")
    later = message.due_at + timedelta(seconds=1)
    run_due(now=later)
    while run_due(now=later + timedelta(hours=1)):
        pass
    run.refresh_from_db()
    assert (run.state, run.done_count) == ("done", 4)


def test_a_cancelled_run_forgets_what_it_had_added_up(operator):
    a_population(4)
    draft = a_draft(operator)
    run = start_shadow_run(draft=draft, by=operator, now=NOW)
    run_range(run_id=str(run.pk), after=0, limit=2)
    cancel_shadow_run(run=run, by=operator, now=NOW)
    run.refresh_from_db()
    assert (run.state, run.tally, run.result) == ("cancelled", "", None)
    assert run_range(run_id=str(run.pk), after=run.position, limit=2) == 0
    with pytest.raises(WrongState):
        cancel_shadow_run(run=run, by=operator, now=NOW)
    assert latest_run(draft) is None
    assert finish_here(run) is True


def test_one_run_of_a_draft_at_a_time(operator):
    draft = a_draft(operator)
    start_shadow_run(draft=draft, by=operator, now=NOW)
    with pytest.raises(WrongState):
        start_shadow_run(draft=draft, by=operator, now=NOW)
    assert ShadowRun.objects.count() == 1


def test_nobody_asks_without_end(operator, monkeypatch):
    monkeypatch.setattr(shadow_runs, "MOST_A_DAY", 2)
    draft = a_draft(operator)
    run_of(draft)
    run_of(draft)
    with pytest.raises(RateLimited):
        start_shadow_run(draft=draft, by=operator, now=NOW)
    assert start_shadow_run(draft=draft, by=operator, now=NOW + timedelta(days=2)).state == "running"


def test_whoever_leaves_meanwhile_is_left_out(operator):
    people = a_population(6)
    run = start_shadow_run(draft=a_draft(operator), by=operator, now=NOW)
    run_range(run_id=str(run.pk), after=0, limit=2)
    leave(citizen=people[-1])
    run.refresh_from_db()
    ranges_of(run, limit=2)
    assert (run.done_count, run.total_count, run.state) == (5, 5, "done")


# -- Nothing is kept of anybody ---------------------------------------------------------------------------------


def test_p4_a_run_keeps_nobodys_result_and_no_total_of_few(operator):
    people = a_population(12, late=3)
    run = start_shadow_run(draft=a_draft(operator, **MORE), by=operator, now=NOW)
    run_range(run_id=str(run.pk), after=0, limit=5)
    run.refresh_from_db()
    # On the way the totals may be of few: they are sealed, so that the tables alone do not tell them.
    assert json.loads(unseal("scores.shadow.tally", run.tally))["moves"]
    assert "moves" not in run.tally
    ranges_of(run)
    assert run.result["people"] is None
    assert [group for table in (run.result["moves"], run.result["bands"]) for group in table["groups"]] == []
    run_row = json.dumps(ShadowRun.objects.filter(pk=run.pk).values().get(), default=str)
    for citizen in people:
        assert citizen.public_id not in run_row
        assert citizen.email not in run_row


def test_p4_no_model_of_a_run_points_at_a_citizen_who_is_scored():
    pointing = {
        field.name
        for field in apps.get_model("scores", "ShadowRun")._meta.get_fields()
        if field.is_relation and field.related_model in (Enrolment, Score)
    }
    assert pointing == set()


def test_the_database_keeps_no_tally_of_what_is_over(operator):
    run = run_of(a_draft(operator))
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        ShadowRun.objects.filter(pk=run.pk).update(tally="x")
    assert violated(refusal.value) == "shadow_run_keeps_no_tally_once_over"
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        ShadowRun.objects.filter(pk=run.pk).update(result=None)
    assert violated(refusal.value) == "shadow_run_tells_only_when_done"


def test_the_latest_run_is_of_the_text_as_it_is(operator):
    draft = a_draft(operator)
    run = run_of(draft)
    assert latest_run(draft) == run
    draft = save_draft(
        draft=draft, document=changed(draft.document, base="551"), note=NOTE, revision=2, by=operator, now=NOW
    )
    assert latest_run(draft) is None
