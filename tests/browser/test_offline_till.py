"""The till in a real browser without a network: it opens, knows a pass, keeps what it honoured and sends it later."""

import json
import re

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK

pytestmark = pytest.mark.browser
PIN = "2580"
TABLET = (820, 1180)
PHONE = (360, 780)
NO_NETWORK = ("ERR_INTERNET_DISCONNECTED", "Failed to load resource")


def pairing_code(page: Page, name: str) -> str:
    """Make a pairing in the console and return its code."""
    page.goto("/merchant/tills")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Show the code").click()
    expect(page.get_by_role("heading", name=f"Pair {name}")).to_be_visible()
    expect(page.get_by_alt_text("Picture to pair the till")).to_be_visible()
    code = page.locator(".secret").text_content()
    assert re.fullmatch("[0-9A-Z]{4}-[0-9A-Z]{4}", code)
    return code


def set_pin(page: Page) -> None:
    page.goto("/merchant/pin")
    page.get_by_label("New PIN").fill(PIN)
    page.get_by_label("The same again").fill(PIN)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your PIN is set")).to_be_visible()


def open_with_pin(page: Page, who: str = "Caio") -> None:
    """Choose a name and type the PIN on the pad."""
    page.get_by_label("Your name").select_option(label=who)
    for digit in PIN:
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="Open the till").click()
    expect(page.get_by_role("heading", name="Scan", exact=True)).to_be_visible()


def is_kept(page: Page) -> None:
    """Wait until the page's worker has the shell and the page its list."""
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("() => Till.store.get('list').then((list) => Boolean(list))")


def take(page: Page, perk: str) -> dict:
    """Take a perk; return what the phone holds of it, from which it makes its passes without a network."""
    page.goto("/perks")
    page.get_by_role("link", name=perk).click()
    page.get_by_role("button", name="Take this perk").click()
    page.wait_for_url(re.compile("/codes/red_"))
    card = page.locator("[data-pass]")
    held = {"pass": card.get_attribute("data-pass"), "seed": card.get_attribute("data-seed")}
    return held | {"url": page.url, "typed": page.locator(".typed").text_content()}


def shown(held: dict) -> str:
    return f"CA1:{held['pass']}.{pyotp.TOTP(held['seed']).now()}"


def scan(page: Page, text: str) -> None:
    """As a hand scanner does: it types, and ends with Enter."""
    page.get_by_label("Code or pass").fill(text)
    page.get_by_label("Code or pass").press("Enter")


def result(page: Page) -> str:
    expect(page.locator("[data-result]")).to_be_visible()
    return page.locator("[data-result] .word").text_content()


def give_back(owner: Page, phone: Page, held: dict) -> None:
    """Undo the scan and cancel the reservation, so that the next test may take it."""
    owner.goto(f"/merchant/redemptions/{held['url'].rsplit('/', 1)[1]}")
    owner.get_by_role("button", name="Undo").click()
    phone.goto(held["url"])
    phone.get_by_role("button", name="Cancel this reservation").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Cancelled")


@pytest.fixture
def till(open_page, sign_in, watch):
    """A function that pairs a till of the demo's hotel and opens it with the cashier's PIN."""
    console = sign_in(open_page(DESK), "owner")
    set_pin(sign_in(open_page(DESK), "cashier"))

    def make(name: str, size: tuple[int, int] = TABLET) -> Page:
        page = open_page(size)
        page.goto(f"/till#{pairing_code(console, name)}")
        expect(page.get_by_label("Code", exact=True)).to_have_value(re.compile("-"))
        assert "#" not in page.url
        page.get_by_role("button", name="Pair").click()
        open_with_pin(page)
        is_kept(page)
        return page

    for part in NO_NETWORK:
        watch.expect(part)
    return make


def test_a_till_goes_on_without_a_network_and_sends_what_it_honoured(till, open_page, sign_in, shots, product):
    page = till("Desk 1")
    phone = sign_in(open_page(), "rui")
    held = take(phone, "Room rate down by up to 15 %")
    expect(page.get_by_text("Online")).to_be_visible()
    page.context.set_offline(True)
    phone.context.set_offline(True)
    # Opened again from nothing: the shell, the keys and the list are here.
    page.reload()
    expect(page.get_by_role("heading", name="Scan", exact=True)).to_be_visible()
    expect(page.get_by_text("Offline", exact=True)).to_be_visible()
    pass_ = shown(held)
    scan(page, pass_)
    assert result(page) == "Accepted, not sent yet"
    expect(page.locator("[data-what]")).to_have_text(re.compile("Room rate"))
    expect(page.locator("[data-unsent]")).to_have_text(re.compile("1 not sent yet, the oldest less than a minute old"))
    page.screenshot(path=shots / "till-offline-accepted.png", full_page=True)
    # The same again, an altered one, a typed code.
    scan(page, pass_)
    assert result(page) == "Already used"
    other = "A" if pass_[40] != "A" else "B"
    scan(page, pass_[:40] + other + pass_[41:])
    assert result(page) == "Unknown code"
    page.screenshot(path=shots / "till-offline-refused.png", full_page=True)
    scan(page, held["typed"])
    expect(page.get_by_text("A typed code needs a connection")).to_be_visible()
    # What was honoured is in the browser's store, not in the page: a crash keeps it.
    page.reload()
    expect(page.locator("[data-unsent]")).to_have_attribute("data-count", "1")
    page.context.set_offline(False)
    expect(page.locator("[data-unsent]")).to_have_attribute("data-count", "0", timeout=20_000)
    phone.context.set_offline(False)
    phone.goto(held["url"])
    expect(phone.get_by_role("heading", level=1)).to_have_text("Used. Enjoy it.")
    give_back(sign_in(open_page(DESK), "owner"), phone, held)


def test_two_tills_that_both_took_it_are_reconciled(till, open_page, sign_in, shots):
    one, two = till("Left desk"), till("Right desk")
    phone = sign_in(open_page(), "ana")
    held = take(phone, "Room rate down by up to 15 %")
    for page in (one, two):
        page.context.set_offline(True)
    pass_ = shown(held)
    for page in (one, two):
        scan(page, pass_)
        assert result(page) == "Accepted, not sent yet"
    two.context.set_offline(False)
    expect(two.locator("[data-unsent]")).to_have_attribute("data-count", "0", timeout=20_000)
    one.context.set_offline(False)
    expect(one.locator("[data-unsent]")).to_have_attribute("data-count", "0", timeout=20_000)
    assert result(one) == "Used elsewhere first"
    one.screenshot(path=shots / "till-conflict.png", full_page=True)
    owner = sign_in(open_page(DESK), "owner")
    owner.goto("/merchant")
    expect(owner.get_by_text("One conflict this week")).to_be_visible()
    owner.get_by_role("link", name="See both tills").click()
    expect(owner.get_by_text("Counts: Right desk")).to_be_visible()
    expect(owner.get_by_text("Does not count: Left desk")).to_be_visible()
    owner.screenshot(path=shots / "conflicts-desk.png", full_page=True)
    give_back(owner, phone, held)


def test_online_the_server_judges_and_a_scan_is_undone(till, open_page, sign_in, shots):
    page = till("Front", PHONE)
    phone = sign_in(open_page(), "rui")
    held = take(phone, "Room rate down by up to 15 %")
    scan(page, held["typed"])
    assert result(page) == "Accepted"
    expect(page.locator("[data-what]")).to_have_text(re.compile("for Rui"))
    page.screenshot(path=shots / "till-phone-accepted.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone. It is reserved again.")).to_be_visible()
    scan(page, "00000-00000")
    assert result(page) == "Unknown code"
    # Locked: nothing is scanned until somebody types a PIN.
    page.get_by_role("button", name="Lock").click()
    expect(page.get_by_role("heading", name="Who is at work?")).to_be_visible()
    page.screenshot(path=shots / "till-phone-pin.png", full_page=True)
    phone.goto(held["url"])
    phone.get_by_role("button", name="Cancel this reservation").click()


def test_a_revoked_till_forgets_everything_at_once(till, open_page, sign_in):
    page = till("Old tablet")
    owner = sign_in(open_page(DESK), "owner")
    owner.goto("/merchant/tills")
    owner.get_by_role("button", name="Revoke Old tablet").click()
    expect(owner.get_by_text("The till is revoked")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Pair this till")).to_be_visible()
    assert page.evaluate("Till.store.get('list').then((list) => list === undefined)")


def test_nothing_about_anybody_is_in_the_worker_s_cache_and_no_script_reads_the_tokens(till):
    page = till("Desk 9")
    kept = page.evaluate(
        """async () => {
            const found = {};
            for (const name of await caches.keys())
                for (const request of await (await caches.open(name)).keys())
                    found[new URL(request.url).pathname] = await (await caches.match(request)).clone().text();
            return found;
        }"""
    )
    assert "/till" in kept
    assert [path for path in kept if not path.startswith(("/static/", "/till"))] == []
    assert [path for path in kept if path.startswith("/till")] == ["/till"]
    assert "Caio" not in json.dumps(kept)
    assert page.evaluate("document.cookie") == ""
    cookies = {one["name"]: one for one in page.context.cookies()}
    for name in ("till", "till-shift"):
        assert (cookies[name]["httpOnly"], cookies[name]["sameSite"], cookies[name]["path"]) == (
            True,
            "Strict",
            "/till",
        )
    held = page.evaluate("Till.store.get('list').then((list) => JSON.stringify(list))")
    assert cookies["till"]["value"] not in held


def test_leaving_with_unsent_scans_is_asked_about(till, open_page, sign_in):
    page = till("Side door")
    phone = sign_in(open_page(), "ana")
    held = take(phone, "Room rate down by up to 15 %")
    page.context.set_offline(True)
    scan(page, shown(held))
    assert result(page) == "Accepted, not sent yet"
    asked = []
    page.on("dialog", lambda dialog: (asked.append((dialog.type, dialog.message)), dialog.dismiss()))
    with page.expect_event("dialog"):
        page.get_by_role("button", name="Lock").click()
    expect(page.get_by_role("heading", name="Scan", exact=True)).to_be_visible()
    assert asked == [("confirm", "1 scan is not sent yet, and kept on this till. Lock it?")]
    assert page.evaluate("window.onbeforeunload !== null")
    page.context.set_offline(False)
    expect(page.locator("[data-unsent]")).to_have_attribute("data-count", "0", timeout=20_000)
    assert page.evaluate("window.onbeforeunload === null")
    give_back(sign_in(open_page(DESK), "owner"), phone, held)
