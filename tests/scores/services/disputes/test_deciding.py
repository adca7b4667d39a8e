"""A human decides, another one hears the appeal, nobody on their own records, and the citizen reads who looked."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from citizen_app.errors import WrongState
from citizen_app.models import AuditEvent
from scores.errors import NotAnsweredYet, OwnDispute, SecondOperatorNeeded
from scores.models import Dispute, DisputedEntry, Entry, Inquiry, Score
from scores.services.disputes.answering import answer_dispute
from scores.services.disputes.deciding import admit_dispute, decide_appeal, decide_dispute, open_file
from scores.services.disputes.opening import appeal_dispute, withdraw_dispute
from scores.services.identity import record_identity_entry
from tests.factories.disputes import citizen_in_arrears, dispute_of, photograph, rejected
from tests.factories.people import operator_with
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db
SOON = NOW + timedelta(days=2)


@pytest.fixture
def operator():
    return operator_with("disputes")


@pytest.fixture
def life():
    citizen, late = citizen_in_arrears()
    return citizen, late, dispute_of(citizen, late)


def status_of(entry):
    return Entry.objects.get(pk=entry.pk).status


def test_upholding_strikes_at_any_time(life, operator):
    citizen, late, dispute = life
    value = Score.objects.get(pk=citizen.pk).value
    decided = decide_dispute(dispute=dispute, is_upheld=True, reason="Plainly wrong.", by=operator, now=SOON)
    assert (decided.state, decided.decided_by, decided.ended_at) == ("upheld", operator, SOON)
    assert status_of(late) == "struck"
    assert Score.objects.get(pk=citizen.pk).value == value  # it had stopped counting already
    step = dispute.events.latest("id")
    assert (step.what, step.by, step.text) == ("upheld", "operator", "Plainly wrong.")
    assert AuditEvent.objects.get(action="dispute.uphold").actor == f"person:{operator.pk}"


def test_rejecting_waits_for_the_furnisher(life, operator):
    _citizen, late, dispute = life
    with pytest.raises(NotAnsweredYet), transaction.atomic():
        decide_dispute(dispute=dispute, is_upheld=False, reason="No.", by=operator, now=SOON)
    assert (Dispute.objects.get().state, status_of(late)) == ("received", "disputed")
    answer_dispute(dispute=dispute, position="confirm", now=SOON)
    decide_dispute(dispute=dispute, is_upheld=False, reason="No.", by=operator, now=SOON)
    assert (Dispute.objects.get().state, status_of(late)) == ("rejected", "active")
    assert not DisputedEntry.objects.open().exists()


def test_the_platform_has_nobody_to_ask(operator):
    citizen, _ = citizen_in_arrears()
    own = record_identity_entry(citizen=citizen, kind="identity.email", now=NOW)
    dispute = dispute_of(citizen, own, ground="not_mine")
    assert decide_dispute(dispute=dispute, is_upheld=False, reason="It is.", by=operator, now=SOON).state == "rejected"


def test_it_is_decided_once(life, operator):
    *_, dispute = life
    rejected(dispute, operator)
    for is_upheld in (True, False):
        with pytest.raises(WrongState), transaction.atomic():
            decide_dispute(dispute=dispute, is_upheld=is_upheld, reason="x", by=operator_with("disputes"), now=SOON)
    assert Dispute.objects.get().state == "rejected"


def test_nobody_decides_on_their_own_records(life):
    citizen, late, dispute = life
    acts = [
        lambda: open_file(dispute=dispute, by=citizen),
        lambda: admit_dispute(dispute=dispute, by=citizen),
        lambda: decide_dispute(dispute=dispute, is_upheld=True, reason="x", by=citizen),
        lambda: decide_appeal(dispute=dispute, is_upheld=True, reason="x", by=citizen),
    ]
    for act in acts:
        with pytest.raises(OwnDispute):
            act()
    assert (Dispute.objects.get().state, status_of(late)) == ("received", "disputed")
    assert not Inquiry.objects.exists()


def test_p9_an_operator_s_look_is_an_inquiry(life, operator):
    citizen, _, dispute = life
    open_file(dispute=dispute, by=operator, now=SOON)
    open_file(dispute=dispute, by=operator, now=SOON)
    asked = Inquiry.objects.get()
    assert (asked.enrolment_id, asked.asker_kind, asked.what, asked.count) == (
        citizen.pk,
        "operator",
        "file_opened",
        2,
    )
    assert asked.about == f"Your dispute ({dispute.public_id})"


@pytest.mark.parametrize(
    ("is_upheld", "state", "status"),
    [(True, "upheld_on_appeal", "struck"), (False, "rejected_on_appeal", "active")],
)
def test_another_operator_hears_the_appeal(life, operator, is_upheld, state, status):
    citizen, late, dispute = life
    rejected(dispute, operator)
    appeal_dispute(dispute=dispute, by=citizen, now=NOW + timedelta(days=3))
    later = NOW + timedelta(days=4)
    with pytest.raises(SecondOperatorNeeded), transaction.atomic():
        decide_appeal(dispute=dispute, is_upheld=is_upheld, reason="x", by=operator, now=later)
    assert (Dispute.objects.get().state, status_of(late)) == ("appealed", "active")
    second = operator_with("disputes")
    decided = decide_appeal(dispute=dispute, is_upheld=is_upheld, reason="Read anew.", by=second, now=later)
    assert (decided.state, decided.appeal_decided_by, decided.ended_at) == (state, second, later)
    assert status_of(late) == status
    with pytest.raises(WrongState), transaction.atomic():
        decide_appeal(dispute=dispute, is_upheld=not is_upheld, reason="x", by=operator_with("disputes"), now=later)


def test_the_database_knows_that_the_appeal_is_heard_by_another(life, operator):
    citizen, _, dispute = life
    rejected(dispute, operator)
    appeal_dispute(dispute=dispute, by=citizen, now=SOON)
    decide_appeal(dispute=dispute, is_upheld=True, reason="x", by=operator_with("disputes"), now=SOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        Dispute.objects.update(appeal_decided_by=operator)


def raised_again(citizen, late, dispute):
    withdraw_dispute(dispute=dispute, by=citizen, now=NOW)
    return dispute_of(citizen, late, evidence=photograph())


def test_what_is_raised_again_goes_to_the_furnisher_after_a_look(life, operator):
    citizen, late, dispute = life
    again = raised_again(citizen, late, dispute)
    admitted = admit_dispute(dispute=again, by=operator, now=SOON)
    assert (admitted.state, admitted.asked_at, admitted.due_on) == ("in_review", SOON, date(2026, 12, 25))
    assert (admitted.has_benefit, status_of(late)) == (False, "active")
    with pytest.raises(WrongState), transaction.atomic():
        admit_dispute(dispute=again, by=operator, now=SOON)
    with pytest.raises(NotAnsweredYet), transaction.atomic():
        decide_dispute(dispute=again, is_upheld=False, reason="x", by=operator, now=SOON)
    answer_dispute(dispute=again, position="withdraw", now=SOON)
    assert (Dispute.objects.get(pk=again.pk).state, status_of(late)) == ("upheld", "struck")


def test_what_is_raised_again_for_nothing_is_rejected_without_asking_anybody(life, operator):
    citizen, late, dispute = life
    again = raised_again(citizen, late, dispute)
    decided = decide_dispute(dispute=again, is_upheld=False, reason="Nothing new.", by=operator, now=SOON)
    assert (decided.state, decided.asked_at, status_of(late)) == ("rejected", None, "active")


def test_a_first_dispute_needs_no_look(life, operator):
    *_, dispute = life
    with pytest.raises(WrongState), transaction.atomic():
        admit_dispute(dispute=dispute, by=operator, now=SOON)
    assert Dispute.objects.get().state == "received"
