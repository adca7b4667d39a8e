"""Drafts of scorecards: written by several, judged strictly, published by another; what is published never changes."""

import pytest
from django.db import IntegrityError, transaction

from citizen_app.db import violated
from citizen_app.errors import WrongState
from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due
from scores.errors import DraftHasChanged, DraftNotSound, GateShut, NoteMissing, SelfApproval, ShadowRunNeeded
from scores.models import RescoringRun, Score, Scorecard, ScorecardDraft, ShadowRun
from scores.services.drafts import judge_document, refuse_draft, save_draft, start_draft, withdraw_draft
from scores.services.publication import publish_draft, rescoring_progress, submit_draft
from scores.services.publishing import current_scorecard, publish_scorecard
from scores.services.shadow_runs import start_shadow_run
from scores.thresholds import thresholds_in_use
from tests.factories.people import operator_with
from tests.factories.perks import PerkFactory
from tests.factories.scorecards import NOTE, a_draft, changed, run_of
from tests.factories.scores import NOW, scored_citizen

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(db):
    return operator_with("scoring")


@pytest.fixture
def second(db):
    return operator_with("scoring")


def ready(writer, **at):
    """A draft that was tried out and submitted."""
    draft = a_draft(writer, **at)
    run_of(draft)
    return submit_draft(draft=draft, revision=draft.revision, by=writer, now=NOW)


def in_force():
    return Scorecard.objects.get(is_current=True).version


# -- Writing ---------------------------------------------------------------------------------------------------


def test_a_draft_begins_as_the_scorecard_in_force_with_a_version_of_its_own(writer):
    draft = start_draft(by=writer, now=NOW)
    assert draft.document == current_scorecard().card.document | {"version": "2026-11.2"}
    assert (draft.state, draft.revision, draft.based_on.version) == ("draft", 1, "2026-11")
    assert list(draft.writers.all()) == [writer]
    assert judge_document(draft.document).faults == ()
    assert AuditEvent.objects.get(action="scorecard_draft.start").object == draft.public_id


def test_a_draft_may_be_kept_with_faults_and_each_has_its_place(writer):
    draft = a_draft(writer, rules__2__bins__0__points="six", version="2026-11")
    judged = judge_document(draft.document)
    assert judged.card is None
    assert [fault.path for fault in judged.faults] == ["rules[2].bins[0].points"]
    fixed = changed(draft.document, rules__2__bins__0__points="6")
    assert [(one.path, one.message[:26]) for one in judge_document(fixed).faults] == [
        ("version", "This version is published,")
    ]
    assert [one.path for one in judge_document(changed(fixed, version="x" * 17)).faults] == ["version"]


def test_what_is_odd_is_told_and_forbids_nothing(writer):
    for threshold in (640, 700):
        PerkFactory(purpose="dating", tiers=[{"min_score": threshold, "benefit": {"type": "percent", "percent": 5}}])
    document = changed(
        current_scorecard().card.document,
        version="2027-01",
        factors__2__max="60",
        bands__4__from="945",
        factors__0__max="100",
    )
    judged = judge_document(document)
    assert judged.card is not None
    told = {one.path: one.message for one in judged.warnings}
    assert told["bands[4].from"] == "Nobody can reach this band: the rules come to 900 at best."
    assert told["purposes.dating"] == "1 offered perk asks for more than 650, the most anybody could have."
    assert [(one.purpose, one.min_score) for one in thresholds_in_use()] == [("dating", 640), ("dating", 700)]


def test_an_update_of_what_somebody_else_changed_is_not_lost_but_refused(writer, second):
    draft = a_draft(writer)
    ours, theirs = (changed(draft.document, base=base) for base in ("555", "560"))
    save_draft(draft=draft, document=theirs, note="Theirs", revision=draft.revision, by=second, now=NOW)
    with pytest.raises(DraftHasChanged):
        save_draft(draft=draft, document=ours, note="Ours", revision=draft.revision, by=writer, now=NOW)
    kept = ScorecardDraft.objects.get()
    assert (kept.document["base"], kept.note, kept.revision) == ("560", "Theirs", 3)


def test_saving_the_same_again_changes_nothing(writer, second):
    draft = a_draft(writer)
    again = save_draft(draft=draft, document=draft.document, note=f" {NOTE}\r\n", revision=2, by=second, now=NOW)
    assert again.revision == draft.revision == 2
    assert not draft.writers.filter(pk=second.pk).exists()


def test_a_submitted_or_withdrawn_draft_is_not_written_on(writer):
    for draft in (ready(writer), withdraw_draft(draft=a_draft(writer), by=writer, now=NOW)):
        with pytest.raises(WrongState):
            save_draft(draft=draft, document={}, note="", revision=draft.revision, by=writer, now=NOW)
        with pytest.raises(WrongState):
            start_shadow_run(draft=draft, by=writer, now=NOW)
        draft.refresh_from_db()
        assert draft.document != {}


# -- Submitting ------------------------------------------------------------------------------------------------


def test_what_is_not_sound_told_or_tried_is_not_submitted(writer):
    silent, faulty, untried = a_draft(writer, note=""), a_draft(writer, base="x"), a_draft(writer)
    run_of(silent)
    for draft, refusal in ((silent, NoteMissing), (faulty, DraftNotSound), (untried, ShadowRunNeeded)):
        with pytest.raises(refusal):
            submit_draft(draft=draft, revision=draft.revision, by=writer, now=NOW)
        draft.refresh_from_db()
        assert draft.state == "draft"
    with pytest.raises(DraftNotSound):
        start_shadow_run(draft=faulty, by=writer, now=NOW)


def test_a_run_of_an_earlier_text_does_not_count(writer):
    draft = a_draft(writer)
    run_of(draft)
    draft = save_draft(
        draft=draft, document=changed(draft.document, base="551"), note=NOTE, revision=2, by=writer, now=NOW
    )
    with pytest.raises(ShadowRunNeeded):
        submit_draft(draft=draft, revision=3, by=writer, now=NOW)
    with pytest.raises(DraftHasChanged):
        submit_draft(draft=draft, revision=2, by=writer, now=NOW)


def test_a_run_that_shuts_the_gate_stops_the_draft(writer, second):
    draft = a_draft(writer)
    run = run_of(draft)
    shut = run.result | {"fairness": {"passed": False, "measured": True, "lowest": None}}
    ShadowRun.objects.filter(pk=run.pk).update(result=shut)
    with pytest.raises(GateShut):
        submit_draft(draft=draft, revision=draft.revision, by=writer, now=NOW)
    ScorecardDraft.objects.update(state="submitted", submitted_by=writer)
    with pytest.raises(GateShut):
        publish_draft(draft=draft, by=second, now=NOW)
    assert in_force() == "2026-11"


# -- Publishing ------------------------------------------------------------------------------------------------


def test_another_operator_publishes_and_everybodys_score_follows(writer, second):
    citizen = scored_citizen()
    draft = ready(writer)
    row = publish_draft(draft=draft, by=second, now=NOW)
    assert (row.version, row.is_current, row.note, row.published_at) == ("2026-11.2", True, NOTE, NOW)
    assert row.document == draft.document
    draft.refresh_from_db()
    assert (draft.state, draft.published, draft.decided_by) == ("published", row, second)
    event = AuditEvent.objects.get(action="scorecard.publish")
    assert event.actor == f"person:{second.pk}"
    assert event.facts["submitted_by"] == f"person:{writer.pk}"
    assert RescoringRun.objects.get().cause == "scorecard"
    before = rescoring_progress(now=NOW)
    assert (before.done, before.total, before.is_over) == (0, 1, False)
    while run_due():
        pass
    after = rescoring_progress(now=NOW)
    assert (after.version, after.done, after.total, after.is_over) == ("2026-11.2", 1, 1, True)
    assert Score.objects.get(pk=citizen.pk).scorecard == row


def test_nobody_publishes_what_they_wrote_or_submitted(writer, second):
    third = operator_with("scoring")
    draft = a_draft(writer)
    draft = save_draft(
        draft=draft, document=changed(draft.document, base="551"), note=NOTE, revision=2, by=second, now=NOW
    )
    run_of(draft)
    submit_draft(draft=draft, revision=3, by=third, now=NOW)
    for one in (writer, second, third):
        with pytest.raises(SelfApproval) as refusal:
            publish_draft(draft=draft, by=one, now=NOW)
        assert refusal.value.code == "self_approval"
    assert in_force() == "2026-11"
    assert publish_draft(draft=draft, by=operator_with("scoring"), now=NOW).version == in_force() == "2026-11.2"


def test_only_what_was_submitted_is_published_and_once(writer, second):
    draft = a_draft(writer)
    with pytest.raises(WrongState):
        publish_draft(draft=draft, by=second, now=NOW)
    draft = ready(writer, base="551")
    publish_draft(draft=draft, by=second, now=NOW)
    with pytest.raises(WrongState):
        publish_draft(draft=draft, by=second, now=NOW)
    assert Scorecard.objects.count() == 2


def test_a_draft_that_was_tried_against_another_scorecard_is_tried_again(writer, second):
    first, other = ready(writer), ready(writer, version="2026-12")
    publish_draft(draft=first, by=second, now=NOW)
    with pytest.raises(ShadowRunNeeded):
        publish_draft(draft=other, by=second, now=NOW)
    assert in_force() == "2026-11.2"


def test_a_refused_draft_goes_back_with_the_reason_and_can_be_written_on(writer, second):
    draft = refuse_draft(draft=ready(writer), by=second, reason="Too little\x00 for bookings.\r\n", now=NOW)
    assert (draft.state, draft.refusal) == ("refused", "Too little for bookings.")
    with pytest.raises(WrongState):
        publish_draft(draft=draft, by=second, now=NOW)
    draft = save_draft(
        draft=draft, document=changed(draft.document, base="551"), note=NOTE, revision=2, by=writer, now=NOW
    )
    assert (draft.state, draft.refusal) == ("draft", "")
    assert in_force() == "2026-11"


def test_a_draft_is_withdrawn_at_any_time_but_after_publishing(writer, second):
    for draft in (a_draft(writer), ready(writer)):
        assert withdraw_draft(draft=draft, by=second, now=NOW).state == "withdrawn"
    draft = ready(writer)
    publish_draft(draft=draft, by=second, now=NOW)
    for act in (withdraw_draft, refuse_draft):
        more = {"reason": "No."} if act is refuse_draft else {}
        with pytest.raises(WrongState):
            act(draft=draft, by=second, now=NOW, **more)
    assert ScorecardDraft.objects.get(pk=draft.pk).state == "published"


# -- What is published never changes ---------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"document": {}}, {"version": "x"}, {"sha256": "0" * 64}, {"note": "Otherwise."}])
def test_the_database_refuses_to_change_a_published_scorecard(change):
    before = Scorecard.objects.values().get()
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Scorecard.objects.update(**change)
    assert violated(refusal.value) == "scorecard_published_never_changes"
    assert Scorecard.objects.values().get() == before


def test_what_is_current_may_still_change(writer):
    publish_scorecard(text="\n".join(_yaml_lines()), now=NOW)
    assert in_force() == "2027-01"


def _yaml_lines():
    from scores.services.publishing import SCORECARDS

    return (SCORECARDS / "2026-11.yaml").read_text().replace('"2026-11"', '"2027-01"', 1).splitlines()


@pytest.mark.parametrize("change", [{"document": {}}, {"note": "x"}, {"state": "draft", "published": None}])
def test_the_database_refuses_to_change_a_published_draft(writer, second, change):
    draft = ready(writer)
    publish_draft(draft=draft, by=second, now=NOW)
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        ScorecardDraft.objects.update(**change)
    assert violated(refusal.value) == "scorecard_draft_published_never_changes"


def test_the_database_knows_the_states_of_a_draft(writer):
    a_draft(writer)
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        ScorecardDraft.objects.update(state="somewhere")
    assert violated(refusal.value) == "scorecard_draft_state_is_known"
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        ScorecardDraft.objects.update(state="published")
    assert violated(refusal.value) == "scorecard_draft_published_has_its_scorecard"
