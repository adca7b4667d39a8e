"""What perks add to the pages of the other rooms."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from perks.models import Perk
from perks.web.panels import console, merchants, next_door, reservations
from scores.services.enrolment import pause_enrolment
from tests.factories.people import CitizenFactory
from tests.factories.perks import (
    MemberFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    open_tier,
    reservation,
    scored_tier,
)

pytestmark = pytest.mark.django_db


def title_for(citizen):
    door = next_door(citizen)["next_door"]
    return door and door["title"]


def test_the_next_door_is_the_one_fewest_points_away_for_its_own_purpose():
    guest = citizen_with(640)
    PerkFactory(title="Open already", tiers=[scored_tier(600)])
    PerkFactory(title="Everybody's", tiers=[open_tier(), scored_tier(650)])
    PerkFactory(title="Far", tiers=[scored_tier(700)])
    PerkFactory(title="Near", tiers=[scored_tier(650), scored_tier(720)])
    PerkFactory(title="Another purpose", merchant__sector="shop", tiers=[scored_tier(641)])
    assert title_for(guest) == "Near"
    door = next_door(guest)["next_door"]
    assert door["eligibility"]["reasons"][0]["points_to_go"] == 10


def test_a_door_that_more_than_points_keeps_shut_is_not_the_next_one():
    guest = citizen_with(640)
    PerkFactory(title="Sold out", tiers=[scored_tier(641)], stock=0)
    PerkFactory(title="Not yet", tiers=[scored_tier(642)], valid_from_at=timezone.now() + timedelta(days=1))
    PerkFactory(title="Paused", tiers=[scored_tier(643)], state=Perk.State.PAUSED)
    PerkFactory(title="Ended", tiers=[scored_tier(644)], valid_until_at=timezone.now() - timedelta(days=1))
    assert title_for(guest) is None
    PerkFactory(title="Near", tiers=[scored_tier(700)])
    assert title_for(guest) == "Near"


def test_there_is_no_next_door_without_a_value():
    PerkFactory(tiers=[scored_tier(600)])
    paused = citizen_with(590)
    assert title_for(paused) == "Late check-out"
    pause_enrolment(citizen=paused)
    for citizen in (paused, citizen_with(), CitizenFactory()):
        assert next_door(citizen) == {"next_door": None}


def test_the_next_door_costs_the_same_whatever_the_catalogue():
    guest = citizen_with(560)

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            next_door(guest)
        return len(caught)

    PerkFactory(tiers=[scored_tier(600)], categories=["food"], limit_per_day=3)
    one = queries()
    for number in range(15):
        PerkFactory(tiers=[scored_tier(600 + 10 * number)], categories=["food"], limit_per_day=3)
    assert queries() == one


def test_the_account_lists_the_merchants_somebody_acts_for():
    citizen = CitizenFactory()
    assert merchants(citizen) == {"merchants": []}
    shop, hotel = MerchantFactory(name="Zita’s"), MerchantFactory(name="Almirante")
    MemberFactory(merchant=shop, citizen=citizen, role="owner")
    MemberFactory(merchant=hotel, citizen=citizen, role="cashier")
    MemberFactory(merchant=hotel)
    assert merchants(citizen) == {
        "merchants": [
            {"id": hotel.public_id, "name": "Almirante", "role": "Cashier"},
            {"id": shop.public_id, "name": "Zita’s", "role": "Owner"},
        ]
    }


def test_who_acts_for_a_merchant_lands_at_its_console():
    member = MemberFactory()
    assert console(CitizenFactory()) == {"console": None}
    assert console(member.citizen)["console"].startswith("/merchant")


def test_reservations_are_the_open_ones_the_first_to_end_first():
    guest = citizen_with(640)
    later = reservation(guest, PerkFactory(title="Later", hold_minutes=600))
    sooner = reservation(guest, PerkFactory(title="Sooner", hold_minutes=60))
    reservation(guest, PerkFactory(title="Over"), now=timezone.now() - timedelta(days=3))
    reservation(citizen_with(), PerkFactory(title="Somebody else's"))
    assert reservations(guest) == {
        "reservations": [
            {"id": one.public_id, "perk": {"title": title}, "expires_at": one.expires_at}
            for one, title in ((sooner, "Sooner"), (later, "Later"))
        ]
    }
