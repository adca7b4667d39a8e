"""P4: an adversary merchant with every perk it may publish in 90 days learns a value to no better than 40 points.

The merchant knows everything it may know and more: whether a citizen who always cooperates shows a yes to each of its
perks, so that a missing yes is a no. It publishes, moves, ends and starts anew by the product's own services, with time
passing; what is judged is the interval in which the value must then lie.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import pytest

from perks import errors, tiers
from perks.models import Merchant, Perk, ThresholdUse
from perks.services import catalogue, thresholds
from scores import assessments
from tests.factories.people import operator_with
from tests.factories.perks import MerchantFactory, PerkFactory, make_good_for, person_of, scored_tier
from tests.factories.scores import NOW, EnrolmentFactory

pytestmark = pytest.mark.django_db

DAYS = 90
REFUSED = (
    errors.ThresholdsTooClose,
    errors.ThresholdMovedRecently,
    errors.ThresholdUnreachable,
    errors.ThresholdNearAnEnd,
)


@dataclass
class Adversary:
    """A merchant that adds up the answers of one person whose value for its purpose is `value`."""

    merchant: Merchant
    value: int
    now: datetime = NOW
    asked: set[int] = field(default_factory=set)
    lowest: int = 0
    beyond: int = 0
    """The value lies in [lowest, beyond): what is deduced so far, from what everybody may know on."""

    def __post_init__(self) -> None:
        self.owner = person_of(self.merchant)
        self.operator = operator_with("merchants")
        purpose = self.merchant.purpose
        self.lowest, self.beyond = assessments.minimum_of(purpose), assessments.maximum_of(purpose) + 1
        assert self.lowest <= self.value < self.beyond

    @property
    def width(self) -> int:
        return self.beyond - self.lowest

    @property
    def candidates(self) -> list[int]:
        """The thresholds that would tell more, the one that halves what is left first."""
        inside = range(self.lowest // 10 * 10, self.beyond + 10, 10)
        middle = (self.lowest + self.beyond) / 2
        return sorted((at for at in inside if self.lowest < at < self.beyond), key=lambda at: abs(at - middle))

    def publish(self, *asked: int) -> Perk | None:
        """Offer a new perk with these thresholds, if the rules let it."""
        rows = [scored_tier(at, f"From {at}") for at in asked]
        perk = PerkFactory(merchant=self.merchant, state="approved", tiers=rows, made_at=self.now)
        try:
            perk = catalogue.publish_perk(perk=perk, by=self.owner, now=self.now)
        except REFUSED:
            return None
        self.learn(*asked)
        return perk

    def move(self, perk: Perk, *asked: int) -> bool:
        """Ask for other thresholds of a perk that is offered, if the rules let it."""
        if self.propose(perk, *asked):
            return self.approve(perk)
        return False

    def propose(self, perk: Perk, *asked: int) -> bool:
        try:
            body = {"tiers": [scored_tier(at) for at in asked]}
            return catalogue.edit_perk(perk=perk, by=self.owner, body=body, now=self.now).pending is not None
        except REFUSED:
            return False

    def approve(self, perk: Perk) -> bool:
        perk.refresh_from_db()
        if perk.pending is None:
            return False
        try:
            changed = catalogue.approve_perk(perk=perk, by=self.operator, now=self.now)
        except REFUSED:
            return False
        self.learn(*(row["min_score"] for row in changed.version_in_force.tiers))
        return True

    def end(self, perk: Perk) -> None:
        """Make room for another; the rules remember it."""
        catalogue.end_perk(perk=perk, by=self.owner, now=self.now)

    def learn(self, *asked: int) -> None:
        """What a yes or its absence tells."""
        for at in asked:
            self.asked.add(at)
            if self.value >= at:
                self.lowest = max(self.lowest, at)
            else:
                self.beyond = min(self.beyond, at)

    def days(self, step: timedelta = timedelta(days=1)) -> Iterator[int]:
        """Let 90 days pass, a step at a time."""
        start, day = self.now, 0
        while self.now < start + timedelta(days=DAYS):
            yield day
            day += 1
            self.now = min(self.now + step, start + timedelta(days=DAYS))


def bisect(adversary: Adversary) -> None:
    """Every week, ask what would halve the rest, else whatever is let through; end it at once."""
    for _ in adversary.days(timedelta(days=6)):
        for at in adversary.candidates[:8]:
            perk = adversary.publish(at)
            if perk is not None:
                adversary.end(perk)
                break


def keep_and_move(adversary: Adversary) -> None:
    """Keep one perk and move it whenever that is let through, to where it tells most, first around where it stands."""
    perk = adversary.publish(630) or adversary.publish(600)
    assert perk is not None
    for _ in adversary.days(timedelta(days=3)):
        for at in adversary.candidates[:6]:
            if adversary.move(perk, at):
                break


def all_tiers(adversary: Adversary) -> None:
    """Spread perks of three tiers over the scale, end them, and come back between them."""
    for day in adversary.days(timedelta(days=15)):
        shift = day * 10
        for at in range(390 + shift % 40, 940, 120):
            perk = adversary.publish(at, at + 40, at + 80) or adversary.publish(at)
            if perk is not None:
                adversary.end(perk)
        for at in adversary.candidates[:6]:
            adversary.publish(at)


def at_random(seed: int, adversary: Adversary) -> None:
    """Anything at any time: publish, propose, approve later, end, wait."""
    dice, perks = random.Random(seed), []
    for _ in adversary.days(timedelta(days=2)):
        near = adversary.candidates or [adversary.lowest]
        act = dice.choice(["publish", "publish", "propose", "approve", "end", "wait"])
        if act == "publish" and (perk := adversary.publish(dice.choice(near[:6]))):
            perks.append(perk)
        if not perks:
            continue
        perk = dice.choice(perks)
        if act == "propose":
            adversary.propose(perk, dice.choice(near[:6]))
        elif act == "approve":
            adversary.approve(perk)
        elif act == "end":
            perks.remove(perk)
            adversary.end(perk)


STRATEGIES = {
    "bisecting": bisect,
    "moving one perk": keep_and_move,
    "all tiers": all_tiers,
    "at random": partial(at_random, 7),
    "at random again": partial(at_random, 2026),
}


def played(strategy, *, sector: str = "hotel", value: int) -> Adversary:
    adversary = Adversary(MerchantFactory(sector=sector), value)
    strategy(adversary)
    return adversary


@pytest.mark.parametrize("value", [612, 737, 950, 351])
@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES.keys())
def test_p4_ninety_days_of_probing_tell_a_value_to_no_better_than_40_points(strategy, value):
    adversary = played(strategy, value=value)
    assert len(adversary.asked) > 2  # it was let do something
    assert adversary.lowest <= value < adversary.beyond
    assert adversary.width >= 40, (adversary.lowest, adversary.beyond, sorted(adversary.asked))


@pytest.mark.parametrize(("sector", "end"), [("car_rental", 840), ("shop", 800), ("dating_app", 650)])
def test_p4_the_highest_value_of_any_purpose_is_not_told_either(sector, end):
    assert assessments.maximum_of(Merchant.PURPOSE_OF[sector]) == end
    adversary = played(bisect, sector=sector, value=end)
    assert adversary.width >= 40
    assert adversary.beyond == end + 1


@pytest.mark.parametrize("sector", ["hotel", "dating_app"])
@pytest.mark.parametrize("far", [0, 10, 30])
def test_p4_a_threshold_at_an_end_of_the_scale_is_not_published(sector, far):
    merchant = MerchantFactory(sector=sector)
    least, most = assessments.minimum_of(merchant.purpose), assessments.maximum_of(merchant.purpose)
    for at in (most // 10 * 10 - far, -(-least // 10) * 10 + far):
        perk = PerkFactory(merchant=merchant, state="approved", tiers=[scored_tier(at)])
        with pytest.raises(errors.ThresholdNearAnEnd) as refused:
            catalogue.publish_perk(perk=perk, by=person_of(merchant), now=NOW)
        facts = refused.value.facts
        assert facts["min_score"] == at
        assert most + 1 - facts["most"] >= 40
        assert facts["least"] - least >= 40
        assert not ThresholdUse.objects.exists()
        perk.refresh_from_db()
        assert perk.state == "approved"


def test_p4_one_perk_sorts_people_anew_at_most_once_in_seven_days():
    adversary = Adversary(MerchantFactory(), 737)
    assert _moves(adversary) <= DAYS // 7 + 1


def _moves(adversary: Adversary) -> int:
    """How often one perk's threshold can be moved up and down in 90 days, tried every two days."""
    perk, moves, at = adversary.publish(600), 0, 600
    for _ in adversary.days(timedelta(days=2)):
        at = 640 if at == 600 else 600
        if adversary.move(perk, at):
            moves += 1
        else:
            at = 640 if at == 600 else 600
    return moves


def test_p4_an_offer_made_good_keeps_others_away_from_its_threshold():
    merchant = MerchantFactory()
    old = PerkFactory(merchant=merchant, tiers=[scored_tier(600)])
    ThresholdUse.objects.filter(perk=old).update(used_until=NOW - timedelta(days=200))
    offer = make_good_for(EnrolmentFactory().citizen, old, now=NOW, min_score=600)
    perk = PerkFactory(merchant=merchant, state="approved", tiers=[scored_tier(610)])
    owner = person_of(merchant)
    with pytest.raises(errors.ThresholdsTooClose):
        catalogue.publish_perk(perk=perk, by=owner, now=NOW)
    type(offer).objects.filter(pk=offer.pk).update(state="expired", closed_at=NOW, is_kept=False)
    with pytest.raises(errors.ThresholdsTooClose):
        catalogue.publish_perk(perk=perk, by=owner, now=NOW + timedelta(days=89))
    assert catalogue.publish_perk(perk=perk, by=owner, now=NOW + timedelta(days=90)).state == "published"


def test_p4_what_was_never_published_is_not_in_the_way_and_tells_nothing():
    adversary = Adversary(MerchantFactory(), 737)
    for at in (600, 610, 620):
        PerkFactory(merchant=adversary.merchant, state="approved", tiers=[scored_tier(at)])
        PerkFactory(merchant=adversary.merchant, state="draft", tiers=[scored_tier(at)])
    assert adversary.publish(630) is not None


# -- Without a rule the adversary learns more: the simulation would notice. -------------------------------------------


def test_p4_control_without_the_forty_points_it_learns_more(monkeypatch):
    monkeypatch.setattr(tiers, "LEAST_APART", 10)
    assert played(bisect, value=737).width < 40
    assert played(keep_and_move, value=737).width < 40


def test_p4_control_without_the_memory_of_ninety_days_it_learns_more(monkeypatch):
    monkeypatch.setattr(tiers, "REMEMBERED", timedelta(0))
    assert played(bisect, value=737).width < 40


def test_p4_control_without_the_memory_of_what_has_ended_it_learns_more(monkeypatch):
    monkeypatch.setattr(thresholds, "retire_thresholds", lambda **_: None)
    monkeypatch.setattr(
        catalogue, "retire_thresholds", lambda *, perk, now: ThresholdUse.objects.filter(perk=perk).delete()
    )
    assert played(bisect, value=737).width < 40


def test_p4_control_without_the_seven_days_one_perk_sorts_people_more_often(monkeypatch):
    monkeypatch.setattr(tiers, "LEAST_BETWEEN_MOVES", timedelta(0))
    assert _moves(Adversary(MerchantFactory(), 737)) > DAYS // 7 + 1


def test_p4_control_without_the_ends_of_the_scale_it_learns_the_highest_value(monkeypatch):
    monkeypatch.setattr(tiers, "bounds_of_thresholds", lambda minimum, maximum: (minimum, maximum))
    assert played(bisect, sector="dating_app", value=650).width < 40
