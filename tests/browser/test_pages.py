"""Every page on a phone and on a desk, light and dark: nothing in the console, nothing sideways, one heading."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, PHONE

pytestmark = pytest.mark.browser
PUBLIC = [
    "/",
    "/furnishers",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/signup/passkey/",
    "/accounts/password/reset/",
    "/docs/errors",
    "/api/docs",
]
CITIZEN = [
    "/score",
    "/score/sum",
    "/score/history",
    "/score/what-if",
    "/records",
    "/sources",
    "/vouches",
    "/sources/demo-bank/switch",
    "/sources/demo-city/switch",
    "/sources/demo-city/link",
    "/document-check",
    "/who-asked",
    "/consents",
    "/perks",
    "/perks?eligible=true&kind=discount&near=LIS",
    "/make-goods",
    "/codes",
    "/me",
    "/me/phone",
    "/me/inbox",
    "/me/inbox/settings",
    "/pause",
    "/leave",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/2fa/webauthn/",
    "/accounts/email/",
    "/accounts/sessions/",
]
MERCHANT = [
    "/merchant",
    "/merchant/scan",
    "/merchant/perks",
    "/merchant/perks/new",
    "/merchant/offers",
    "/merchant/redemptions",
    "/merchant/branches",
    "/merchant/team",
    "/merchant/clients",
    "/merchant/webhooks",
    "/merchant/tills",
    "/merchant/pin",
    "/merchant/conflicts",
    "/till",
]
GROUND = "getComputedStyle(document.documentElement).backgroundColor"
SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def look_at(page: Page, addresses: list[str], folder: Path) -> None:
    """Open each address, hold it to what every page keeps, and take its picture."""
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        name = re.sub(r"[^a-z0-9]+", "-", address.lower()).strip("-") or "doorway"
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
        sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert (address, sideways) == (address, 0)
        assert (address, page.locator("h1").count()) == (address, 1)
        assert (address, page.locator("html").get_attribute("lang")) == (address, "en")


def folder_for(shots: Path, who: str, size: tuple[int, int], scheme: str) -> Path:
    folder = shots / f"{who}-{size[0]}-{scheme}"
    folder.mkdir(exist_ok=True)
    return folder


@SIZES
@SCHEMES
def test_the_public_pages(open_page, shots, size, scheme):
    # The description of the API is drawn by a bundled page of its own, which has its own headings.
    look_at(open_page(size, scheme), PUBLIC[:-1], folder_for(shots, "public", size, scheme))


def test_the_description_of_the_api_is_drawn_without_an_outside_host(page, product):
    page.goto("/api/docs")
    # It reads the whole document before it draws its first line.
    expect(page.locator(".opblock-tag").first).to_be_visible(timeout=30_000)
    groups = page.locator(".opblock-tag").evaluate_all("all => all.map(one => one.textContent)")
    assert {"me", "merchant", "perks", "sources", "boost", "vouch-requests"} <= set(groups)
    for group in groups:
        head = page.locator(".opblock-tag", has_text=re.compile(f"^{group}$"))
        head.click()
        expect(page.locator(f".opblock-tag-section:has(#operations-tag-{group}) .opblock").first).to_be_visible()
        head.click()


@SIZES
@SCHEMES
def test_a_citizens_pages(open_page, sign_in, shots, size, scheme):
    look_at(sign_in(open_page(size, scheme), "ana"), CITIZEN, folder_for(shots, "citizen", size, scheme))


@SIZES
@SCHEMES
def test_a_merchants_pages(open_page, sign_in, shots, size, scheme):
    look_at(sign_in(open_page(size, scheme), "owner"), MERCHANT, folder_for(shots, "merchant", size, scheme))


def test_the_theme_is_switched_in_place_and_kept(page, sign_in):
    sign_in(page, "ana").goto("/perks")
    ground = page.evaluate(GROUND)
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(GROUND) != ground
    page.goto("/codes")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_what_is_not_there_is_said_on_a_page(page, watch, sign_in):
    watch.expect("404")
    sign_in(page, "ana").goto("/perks/perk_nothing")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_the_keyboard_comes_to_the_content_in_two_strokes(page, sign_in):
    sign_in(page, "ana").goto("/perks")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("main :focus")).to_have_count(1)
