"""Stock and limits hold whoever comes at the same moment; the loser is told why, with a code."""

from collections import Counter

import pytest

from citizen_app.models import OutboxMessage
from perks.models import PerkDay, Redemption
from perks.services.catalogue import pause_perk
from perks.services.redemptions import cancel_redemption, take_perk
from scores.models import Enrolment
from scores.services.enrolment import leave, pause_enrolment
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, person_of, reservation
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]


def take(citizen, perk, **options):
    return lambda: bool(take_perk(citizen=citizen, perk=perk, **options))


def told(event):
    return OutboxMessage.objects.filter(topic="webhook", payload__type=event).count()


@pytest.mark.usefixtures("crowd")
def test_64_citizens_and_10_left_are_exactly_10():
    """Lesson 1."""
    perk = PerkFactory(stock=10)
    results = at_once(*[take(citizen_with(), perk) for _ in range(64)])
    assert Counter(results) == {True: 10, "sold_out": 54}
    perk.refresh_from_db()
    assert perk.taken_count == 10
    assert Redemption.objects.filter(perk=perk, state="reserved").count() == 10
    assert told("redemption.reserved") == 10
    assert told("perk.sold_out") == 1


@pytest.mark.usefixtures("crowd")
def test_32_attempts_of_one_citizen_are_as_many_as_one_citizen_may():
    """Lesson 1."""
    perk, citizen = PerkFactory(limit_per_citizen=1), citizen_with()
    results = at_once(*[take(citizen, perk)] * 32)
    assert Counter(results) == {True: 1, "citizen_limit_reached": 31}
    perk.refresh_from_db()
    assert (perk.taken_count, Redemption.objects.count(), told("redemption.reserved")) == (1, 1, 1)


def test_16_attempts_of_one_citizen_are_as_many_as_a_period_allows():
    """Lesson 1."""
    perk, citizen = PerkFactory(limit_per_citizen=None, limit_per_citizen_day=1), citizen_with()
    results = at_once(*[take(citizen, perk)] * 16)
    assert Counter(results) == {True: 1, "period_limit_reached": 15}
    assert Redemption.objects.count() == 1


@pytest.mark.usefixtures("crowd")
def test_32_citizens_take_as_many_as_a_day_allows():
    """Lesson 1."""
    perk = PerkFactory(stock=None, limit_per_day=5)
    results = at_once(*[take(citizen_with(), perk) for _ in range(32)])
    assert Counter(results) == {True: 5, "daily_limit_reached": 27}
    assert PerkDay.objects.get().taken_count == 5
    assert Redemption.objects.count() == 5


@pytest.mark.usefixtures("crowd")
def test_32_attempts_hold_five_open_reservations_and_two_at_one_merchant():
    citizen = citizen_with()
    perks = [PerkFactory(merchant=merchant) for merchant in MerchantFactory.create_batch(4) for _ in range(8)]
    results = at_once(*[take(citizen, perk) for perk in perks])
    assert Counter(results) == {True: 5, "too_many_reservations": 27}
    held = Counter(Redemption.objects.filter(state="reserved").values_list("merchant_id", flat=True))
    assert sum(held.values()) == 5
    assert max(held.values()) <= 2


def test_12_attempts_at_one_merchant_hold_two():
    citizen, merchant = citizen_with(), MerchantFactory()
    results = at_once(*[take(citizen, perk) for perk in PerkFactory.create_batch(12, merchant=merchant)])
    assert Counter(results) == {True: 2, "too_many_reservations": 10}


def test_a_budget_is_spent_to_the_cent_and_no_further():
    """Lesson 1."""
    tier = {"min_score": None, "benefit": {"text": "3.33 off", "amount": {"amount": 333, "currency": "EUR"}}}
    perk = PerkFactory(stock=None, tiers=[tier], budget_amount=1000, budget_currency="EUR")
    results = at_once(*[take(citizen_with(), perk) for _ in range(12)])
    assert Counter(results) == {True: 3, "budget_spent": 9}
    perk.refresh_from_db()
    assert perk.budget_spent == 999


def test_who_leaves_while_taking_has_taken_first_or_not_at_all():
    perk = PerkFactory(stock=None)
    citizens = [citizen_with() for _ in range(8)]
    results = at_once(
        *[take(citizen, perk) for citizen in citizens],
        *[lambda citizen=citizen: leave(citizen=citizen) for citizen in citizens],
    )
    taken, receipts = results[:8], results[8:]
    assert set(taken) <= {True, "not_enrolled"}
    assert not Enrolment.objects.exists()
    for citizen, got_it, receipt in zip(citizens, taken, receipts, strict=True):
        held = list(Redemption.objects.filter(citizen=citizen))
        # What was taken first is honoured: the receipt names it, and it will forget its citizen once it closes.
        assert [one.forgets_citizen for one in held] == [True] * (got_it is True)
        named = [kept.what for kept in receipt.kept if kept.what.startswith("the reservation")]
        assert named == [f"the reservation {one.public_id}" for one in held]
    perk.refresh_from_db()
    assert perk.taken_count == taken.count(True)


def test_who_pauses_while_taking_has_taken_first_or_not_at_all():
    perk = PerkFactory(stock=None)
    citizens = [citizen_with() for _ in range(8)]
    results = at_once(
        *[take(citizen, perk) for citizen in citizens],
        *[lambda citizen=citizen: pause_enrolment(citizen=citizen).state for citizen in citizens],
    )
    assert set(results[:8]) <= {True, "enrolment_paused"}
    assert results[8:] == ["paused"] * 8
    paused_at = dict(Enrolment.objects.values_list("citizen_id", "paused_at"))
    assert len(paused_at) == 8
    assert Redemption.objects.count() == results.count(True)


def test_nothing_is_taken_of_a_perk_after_it_was_paused():
    perk = PerkFactory(stock=None)
    manager = person_of(perk.merchant, "manager")
    takes = [take(citizen_with(), perk) for _ in range(12)]
    results = at_once(*takes, lambda: pause_perk(perk=perk, by=manager).state)
    assert results[-1] == "paused"
    assert set(results[:-1]) <= {True, "paused", "busy"}
    perk.refresh_from_db()
    assert (perk.state, perk.taken_count) == ("paused", results.count(True))
    assert at_once(take(citizen_with(), perk)) == ["paused"]


def test_a_place_that_is_given_back_is_taken_once():
    """Lesson 5."""
    perk = PerkFactory(stock=1)
    held = reservation(perk=perk)
    results = at_once(
        *[lambda: cancel_redemption(redemption=Redemption.objects.get(pk=held.pk)).state] * 4,
        *[take(citizen_with(), perk) for _ in range(12)],
    )
    assert Counter(results[:4]) == {"cancelled": 1, "wrong_state": 3}
    assert Counter(results[4:])[True] <= 1
    assert set(results[4:]) <= {True, "sold_out"}
    perk.refresh_from_db()
    assert perk.taken_count == Redemption.objects.filter(counts_for_stock=True).count() == results[4:].count(True)
