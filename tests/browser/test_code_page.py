"""The code page without a script, without a network, and when somebody else's phone asks for it."""

import io
import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def take(page: Page, perk: str) -> str:
    """Take a perk and return the address of its code."""
    page.goto("/perks")
    page.get_by_role("link", name=perk).click()
    page.get_by_role("button", name="Take this perk").click()
    page.wait_for_url(re.compile("/codes/red_"))
    return page.url


def cancel(page: Page) -> None:
    page.get_by_role("button", name="Cancel this reservation").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancelled")


def test_everything_works_without_a_script(open_page, sign_in):
    page = sign_in(open_page(java_script_enabled=False), "rui")
    take(page, "Keep the room longer")
    picture = page.locator("img[data-qr]")
    expect(picture).to_be_visible()
    assert page.request.get(picture.get_attribute("src")).headers["cache-control"] == "no-store"
    expect(page.locator(".typed")).to_have_text(re.compile("[0-9A-Z]{5}-[0-9A-Z]{5}"))
    expect(page.get_by_role("link", name="Renew it now")).to_be_visible()
    expect(page.locator("[data-countdown]")).to_be_hidden()
    cancel(page)


def test_the_same_form_sent_four_times_at_once_takes_one(page, sign_in):
    sign_in(page, "rui").goto("/perks")
    # One may have two of these, so that nothing but the form's key keeps it to one.
    page.get_by_role("link", name="The first drink is on the bar").click()
    ends = page.evaluate(
        """async () => {
            const form = document.querySelector("form[action$='/take']");
            const send = () => fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
            return (await Promise.all([send(), send(), send(), send()])).map((answer) => answer.url);
        }"""
    )
    assert re.search("/codes/red_", ends[0])
    assert ends == ends[:1] * 4
    page.goto("/codes")
    expect(page.get_by_role("link", name="The first drink is on the bar")).to_have_count(1)
    page.get_by_role("link", name="The first drink is on the bar").click()
    cancel(page)


def test_a_day_and_a_place_are_chosen_for_priority(page, sign_in):
    sign_in(page, "rui").goto("/perks?kind=priority")
    page.get_by_role("link", name="The fast lane at security").click()
    page.get_by_label("Which day").fill(str((datetime.now(UTC) + timedelta(days=2)).date()))
    page.get_by_label("Booking reference").fill("TP 1234")
    page.get_by_role("button", name="Take this perk").click()
    expect(page.get_by_text("booking TP 1234")).to_be_visible()
    cancel(page)


def test_digits_turn_with_the_clock_as_rfc_6238_says(page, sign_in):
    page.clock.install()
    sign_in(page, "rui")
    take(page, "Keep the room longer")
    card, text = page.locator("[data-pass]"), page.locator("[data-pass-string]")
    page.get_by_text("The scanner cannot read it?").click()
    signed, totp = card.get_attribute("data-pass"), pyotp.TOTP(card.get_attribute("data-seed"))
    ahead = int(card.get_attribute("data-now")) - page.evaluate("Date.now()")
    for _ in range(4):
        page.clock.fast_forward(30_000)
        step = int((page.evaluate("Date.now()") + ahead) / 1000 // 30)
        shown = {f"CA1:{signed}.{totp.generate_otp(near)}" for near in (step - 1, step, step + 1)}
        page.wait_for_function(
            "(shown) => shown.includes(document.querySelector('[data-pass-string]').textContent)", arg=list(shown)
        )
        assert text.text_content() in shown
    page.clock.resume()
    cancel(page)


def test_offline_the_page_draws_the_picture_itself_and_it_goes_on_turning(page, watch, sign_in):
    page.clock.install()
    sign_in(page, "rui")
    take(page, "Keep the room longer")
    picture, card = page.locator("img[data-qr]"), page.locator("[data-pass]")
    expect(picture).to_be_visible()
    signed, totp = card.get_attribute("data-pass"), pyotp.TOTP(card.get_attribute("data-seed"))
    ahead = int(card.get_attribute("data-now")) - page.evaluate("Date.now()")
    for expected in ("ERR_INTERNET_DISCONNECTED", "Failed to load resource"):
        watch.expect(expected)
    page.context.set_offline(True)
    before = picture.get_attribute("src")
    for _ in range(3):
        page.clock.fast_forward(30_000)
        expect(picture).not_to_have_attribute("src", before)
        expect(picture).to_have_attribute("src", re.compile("^data:image/svg"))
        before = picture.get_attribute("src")
        step = int((page.evaluate("Date.now()") + ahead) / 1000 // 30)
        seen = zxingcpp.read_barcode(Image.open(io.BytesIO(picture.screenshot())))
        assert seen.text in {f"CA1:{signed}.{totp.generate_otp(near)}" for near in (step - 1, step, step + 1)}
    expect(page.get_by_text("You are offline")).to_be_hidden()
    expect(page.locator(".typed")).to_be_visible()
    page.context.set_offline(False)
    page.clock.fast_forward(31_000)
    expect(picture).to_have_attribute("src", re.compile("qr.svg"))
    page.clock.resume()
    cancel(page)


def test_a_strangers_code_is_not_there(open_page, watch, sign_in):
    mine = sign_in(open_page(), "rui")
    address = take(mine, "Keep the room longer")
    watch.expect("404")
    theirs = sign_in(open_page(), "ana")
    assert theirs.goto(address).status == 404
    assert theirs.goto(f"{address}/qr.svg").status == 404
    cancel(mine)
