"""A vouch from a phone to another: asked for by a link, given, read by both, ended by one."""

import sqlite3

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE

pytestmark = pytest.mark.browser


@pytest.fixture
def here_for_long(product):
    """The demo's Ana has been enrolled for a year: half a year is what its story tells."""
    with sqlite3.connect(product.var / "citizen.sqlite3", timeout=20) as database:
        database.execute(
            "UPDATE scores_enrolment SET enrolled_at = datetime(enrolled_at, '-1 year') WHERE citizen_id = "
            "(SELECT id FROM citizen_app_citizen WHERE email LIKE 'ana@%')"
        )
    database.close()


def test_a_vouch_is_asked_for_given_and_ended(open_page, sign_in, watch, shots, here_for_long):
    folder = shots / "vouches"
    folder.mkdir(exist_ok=True)
    rui, ana = sign_in(open_page(PHONE), "rui"), sign_in(open_page(PHONE, "dark"), "ana")
    rui.goto("/vouches")
    rui.get_by_role("button", name="Make a link").click()
    address = rui.get_by_label("For one person").input_value()
    rui.screenshot(path=f"{folder}/asked.png", full_page=True)
    ana.goto(address)
    expect(ana.get_by_role("heading", level=1)).to_have_text("Vouch for Rui?")
    ana.screenshot(path=f"{folder}/give.png", full_page=True)
    ana.get_by_role("button", name="Give my word").click()
    expect(ana.get_by_text("You vouch for Rui now.")).to_be_visible()
    rui.goto("/vouches")
    expect(rui.get_by_role("region", name="Received").get_by_role("heading", name="Ana")).to_be_visible()
    ana.get_by_text("End this vouch").click()
    ana.screenshot(path=f"{folder}/given.png", full_page=True)
    ana.get_by_role("button", name="End it").click()
    expect(ana.get_by_text("Ended: goes")).to_be_visible()
    ana.screenshot(path=f"{folder}/ended.png", full_page=True)
    rui.reload()
    expect(rui.get_by_text("Ended")).to_have_count(0)
    rui.screenshot(path=f"{folder}/received.png", full_page=True)
    watch.expect("404")
    ana.goto(address)
    expect(ana.get_by_role("heading", level=1)).to_have_text("This link asks for nothing")
    ana.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    ana.screenshot(path=f"{folder}/over.png", full_page=True)
