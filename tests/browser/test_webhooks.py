"""A merchant adds an endpoint, copies its secret, sends a test and reads the answer; the server itself calls it."""

import json

from playwright.sync_api import expect
from standardwebhooks.webhooks import Webhook

from tests.browser.conftest import PHONE
from tests.receiving import plain, serving


def test_an_endpoint_is_added_tested_and_failing_answers_are_read(page, sign_in, shots, product):
    heard, statuses = [], [503]

    def answer(handler):
        heard.append(({name.lower(): value for name, value in handler.headers.items()}, handler.sent))
        status = statuses.pop() if statuses else 204
        plain(handler, status, b"Not now, please." if status == 503 else b"")

    sign_in(page, "owner").goto("/merchant/webhooks")
    with serving(answer) as url:
        page.get_by_label("Address").fill("https://10.0.0.1/hooks")
        page.get_by_role("button", name="Add it").click()
        expect(page.get_by_text("not on the public internet").first).to_be_visible()
        page.get_by_label("Address").fill(url)
        page.get_by_role("button", name="Add it").click()
        secret = page.locator(".secret").inner_text()
        page.screenshot(path=f"{shots}/webhooks-secret.png", full_page=True)
        page.get_by_role("link", name="Test it on its page").click()
        page.screenshot(path=f"{shots}/webhooks-empty.png", full_page=True)
        page.get_by_role("button", name="Send a test").click()
        for _ in range(50):
            page.reload()
            if page.get_by_text("1 attempt").count():
                break
            page.wait_for_timeout(200)
        page.get_by_text("1 attempt").click()
        expect(page.get_by_text("Not now, please.")).to_be_visible()
        page.screenshot(path=f"{shots}/webhooks-waiting.png", full_page=True)
        page.get_by_role("button", name="Send again").click()
        for _ in range(50):
            page.reload()
            if page.get_by_text("Delivered").count():
                break
            page.wait_for_timeout(200)
        page.get_by_text("2 attempts").click()
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        page.screenshot(path=f"{shots}/webhooks-delivered-phone.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    for headers, body in heard:
        assert Webhook(secret).verify(body, headers)["type"] == "endpoint.ping"
    assert len({json.loads(body)["id"] for _, body in heard}) == 1
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("No endpoint yet")).to_be_visible()
    page.screenshot(path=f"{shots}/webhooks-list-phone.png", full_page=True)
