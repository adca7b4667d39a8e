"""Giving back and taking back: what cancels, expiries, undos and reversals move, each exactly once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.accounts.operators import RoleRequired
from citizen_app.errors import InvalidInput, WrongState
from perks import errors
from perks.models import Perk, PerkDay, Redemption
from perks.services.redemptions import cancel_redemption, expire_redemptions, reverse_redemption, take_perk
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from tests.factories.perks import PerkFactory, citizen_with, person_of, reservation
from tests.perks.services.told import events, taken

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("policy", "in_stock_again", "may_take_again"),
    [("all", True, True), ("stock", True, False), ("nothing", False, False)],
)
def test_a_cancelled_one_returns_what_its_policy_says(policy, in_stock_again, may_take_again):
    """Lesson 5."""
    citizen, perk = citizen_with(), PerkFactory(release_on_cancel=policy, limit_per_day=5)
    redemption = cancel_redemption(redemption=take_perk(citizen=citizen, perk=perk))
    assert redemption.state == "cancelled"
    assert redemption.closed_at is not None
    assert (taken(perk) == 0) is in_stock_again
    assert (PerkDay.objects.get().taken_count == 0) is in_stock_again
    if may_take_again:
        take_perk(citizen=citizen, perk=perk)
    else:
        with pytest.raises(errors.CitizenLimitReached):
            take_perk(citizen=citizen, perk=perk)


def test_the_policy_is_the_one_that_was_shown_when_it_was_taken():
    """Lesson 5."""
    perk = PerkFactory(release_on_cancel="all")
    redemption = reservation(perk=perk)
    Perk.objects.filter(pk=perk.pk).update(release_on_cancel="nothing")
    cancel_redemption(redemption=redemption)
    assert taken(perk) == 0


def test_what_is_cancelled_twice_returns_once():
    perk = PerkFactory()
    redemption = reservation(perk=perk)
    stale = Redemption.objects.get(pk=redemption.pk)
    other = reservation(perk=perk)
    cancel_redemption(redemption=redemption)
    with pytest.raises(WrongState):
        cancel_redemption(redemption=stale)
    assert taken(perk) == 1
    assert other.state == "reserved"
    assert events() == ["redemption.reserved", "redemption.reserved", "redemption.cancelled"]


def test_a_hold_that_ran_out_is_expired_once_and_cannot_be_cancelled():
    now, perk = timezone.now(), PerkFactory(hold_minutes=10)
    redemption = reservation(perk=perk, now=now)
    late = now + timedelta(minutes=10)
    with pytest.raises(WrongState):
        cancel_redemption(redemption=redemption, now=late)
    assert expire_redemptions(now=late - timedelta(seconds=1)) == 0
    assert expire_redemptions(now=late) == 1
    assert expire_redemptions(now=late) == 0
    redemption.refresh_from_db()
    assert (redemption.state, taken(perk)) == ("expired", 0)
    assert events()[-1] == "redemption.expired"


def test_money_off_is_taken_from_the_budget_and_returns_with_all():
    tier = {"min_score": None, "benefit": {"text": "5 euros off", "amount": {"amount": 500, "currency": "EUR"}}}
    perk = PerkFactory(tiers=[tier], budget_amount=1200, budget_currency="EUR")
    first = reservation(perk=perk)
    reservation(perk=perk)
    assert Perk.objects.get().budget_spent == 1000
    with pytest.raises(errors.BudgetSpent):
        reservation(perk=perk)
    cancel_redemption(redemption=first)
    assert Perk.objects.get().budget_spent == 500


# Taking a scan back


def redeemed(perk: Perk, till, *, now=None) -> Redemption:
    redemption = reservation(perk=perk, now=now)
    scan, _ = scan_code(
        merchant=perk.merchant, by=till, shown=Shown(secrets_of(redemption).code), nonce=f"n-{redemption.pk}", now=now
    )
    assert scan.outcome == "accepted"
    redemption.refresh_from_db()
    return redemption


def test_within_ten_minutes_it_is_an_undo_and_releases_nothing():
    now, perk = timezone.now(), PerkFactory(release_on_reversal="all")
    till = person_of(perk.merchant, "cashier")
    redemption = redeemed(perk, till, now=now)
    expires_at = redemption.expires_at
    undone = reverse_redemption(
        redemption=redemption, by=till, only_own_undo=True, now=now + timedelta(minutes=9, seconds=59)
    )
    assert (undone.state, undone.closed_at, undone.expires_at) == ("reserved", None, expires_at)
    assert taken(perk) == 1
    again, _ = scan_code(
        merchant=perk.merchant, by=till, shown=Shown(secrets_of(undone).code), nonce="again-after-undo", now=now
    )
    assert again.outcome == "accepted"


def test_the_ten_minutes_of_a_late_upload_begin_when_it_is_heard_of():
    now, perk = timezone.now(), PerkFactory()
    till, redemption = person_of(perk.merchant, "cashier"), reservation(perk=perk, now=now)
    heard = now + timedelta(hours=3)
    scan_code(
        merchant=perk.merchant,
        by=till,
        shown=Shown(secrets_of(redemption).code),
        nonce="made-offline",
        scanned_at=now + timedelta(hours=1),
        now=heard,
    )
    back = {"redemption": redemption, "by": till, "only_own_undo": True}
    with pytest.raises(RoleRequired):
        reverse_redemption(now=heard + timedelta(minutes=10), **back)
    assert reverse_redemption(now=heard + timedelta(minutes=9), **back).state == "reserved"


def test_later_it_is_a_reversal_with_a_reason_and_follows_the_policy():
    now, perk = timezone.now(), PerkFactory(release_on_reversal="stock")
    owner = person_of(perk.merchant)
    redemption = redeemed(perk, owner, now=now)
    late = now + timedelta(minutes=10)
    with pytest.raises(InvalidInput) as refused:
        reverse_redemption(redemption=redemption, by=owner, now=late)
    assert refused.value.facts["errors"][0]["pointer"] == "/reason"
    assert taken(perk) == 1
    reversed_ = reverse_redemption(redemption=redemption, by=owner, reason="The room was not ready.", now=late)
    assert (reversed_.state, reversed_.reversal_reason) == ("reversed", "The room was not ready.")
    assert taken(perk) == 0
    with pytest.raises(WrongState):
        reverse_redemption(redemption=reversed_, by=owner, reason="Again.", now=late)
    assert taken(perk) == 0


def test_a_cashier_takes_back_their_own_scan_in_time_and_nothing_else():
    now, perk = timezone.now(), PerkFactory()
    till, colleague = person_of(perk.merchant, "cashier"), person_of(perk.merchant, "cashier")
    redemption = redeemed(perk, till, now=now)
    with pytest.raises(RoleRequired):
        reverse_redemption(redemption=redemption, by=colleague, only_own_undo=True, now=now)
    with pytest.raises(RoleRequired):
        reverse_redemption(
            redemption=redemption, by=till, only_own_undo=True, reason="Late.", now=now + timedelta(minutes=10)
        )
    assert Redemption.objects.get().state == "redeemed"
