"""Money from the product's pages over the stand-in's hosted ones and back: a merchant's plan, a guest's deposit."""

import os
import re
import subprocess
import sys
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from perks.payments.standin.deliveries import Target
from perks.payments.standin.service import Service
from tests.browser.conftest import Product
from tests.running import ROOT, running_product

pytestmark = pytest.mark.browser
PLATFORM_SECRET, CONNECT_SECRET = "whsec_platform", "whsec_connect"
# The demonstration's own waivers leave nothing to hold.
HALF_WAIVED = """
from perks.models import Perk, PerkVersion
perk = Perk.objects.get(kind="deposit_waiver", merchant__name__startswith="Hertz")
PerkVersion.objects.filter(pk=perk.in_force_id).update(tiers=[{"min_score": None, "benefit": {"waived_percent": 50}}])
Perk.objects.filter(pk=perk.pk).update(easiest_min_score=None, has_open_tier=True)
print("perk", perk.public_id)
"""


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
    page.wait_for_url("**/merchant/billing?from_stripe")
    until_it_says(page, "Publish as many perks as you like.")
    expect(page.get_by_role("heading", name="Standard plan", exact=True)).to_be_visible()
    page.screenshot(path=shots / "billing-plan-360.png", full_page=True)
    page.get_by_role("button", name="Invoices, card and plan").click()
    page.wait_for_url("**/p/session/**")
    page.get_by_role("button", name="End the plan").click()
    page.get_by_role("link", name="Go back").click()
    page.wait_for_url("**/merchant/billing?from_stripe")
    until_it_says(page, "Ends soon")
    page.screenshot(path=shots / "billing-ending-360.png", full_page=True)


def half_waived(product):
    """A waiver of half of the deposit, for everybody."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    asked = [sys.executable, "manage.py", "shell", "-v0", "-c", HALF_WAIVED]
    environment |= {"VAR_DIR": str(product.var)}
    run = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return run.stdout.split()[-1]


def fits(page):
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_what_a_waiver_leaves_is_held_on_the_card_a_guest_names(product, open_page, sign_in, shots, watch):
    perk = half_waived(product)
    rental = sign_in(open_page(), "owner.hertz")
    rental.goto("/merchant/billing")
    rental.get_by_role("button", name="Connect an account at Stripe").click()
    rental.get_by_role("button", name="Complete").click()
    rental.wait_for_url("**/merchant/billing?from_stripe")
    until_it_says(rental, "Connected")

    guest = sign_in(open_page(), "ana")
    guest.goto(f"/perks/{perk}")
    guest.get_by_label("Pick up on").fill(date.today().isoformat())
    guest.get_by_label("Return on").fill((date.today() + timedelta(days=3)).isoformat())
    guest.get_by_label("Booking reference").fill("R-17")
    guest.get_by_role("button", name="Take this perk").click()
    guest.goto("/deposits")
    guest.get_by_role("link", name=re.compile("Hertz")).click()
    agreement = guest.url.rsplit("/", 1)[1]
    guest.get_by_role("button", name="Accept these terms").click()
    expect(guest.get_by_text("Not held yet").first).to_be_visible()
    fits(guest)
    guest.screenshot(path=shots / "deposit-to-hold-360.png", full_page=True)
    rental.goto(f"/merchant/deposits/{agreement}")
    expect(rental.get_by_text("is not held on the guest’s card yet")).to_be_visible()
    fits(rental)

    # A card that is refused holds nothing, and leaves the page open for another.
    guest.get_by_role("button", name="Hold on your card").click()
    guest.wait_for_url("**/c/pay/**")
    watch.expect("402")
    guest.get_by_label("is declined").check()
    guest.get_by_role("button", name=re.compile("^Hold ")).click()
    expect(guest.get_by_role("alert")).to_have_text("Your card was declined.")
    guest.get_by_label("works").check()
    guest.get_by_role("button", name=re.compile("^Hold ")).click()
    guest.wait_for_url(f"**/deposits/{agreement}?from_stripe")
    until_it_says(guest, "It is kept aside on your card, not charged.")
    expect(guest.get_by_text("Ready to pick up")).to_be_visible()
    expect(guest.get_by_role("button", name="Hold on your card")).to_have_count(0)
    fits(guest)
    guest.screenshot(path=shots / "deposit-held-360.png", full_page=True)
    rental.reload()
    expect(rental.get_by_text("It is kept aside on the guest’s card")).to_be_visible()
    rental.get_by_role("button", name="Record the pick-up").click()
    expect(rental.get_by_text("Picked up").first).to_be_visible()
