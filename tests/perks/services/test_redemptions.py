"""Taking, cancelling, expiring, undoing and reversing: what moves, and that a refusal moves nothing."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from citizen_app.errors import InvalidInput
from citizen_app.models import OutboxMessage
from perks import errors
from perks.models import Perk, PerkDay, Redemption, RefusedAttempt
from perks.models.catalogue import PerkQuerySet
from perks.services.catalogue import edit_perk
from perks.services.redemptions import (
    remembering_refusals,
    take_perk,
)
from scores.services.enrolment import pause_enrolment
from tests.factories.people import CitizenFactory
from tests.factories.perks import (
    BranchFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    open_tier,
    person_of,
    scored_tier,
)
from tests.perks.services.told import events, taken

pytestmark = pytest.mark.django_db


def nothing_moved(perk: Perk) -> bool:
    return taken(perk) == 0 and not Redemption.objects.exists() and events() == []


def test_taking_reserves_one_and_freezes_what_it_gives():
    now = timezone.now()
    perk = PerkFactory(tiers=[scored_tier(600, "10 % off"), scored_tier(680, "20 % off")], hold_minutes=90)
    redemption = take_perk(citizen=citizen_with(690), perk=perk, now=now)
    assert (redemption.state, redemption.min_score, redemption.benefit) == ("reserved", 680, {"text": "20 % off"})
    assert redemption.expires_at == now + timedelta(minutes=90)
    assert redemption.release == {"on_cancel": "all", "on_expiry": "all", "on_reversal": "nothing"}
    assert redemption.version_id == perk.in_force_id
    assert taken(perk) == 1


def test_what_is_promised_to_the_merchant_names_no_person_and_no_score():
    perk = PerkFactory(tiers=[scored_tier(600)])
    redemption = take_perk(citizen=citizen_with(737), perk=perk)
    (message,) = OutboxMessage.objects.filter(topic="webhook")
    assert message.payload == {
        "type": "redemption.reserved",
        "id": message.payload["id"],
        "at": message.payload["at"],
        "merchant": perk.merchant.public_id,
        "sequence": 1,
        "object": {"kind": "redemption", "id": redemption.public_id, "state": "reserved"},
        "perk": perk.public_id,
    }


def test_a_hold_does_not_outlive_the_validity():
    now = timezone.now()
    perk = PerkFactory(valid_until_at=now + timedelta(hours=1))
    assert take_perk(citizen=citizen_with(), perk=perk, now=now).expires_at == now + timedelta(hours=1)


def refusals(now):
    """Each reason by itself: what makes it, who asks, and the code."""
    return {
        "not_enrolled": ({}, CitizenFactory),
        "document_needed": ({"kind": "gift_card"}, citizen_with),
        "ended": ({"valid_until_at": now - timedelta(days=1)}, citizen_with),
        "paused": ({"state": "paused"}, citizen_with),
        "not_open_yet": ({"valid_from_at": now + timedelta(days=1)}, citizen_with),
        "thin_file": ({"tiers": [scored_tier()]}, citizen_with),
        "not_enough_records": ({"tiers": [scored_tier()]}, lambda: citizen_with(700, purpose="dating")),
        "below_threshold": ({"tiers": [scored_tier(600)]}, lambda: citizen_with(599)),
        "sold_out": ({"stock": 0}, citizen_with),
    }


@pytest.mark.parametrize("code", list(refusals(timezone.now())))
def test_a_refusal_names_its_reason_and_moves_nothing(code):
    """Lesson 6."""
    fields, who = refusals(timezone.now())[code]
    perk = PerkFactory(**fields)
    with pytest.raises(errors.TakeRefused) as refused:
        take_perk(citizen=who(), perk=perk)
    assert refused.value.code == code
    assert nothing_moved(perk)


def test_a_paused_person_takes_nothing():
    citizen, perk = citizen_with(), PerkFactory()
    pause_enrolment(citizen=citizen)
    with pytest.raises(errors.EnrolmentPaused):
        take_perk(citizen=citizen, perk=perk)
    assert nothing_moved(perk)


def test_a_suspended_merchants_perks_are_not_taken():
    perk = PerkFactory(merchant=MerchantFactory(state="suspended"))
    with pytest.raises(errors.MerchantSuspended):
        take_perk(citizen=citizen_with(), perk=perk)
    assert nothing_moved(perk)


def test_below_the_threshold_says_how_far_and_nothing_else():
    with pytest.raises(errors.BelowThreshold) as refused:
        take_perk(citizen=citizen_with(587), perk=PerkFactory(tiers=[scored_tier(600)]))
    assert refused.value.facts == {"points_to_go": 13}


def test_a_person_takes_as_many_as_one_person_can():
    citizen, perk = citizen_with(), PerkFactory(limit_per_citizen=1)
    take_perk(citizen=citizen, perk=perk)
    with pytest.raises(errors.CitizenLimitReached):
        take_perk(citizen=citizen, perk=perk)
    assert taken(perk) == 1
    assert Redemption.objects.count() == 1


def test_a_limit_per_day_starts_again_on_the_next_local_day():
    citizen, perk = citizen_with(), PerkFactory(limit_per_citizen=None, limit_per_citizen_day=1, hold_minutes=1)
    # 23:30 and 00:30 in Lisbon, which in summer is an hour ahead of UTC.
    evening = timezone.now().replace(year=2026, month=7, day=10, hour=22, minute=30)
    take_perk(citizen=citizen, perk=perk, now=evening)
    with pytest.raises(errors.PeriodLimitReached):
        take_perk(citizen=citizen, perk=perk, now=evening + timedelta(minutes=20))
    take_perk(citizen=citizen, perk=perk, now=evening + timedelta(hours=1))
    assert taken(perk) == 2


def test_a_perk_is_taken_so_many_times_a_day_by_everybody():
    perk = PerkFactory(limit_per_day=2)
    for _ in range(2):
        take_perk(citizen=citizen_with(), perk=perk)
    with pytest.raises(errors.DailyLimitReached):
        take_perk(citizen=citizen_with(), perk=perk)
    assert PerkDay.objects.get().taken_count == 2
    assert taken(perk) == 2


def test_a_limit_per_day_that_comes_later_counts_what_was_taken_before_it():
    perk = PerkFactory()
    take_perk(citizen=citizen_with(), perk=perk)
    edit_perk(perk=perk, by=person_of(perk.merchant), body={"limits": {"per_day": 2}})
    take_perk(citizen=citizen_with(), perk=perk)
    with pytest.raises(errors.DailyLimitReached):
        take_perk(citizen=citizen_with(), perk=perk)


def test_nobody_holds_more_than_two_at_a_merchant_or_five_in_all():
    citizen, merchant = citizen_with(), MerchantFactory()
    for _ in range(2):
        take_perk(citizen=citizen, perk=PerkFactory(merchant=merchant))
    third = PerkFactory(merchant=merchant)
    with pytest.raises(errors.TooManyReservations) as refused:
        take_perk(citizen=citizen, perk=third)
    assert refused.value.facts["scope"] == "merchant"
    for _ in range(3):
        take_perk(citizen=citizen, perk=PerkFactory())
    with pytest.raises(errors.TooManyReservations) as refused:
        take_perk(citizen=citizen, perk=PerkFactory())
    assert refused.value.facts["scope"] == "all"
    assert taken(third) == 0


def test_a_hold_that_ran_out_is_no_open_reservation_even_before_it_is_filed():
    citizen, merchant, now = citizen_with(), MerchantFactory(), timezone.now()
    for _ in range(2):
        take_perk(citizen=citizen, perk=PerkFactory(merchant=merchant, hold_minutes=5), now=now)
    take_perk(citizen=citizen, perk=PerkFactory(merchant=merchant), now=now + timedelta(minutes=6))


def test_the_last_one_taken_is_told():
    perk = PerkFactory(stock=2)
    take_perk(citizen=citizen_with(), perk=perk)
    assert events() == ["redemption.reserved"]
    take_perk(citizen=citizen_with(), perk=perk)
    assert events() == ["redemption.reserved", "redemption.reserved", "perk.sold_out"]


def test_the_database_refuses_to_oversell():
    perk = PerkFactory(stock=1)
    with pytest.raises(IntegrityError, match="perk_not_oversold"):
        Perk.objects.filter(pk=perk.pk).update(taken_count=2)


def test_a_perk_its_merchant_has_just_changed_is_not_taken_as_it_was(monkeypatch):
    """Between reading and taking the merchant pauses it: the guarded update finds out."""
    perk = PerkFactory()
    real = PerkQuerySet.take_one

    def paused_just_before(self, read, **options):
        Perk.objects.filter(pk=read.pk).update(state="paused")
        return real(self, read, **options)

    monkeypatch.setattr(PerkQuerySet, "take_one", paused_just_before)
    with pytest.raises(errors.PerkPaused):
        take_perk(citizen=citizen_with(), perk=perk)


# Priority: a date and a branch


def priority(**fields):
    branch = BranchFactory()
    return PerkFactory(merchant=branch.merchant, kind="priority", title="Fast track", **fields), branch


def test_priority_is_held_until_its_day_is_over_at_the_branch():
    perk, branch = priority()
    branch.zone = "Atlantic/Azores"
    branch.save()
    now = timezone.now().replace(year=2026, month=7, day=1, hour=12)
    redemption = take_perk(citizen=citizen_with(), perk=perk, date=date(2026, 7, 5), branch=branch, now=now)
    assert redemption.expires_at.isoformat() == "2026-07-06T00:00:00+00:00"  # the Azores keep UTC in summer
    assert (redemption.date, redemption.branch) == (date(2026, 7, 5), branch)


def test_priority_needs_its_day_and_branch_and_a_discount_takes_neither():
    perk, branch = priority()
    with pytest.raises(InvalidInput) as refused:
        take_perk(citizen=citizen_with(), perk=perk)
    assert [(error["pointer"], error["code"]) for error in refused.value.facts["errors"]] == [
        ("/date", "required"),
        ("/branch", "required"),
    ]
    discount = PerkFactory(merchant=branch.merchant)
    with pytest.raises(InvalidInput):
        take_perk(citizen=citizen_with(), perk=discount, date=date(2026, 7, 5))
    assert nothing_moved(perk)


@pytest.mark.parametrize("day", [date(2026, 6, 30), date(2026, 7, 21), date(2028, 7, 1), date(9999, 12, 31)])
def test_priority_is_not_for_a_day_outside_its_validity(day):
    # At noon: an hour before midnight in UTC it is the next day there.
    now = timezone.now().replace(year=2026, month=7, day=1, hour=12)
    perk, branch = priority(valid_until_at=now + timedelta(days=19))
    with pytest.raises(InvalidInput) as refused:
        take_perk(citizen=citizen_with(), perk=perk, date=day, branch=branch, now=now)
    assert refused.value.facts["errors"][0]["pointer"] == "/date"
    assert nothing_moved(perk)


def test_priority_is_not_given_at_a_strangers_branch_or_at_one_the_perk_leaves_out():
    perk, branch = priority()
    other = BranchFactory(merchant=branch.merchant)
    perk.branches.set([branch])
    for wrong in (other, BranchFactory()):
        with pytest.raises(InvalidInput) as refused:
            take_perk(citizen=citizen_with(), perk=perk, date=timezone.now().date(), branch=wrong)
        assert refused.value.facts["errors"][0]["pointer"] == "/branch"
    assert nothing_moved(perk)


# Refused attempts


def test_a_refused_taking_is_remembered_once_a_day_with_all_its_reasons():
    citizen, perk = citizen_with(587), PerkFactory(tiers=[scored_tier(600)], stock=0)
    for _ in range(2):
        with pytest.raises(errors.BelowThreshold), remembering_refusals(citizen=citizen, perk=perk):
            take_perk(citizen=citizen, perk=perk)
    (attempt,) = RefusedAttempt.objects.all()
    assert (attempt.citizen, attempt.version_id) == (citizen, perk.in_force_id)
    assert [reason["code"] for reason in attempt.reasons] == ["below_threshold", "sold_out"]


def test_nothing_is_remembered_of_somebody_not_enrolled():
    citizen, perk = CitizenFactory(), PerkFactory()
    with pytest.raises(errors.MustEnrol), remembering_refusals(citizen=citizen, perk=perk):
        take_perk(citizen=citizen, perk=perk)
    assert not RefusedAttempt.objects.exists()


def test_an_open_tier_is_for_everybody_enrolled():
    perk = PerkFactory(tiers=[open_tier("A coffee"), scored_tier(600)])
    assert take_perk(citizen=citizen_with(), perk=perk).benefit == {"text": "A coffee"}
    assert take_perk(citizen=citizen_with(600), perk=perk).benefit == {"text": "10 % off"}
