"""Negative controls of the limits: the product's own taking, with one guard taken out, gives more than it may.

Each is the race of `test_taking.py` that it belongs to, with nothing else changed.
"""

from collections import Counter
from time import sleep

import pytest
from django.db.models import F

from citizen_app.statements import together
from perks import hours
from perks.models import Perk, PerkDay, Redemption
from perks.services import redemptions
from perks.services.redemptions import take_perk
from tests.factories.perks import PerkFactory, citizen_with
from tests.races.at_once import at_once

pytestmark = [
    pytest.mark.races,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("postgresql", "crowd"),
]

A_MOMENT = 0.1
"""How long naive code ponders between reading and writing: long enough for everybody to have read the same."""


def take(citizen, perk):
    return lambda: bool(take_perk(citizen=citizen, perk=perk))


@pytest.fixture
def nobody_is_held(monkeypatch):
    """Without the enrolment's row being held, one person's takings do not follow one another."""

    read = redemptions._read

    def reads_and_ponders(*asked):
        reading = read(*asked)
        sleep(A_MOMENT)
        return reading

    monkeypatch.setattr(redemptions.assessments, "keep_still", lambda citizen: None)
    monkeypatch.setattr(redemptions, "_read", reads_and_ponders)


@pytest.mark.usefixtures("nobody_is_held")
def test_without_the_hold_one_citizen_takes_more_than_one():
    perk, citizen = PerkFactory(limit_per_citizen=1), citizen_with()
    assert Counter(at_once(*[take(citizen, perk)] * 8))[True] > 1
    assert Redemption.objects.count() > 1


@pytest.mark.usefixtures("nobody_is_held")
@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_without_the_hold_one_citizen_takes_more_than_a_period_allows(period):
    """Lesson 1."""
    perk, citizen = PerkFactory(limit_per_citizen=None, **{f"limit_per_citizen_{period}": 1}), citizen_with()
    assert Counter(at_once(*[take(citizen, perk)] * 8))[True] > 1


def test_a_day_that_is_read_and_written_back_gives_more_than_it_allows(monkeypatch):
    """Lesson 1."""

    guarded = redemptions._day_count

    def count_naively(perk, now):
        day, _ = PerkDay.objects.get_or_create(perk=perk, day=hours.local_day(now, perk.zone))
        if day.taken_count >= perk.limit_per_day:
            return guarded(perk, now)
        sleep(A_MOMENT)
        day.taken_count += 1
        day.save(update_fields=["taken_count"])
        return None

    perk = PerkFactory(stock=None, limit_per_day=2)
    at_once(take(citizen_with(), perk))  # the day's row is there
    monkeypatch.setattr(redemptions, "_day_count", count_naively)
    assert Counter(at_once(*[take(citizen_with(), perk) for _ in range(8)]))[True] > 1
    assert Redemption.objects.count() > 2


@pytest.mark.parametrize("what", ["stock", "budget"])
def test_a_stock_or_budget_that_is_read_and_written_back_gives_more_than_there_is(what, monkeypatch):
    """Lesson 1."""

    def take_naively(perks, perk, *, cost=0, beside=()):
        found = Perk.objects.get(pk=perk.pk)
        if found.stock is not None and found.taken_count >= found.stock:
            return False
        if found.budget_amount is not None and found.budget_spent + cost > found.budget_amount:
            return False
        sleep(A_MOMENT)
        together(*beside)
        found.taken_count, found.budget_spent = found.taken_count + 1, found.budget_spent + cost
        found.save(update_fields=["taken_count", "budget_spent"])
        return True

    monkeypatch.setattr(type(Perk.objects.all()), "take_one", take_naively)
    monkeypatch.setattr(type(Perk.objects), "take_one", take_naively)
    tier = {"min_score": None, "benefit": {"text": "3.33 off", "amount": {"amount": 333, "currency": "EUR"}}}
    limits = {"stock": 3} if what == "stock" else {"stock": None, "budget_amount": 1000, "budget_currency": "EUR"}
    perk = PerkFactory(tiers=[tier], **limits)
    assert Counter(at_once(*[take(citizen_with(), perk) for _ in range(12)]))[True] > 3
    assert Redemption.objects.filter(perk=perk).count() > 3


def test_a_place_given_back_without_asking_whether_it_was_taken_is_given_back_twice(monkeypatch):
    """Lesson 2: without the state that is left in the update, one cancelling sells a place that is not there."""

    def close_naively(redemption, action, *, now, where=None, **changes):
        found = Redemption.objects.get(pk=redemption.pk)
        if found.state != "reserved":
            return False
        sleep(A_MOMENT)
        Redemption.objects.filter(pk=found.pk).update(
            state="cancelled", closed_at=now, counts_for_stock=False, counts_for_limits=False
        )
        redemption.refresh_from_db()
        return bool(Perk.objects.filter(pk=found.perk_id).update(taken_count=F("taken_count") - 1))

    perk = PerkFactory(stock=4)
    held, *_ = [take_perk(citizen=citizen_with(), perk=perk) for _ in range(4)]
    monkeypatch.setattr(redemptions, "close_redemption", close_naively)
    cancel = [lambda: redemptions.cancel_redemption(redemption=Redemption.objects.get(pk=held.pk)).state] * 4
    assert at_once(*cancel).count("cancelled") > 1
    perk.refresh_from_db()
    assert perk.taken_count < Redemption.objects.filter(counts_for_stock=True).count()
