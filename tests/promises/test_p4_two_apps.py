"""P4 between two apps: what they read of the same people, laid side by side, says no more than each was shown alone.

The acceptance of a thousand people runs beside the suite (`tests/faults/test_two_apps.py`); these are a fifth of them.
"""

import random

import pytest

from perks.services import boosts
from tests.promises.two_apps import Town, assert_nothing_is_joined, assert_people_are_joined, judged_on_one_day

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _drawn(monkeypatch):
    """The lot of the judging days begins with a known seed, so that these tests say the same each time."""
    monkeypatch.setattr(boosts.secrets, "randbelow", random.Random(20261128).randrange)


def test_p4_two_apps_that_lay_sixty_days_side_by_side_link_people_no_better_than_chance():
    """Threat 2."""
    town = Town(200, seed=1)
    town.live()
    assert_nothing_is_joined(town)


def test_p4_the_adversary_is_awake_apps_that_judged_on_the_same_day_would_be_joined():
    """The negative control of the test above."""
    town = Town(200, seed=1)
    judged_on_one_day(town)
    town.live()
    assert_people_are_joined(town)
