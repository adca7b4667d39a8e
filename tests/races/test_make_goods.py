"""One make-good is taken once, whoever comes at the same moment, and never beyond the stock."""

from collections import Counter
from datetime import timedelta

import pytest

from perks.models import MakeGood, Perk, Redemption
from perks.services.make_goods import answer_make_good, offer_make_goods, take_make_good
from perks.services.redemptions import take_perk
from scores.services.enrolment import leave
from tests.factories.perks import PerkFactory, citizen_with, make_good_for, person_of, scored_tier
from tests.factories.scores import NOW
from tests.factories.wronged import become, refused, wronged
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]


def take(make_good):
    return lambda: bool(take_make_good(make_good=make_good))


def test_sixteen_taps_take_one():
    make_good = make_good_for(citizen_with(), PerkFactory(limit_per_citizen=None))
    assert Counter(at_once(*[take(make_good)] * 16)) == {True: 1, "wrong_state": 15}
    assert Redemption.objects.count() == Perk.objects.get().taken_count == 1


def test_the_last_one_goes_to_a_make_good_or_to_somebody_else_and_never_to_both():
    perk = PerkFactory(stock=1)
    make_goods = [make_good_for(citizen_with(), perk) for _ in range(3)]
    citizens = [citizen_with() for _ in range(3)]
    others = [lambda citizen=citizen: bool(take_perk(citizen=citizen, perk=perk)) for citizen in citizens]
    results = at_once(*map(take, make_goods), *others)
    assert results.count(True) == 1
    assert set(results) <= {True, "merchant_must_agree", "sold_out"}
    perk.refresh_from_db()
    assert (perk.taken_count, perk.stock, Redemption.objects.count()) == (1, 1, 1)


def test_what_the_merchant_agreed_to_is_given_beside_the_stock():
    perk = PerkFactory(stock=0)
    owner = person_of(perk.merchant)
    make_goods = [make_good_for(citizen_with(), perk) for _ in range(4)]
    for make_good in make_goods:
        answer_make_good(make_good=make_good, agrees=True, by=owner)
    assert at_once(*map(take, make_goods)) == [True] * 4
    perk.refresh_from_db()
    assert (perk.taken_count, perk.stock) == (4, 4)


def test_a_merchant_answers_once():
    perk = PerkFactory(stock=0)
    make_good, owner = make_good_for(citizen_with(), perk), person_of(perk.merchant)
    answers = [
        lambda agrees=agrees: answer_make_good(make_good=make_good, agrees=agrees, by=owner).answer
        for agrees in (True, False) * 4
    ]
    results = Counter(at_once(*answers))
    assert results.pop("wrong_state") == 7
    assert [MakeGood.objects.get().answer] == list(results)


def test_being_told_at_once_offers_once_and_whoever_leaves_keeps_nothing():
    citizen, wrong = wronged()
    refused(citizen, PerkFactory(tiers=[scored_tier(600)]), now=NOW)
    become(wrong, "struck", now=NOW + timedelta(seconds=1))
    offer = lambda: len(offer_make_goods(citizen=citizen, dispute_id="dsp_1", entry_ids=[wrong.pk]))  # noqa: E731
    assert sorted(at_once(*[offer] * 4)) == [0, 0, 0, 1]
    assert MakeGood.objects.count() == 1
    *_, taken = at_once(offer, lambda: bool(leave(citizen=citizen)), take(MakeGood.objects.get()))
    assert taken in (True, "not_found")
    assert not MakeGood.objects.exists()
