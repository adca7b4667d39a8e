"""A deposit agreement from its offer to its end: who may do what, until when, and who is told."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction

from citizen_app.errors import InvalidInput, WrongState
from citizen_app.models import Notification, OutboxMessage
from perks.errors import DepositNotAccepted, HoldExpired, PaymentsNotOnboarded, PickUpRefused, TakeRefused
from perks.models import DepositAgreement, Perk, Redemption, Scan
from perks.services import catalogue
from perks.services.deposit_steps import state_at
from perks.services.deposits import (
    accept_deposit,
    move_on_deposits,
    pick_up_deposit,
    return_deposit,
    warn_of_holds,
)
from perks.services.redemptions import cancel_redemption, expire_redemptions, reverse_redemption, take_perk
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from scores.models import Inquiry
from tests.factories.deposits import (
    DEPOSIT,
    accepted,
    active,
    claimed,
    money,
    offered,
    rental,
    returned,
    somebody,
    waiver_perk,
)
from tests.factories.people import operator_with
from tests.factories.perks import BranchFactory, PerkFactory, citizen_with, make_good_for, person_of
from tests.factories.scores import NOW
from tests.perks.services.lives import approved, draft

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


def told(agreement):
    events = OutboxMessage.objects.filter(topic="webhook", payload__object__id=agreement.public_id).order_by("id")
    return [event.payload["type"] for event in events]


def mails():
    """What citizens were told, which is mailed whatever they ticked."""
    return Notification.objects.filter(event__startswith="deposit.").count()


def stands(agreement):
    """The agreement and its redemption as they are in the database."""
    row = DepositAgreement.objects.get(pk=agreement.pk)
    return row.state, row.redemption.state


def test_taking_freezes_the_terms_of_the_version_itemised():
    agreement = offered(vehicle_class="van")
    assert (agreement.full_amount, agreement.waived_amount, agreement.remainder_amount) == (90_001, 90_001, 0)
    assert (agreement.claim_cap, agreement.remainder_items, agreement.vehicle_class) == (60_000, [], "van")
    assert stands(agreement) == ("offered", "reserved")
    assert agreement.due_at == agreement.redemption.expires_at
    assert told(agreement) == ["deposit.offered"]


def test_a_change_of_the_perk_leaves_frozen_terms_as_they_were():
    agreement = accepted()
    perk = agreement.redemption.perk
    dearer = {**DEPOSIT, "classes": [{"code": "compact", "full": money(99_999), "claim_cap": money(99_999)}]}
    owner, operator = person_of(perk.merchant), operator_with("merchants")
    catalogue.edit_perk(perk=perk, by=owner, body={"deposit": dearer}, now=NOW)
    perk.refresh_from_db()
    assert perk.in_force.deposit == DEPOSIT  # what binds waits for an operator
    assert perk.pending.deposit["classes"][0]["claim_cap"] == money(99_999)
    catalogue.approve_perk(perk=perk, by=operator, now=NOW)
    agreement.refresh_from_db()
    assert (agreement.full_amount, agreement.claim_cap) == (50_000, 30_000)


def test_a_waiver_needs_a_document():
    with pytest.raises(TakeRefused) as refusal:
        offered(citizen_with())
    assert refusal.value.code == "document_needed"
    assert not DepositAgreement.objects.exists()


@pytest.mark.parametrize(
    ("said", "pointer", "code"),
    [
        ({"date": None}, "/date", "required"),
        ({"until": None}, "/until", "required"),
        ({"branch": None}, "/branch", "required"),
        ({"vehicle_class": ""}, "/class", "required"),
        ({"vehicle_class": "yacht"}, "/class", "invalid"),
        ({"until": NOW.date() - DAY}, "/until", "out_of_range"),
        ({"until": NOW.date() + 15 * DAY}, "/until", "out_of_range"),
        ({"date": NOW.date() - DAY}, "/date", "out_of_range"),
    ],
)
def test_what_taking_is_told_is_judged_and_nothing_is_taken(said, pointer, code):
    perk, citizen = waiver_perk(), somebody()
    asked = {
        "date": NOW.date(),
        "until": NOW.date() + DAY,
        "branch": perk.merchant.branches.first(),
        "vehicle_class": "compact",
    }
    with pytest.raises(InvalidInput) as refusal:
        take_perk(citizen=citizen, perk=perk, now=NOW, **asked | said)
    assert [(one["pointer"], one["code"]) for one in refusal.value.facts["errors"]] == [(pointer, code)]
    perk.refresh_from_db()
    assert (perk.taken_count, Redemption.objects.count(), DepositAgreement.objects.count()) == (0, 0, 0)


def test_the_last_day_may_be_as_many_days_away_as_the_perk_says():
    assert offered(days=14).until == NOW.date() + 14 * DAY


def test_a_waiver_with_something_left_is_not_published_while_nobody_can_hold_it():
    merchant = rental()
    BranchFactory(merchant=merchant)
    owner, operator = person_of(merchant), operator_with("merchants")
    body = {
        "kind": "deposit_waiver",
        "deposit": DEPOSIT,
        "tiers": [
            {"min_score": 600, "benefit": {"waived_percent": 50}},
            {"min_score": 680, "benefit": {"waived_percent": 100}},
        ],
    }
    perk = approved(merchant, owner, operator, **body)
    with pytest.raises(PaymentsNotOnboarded) as refusal:
        catalogue.publish_perk(perk=perk, by=owner, now=NOW)
    assert "payment account" in refusal.value.remedy
    perk.refresh_from_db()
    assert (perk.state, perk.threshold_uses.count()) == ("approved", 0)


def test_a_published_waiver_cannot_be_changed_into_one_with_something_left():
    perk = waiver_perk(tiers=[{"min_score": 600, "benefit": {"waived_percent": 100}}])
    half = [{"min_score": 600, "benefit": {"waived_percent": 50}}]
    with pytest.raises(PaymentsNotOnboarded):
        catalogue.edit_perk(perk=perk, by=person_of(perk.merchant), body={"tiers": half}, now=NOW)
    perk.refresh_from_db()
    assert perk.pending is None


def test_less_than_a_card_can_hold_is_left_by_no_perk_that_is_saved():
    merchant = rental()
    owner = person_of(merchant)
    small = {**DEPOSIT, "classes": [{"code": "bike", "full": money(4_900), "claim_cap": money(0)}]}
    body = {"kind": "deposit_waiver", "tiers": [{"min_score": 600, "benefit": {"waived_percent": 99}}]}
    with pytest.raises(InvalidInput) as refusal:
        draft(merchant, owner, deposit=small, **body)
    (wrong,) = refusal.value.facts["errors"]
    assert (wrong["pointer"], wrong["code"]) == ("/tiers/0/benefit/waived_percent", "out_of_range")
    assert wrong["detail"] == (
        "0.49 EUR of class bike would be left, and a card holds 0.50 EUR or more. Waive all of it, or less."
    )
    assert not Perk.objects.exists()
    perk = draft(merchant, owner, deposit=DEPOSIT, **body)
    with pytest.raises(InvalidInput):
        catalogue.edit_perk(perk=perk, by=owner, body={"deposit": small})
    perk.refresh_from_db()
    assert perk.pending.deposit["classes"] == DEPOSIT["classes"]


def test_what_is_left_cannot_be_accepted_while_nobody_can_hold_it():
    agreement = offered(perk=waiver_perk(percent=50))
    with pytest.raises(PaymentsNotOnboarded):
        accept_deposit(agreement=agreement, by=agreement.citizen, now=NOW)
    assert stands(agreement) == ("offered", "reserved")
    assert [item["code"] for item in agreement.remainder_items] == ["deposit"]


def test_a_waiver_goes_to_review_with_its_terms_and_a_branch():
    merchant = rental()
    owner = person_of(merchant)
    body = {"kind": "deposit_waiver", "tiers": [{"min_score": 600, "benefit": {"waived_percent": 100}}]}
    perk = draft(merchant, owner, **body)
    with pytest.raises(InvalidInput) as refusal:
        catalogue.submit_perk(perk=perk, by=owner)
    assert refusal.value.facts["errors"][0]["pointer"] == "/deposit"
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"deposit": DEPOSIT})
    with pytest.raises(InvalidInput) as refusal:
        catalogue.submit_perk(perk=perk, by=owner)
    assert refusal.value.facts["errors"][0]["pointer"] == "/branches"
    BranchFactory(merchant=merchant)
    assert catalogue.submit_perk(perk=perk, by=owner).state == "review"


def test_deposit_terms_are_a_waiver_s_alone():
    merchant = rental()
    with pytest.raises(InvalidInput) as refusal:
        draft(merchant, person_of(merchant), deposit=DEPOSIT)
    assert refusal.value.facts["errors"][0]["pointer"] == "/deposit"


def test_accepting_is_once_and_told_to_both_sides():
    agreement = offered()
    accept_deposit(agreement=agreement, by=agreement.citizen, now=NOW)
    assert stands(agreement) == ("accepted", "reserved")
    assert told(agreement) == ["deposit.offered", "deposit.accepted"]
    assert mails() == 1
    with pytest.raises(WrongState):
        accept_deposit(agreement=agreement, by=agreement.citizen, now=NOW)
    assert mails() == 1


def test_an_offer_is_over_with_its_day_filed_or_not():
    agreement = offered()
    over = agreement.redemption.expires_at
    assert state_at(agreement, over - MINUTE) == "offered"
    assert state_at(agreement, over) == "expired"
    with pytest.raises(WrongState):
        accept_deposit(agreement=agreement, by=agreement.citizen, now=over)
    assert stands(agreement) == ("offered", "reserved")
    assert expire_redemptions(now=over) == 1
    assert stands(agreement) == ("expired", "expired")
    assert told(agreement)[-1] == "deposit.expired"


def test_cancelling_the_reservation_cancels_the_agreement():
    agreement = accepted()
    cancel_redemption(redemption=agreement.redemption, now=NOW)
    assert stands(agreement) == ("cancelled", "cancelled")
    with pytest.raises(WrongState):
        accept_deposit(agreement=agreement, by=agreement.citizen, now=NOW)


def test_nothing_is_handed_over_before_the_terms_are_accepted():
    agreement = offered()
    desk = person_of(agreement.merchant, "cashier")
    scan, _ = scan_code(
        merchant=agreement.merchant,
        by=desk,
        shown=Shown(code=secrets_of(agreement.redemption).code),
        nonce="nonce-of-pick-up",
        branch=agreement.redemption.branch,
        now=NOW,
    )
    assert scan.outcome == "not_accepted"
    assert "accept" in scan.detail["text"]
    with pytest.raises(DepositNotAccepted):
        pick_up_deposit(agreement=agreement, by=desk, branch=agreement.redemption.branch, now=NOW)
    assert stands(agreement) == ("offered", "reserved")


def test_the_scan_of_its_code_is_the_pick_up():
    agreement = accepted()
    scan, _ = scan_code(
        merchant=agreement.merchant,
        by=person_of(agreement.merchant, "cashier"),
        shown=Shown(code=secrets_of(agreement.redemption).code),
        nonce="nonce-of-pick-up",
        branch=agreement.redemption.branch,
        now=NOW,
    )
    assert scan.outcome == "accepted"
    assert stands(agreement) == ("active", "redeemed")
    agreement.refresh_from_db()
    assert agreement.picked_up_at == NOW
    assert Inquiry.objects.get(what="scan").consent == "You showed your code or pass at the desk."


def test_a_pick_up_from_the_list_is_a_scan_its_citizen_reads_of():
    agreement = active()
    assert stands(agreement) == ("active", "redeemed")
    scan = Scan.objects.get()
    assert (scan.outcome, scan.typed, scan.redemption) == ("accepted", False, agreement.redemption)
    assert Inquiry.objects.get(what="scan").consent == "You accepted its terms."
    with pytest.raises(WrongState):
        pick_up_deposit(
            agreement=agreement,
            by=person_of(agreement.merchant),
            branch=agreement.redemption.branch,
            now=NOW,
        )


def test_a_pick_up_is_on_its_day_at_its_branch():
    perk = waiver_perk()
    agreement = accepted(perk=perk, day=NOW.date() + DAY)
    elsewhere, desk = BranchFactory(merchant=perk.merchant), person_of(perk.merchant)
    for branch, now in ((agreement.redemption.branch, NOW), (elsewhere, NOW + DAY)):
        with pytest.raises(PickUpRefused):
            pick_up_deposit(agreement=agreement, by=desk, branch=branch, now=now)
    assert stands(agreement) == ("accepted", "reserved")


def test_a_second_scan_says_that_it_is_out():
    agreement = active()
    scan, _ = scan_code(
        merchant=agreement.merchant,
        by=person_of(agreement.merchant, "cashier"),
        shown=Shown(code=secrets_of(agreement.redemption).code),
        nonce="nonce-of-second",
        branch=agreement.redemption.branch,
        now=NOW + HOUR,
    )
    assert scan.outcome == "already_redeemed"
    assert "picked up" in scan.detail["text"]


def test_a_pick_up_uploaded_late_counts_from_when_it_was():
    agreement = accepted()
    over = agreement.redemption.expires_at + HOUR
    expire_redemptions(now=over)
    assert stands(agreement) == ("expired", "expired")
    scan, _ = scan_code(
        merchant=agreement.merchant,
        by=person_of(agreement.merchant),
        shown=Shown(code=secrets_of(agreement.redemption).code),
        nonce="nonce-of-late",
        branch=agreement.redemption.branch,
        scanned_at=NOW + HOUR,
        now=over,
    )
    assert scan.outcome == "accepted"
    agreement.refresh_from_db()
    assert (agreement.state, agreement.picked_up_at, agreement.ended_at) == ("active", NOW + HOUR, None)


def test_a_late_upload_of_what_was_never_accepted_stays_expired():
    agreement = offered()
    over = agreement.redemption.expires_at + HOUR
    expire_redemptions(now=over)
    scan, _ = scan_code(
        merchant=agreement.merchant,
        by=person_of(agreement.merchant),
        shown=Shown(code=secrets_of(agreement.redemption).code),
        nonce="nonce-of-late",
        branch=agreement.redemption.branch,
        scanned_at=NOW + HOUR,
        now=over,
    )
    assert scan.outcome == "not_accepted"
    assert stands(agreement) == ("expired", "expired")


def test_a_pick_up_is_undone_within_ten_minutes_and_not_once_it_is_back():
    agreement = active()
    manager = person_of(agreement.merchant, "manager")
    reverse_redemption(redemption=agreement.redemption, by=manager, now=NOW + MINUTE)
    assert stands(agreement) == ("accepted", "reserved")
    agreement.refresh_from_db()
    assert (agreement.picked_up_at, agreement.due_at) == (None, agreement.redemption.expires_at)

    back = returned()
    with pytest.raises(WrongState):
        reverse_redemption(redemption=back.redemption, by=person_of(back.merchant), now=NOW + 2 * MINUTE)
    assert stands(back) == ("returned", "redeemed")
    assert not Scan.objects.filter(redemption=back.redemption, undone_at__isnull=False).exists()


def test_a_reversal_closes_the_agreement_but_not_over_a_claim():
    agreement = active()
    manager = person_of(agreement.merchant, "manager")
    reverse_redemption(redemption=agreement.redemption, by=manager, reason="Another car.", now=NOW + HOUR)
    assert stands(agreement) == ("closed", "reversed")

    with_claim = claimed()
    with pytest.raises(WrongState, match="decided on, not reversed"):
        reverse_redemption(
            redemption=with_claim.redemption, by=person_of(with_claim.merchant), reason="No.", now=NOW + HOUR
        )
    assert stands(with_claim) == ("claimed", "redeemed")


def test_a_return_counts_the_days_it_is_late_on_the_branch_s_clock():
    agreement = active(days=1)
    by = person_of(agreement.merchant, "cashier")
    return_deposit(agreement=agreement, by=by, now=NOW + 3 * DAY)
    assert (agreement.state, agreement.late_days, agreement.returned_at) == ("returned", 2, NOW + 3 * DAY)
    assert agreement.due_at == NOW + 6 * DAY
    with pytest.raises(WrongState):
        return_deposit(agreement=agreement, by=by, now=NOW + 3 * DAY)


def test_what_was_never_returned_closes_itself_seven_days_after_its_day():
    agreement = active(days=1)
    due = agreement.due_at
    assert timedelta(days=8) < due - NOW < timedelta(days=9)
    assert state_at(agreement, due) == "closed"
    with pytest.raises(WrongState):
        return_deposit(agreement=agreement, by=person_of(agreement.merchant), now=due)
    assert move_on_deposits(now=due - MINUTE) == 0
    assert move_on_deposits(now=due) == 1
    assert stands(agreement) == ("closed", "redeemed")
    assert move_on_deposits(now=due) == 0
    agreement.refresh_from_db()
    assert (agreement.settled_amount, agreement.claimed_amount, agreement.ended_at) == (None, None, due)


def test_a_return_without_a_claim_closes_after_72_hours():
    agreement = returned()
    due = agreement.returned_at + timedelta(hours=72)
    assert move_on_deposits(now=due - MINUTE) == 0
    assert move_on_deposits(now=due) == 1
    assert stands(agreement) == ("closed", "redeemed")
    assert told(agreement)[-1] == "deposit.closed"


def test_a_hold_that_ends_before_the_return_warns_both_sides_once():
    """Lesson 17."""
    agreement, holds = accepted(days=5), {"hold_expires_at": NOW + 2 * DAY}
    long_enough = accepted(days=1)
    DepositAgreement.objects.filter(pk=agreement.pk).update(**holds)
    DepositAgreement.objects.filter(pk=long_enough.pk).update(hold_expires_at=NOW + 30 * DAY)
    before = mails()
    assert warn_of_holds(now=NOW) == 1
    assert told(agreement)[-1] == "deposit.hold_expiring"
    assert mails() == before + 1
    assert warn_of_holds(now=NOW + HOUR) == 0
    assert "deposit.hold_expiring" not in told(long_enough)
    assert stands(agreement) == ("accepted", "reserved")


def test_a_hold_that_is_over_is_told_as_over():
    """Lesson 17."""
    agreement = accepted(days=5)
    DepositAgreement.objects.filter(pk=agreement.pk).update(hold_expires_at=NOW)
    assert warn_of_holds(now=NOW) == 1
    of_hold = Notification.objects.filter(about=agreement.public_id, event__startswith="deposit.hold")
    assert [one.event for one in of_hold] == ["deposit.hold_over"]


def test_nothing_is_handed_over_on_a_hold_that_ran_out():
    """Lesson 17."""
    agreement = accepted()
    DepositAgreement.objects.filter(pk=agreement.pk).update(hold_expires_at=NOW)
    with pytest.raises(HoldExpired):
        pick_up_deposit(
            agreement=agreement, by=person_of(agreement.merchant), branch=agreement.redemption.branch, now=NOW
        )
    assert stands(agreement) == ("accepted", "reserved")


def test_a_waiver_made_good_is_an_agreement_on_the_terms_of_then():
    from perks.services.make_goods import take_make_good

    perk = waiver_perk()
    make_good = make_good_for(somebody(), perk, now=NOW)
    redemption = take_make_good(
        make_good=make_good,
        date=NOW.date(),
        until=NOW.date() + DAY,
        branch=perk.merchant.branches.first(),
        vehicle_class="compact",
        now=NOW,
    )
    assert redemption.deposit.state == "offered"


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"state": "lost"}, "deposit_state_is_known"),
        ({"waived_amount": 1}, "deposit_parts_make_the_whole"),
        ({"claim_cap": -1}, "deposit_amounts_are_not_negative"),
        ({"state": "accepted"}, "deposit_accepted_at_a_moment"),
        ({"picked_up_at": NOW}, "deposit_not_picked_up_before_its_pick_up"),
        ({"state": "active"}, "deposit_picked_up_once_accepted"),
        ({"claimed_at": NOW, "claimed_amount": 5}, "deposit_claimed_iff_it_has_a_claim"),
        ({"state": "closed", "due_at": None}, "deposit_ended_iff_it_is_over"),
        ({"due_at": None}, "deposit_moves_on_by_itself"),
    ],
)
def test_the_database_refuses(changes, constraint):
    agreement = offered()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        DepositAgreement.objects.filter(pk=agreement.pk).update(**changes)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"claimed_amount": 30_001}, "deposit_claim_within_its_cap"),
        ({"state": "settled", "due_at": None, "ended_at": NOW, "settled_amount": 12_001}, "deposit_settled_within_its"),
        ({"settled_amount": 1}, "deposit_settled_iff_it_says_so"),
        ({"returned_at": None}, "deposit_claimed_once_returned"),
    ],
)
def test_the_database_refuses_of_a_claim(changes, constraint):
    agreement = claimed()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        DepositAgreement.objects.filter(pk=agreement.pk).update(**changes)


def test_one_agreement_per_redemption():
    agreement = offered()
    fields = {
        field.attname: getattr(agreement, field.attname)
        for field in agreement._meta.concrete_fields
        if field.name != "id"
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        DepositAgreement.objects.create(**fields)


def test_other_kinds_make_no_agreement():
    from tests.factories.perks import reservation

    reservation(perk=PerkFactory(), now=NOW)
    assert not DepositAgreement.objects.exists()
