"""The acceptance of boosts: a thousand people at two apps for sixty days."""

import random

import pytest

from perks.services import boosts
from tests.promises.two_apps import Town, assert_nothing_is_joined, assert_people_are_joined, judged_on_one_day

pytestmark = pytest.mark.django_db


def test_a_thousand_people_at_two_apps_are_linked_no_better_than_chance(monkeypatch):
    """Threat 2: with a known seed, for a bound of one in a hundred is passed by chance alone once in fifty runs."""

    monkeypatch.setattr(boosts.secrets, "randbelow", random.Random(5).randrange)
    town = Town(1000, seed=1)
    town.live()
    assert_nothing_is_joined(town)


def test_the_same_people_judged_on_the_same_day_at_both_are_joined():
    """The negative control, by the product's own lot: so much is found that no luck hides it."""
    town = Town(1000, seed=1)
    judged_on_one_day(town)
    town.live()
    assert_people_are_joined(town)
