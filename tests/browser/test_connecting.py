"""Connecting an app in a real browser: from the app's link over signing in to the app, and the policy stops nothing."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, ROOT
from tests.factories.dating_app import VERIFIER, challenge_of
from tests.running import Running, running_product

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"


class _App(BaseHTTPRequestHandler):
    """The app's own site: another origin, which only says that somebody arrived."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", "31")
        self.end_headers()
        self.wfile.write(b"<title>Amora</title><p>Arrived.")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def callback() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _App) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/cb"
        server.shutdown()


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Iterator[Running]:
    with running_product(tmp_path_factory.mktemp("connecting"), people=0) as running:
        yield running


def command(product: Running, *words: str) -> dict:
    ran = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=product.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def app(product, callback) -> dict:
    owner = command(
        product,
        *("create_merchant", "Amora", "--sector", "dating_app", "--owner", "app@example.org"),
        *("--approve", "--session"),
    )
    command(product, "create_operator", "op@example.org", "--roles", "merchants")
    body = {"name": "Amora", "kind": "app", "redirect_uris": [callback], "privacy_url": "https://app.example/p"}
    made = requests.post(
        f"{product.base}/api/v1/merchant/clients",
        json=body,
        headers={"X-Session-Token": owner["session_token"]},
        timeout=20,
    ).json()
    command(product, "approve", "app", made["id"], "--by", "op@example.org")
    return made


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_a_person_gets_from_the_app_to_the_page_and_back(product, app, callback, chromium, watch, shots, answer):
    email = f"{answer}@example.org"
    command(
        product,
        *("create_citizen", email, "--password", PASSWORD, "--first-name", "Ana", "--enrol", "--document"),
    )
    query = requests.models.PreparedRequest()
    query.prepare_url(
        f"{product.base}/o/authorize/",
        {
            "response_type": "code",
            "client_id": app["client_id"],
            "redirect_uri": callback,
            "scope": "openid boost:read",
            "state": "xyz",
            "code_challenge": challenge_of(),
            "code_challenge_method": "S256",
        },
    )
    context = chromium.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, locale="en-GB")
    page = watch.over(context.new_page())
    page.goto(query.url)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Connect Amora?")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.screenshot(path=shots / f"connect-{answer}.png", full_page=True)
    if answer == "yes":
        page.get_by_label("Know you by a name that no other app has").check()
        page.get_by_label("Read whether you have a boost there, and how much it is").check()
        page.get_by_role("button", name="Connect Amora").click()
    else:
        page.get_by_role("button", name="No, go back to Amora").click()
    page.wait_for_url(f"{callback}?**")
    expect(page.get_by_text("Arrived.")).to_be_visible()
    said = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    assert said["state"] == "xyz"
    if answer == "no":
        assert said["error"] == "access_denied"
    else:
        form = {
            "grant_type": "authorization_code",
            "code": said["code"],
            "redirect_uri": callback,
            "code_verifier": VERIFIER,
        }
        tokens = requests.post(
            f"{product.base}/o/token/", data=form, auth=(app["client_id"], app["client_secret"]), timeout=20
        )
        assert tokens.status_code == 200, tokens.text
        page.goto(f"{product.base}/me/apps")
        expect(page.get_by_role("heading", name="Amora")).to_be_visible()
        page.screenshot(path=shots / "my-apps.png", full_page=True)
        page.get_by_role("link", name="Disconnect Amora").click()
        page.screenshot(path=shots / "disconnect.png", full_page=True)
        page.get_by_role("button", name="Disconnect").click()
        expect(page.get_by_text("Amora is disconnected. It reads nothing more.")).to_be_visible()
    context.close()
