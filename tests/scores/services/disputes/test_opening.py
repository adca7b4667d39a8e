"""Opening, withdrawing and appealing: the doubt is the citizen's, once, and nothing else of theirs is touched."""

from datetime import date, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from citizen_app.errors import InvalidInput, WrongState
from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due
from scores.errors import AlreadyDisputed, AppealTooLate, EntryStruck, EvidenceNeeded, NotEnrolled
from scores.models import (
    Dispute,
    DisputedEntry,
    DisputeEvent,
    Entry,
    EntryStatusChange,
    Evidence,
    Score,
    ScoreChange,
    Source,
)
from scores.services.disputes.deciding import decide_appeal
from scores.services.disputes.opening import appeal_dispute, open_dispute, withdraw_dispute
from scores.services.identity import record_identity_entry
from scores.services.rescoring import rescore
from scores.services.statements import history_rows
from tests.factories.disputes import citizen_in_arrears, dispute_of, photograph, rejected
from tests.factories.people import CitizenFactory, operator_with
from tests.factories.scores import NOW, SourceFactory, entry_of, link, scored_citizen

pytestmark = pytest.mark.django_db


@pytest.fixture
def life():
    return citizen_in_arrears()


def value_of(citizen):
    return Score.objects.get(pk=citizen.pk).value


def status_of(entry):
    return Entry.objects.get(pk=entry.pk).status


def steps_of(dispute):
    return list(dispute.events.order_by("id").values_list("what", flat=True))


def test_what_costs_points_stops_counting_the_moment_it_is_disputed(life):
    citizen, late = life
    before = value_of(citizen)
    dispute = dispute_of(citizen, late)
    assert (dispute.state, dispute.has_benefit, dispute.due_on) == ("received", True, date(2026, 12, 23))
    assert status_of(late) == "disputed"
    assert value_of(citizen) > before
    change = ScoreChange.objects.filter(enrolment_id=citizen.pk).latest("id")
    assert (change.cause, change.difference) == ("dispute", value_of(citizen) - before)
    (told,) = history_rows([change])
    assert [line["kind"] for line in told["lines"] if "entry_id" in line] == ["entry_disputed"]
    assert [(one.was, one.became, one.why) for one in EntryStatusChange.objects.filter(entry=late)] == [
        ("active", "disputed", "dispute")
    ]
    assert steps_of(dispute) == ["opened", "asked"]
    assert AuditEvent.objects.get(action="dispute.open").object == dispute.public_id


def test_what_helps_goes_on_helping_while_it_is_disputed(life):
    citizen, _ = life
    before = Score.objects.get(pk=citizen.pk)
    kept = Entry.objects.of(citizen.pk).get(external_id="p2")
    dispute_of(citizen, kept)
    assert status_of(kept) == "disputed"
    after = Score.objects.get(pk=citizen.pk)
    assert (after.value, after.purposes) == (before.value, before.purposes)


def test_several_records_of_one_source_are_one_dispute(life):
    citizen, late = life
    others = list(Entry.objects.of(citizen.pk).filter(external_id__in=["p1", "p2"]))
    dispute = dispute_of(citizen, late, *others)
    assert set(dispute.disputed.values_list("entry_id", flat=True)) == {late.pk, *[one.pk for one in others]}
    assert Entry.objects.of(citizen.pk).filter(status="disputed").count() == 3


def test_withdrawing_leaves_exactly_what_was_before(life):
    citizen, late = life
    before = Score.objects.get(pk=citizen.pk)
    dispute = dispute_of(citizen, late)
    withdraw_dispute(dispute=dispute, by=citizen, now=NOW + timedelta(days=3))
    after = Score.objects.get(pk=citizen.pk)
    assert (after.state, after.value, after.purposes) == (before.state, before.value, before.purposes)
    assert status_of(late) == "active"
    dispute.refresh_from_db()
    assert (dispute.state, dispute.ended_at) == ("withdrawn", NOW + timedelta(days=3))
    assert not DisputedEntry.objects.open().exists()


def test_withdrawing_twice_is_refused_and_changes_nothing(life):
    citizen, late = life
    dispute = dispute_of(citizen, late)
    withdraw_dispute(dispute=dispute, by=citizen, now=NOW)
    revision = Score.objects.get(pk=citizen.pk).revision
    with pytest.raises(WrongState), transaction.atomic():
        withdraw_dispute(dispute=dispute, by=citizen, now=NOW)
    assert Score.objects.get(pk=citizen.pk).revision == revision
    assert steps_of(dispute) == ["opened", "asked", "withdrawn"]


def test_a_record_is_in_one_open_dispute(life):
    citizen, late = life
    dispute_of(citizen, late)
    with pytest.raises(AlreadyDisputed) as refusal:
        dispute_of(citizen, late, ground="not_mine")
    assert refusal.value.facts == {"entries": [late.public_id]}
    assert Dispute.objects.count() == 1


def test_the_database_knows_that_too(life):
    citizen, late = life
    dispute = dispute_of(citizen, late)
    other = dispute_of(citizen, Entry.objects.of(citizen.pk).get(external_id="p1"))
    with pytest.raises(IntegrityError), transaction.atomic():
        DisputedEntry.objects.create(dispute=other, entry=late, ground="other", has_benefit=False)
    dispute.refresh_from_db()
    assert dispute.state == "received"


@pytest.mark.parametrize("named", ["nothing", "a stranger's", "twice", "two sources", "none", "too many"])
def test_only_own_records_of_one_source_can_be_disputed(life, named):
    citizen, late = life
    stranger = Entry.objects.of(scored_citizen().pk).first()
    elsewhere = entry_of(link(citizen, SourceFactory()), external_id="elsewhere")
    ids = {
        "nothing": ["ent_0000000000000"],
        "a stranger's": [late.public_id, stranger.public_id],
        "twice": [late.public_id, late.public_id],
        "two sources": [late.public_id, elsewhere.public_id],
        "none": [],
        "too many": [late.public_id] + [f"ent_{number:013}" for number in range(100)],
    }[named]
    with pytest.raises(InvalidInput):
        open_dispute(citizen=citizen, entry_ids=ids, ground="other", statement="No.", now=NOW)
    assert not Dispute.objects.exists()
    assert status_of(late) == "active"


def test_what_is_struck_is_not_disputed(life):
    citizen, late = life
    Entry.objects.filter(pk=late.pk).strike(why="retracted", now=NOW)
    with pytest.raises(EntryStruck) as refusal:
        dispute_of(citizen, late)
    assert refusal.value.facts == {"entries": [late.public_id]}
    assert not Dispute.objects.exists()


def test_who_is_not_enrolled_disputes_nothing():
    with pytest.raises(NotEnrolled):
        open_dispute(citizen=CitizenFactory(), entry_ids=["ent_x"], ground="other", statement="No.", now=NOW)


def test_the_doubt_is_given_to_three_open_disputes_at_once_and_a_fourth_is_opened_without(life):
    citizen, late = life
    for name in ("p1", "p2", "p3"):
        assert dispute_of(citizen, Entry.objects.of(citizen.pk).get(external_id=name)).has_benefit
    before = value_of(citizen)
    fourth = dispute_of(citizen, late)
    assert (fourth.has_benefit, fourth.state, fourth.due_on) == (False, "received", date(2026, 12, 23))
    assert (status_of(late), value_of(citizen)) == ("active", before)
    withdraw_dispute(dispute=fourth, by=citizen, now=NOW)
    withdraw_dispute(dispute=Dispute.objects.filter(has_benefit=True).first(), by=citizen, now=NOW)
    assert dispute_of(citizen, late).has_benefit  # it never had the benefit, so this is its first time


def test_the_same_ground_a_second_time_needs_new_evidence_and_gets_no_benefit(life):
    citizen, late = life
    withdraw_dispute(dispute=dispute_of(citizen, late, evidence=photograph(1)), by=citizen, now=NOW)
    before = value_of(citizen)
    for evidence in (None, photograph(1)):
        with pytest.raises(EvidenceNeeded) as refusal:
            dispute_of(citizen, late, evidence=evidence)
        assert refusal.value.facts == {"entries": [late.public_id]}
    assert (Dispute.objects.count(), Evidence.objects.count()) == (1, 1)
    again = dispute_of(citizen, late, evidence=photograph(2))
    assert (again.state, again.has_benefit, again.is_raised_again) == ("received", False, True)
    assert (again.asked_at, again.due_on) == (None, None)
    assert (status_of(late), value_of(citizen)) == ("active", before)
    assert steps_of(again) == ["opened"]


def test_another_ground_is_another_doubt(life):
    citizen, late = life
    rejected(dispute_of(citizen, late))
    assert dispute_of(citizen, late, ground="not_mine", now=NOW + timedelta(days=3)).has_benefit
    assert status_of(late) == "disputed"


def test_a_doubt_that_would_bring_something_worse_back_is_not_given():
    """Only the latest payment counts under one rule: an older one, months late, stands behind a mild latest one."""
    citizen = scored_citizen(payments=0)
    linked = citizen.enrolment.links.exclude(source__code=Source.PLATFORM).get()
    for number in range(3):
        entry_of(linked, value=4, occurred_on=date(2026, 7, 1 + number), external_id=f"old{number}")
    mild = entry_of(linked, value=1, occurred_on=date(2026, 10, 31), external_id="mild")
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    before = Score.objects.get(pk=citizen.pk)
    dispute = dispute_of(citizen, mild)
    after = Score.objects.get(pk=citizen.pk)
    assert (after.value, after.purposes) == (before.value, before.purposes)
    assert (dispute.has_benefit, status_of(mild)) == (True, "active")
    withdraw_dispute(dispute=dispute, by=citizen, now=NOW)
    both = dispute_of(
        citizen, mild, *Entry.objects.of(citizen.pk).filter(external_id__startswith="old"), ground="other"
    )
    assert both.disputed.filter(has_benefit=True).count() == 4  # together they bring nothing back
    assert value_of(citizen) > before.value


def test_evidence_is_drawn_anew_and_kept_apart(life, settings):
    citizen, late = life
    dispute = dispute_of(citizen, late, evidence=photograph())
    evidence = Evidence.objects.get(dispute=dispute)
    assert (evidence.content_type, evidence.name[-4:]) == ("image/jpeg", ".jpg")
    file = settings.VAR_DIR / "kept" / evidence.name
    assert file.stat().st_size == evidence.size
    assert b"secret comment" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_refused_dispute_leaves_no_file(life, settings):
    citizen, late = life
    dispute_of(citizen, late)
    with pytest.raises(AlreadyDisputed):
        dispute_of(citizen, late, evidence=photograph())
    assert [path for path in (settings.VAR_DIR / "kept").rglob("*") if path.is_file()] == []


def test_a_rejected_dispute_is_appealed_once_and_counts_meanwhile(life):
    citizen, late = life
    before = value_of(citizen)
    dispute = rejected(dispute_of(citizen, late))
    later = NOW + timedelta(days=5)
    appealed = appeal_dispute(dispute=dispute, by=citizen, statement="Look again.", evidence=photograph(), now=later)
    assert (appealed.state, appealed.ended_at) == ("appealed", None)
    assert (status_of(late), value_of(citizen)) == ("active", before)
    assert DisputedEntry.objects.open().count() == 1
    decide_appeal(dispute=appealed, is_upheld=False, reason="No.", by=operator_with("disputes"), now=later)
    with pytest.raises(WrongState):
        appeal_dispute(dispute=appealed, by=citizen, now=later)
    assert Dispute.objects.get().state == "rejected_on_appeal"


def test_after_30_days_a_decision_stands(life):
    citizen, late = life
    dispute = rejected(dispute_of(citizen, late))
    with pytest.raises(AppealTooLate):
        appeal_dispute(dispute=dispute, by=citizen, now=dispute.ended_at + timedelta(days=30, seconds=1))
    appeal_dispute(dispute=dispute, by=citizen, now=dispute.ended_at + timedelta(days=30))


@pytest.mark.parametrize("state", ["received", "withdrawn"])
def test_only_what_was_rejected_is_appealed(life, state):
    citizen, late = life
    dispute = dispute_of(citizen, late)
    if state == "withdrawn":
        withdraw_dispute(dispute=dispute, by=citizen, now=NOW)
    with pytest.raises(WrongState), transaction.atomic():
        appeal_dispute(dispute=dispute, by=citizen, now=NOW)
    assert Dispute.objects.get().state == state


def test_an_appeal_waits_for_no_second_dispute_of_the_same_record(life):
    citizen, late = life
    dispute = rejected(dispute_of(citizen, late))
    dispute_of(citizen, late, ground="not_mine", now=NOW + timedelta(days=3))
    with pytest.raises(AlreadyDisputed), transaction.atomic():
        appeal_dispute(dispute=dispute, by=citizen, now=NOW + timedelta(days=4))
    assert Dispute.objects.get(pk=dispute.pk).state == "rejected"


def test_a_record_of_the_platform_is_disputed_like_any_other(life):
    citizen, _ = life
    own = record_identity_entry(citizen=citizen, kind="identity.email", now=NOW)
    assert dispute_of(citizen, own, ground="not_mine").source.code == Source.PLATFORM


def test_the_citizen_is_mailed_at_each_step_and_no_mail_says_what_it_is_about(life):
    citizen, late = life
    dispute = rejected(dispute_of(citizen, late, statement="My cat ate the card."))
    appeal_dispute(dispute=dispute, by=citizen, now=NOW + timedelta(days=3))
    run_due()
    mine = [one for one in mail.outbox if one.to == [citizen.email]]
    assert [one.subject for one in mine] == [
        "We have your dispute",
        "The source answered your dispute",
        "Your dispute is rejected",
        "We have your appeal",
    ]
    for one in mine:
        assert "cat" not in one.body
        assert dispute.public_id in one.body


def test_a_step_is_never_without_its_time(life):
    citizen, late = life
    dispute = dispute_of(citizen, late)
    with pytest.raises(IntegrityError), transaction.atomic():
        Dispute.objects.filter(pk=dispute.pk).update(state="withdrawn")
    with pytest.raises(IntegrityError), transaction.atomic():
        Dispute.objects.filter(pk=dispute.pk).update(state="appealed", decided_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Dispute.objects.filter(pk=dispute.pk).update(state="in_review")
    assert DisputeEvent.objects.count() == 2
