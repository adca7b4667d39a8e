"""The way to a perk, as its citizen reads it: what the what-if says of it is what it promises."""

import pytest
import time_machine

from perks.services.showing_path import path_of
from scores.errors import NotEnrolled
from tests.factories.people import CitizenFactory, api_client_for, browser_for
from tests.factories.perks import PerkFactory, open_tier, scored_tier
from tests.factories.scores import NOW, scored_citizen

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_november():
    with time_machine.travel(NOW):
        yield


def test_the_next_tier_is_the_goal_and_the_what_if_it_names_reaches_it():
    citizen = scored_citizen(payments=3)  # 598 for travel
    perk = PerkFactory(tiers=[open_tier(), scored_tier(590), scored_tier(640)])
    app = api_client_for(citizen)
    path = app.get(f"/api/v1/perks/{perk.public_id}/path").json()
    assert (path["threshold"], path["value"], path["points_to_go"], path["reached"]) == (640, 598, 42, False)
    assert path["suggestions"] == [
        {
            "code": "pay_on_time",
            "text": "Pay 7 more bills on time",
            "kind": "credit.payment",
            "count": 7,
            "entry": None,
            "on": None,
        }
    ]
    imagined = app.post("/api/v1/me/score/what-if", path["what_if"], format="json").json()
    assert imagined["purposes"]["travel"]["value"] == path["value_then"] == 640


def test_what_is_reached_and_what_nothing_leads_to_are_said():
    citizen = scored_citizen(payments=3)
    reached = path_of(citizen=citizen, perk=PerkFactory(tiers=[scored_tier(590)]), now=NOW)
    assert (reached["reached"], reached["threshold"], reached["suggestions"]) == (True, 590, [])
    everybody = path_of(citizen=citizen, perk=PerkFactory(tiers=[open_tier()]), now=NOW)
    assert (everybody["reached"], everybody["threshold"]) == (True, None)
    far = path_of(citizen=citizen, perk=PerkFactory(tiers=[scored_tier(900)]), now=NOW)
    assert (far["reached"], far["leads_there"], far["value_then"], far["suggestions"]) == (False, False, None, [])


def test_who_is_not_enrolled_has_no_path():
    with pytest.raises(NotEnrolled):
        path_of(citizen=CitizenFactory(), perk=PerkFactory(), now=NOW)


@pytest.mark.parametrize(
    ("least", "says"), [(590, "Nothing is missing"), (640, "Pay 7 more bills on time"), (900, "No short way")]
)
def test_the_page_says_the_same(least, says):
    browser = browser_for(scored_citizen(payments=3))
    page = browser.get(f"/perks/{PerkFactory(tiers=[scored_tier(least)]).public_id}/path")
    assert page.status_code == 200
    assert says in page.content.decode()
