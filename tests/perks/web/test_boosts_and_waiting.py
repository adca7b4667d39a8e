"""The page of a boost, and of what waits for a dispute: no code, and what would change it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from perks.models import Redemption
from perks.services.boosts import end_boosts
from tests.factories.people import browser_for
from tests.factories.perks import PerkFactory, citizen_with, reservation
from tests.perks.services.test_boosts import boost_perk
from tests.perks.web.test_citizen import text_of

pytestmark = pytest.mark.django_db


def test_a_running_boost_says_what_the_app_reads_and_until_when_it_is_frozen():
    citizen = citizen_with(640, purpose="dating", document=True)
    redemption = reservation(citizen, boost_perk(title="Be seen"))
    browser = browser_for(citizen)
    page = text_of(browser.get(f"/codes/{redemption.public_id}"))
    assert "Your boost is running" in page
    assert "that you connect reads 1.20 for you, and nothing else" in page
    assert browser.get(f"/codes/{redemption.public_id}/qr.svg").status_code == 404
    end_boosts(citizen=citizen, why="not_reached", now=timezone.now())
    page = text_of(browser.get(f"/codes/{redemption.public_id}"))
    assert "Your boost has ended" in page
    assert "You can take it again once you reach it." in page


def test_what_waits_for_a_dispute_shows_no_code_and_can_be_cancelled():
    citizen = citizen_with()
    redemption = reservation(citizen, PerkFactory(title="No deposit"))
    Redemption.objects.filter(pk=redemption.pk).update(pending_until=timezone.now() + timedelta(days=20))
    browser = browser_for(citizen)
    address = f"/codes/{redemption.public_id}"
    page = browser.get(address)
    assert "thanks to a dispute that is still open" in text_of(page)
    assert "data-pass" not in page.content.decode()
    assert browser.get(f"{address}/qr.svg").status_code == 404
    assert browser.get(f"/api/v1/me/redemptions/{redemption.public_id}").status_code in (200, 401)
    browser.post(f"{address}/cancel")
    redemption.refresh_from_db()
    assert redemption.state == "cancelled"
