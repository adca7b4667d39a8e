"""The probing rule: thresholds are far apart, seldom moved and within reach (P4)."""

import itertools
from datetime import timedelta

import pytest

from perks import errors
from perks.models import ThresholdUse
from perks.services import catalogue
from scores import assessments
from tests.factories.people import operator_with
from tests.factories.perks import MerchantFactory, person_of, scored_tier
from tests.perks.services.lives import NOW, approved, published

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def owner(merchant):
    return person_of(merchant)


@pytest.fixture
def operator():
    return operator_with("merchants")


def test_thresholds_of_one_purpose_are_equal_or_40_apart(merchant, owner, operator):
    first = published(merchant, owner, operator)
    published(merchant, owner, operator, tiers=[scored_tier(600)])
    published(merchant, owner, operator, tiers=[scored_tier(640)])
    close = approved(merchant, owner, operator, tiers=[scored_tier(620)])
    with pytest.raises(errors.ThresholdsTooClose) as refused:
        catalogue.publish_perk(perk=close, by=owner, now=NOW)
    assert refused.value.facts["min_score"] == 620
    assert refused.value.facts["other"]["title"] == "Late check-out"
    assert refused.value.facts["other"]["min_score"] in (600, 640)
    close.refresh_from_db()
    assert close.state == "approved"
    assert ThresholdUse.objects.filter(perk=close).count() == 0
    assert ThresholdUse.objects.filter(perk=first, used_until=None).count() == 1


def test_another_merchant_has_thresholds_of_its_own(merchant, owner, operator):
    published(merchant, owner, operator)
    other = MerchantFactory()
    published(other, person_of(other), operator, tiers=[scored_tier(610)])


def test_a_threshold_is_remembered_for_90_days_after_its_end(merchant, owner, operator):
    perk = published(merchant, owner, operator)
    catalogue.end_perk(perk=perk, by=owner, now=NOW)
    close = approved(merchant, owner, operator, tiers=[scored_tier(610)])
    with pytest.raises(errors.ThresholdsTooClose):
        catalogue.publish_perk(perk=close, by=owner, now=NOW + timedelta(days=90) - timedelta(seconds=1))
    assert catalogue.publish_perk(perk=close, by=owner, now=NOW + timedelta(days=90)).state == "published"


def test_a_perks_own_threshold_cannot_creep(merchant, owner, operator):
    perk = published(merchant, owner, operator)
    with pytest.raises(errors.ThresholdsTooClose):
        catalogue.edit_perk(perk=perk, by=owner, body={"tiers": [scored_tier(610)]}, now=NOW)
    perk.refresh_from_db()
    assert perk.pending is None


def test_a_threshold_moves_once_in_seven_days(merchant, owner, operator):
    perk = published(merchant, owner, operator)

    def move(min_score, now):
        edited = catalogue.edit_perk(perk=perk, by=owner, body={"tiers": [scored_tier(min_score)]}, now=now)
        return catalogue.approve_perk(perk=edited, by=operator, now=now)

    moved = move(640, NOW + timedelta(hours=1))
    assert moved.easiest_min_score == 640
    with pytest.raises(errors.ThresholdMovedRecently) as refused:
        move(680, NOW + timedelta(days=7))
    assert refused.value.facts == {"may_move_from": "2026-11-30T13:00:00Z"}
    assert move(680, NOW + timedelta(days=7, hours=1)).easiest_min_score == 680
    assert list(ThresholdUse.objects.order_by("min_score").values_list("min_score", "used_until")) == [
        (600, NOW + timedelta(hours=1)),
        (640, NOW + timedelta(days=7, hours=1)),
        (680, None),
    ]


def test_a_change_that_waits_is_judged_again_when_it_is_approved(merchant, owner, operator):
    perk = published(merchant, owner, operator)
    edited = catalogue.edit_perk(perk=perk, by=owner, body={"tiers": [scored_tier(700)]}, now=NOW)
    published(merchant, owner, operator, tiers=[scored_tier(720)])  # since it was written
    with pytest.raises(errors.ThresholdsTooClose):
        catalogue.approve_perk(perk=edited, by=operator, now=NOW)
    perk.refresh_from_db()
    assert (perk.easiest_min_score, perk.in_force.number, perk.pending.number) == (600, 1, 2)
    in_use = ThresholdUse.objects.filter(used_until=None).order_by("min_score").values_list("min_score", flat=True)
    assert list(in_use) == [600, 720]


def test_what_nobody_can_reach_is_not_published(merchant, owner, operator):
    maximum = assessments.maximum_of("travel")
    perk = approved(merchant, owner, operator, tiers=[scored_tier(maximum // 10 * 10 + 10)])
    with pytest.raises(errors.ThresholdUnreachable) as refused:
        catalogue.publish_perk(perk=perk, by=owner, now=NOW)
    assert refused.value.facts == {"min_score": maximum // 10 * 10 + 10, "maximum": maximum}
    perk.refresh_from_db()
    assert perk.state == "approved"


def test_an_adversary_with_every_perk_it_may_publish_learns_no_better_than_40_points(merchant, owner, operator):
    """Ninety days of trying every threshold: those it gets are never closer than 40 points (P4)."""
    got = set()
    for min_score in [600, 640, 610, 650, 680, 630, 670, 720, 690, 710, 560, 590]:
        try:
            published(merchant, owner, operator, tiers=[scored_tier(min_score)])
            got.add(min_score)
        except errors.ThresholdsTooClose:
            pass
    ordered = sorted(got)
    assert len(ordered) > 3
    assert all(after - before >= 40 for before, after in itertools.pairwise(ordered))


def test_other_words_change_at_once_whatever_waits(merchant, owner, operator):
    """What waits was judged when it was written; another perk that came between is met at its approval."""
    perk = published(merchant, owner, operator)
    catalogue.edit_perk(perk=perk, by=owner, body={"tiers": [scored_tier(680)]}, now=NOW)
    published(merchant, owner, operator, tiers=[scored_tier(660)])
    edited = catalogue.edit_perk(perk=perk, by=owner, body={"title": "Late"}, now=NOW)
    assert (edited.version_in_force.title, edited.version_in_force.tiers[0]["min_score"]) == ("Late", 600)
    assert edited.pending.tiers[0]["min_score"] == 680
    with pytest.raises(errors.ThresholdsTooClose):
        catalogue.edit_perk(perk=perk, by=owner, body={"tiers": [scored_tier(690)]}, now=NOW)
    with pytest.raises(errors.ThresholdsTooClose):
        catalogue.approve_perk(perk=perk, by=operator, now=NOW)
    perk.refresh_from_db()
    assert (perk.version_in_force.tiers[0]["min_score"], perk.easiest_min_score) == (600, 600)
