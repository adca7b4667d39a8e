"""The product's main job, end to end, as a newcomer lives it on a phone and a desk on its screen."""

import io
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, Product

pytestmark = pytest.mark.browser
PASS = re.compile(r"CA1:[0-9A-Z $%*+\-./:]{165}\.[0-9]{6}")
PERK = "Room rate down by up to 15 %"
NEWCOMER = "nadia@example.org"


class Bank:
    """The demo bank's server: what a furnisher sends about somebody who has linked it."""

    def __init__(self, product: Product) -> None:
        self.api = f"{product.base}/api/v1/sources"
        client = product.demo["clients"]["demo-bank"]
        answer = requests.post(
            f"{product.base}/o/token/",
            data={"grant_type": "client_credentials", "scope": "source:write"},
            auth=(client["client_id"], client["client_secret"]),
            timeout=10,
        )
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        return requests.post(f"{self.api}/{path}", json=body, headers=self.headers, timeout=10)


def six_good_months(subject: str) -> Iterator[dict[str, Any]]:
    """Six payments in full and on time, and a tenth of the card's limit used."""
    day = datetime.now(UTC).date().replace(day=1)
    for number in range(6):
        day = day.replace(day=1) - timedelta(days=1)
        record = {"subject": subject, "occurred_on": str(day)}
        yield record | {"external_id": f"payment-{day}", "kind": "credit.payment", "value": -1}
        if number == 0:
            yield record | {"external_id": f"balance-{day}", "kind": "credit.utilisation", "value": "0.1"}


def points(text: str) -> Decimal:
    return Decimal(text.replace("−", "-").replace("+", ""))


def text_in_picture(page: Page) -> str:
    """What a scanner reads from the screen."""
    seen = zxingcpp.read_barcode(Image.open(io.BytesIO(page.locator("img[data-qr]").screenshot())))
    assert seen is not None
    return seen.text


def test_sign_up_enrol_link_score_take_show_scan_and_see_who_asked(
    product: Product, page: Page, open_page, sign_in, shots: Path
) -> None:
    shot = (f"{shots}/flow-{number:02}.png" for number in range(1, 100))

    # An account, by a code sent to the address.
    page.goto("/")
    page.screenshot(path=next(shot), full_page=True)
    page.get_by_role("link", name="Make an account").click()
    page.get_by_label("First name").fill("Nadia")
    page.get_by_label("Email").fill(NEWCOMER)
    page.get_by_label("Password").fill("a long way to the sea")
    page.screenshot(path=next(shot), full_page=True)
    page.get_by_role("button", name="Make my account").click()
    page.get_by_label("Code").fill(product.code_mailed_to(NEWCOMER))
    page.screenshot(path=next(shot), full_page=True)
    page.get_by_role("button", name="Confirm").click()

    # Enrolling is a yes of its own, against a numbered text.
    expect(page.get_by_role("heading", level=1)).to_have_text("Do you want a score?")
    for box in page.get_by_role("checkbox").all():
        assert not box.is_checked()
        box.check()
    page.screenshot(path=next(shot), full_page=True)
    page.get_by_role("button", name="Enrol me").click()

    # Linking a source: a code for the bank, which may then send records.
    expect(page.get_by_text("You are enrolled.")).to_be_visible()
    page.get_by_role("button", name="Link Demo bank").click()
    link_code = page.locator(".big-code").inner_text().strip()
    page.screenshot(path=next(shot), full_page=True)
    bank, subject = Bank(product), "customer-nadia"
    assert bank.post("links", {"link_code": link_code, "subject": subject}).status_code == 201
    answer = bank.post("entries", {"entries": list(six_good_months(subject))})
    assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (200, 7, [])

    # The score follows within five seconds; its lines add up to it, as shown.
    until = time.monotonic() + 5
    page.goto("/score")
    while not (value := page.locator(".dial .n").inner_text()).isdigit():
        assert time.monotonic() < until, "no score after five seconds"
        page.wait_for_timeout(200)
        page.reload()
    page.screenshot(path=next(shot), full_page=True)
    page.goto("/score/sum")
    page.screenshot(path=next(shot), full_page=True)
    ledger = page.locator("section[aria-labelledby=sum] table")
    lines = [points(cell) for cell in ledger.locator("tbody td").all_inner_texts()]
    assert sum(lines) == points(ledger.locator("tfoot td").first.inner_text()) == int(value)
    page.goto("/score/history")
    page.screenshot(path=next(shot), full_page=True)
    assert page.locator(".card", has_text="Your first score").count() >= 1

    # A perk that is open: all of it is said before it is taken.
    page.goto("/perks")
    page.screenshot(path=next(shot), full_page=True)
    page.get_by_role("link", name=PERK).click()
    expect(page.get_by_text("Open to you")).to_be_visible()
    expect(page.get_by_role("heading", name="What the desk learns about you")).to_be_visible()
    page.screenshot(path=next(shot), full_page=True)
    page.get_by_role("button", name="Take this perk").click()

    # The code: a picture of the whole pass, its text beside it, and digits that turn by themselves.
    expect(page.locator("img[data-qr]")).to_be_visible()
    page.get_by_text("The scanner cannot read it?").click()
    text = page.locator("[data-pass-string]")
    first = text.text_content()
    assert PASS.fullmatch(first)
    page.screenshot(path=next(shot), full_page=True)
    seen = text_in_picture(page)
    assert PASS.fullmatch(seen)
    assert seen[:-7] == first[:-7]

    # Meanwhile the desk signs in.
    desk = sign_in(open_page(DESK), "cashier")
    desk.goto("/merchant/scan")
    desk.screenshot(path=next(shot), full_page=True)
    expect(text).not_to_have_text(first, timeout=35_000)
    turned = text.text_content()
    assert PASS.fullmatch(turned)
    assert turned[:-6] == first[:-6]
    # Not `wait_for_function`: what it polls with is a string, which the page's policy keeps from being run.
    expect(page.locator("img[data-qr]")).to_have_attribute("src", re.compile("step="))
    assert text_in_picture(page) == turned

    desk.get_by_label("Code or pass").fill(turned)
    desk.get_by_role("button", name="Check code").click()
    expect(desk.get_by_role("alert", name="Scan result")).to_contain_text("Accepted")
    expect(desk.get_by_role("alert", name="Scan result")).to_contain_text("Nadia")
    desk.screenshot(path=next(shot), full_page=True)
    assert value not in desk.content()

    # The phone notices by itself.
    expect(page.get_by_role("heading", level=1)).to_have_text("Used. Enjoy it.")
    page.screenshot(path=next(shot), full_page=True)
    page.get_by_role("link", name="See what they were told").click()
    expect(page.get_by_text("Meliá (demo)").first).to_be_visible()
    expect(page.get_by_text("Learned the perk, its terms and your first name;").first).to_be_visible()
    page.screenshot(path=next(shot), full_page=True)

    # The same pass opens nothing twice.
    desk.get_by_label("Code or pass").fill(turned)
    desk.get_by_role("button", name="Check code").click()
    expect(desk.get_by_role("alert", name="Scan result")).to_contain_text("Already used")
    desk.screenshot(path=next(shot), full_page=True)
    page.goto("/codes")
    expect(page.get_by_text("Used", exact=True)).to_be_visible()
    page.screenshot(path=next(shot), full_page=True)
