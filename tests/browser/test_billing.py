"""A merchant begins its plan and ends it, from the product's page over the stand-in's hosted ones and back."""

import subprocess
import sys

import pytest
from playwright.sync_api import expect

from perks.payments.standin.deliveries import Target
from perks.payments.standin.service import Service
from tests.browser.conftest import Product
from tests.running import ROOT, running_product

pytestmark = pytest.mark.browser
PLATFORM_SECRET, CONNECT_SECRET = "whsec_platform", "whsec_connect"


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """The product with billing on, as `STRIPE_DEMO=1 make run` starts it."""
    var = tmp_path_factory.mktemp("billing")
    service = Service(file=var / "standin.json", port=0, target=Target("", PLATFORM_SECRET, CONNECT_SECRET))
    service.start()
    billing = {
        "STRIPE_API_KEY": "sk_test_standin",
        "STRIPE_API_BASE": service.base,
        "STRIPE_WEBHOOK_SECRETS": PLATFORM_SECRET,
        "STRIPE_CONNECT_WEBHOOK_SECRETS": CONNECT_SECRET,
    }
    with running_product(var, people=20, **billing) as running:
        subprocess.run(
            [sys.executable, "manage.py", "stripe_setup"],
            cwd=ROOT,
            env=running.environment,
            check=True,
            capture_output=True,
        )
        service.deliveries.target = Target(running.base, PLATFORM_SECRET, CONNECT_SECRET)
        service.deliver()
        yield Product(running.base, running.var)
    service.close()


def until_it_says(page, text):
    """What happened at Stripe is told by its webhook, so that it may take a moment."""
    for _ in range(50):
        if page.get_by_text(text).count():
            return
        page.wait_for_timeout(200)
        page.reload()
    raise AssertionError(f"the page never said {text!r}")


def test_a_plan_begins_at_the_checkout_and_ends_in_the_portal(product, open_page, sign_in, shots):
    page = sign_in(open_page(java_script_enabled=False), "owner")
    page.goto("/merchant/billing")
    expect(page.get_by_role("heading", name="Free plan")).to_be_visible()
    page.get_by_role("button", name="Begin the standard plan").click()
    page.wait_for_url("**/c/pay/**")
    expect(page.get_by_role("note")).to_have_text("This is a stand-in, not Stripe; no money moves.")
    page.screenshot(path=shots / "billing-checkout-360.png", full_page=True)
    page.get_by_role("button", name="Pay 49.00 EUR").click()
    page.wait_for_url("**/merchant/billing")
    until_it_says(page, "Publish as many perks as you like.")
    expect(page.get_by_role("heading", name="Standard plan", exact=True)).to_be_visible()
    page.screenshot(path=shots / "billing-plan-360.png", full_page=True)
    page.get_by_role("button", name="Invoices, card and plan").click()
    page.wait_for_url("**/p/session/**")
    page.get_by_role("button", name="End the plan").click()
    page.get_by_role("link", name="Go back").click()
    page.wait_for_url("**/merchant/billing")
    until_it_says(page, "Ends soon")
    page.screenshot(path=shots / "billing-ending-360.png", full_page=True)
