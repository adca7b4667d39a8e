"""The list a person may take from is the judge's own answer, found by conditions on rows, at a constant cost."""

from datetime import timedelta

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


def test_a_value_of_another_purpose_opens_nothing():
    now = timezone.now()
    PerkFactory(merchant=MerchantFactory(sector="shop"), tiers=[scored_tier(600)])
    found, judged = both_ways(citizen_with(720, purpose="travel"), now)
    assert found == judged == set()
