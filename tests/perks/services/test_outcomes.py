"""Outcomes that become records: a booking that was kept, and everything that keeps it from being one."""

from datetime import timedelta

import pytest
import time_machine

from citizen_app.models import OutboxMessage
from citizen_app.outbox import run_due
from perks.models import Outcome, Redemption, Scan
from perks.services.deposit_claims import decide_claim
from perks.services.deposits import move_on_deposits, return_deposit
from perks.services.outcomes import record_kept_booking, record_outcome, record_rental
from perks.services.redemptions import reverse_redemption, take_perk
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from scores.models import Entry, Link
from scores.services.enrolment import leave
from scores.services.linking import switch_source
from tests.factories.deposits import active, contested, rental, returned, waiver_perk
from tests.factories.people import operator_with
from tests.factories.perks import BranchFactory, MemberFactory, MerchantFactory, PerkFactory, citizen_with, person_of
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=11)


def hotel(**fields):
    return MerchantFactory(**{"approved_at": NOW - timedelta(days=90)} | fields)


def kept_booking(citizen=None, merchant=None, *, is_on=True, at=NOW):
    """A priority taken and scanned at its branch."""
    merchant = merchant or hotel()
    branch = merchant.branches.first() or BranchFactory(merchant=merchant)
    perk = PerkFactory(merchant=merchant, kind="priority", tiers=[{"min_score": None, "benefit": {"text": "First"}}])
    citizen = citizen or citizen_with()
    if is_on:
        Link.objects.filter(enrolment_id=citizen.pk, source__code="platform").update(is_on=True)
    with time_machine.travel(at, tick=False):
        redemption = take_perk(citizen=citizen, perk=perk, date=at.date(), branch=branch, now=at)
        cashier = person_of(merchant)
        scan, _ = scan_code(
            merchant=merchant,
            by=cashier,
            shown=Shown(code=secrets_of(redemption).code),
            nonce=f"nonce {redemption.pk}",
            branch=branch,
            now=at,
        )
    assert scan.outcome == "accepted"
    redemption.refresh_from_db()
    return redemption, cashier


def deliver(at=LATER):
    with time_machine.travel(at, tick=False):
        run_due()


def bookings():
    return Entry.objects.filter(external_id__startswith="red_").exclude(status="struck")


def test_a_kept_booking_becomes_a_record_once_the_scan_cannot_be_undone():
    redemption, _ = kept_booking()
    deliver(NOW + timedelta(minutes=9))
    assert not bookings().exists()
    deliver()
    entry = bookings().get()
    assert (entry.external_id, entry.value, entry.occurred_on) == (redemption.public_id, 0, NOW.date())
    assert entry.enrolment_id == redemption.citizen_id
    assert Outcome.objects.get().kind == "fulfilment.booking"


def test_p2_nothing_is_kept_while_the_source_is_off():
    kept_booking(is_on=False)
    deliver()
    assert not bookings().exists()
    assert not Outcome.objects.exists()


def test_an_undone_scan_makes_no_record():
    redemption, cashier = kept_booking()
    reverse_redemption(redemption=redemption, by=cashier, now=NOW + timedelta(minutes=5))
    deliver()
    assert not bookings().exists()


def test_a_reversal_strikes_the_record():
    redemption, cashier = kept_booking()
    deliver()
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        reverse_redemption(redemption=redemption, by=cashier, reason="By mistake")
    deliver(NOW + timedelta(hours=2))
    assert not bookings().exists()
    assert Outcome.objects.get().struck_at is not None


def test_one_per_citizen_merchant_and_week():
    citizen, merchant = citizen_with(), hotel()
    kept_booking(citizen, merchant)
    kept_booking(citizen, merchant, at=NOW + timedelta(hours=1))
    kept_booking(citizen, hotel(), at=NOW + timedelta(hours=2))
    deliver(NOW + timedelta(hours=3))
    assert bookings().count() == 2
    kept_booking(citizen, merchant, at=NOW + timedelta(days=7))
    deliver(NOW + timedelta(days=8))
    assert bookings().count() == 3


def test_none_for_the_merchants_own_team():
    citizen, merchant = citizen_with(), hotel()
    MemberFactory(merchant=merchant, citizen=citizen)
    kept_booking(citizen, merchant)
    deliver()
    assert not bookings().exists()


def test_none_in_a_merchants_first_90_days():
    kept_booking(merchant=hotel(approved_at=NOW - timedelta(days=89, hours=23)))
    deliver(NOW + timedelta(hours=2))  # it is the scan that was too early, whenever it is heard of
    assert not bookings().exists()


def test_none_of_what_was_scanned_at_no_branch_or_is_redeemed_no_more():
    redemption, _ = kept_booking()
    scan = Scan.objects.get()
    told = {"kind": "fulfilment.rental", "occurred_on": NOW.date(), "value": 0, "now": LATER}
    scan.branch = None
    assert not record_outcome(redemption=redemption, scan=scan, **told)
    scan.refresh_from_db()
    redemption.state = "reversed"
    assert not record_outcome(redemption=redemption, scan=scan, **told)
    assert not bookings().exists()
    assert not Outcome.objects.exists()


def test_a_discount_makes_no_record():
    merchant = hotel()
    redemption = take_perk(citizen=citizen_with(), perk=PerkFactory(merchant=merchant), now=NOW)
    scan_code(
        merchant=merchant,
        by=person_of(merchant),
        shown=Shown(code=secrets_of(redemption).code),
        nonce="nonce of it",
        branch=BranchFactory(merchant=merchant),
        now=NOW,
    )
    deliver()
    assert not bookings().exists()


def test_leaving_erases_it_and_what_is_told_later_changes_nothing():
    redemption, _ = kept_booking()
    deliver()
    receipt = leave(citizen=redemption.citizen, now=NOW + timedelta(hours=1))
    assert receipt.erased["outcomes"] == 1
    assert not Outcome.objects.exists()


def test_whoever_switches_the_source_on_afterwards_gets_no_record_of_before():
    redemption, _ = kept_booking(is_on=False)
    deliver()
    switch_source(citizen=redemption.citizen, source_code="platform", on=True, now=NOW + timedelta(hours=1))
    deliver(NOW + timedelta(hours=2))
    assert not bookings().exists()
    assert Redemption.objects.get().state == "redeemed"


def test_a_second_scan_is_no_record_before_it_cannot_be_undone_either():
    """The first scan was undone; what it had asked for is done while the second can still be."""
    redemption, cashier = kept_booking()
    reverse_redemption(redemption=redemption, by=cashier, now=NOW + timedelta(minutes=5))
    again, _ = scan_code(
        merchant=redemption.merchant,
        by=cashier,
        shown=Shown(code=secrets_of(redemption).code),
        nonce="the second",
        branch=redemption.branch,
        now=NOW + timedelta(minutes=8),
    )
    assert again.outcome == "accepted"
    OutboxMessage.objects.filter(topic="booking.kept").update(due_at=NOW + timedelta(minutes=10))
    deliver(NOW + timedelta(minutes=11))
    assert not bookings().exists()
    assert not Outcome.objects.exists()
    assert record_kept_booking(redemption=redemption, now=NOW + timedelta(minutes=18))
    assert bookings().count() == 1


# Rentals


def rented(made, citizen=None, **options):
    """An agreement as far as `made` takes it, of somebody who has the platform's source on."""
    citizen = citizen or citizen_with(document=True)
    Link.objects.filter(enrolment_id=citizen.pk, source__code="platform").update(is_on=True)
    perk = waiver_perk(rental(approved_at=NOW - timedelta(days=90)))
    with time_machine.travel(NOW, tick=False):
        return made(citizen, perk, now=NOW, **options)


def moved_on(at):
    """The clock's own sweep, and what it promised."""
    with time_machine.travel(at, tick=False):
        move_on_deposits(now=at)
        run_due()


def test_a_rental_that_came_back_becomes_a_record_once_nothing_can_be_claimed_any_more():
    agreement = rented(active, days=1)
    back = NOW + timedelta(days=3)
    return_deposit(agreement=agreement, by=person_of(agreement.merchant), now=back)
    moved_on(back + timedelta(hours=71))
    assert not bookings().exists()
    moved_on(back + timedelta(hours=72))
    entry = bookings().get()
    assert (Outcome.objects.get().kind, entry.value, entry.occurred_on) == ("fulfilment.rental", 20_000, back.date())
    assert (entry.external_id, entry.enrolment_id) == (agreement.redemption.public_id, agreement.citizen_id)


def test_what_was_never_returned_makes_no_record():
    agreement = rented(active, days=1)
    moved_on(agreement.due_at)
    agreement.refresh_from_db()
    assert agreement.state == "closed"
    assert not record_rental(redemption=agreement.redemption)
    assert not bookings().exists()


def test_a_claim_keeps_it_from_being_one_until_a_person_has_decided():
    agreement = rented(contested)
    assert not record_rental(redemption=agreement.redemption, now=NOW + timedelta(days=10))
    moved_on(NOW + timedelta(days=10))
    assert not bookings().exists()
    with time_machine.travel(NOW + timedelta(days=10), tick=False):
        decide_claim(agreement=agreement, by=operator_with("disputes"), amount=0, reason="It was there before.")
    deliver(NOW + timedelta(days=10, minutes=1))
    assert bookings().get().value == 0


def test_a_rental_that_is_taken_back_is_struck():
    agreement = rented(returned)
    over = NOW + timedelta(days=4)
    moved_on(over)
    assert bookings().count() == 1
    with time_machine.travel(over, tick=False):
        reverse_redemption(redemption=agreement.redemption, by=person_of(agreement.merchant), reason="Another car.")
    deliver(over + timedelta(minutes=1))
    assert not bookings().exists()
