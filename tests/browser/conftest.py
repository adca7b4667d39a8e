"""The real product in a real browser: a server of its own with the demo, and pages that forgive nothing."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.running import running_product

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# Nothing of the browser itself may call home, or a request of its own would be mistaken for one of ours.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SESSION = """
from django.core import signing
from citizen_app.accounts.sessions import SignedSessionMiddleware
from citizen_app.accounts.sign_in import open_session
from citizen_app.models import Citizen
session = open_session(Citizen.objects.get(email="{who}@demo.example.org"))
print("cookie", signing.Signer(salt=SignedSessionMiddleware.salt).sign(session.session_key))
"""
PHONE, DESK = (360, 780), (1280, 800)
PEOPLE = 20


@dataclass(frozen=True)
class Product:
    """A running product: its address, and the folder with its mails and the demo's secrets."""

    base: str
    var: Path

    @property
    def password(self) -> str:
        return str(self.demo["password"])

    @property
    def demo(self) -> dict:
        return json.loads((self.var / "demo.json").read_text())

    def code_mailed_to(self, address: str) -> str:
        """The code in the newest mail to an address; mails leave through the outbox, so it may take a moment."""
        for _ in range(100):
            for path in sorted((self.var / "mail").glob("*"), key=lambda one: one.stat().st_mtime, reverse=True):
                # One file holds all mails of one connection, divided by lines of dashes.
                for part in reversed(re.split(rb"^-{79}\n", path.read_bytes(), flags=re.M)):
                    mail = message_from_bytes(part.strip(), policy=policy.default)
                    if mail["To"] == address and (
                        code := re.search(r"^\s*([A-Z0-9-]{6,9})\s*$", mail.get_content(), re.M)
                    ):
                        return code[1]
            time.sleep(0.1)
        raise AssertionError(f"no mail with a code to {address}")


@pytest.fixture(scope="session")
def product(tmp_path_factory) -> Iterator[Product]:
    """The embedded default as `make run` starts it."""
    with running_product(tmp_path_factory.mktemp("product"), people=PEOPLE, CALL_OUT_TO_LOOPBACK="true") as running:
        yield Product(running.base, running.var)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shots(tmp_path_factory) -> Path:
    """Where screenshots go: the folder SCREENSHOTS names, else a temporary one."""
    named = os.environ.get("SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass
class Watch:
    """Everything that went wrong in the pages it watches, but for what a test has said it expects."""

    wrong: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, part: str) -> None:
        """Forgive what contains this text."""
        self.expected.append(part)

    def note(self, what: str) -> None:
        if not any(part in what for part in self.expected):
            self.wrong.append(what)

    def _failed(self, request: Request) -> None:
        # Going on to the next page ends what the last one was still loading.
        if request.failure != "net::ERR_ABORTED":
            self.note(f"failed: {request.url} {request.failure}")

    def over(self, page: Page) -> Page:
        page.on("console", lambda said: said.type in ("error", "warning") and self.note(f"console: {said.text}"))
        page.on("pageerror", lambda error: self.note(f"error in {page.url}: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", lambda answer: answer.status >= 400 and self.note(f"{answer.status}: {answer.url}"))
        # A breach of the content security policy is an error in the console; this says which rule and where.
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (event) => console.error("
            "`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));"
        )
        return page


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails the test on any error in the console, failed request or answer from 400 on that it did not expect."""
    kept = Watch()
    yield kept
    assert kept.wrong == []


@pytest.fixture
def open_page(product, chromium, watch) -> Iterator[Callable[..., Page]]:
    """Open a page of a new browser (its own cookies), watched."""
    contexts = []

    def opened(size: tuple[int, int] = PHONE, scheme: str = "light", **options) -> Page:
        context = chromium.new_context(
            base_url=product.base,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            locale="en-GB",
            **options,
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        return watch.over(context.new_page())

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page) -> Page:
    """A phone's page."""
    return open_page()


def complete_session(product: Product, who: str) -> str:
    """The cookie of a session that whoever runs the product vouches for, second factor included."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    asked = [sys.executable, "manage.py", "shell", "-v0", "-c", SESSION.format(who=who)]
    environment |= {"VAR_DIR": str(product.var)}
    run = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return run.stdout.split()[-1]


@pytest.fixture
def sign_in(product) -> Callable[[Page, str], Page]:
    """Sign somebody of the demo in on a page: `sign_in(page, "ana")`. An owner has shown a second factor, too."""

    def signed_in(page: Page, who: str) -> Page:
        if who.startswith("owner"):
            page.context.add_cookies([{"name": "sid", "value": complete_session(product, who), "url": product.base}])
            page.goto("/merchant")
            return page
        page.goto("/accounts/login/")
        page.get_by_label("Email").fill(f"{who}@demo.example.org")
        page.get_by_label("Password").fill(product.password)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(lambda url: "/accounts/" not in url)
        return page

    return signed_in


SECRET = """
from citizen_app.accounts.set_up import set_up_authenticator
from citizen_app.models import Citizen
print("secret", set_up_authenticator(Citizen.objects.get(email="{who}@demo.example.org"))[0])
"""


@pytest.fixture
def operator(product, sign_in):
    """Sign an operator of the demo in with both factors."""

    def signed_in(page, who):
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        asked = [sys.executable, "manage.py", "shell", "-v0", "-c", SECRET.format(who=who)]
        environment |= {"VAR_DIR": str(product.var)}
        run = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        page.goto("/accounts/login/")
        page.get_by_label("Email").fill(f"{who}@demo.example.org")
        page.get_by_label("Password").fill(product.password)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/2fa/authenticate/**")
        page.locator("input[name=code]").fill(pyotp.TOTP(run.stdout.split()[-1]).now())
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_url(lambda url: "/accounts/" not in url)
        return page

    return signed_in
