"""Whoever acts on a dispute at the same moment: one of them ends it, and the score follows that one."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from citizen_app import outbox
from scores.models import Dispute, DisputedEntry, DisputeEvent, Entry, EntryStatusChange
from scores.services.disputes.answering import answer_dispute
from scores.services.disputes.batch_upholding import confirm_mass_upholding, propose_mass_upholding, uphold_batch
from scores.services.disputes.clock import strike_unanswered
from scores.services.disputes.deciding import decide_dispute
from scores.services.disputes.opening import withdraw_dispute
from scores.services.enrolment import leave
from scores.services.ingestion import furnish_entries, retract_entry
from scores.services.rescoring import rescore
from tests.factories.disputes import citizen_in_arrears, dispute_of
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, row
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]

LATE = NOW + timedelta(days=31)
ENDS = {"upheld", "withdrawn", "lapsed_unanswered"}


def test_answer_withdrawal_decision_and_silence_at_once_are_one_end():
    citizen, late = citizen_in_arrears()
    dispute, operator = dispute_of(citizen, late), CitizenFactory()
    on_the_last_day = NOW + timedelta(days=30)
    results = at_once(
        *[lambda: answer_dispute(dispute=dispute, position="withdraw", now=on_the_last_day).state] * 3,
        *[lambda: withdraw_dispute(dispute=dispute, by=citizen, now=LATE).state] * 3,
        *[lambda: decide_dispute(dispute=dispute, is_upheld=True, reason="x", by=operator, now=LATE).state] * 3,
        *[lambda: strike_unanswered(now=LATE, limit=10)] * 3,
    )
    ends = [one for one in results if one in ENDS or one == 1]
    assert len(ends) == 1
    assert set(results) <= {*ENDS, 0, 1, "wrong_state"}
    dispute.refresh_from_db()
    assert dispute.state in ENDS
    last = DisputeEvent.objects.filter(dispute=dispute).exclude(what__in=["opened", "asked", "answered"]).get()
    assert last.what == dispute.state
    assert Entry.objects.get(pk=late.pk).status == ("active" if dispute.state == "withdrawn" else "struck")
    assert EntryStatusChange.objects.filter(entry=late).count() == 2  # disputed, and one end
    assert not DisputedEntry.objects.open().exists()


def test_one_record_disputed_12_times_at_once_is_in_one_dispute():
    citizen, late = citizen_in_arrears()
    results = at_once(*[lambda: dispute_of(citizen, late, now=timezone.now()).state] * 12)
    assert Counter(results) == {"received": 1, "already_disputed": 11}
    assert DisputedEntry.objects.count() == 1


def test_of_many_disputes_opened_at_once_three_have_the_benefit():
    citizen, late = citizen_in_arrears()
    entries = [late, *Entry.objects.of(citizen.pk).filter(external_id__startswith="p")]
    results = at_once(*[lambda one=one: dispute_of(citizen, one, now=timezone.now()).has_benefit for one in entries])
    assert Counter(results) == {True: 3, False: 3}


def test_a_correction_and_a_replacement_at_once_replace_once():
    citizen, late = citizen_in_arrears()
    dispute, right = dispute_of(citizen, late), {"occurred_on": "2026-11-02", "value": 0}
    again = row(late.link.subject, 50, value=1, replaces="late")
    at_once(
        *[lambda: answer_dispute(dispute=dispute, position="correct", correction=right, now=NOW).state] * 4,
        *[lambda: furnish_entries(source=dispute.source, rows=[again], now=NOW).accepted] * 4,
        *[lambda: retract_entry(source=dispute.source, external_id="late", subject=late.link.subject, now=NOW)] * 2,
    )
    outbox.run_due()
    rescore(citizen_id=citizen.pk, cause="entries")
    assert Entry.objects.get(pk=late.pk).status == "struck"
    assert Entry.objects.filter(replaces=late).count() <= 1
    assert EntryStatusChange.objects.filter(entry=late, became="struck").count() == 1


def test_leaving_in_the_middle_of_it_leaves_nothing():
    citizen, late = citizen_in_arrears()
    dispute = dispute_of(citizen, late)
    results = at_once(
        lambda: leave(citizen=citizen).erased["disputes"],
        *[lambda: withdraw_dispute(dispute=dispute, by=citizen, now=NOW).state] * 2,
        *[lambda: answer_dispute(dispute=dispute, position="confirm", now=NOW).state] * 2,
        lambda: strike_unanswered(now=LATE, limit=10),
    )
    assert results[0] == 1
    assert not Dispute.objects.exists()
    assert not Entry.objects.exists()


def test_a_batch_that_two_workers_uphold_is_struck_once():
    citizen, late = citizen_in_arrears()
    dispute_of(citizen, late)
    proposal = propose_mass_upholding(
        source=late.link.source, recorded_at=late.recorded_at, ground="other", reason="x", by=CitizenFactory()
    )
    confirm_mass_upholding(proposal=proposal, by=CitizenFactory())
    at_once(*[lambda: uphold_batch(proposal_id=str(proposal.pk))] * 6)
    assert EntryStatusChange.objects.filter(entry=late, became="struck").count() == 1
    assert Dispute.objects.get().state == "upheld"


@pytest.mark.usefixtures("postgresql")
def test_without_the_guard_two_ends_both_believe_that_they_were_it():
    """The negative control: read, decide, write."""
    citizen, late = citizen_in_arrears()
    dispute = dispute_of(citizen, late)

    @transaction.atomic
    def end_naively(state, **facts):
        found = Dispute.objects.get(pk=dispute.pk)
        if found.state != "received":
            return "wrong_state"
        found.state, found.ended_at = state, NOW
        for name, value in facts.items():
            setattr(found, name, value)
        found.save()
        return state

    results = at_once(
        *[lambda: end_naively("withdrawn")] * 8,
        *[lambda: end_naively("upheld", decided_at=NOW)] * 8,
    )
    assert len([one for one in results if one != "wrong_state"]) > 1
    # What the checks would find is put right: the next test starts from nothing.
    DisputedEntry.objects.update(is_open=False)
    Dispute.objects.all().delete()
    Entry.objects.filter(status="disputed").update(status="active")
    rescore(citizen_id=citizen.pk, cause="dispute")
