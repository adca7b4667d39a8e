"""One make-good is taken once, whoever comes at the same moment, and never beyond the stock."""

import time
from collections import Counter
from datetime import timedelta
from threading import Event

import pytest
from django.db import transaction
from django.utils import timezone

from perks.models import MakeGood, Perk, Redemption
from perks.services.make_goods import answer_make_good, expire_make_goods, offer_make_goods, take_make_good
from perks.services.redemptions import cancel_redemption, take_perk
from scores.services.enrolment import leave
from tests.factories.perks import PerkFactory, citizen_with, make_good_for, person_of, reservation, scored_tier
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


@pytest.mark.usefixtures("crowd")
def test_what_comes_back_while_offers_come_and_go_is_never_free_while_somebody_waits():
    """Cancels, takers, new offers, expiries and people leaving at once: the invariants (`sound`) hold afterwards."""
    perk = PerkFactory(stock=6, limit_per_citizen=None)
    taken = [reservation(perk=perk) for _ in range(6)]
    waiting = [make_good_for(citizen_with(), perk) for _ in range(4)]
    over = timezone.now() + timedelta(days=40)
    MakeGood.objects.filter(pk=waiting[0].pk).update(expires_at=timezone.now())

    def offer(citizen):
        return lambda: bool(make_good_for(citizen, perk))

    results = at_once(
        *[lambda one=one: bool(cancel_redemption(redemption=one)) for one in taken],
        *map(take, waiting[1:3]),
        *[offer(citizen_with()) for _ in range(3)],
        *[lambda citizen=citizen: bool(take_perk(citizen=citizen, perk=perk)) for citizen in [citizen_with()] * 4],
        lambda: expire_make_goods(now=timezone.now()) <= 1,
        lambda: bool(leave(citizen=waiting[3].citizen)),
    )
    assert set(results) <= {True, "sold_out", "merchant_must_agree", "too_many_reservations"}
    perk.refresh_from_db()
    open_offers = MakeGood.objects.open_at(timezone.now())
    assert perk.promised_count == open_offers.filter(is_kept=True).count()
    assert perk.taken_count + perk.promised_count <= 6
    expire_make_goods(now=over)
    perk.refresh_from_db()
    assert (perk.promised_count, MakeGood.objects.filter(state="open").count()) == (0, 0)


@pytest.mark.usefixtures("crowd")
def test_the_last_one_kept_is_taken_by_nobody_else():
    perk = PerkFactory(stock=1)
    make_good = make_good_for(citizen_with(), perk)
    others = [lambda citizen=citizen: bool(take_perk(citizen=citizen, perk=perk)) for citizen in _people(31)]
    *results, taken = at_once(*others, take(make_good))
    assert (taken, Counter(results)) == (True, {"sold_out": 31})


@pytest.mark.usefixtures("crowd", "postgresql")
def test_without_the_guard_the_last_one_kept_is_taken_by_somebody_else():
    """The negative control: with what is kept left out of the guard and of the judging, its citizen goes without."""
    perk = PerkFactory(stock=1)
    make_good = make_good_for(citizen_with(), perk)
    MakeGood.objects.update(is_kept=False)
    Perk.objects.update(promised_count=0)
    others = [lambda citizen=citizen: bool(take_perk(citizen=citizen, perk=perk)) for citizen in _people(31)]
    *results, taken = at_once(*others, lambda: time.sleep(0.2) or take(make_good)())
    assert (taken, Counter(results)) == ("merchant_must_agree", {True: 1, "sold_out": 30})


@pytest.mark.usefixtures("postgresql")
def test_what_comes_back_while_an_offer_is_being_written_is_kept_for_it():
    """The offer has found nothing left and is not committed yet: who gives one back waits, and then finds it."""
    perk = PerkFactory(stock=1)
    taken, citizen, has_looked = reservation(perk=perk), citizen_with(), Event()

    def offer():
        with transaction.atomic():
            make_good = make_good_for(citizen, perk)
            has_looked.set()
            time.sleep(0.5)
            return make_good.is_kept

    def cancel():
        has_looked.wait(10)
        return bool(cancel_redemption(redemption=taken))

    assert at_once(offer, cancel) == [False, True]
    assert MakeGood.objects.get().is_kept
    perk.refresh_from_db()
    assert (perk.taken_count, perk.promised_count) == (0, 1)


def _people(count):
    return [citizen_with() for _ in range(count)]


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
