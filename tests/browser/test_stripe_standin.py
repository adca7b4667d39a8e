"""The stand-in's hosted pages on a phone, without any script: paying, onboarding, the portal, what banks do."""

import pytest
import stripe
from playwright.sync_api import expect

from perks.payments.standin.deliveries import Target
from perks.payments.standin.service import Service

pytestmark = pytest.mark.browser
NOTICE = "This is a stand-in, not Stripe; no money moves."


@pytest.fixture
def service(tmp_path):
    served = Service(file=tmp_path / "standin.json", port=0, target=Target("http://127.0.0.1:9", "whsec_p", "whsec_c"))
    served.start()
    yield served
    served.close()


@pytest.fixture
def v1(service):
    bases = dict.fromkeys(("api", "files", "connect", "meter_events"), service.base)
    return stripe.StripeClient("sk_test_x", base_addresses=bases, http_client=stripe.RequestsClient(timeout=5)).v1


@pytest.fixture
def phone(chromium, watch):
    context = chromium.new_context(viewport={"width": 360, "height": 780}, locale="en-GB", java_script_enabled=False)
    context.set_default_timeout(15_000)
    yield watch.over(context.new_page())
    context.close()


def seen(page, shots, name):
    """Every page says what it is, and fits a phone."""
    expect(page.get_by_role("note")).to_have_text(NOTICE)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.screenshot(path=shots / f"standin-{name}-360.png", full_page=True)


def onboarded(service, v1, phone, shots):
    account = v1.accounts.create({"country": "PT"})
    link = v1.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "return_url": service.base + "/",
            "refresh_url": service.base + "/",
        }
    )
    phone.goto(link.url)
    seen(phone, shots, "onboarding")
    phone.get_by_role("button", name="Complete").click()
    expect(phone.get_by_text(f"{account.id}: may charge cards")).to_be_visible()
    return account.id


def test_a_deposit_is_held_after_two_cards_that_did_not_pay(service, v1, phone, shots, watch):
    account = onboarded(service, v1, phone, shots)
    on_account = {"stripe_account": account}
    line = {"price_data": {"currency": "eur", "unit_amount": 5_000, "product_data": {"name": "Deposit"}}, "quantity": 1}
    session = v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [line],
            "payment_intent_data": {"capture_method": "manual"},
            "success_url": service.base + "/?session={CHECKOUT_SESSION_ID}",
            "cancel_url": service.base + "/?cancelled=1",
        },
        on_account,
    )
    watch.expect("402")
    phone.goto(session.url)
    seen(phone, shots, "checkout")
    phone.get_by_label("is declined").check()
    phone.get_by_role("button", name="Hold 50.00 EUR").click()
    expect(phone.get_by_role("alert")).to_have_text("Your card was declined.")
    seen(phone, shots, "declined")
    phone.get_by_label("asks for authentication").check()
    phone.get_by_role("button", name="Hold 50.00 EUR").click()
    seen(phone, shots, "authenticate")
    phone.get_by_role("button", name="It is not me").click()
    expect(phone.get_by_role("alert")).to_contain_text("unable to authenticate")
    phone.get_by_role("link", name="Cancel and go back").click()
    phone.wait_for_url("**/?cancelled=1")
    phone.goto(session.url)
    phone.get_by_label("works").check()
    phone.get_by_role("button", name="Hold 50.00 EUR").click()
    phone.wait_for_url(f"**/?session={session.id}")
    session = v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]}, on_account)
    assert (session.status, session.payment_intent.status) == ("complete", "requires_capture")
    seen(phone, shots, "front")
    phone.get_by_role("button", name=f"Let the hold {session.payment_intent.id} lapse").click()
    expect(phone.get_by_text("canceled")).to_be_visible()


def test_a_plan_is_paid_and_ended(service, v1, phone, shots):
    v1.billing_portal.configurations.create({"features": {"subscription_cancel": {"enabled": True}}})
    month = {"currency": "eur", "recurring": {"interval": "month"}, "product_data": {"name": "Standard plan"}}
    price = v1.prices.create({**month, "unit_amount": 4_900})
    customer = v1.customers.create({})
    session = v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": service.base + "/",
        }
    )
    phone.goto(session.url)
    expect(phone.get_by_text("49.00 EUR a month")).to_be_visible()
    phone.get_by_role("button", name="Pay 49.00 EUR").click()
    phone.wait_for_url(service.base + "/")
    portal = v1.billing_portal.sessions.create({"customer": customer.id, "return_url": service.base + "/"})
    phone.goto(portal.url)
    seen(phone, shots, "portal")
    phone.get_by_role("button", name="End the plan").click()
    expect(phone.get_by_text("ends with the month that is paid")).to_be_visible()
    assert [plan.cancel_at_period_end for plan in v1.subscriptions.list({"customer": customer.id}).data] == [True]
    phone.get_by_role("link", name="Go back").click()
    phone.wait_for_url(service.base + "/")
