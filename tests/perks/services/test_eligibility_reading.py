"""The list a person may take from is the judge's own answer, found by conditions on rows, at a constant cost."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from perks.models import Perk
from perks.services.eligibility_reading import judge_each, takeable
from perks.services.redemptions import take_perk
from scores import assessments
from scores.services.enrolment import pause_enrolment
from tests.factories.people import CitizenFactory
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, open_tier, scored_tier

pytestmark = pytest.mark.django_db


def a_bit_of_everything(now):
    """One perk for each thing that can stand in the way, and some nothing does."""
    retail = MerchantFactory(sector="shop")
    for fields in (
        {},
        {"tiers": [scored_tier(600)]},
        {"tiers": [scored_tier(700)]},
        {"tiers": [open_tier(), scored_tier(700)]},
        {"merchant": retail, "tiers": [scored_tier(600)]},
        {"state": "paused"},
        {"stock": 0},
        {"stock": None},
        {"valid_from_at": now + timedelta(hours=1)},
        {"valid_from_at": now},
        {"kind": "gift_card", "tiers": [{"min_score": None, "benefit": {"face": {"amount": 500, "currency": "EUR"}}}]},
        {"limit_per_day": 1},
        {"limit_per_citizen": None, "limit_per_citizen_week": 1},
        {"limit_per_citizen": None, "limit_per_citizen_month": 2},
        {"merchant": MerchantFactory(state="suspended")},
    ):
        PerkFactory(**fields)


def both_ways(citizen, now):
    assessment = assessments.assess(citizen, now=now)
    shown = Perk.objects.shown_at(now).select_related("in_force", "merchant")
    found = set(takeable(shown, citizen=citizen, assessment=assessment, now=now).values_list("pk", flat=True))
    answers = judge_each(citizen=citizen, perks=list(shown), assessment=assessment, now=now)
    return found, {pk for pk, answer in answers.items() if answer.is_eligible}


@pytest.mark.parametrize("who", ["scored", "thin", "document", "paused", "not enrolled"])
def test_conditions_and_judge_agree(who):
    now = timezone.now()
    a_bit_of_everything(now)
    citizen = {
        "scored": lambda: citizen_with(650),
        "thin": citizen_with,
        "document": lambda: citizen_with(720, document=True),
        "paused": lambda: citizen_with(720),
        "not enrolled": CitizenFactory,
    }[who]()
    if who == "paused":
        pause_enrolment(citizen=citizen)
    found, judged = both_ways(citizen, now)
    assert found == judged
    assert bool(found) is (who in ("scored", "thin", "document"))


def test_they_agree_while_limits_fill_up():
    now = timezone.now()
    a_bit_of_everything(now)
    citizen, other = citizen_with(720), citizen_with(720)
    sizes = []
    for _ in range(6):
        found, judged = both_ways(citizen, now)
        assert found == judged
        sizes.append(len(found))
        for somebody in (citizen, other):
            still, _ = both_ways(somebody, now)
            if still:
                take_perk(citizen=somebody, perk=Perk.objects.get(pk=min(still)), now=now)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 0  # five are open by now


PERIODS = {
    "a day": ("limit_per_citizen_day", timedelta(hours=6), timedelta(days=1)),
    "a week": ("limit_per_citizen_week", timedelta(days=2), timedelta(days=6)),
    "a month": ("limit_per_citizen_month", timedelta(days=16), timedelta(days=20)),
    "of everybody a day": ("limit_per_day", timedelta(hours=6), timedelta(days=1)),
}


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 9), ("Pacific/Kiritimati", 1), ("Pacific/Pago_Pago", 14)])
@pytest.mark.parametrize("period", PERIODS)
def test_they_agree_through_each_period_wherever_the_perk_is(period, zone, hour):
    """The limit is reached until its own period is over where the perk is, and neither longer nor shorter."""
    limit, still, over = PERIODS[period]
    # A Tuesday there; in UTC the same, the day before or the day after.
    first = datetime(2026, 12, 8, hour, 0, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    perk = PerkFactory(zone=zone, limit_per_citizen=None, hold_minutes=60, **{limit: 1})
    PerkFactory(zone="UTC", limit_per_citizen=None)
    citizen = citizen_with()
    take_perk(citizen=citizen, perk=perk, now=first)
    for now, is_open in ((first, False), (first + still, False), (first + over, period != "a month")):
        found, judged = both_ways(citizen, now)
        assert found == judged
        assert (perk.pk in found) is is_open, now
    assert perk.pk in both_ways(citizen, first + timedelta(days=24))[0]


def test_two_reservations_at_a_merchant_keep_nobody_from_its_gift_card():
    now, citizen, merchant = timezone.now(), citizen_with(document=True), MerchantFactory()
    held = [PerkFactory(merchant=merchant, limit_per_citizen=None) for _ in range(2)]
    worth = {"face": {"amount": 500, "currency": "EUR"}, "lives_months": 24}
    gift = PerkFactory(merchant=merchant, kind="gift_card", tiers=[{"min_score": None, "benefit": worth}])
    for perk in held:
        take_perk(citizen=citizen, perk=perk, now=now)
    assert both_ways(citizen, now) == ({gift.pk}, {gift.pk})


def test_a_value_of_another_purpose_opens_nothing():
    now = timezone.now()
    PerkFactory(merchant=MerchantFactory(sector="shop"), tiers=[scored_tier(600)])
    found, judged = both_ways(citizen_with(720, purpose="travel"), now)
    assert found == judged == set()
