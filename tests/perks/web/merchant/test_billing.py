"""The page Billing: what an owner reads in each state, and the way to Stripe's own pages."""

import pytest

from citizen_app.outbox import run_due
from tests.factories.billing import set_up_stripe, subscribe
from tests.factories.people import browser_for
from tests.factories.perks import MerchantFactory, PerkFactory, person_of
from tests.perks.web.merchant.pages import text_of

pytestmark = pytest.mark.django_db
PAGE = "/merchant/billing"


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def browser(merchant):
    return browser_for(person_of(merchant, "owner"))


def read(browser):
    return text_of(browser.get(PAGE))


def test_without_a_key_the_page_says_that_billing_is_off(browser):
    said = read(browser)
    assert "Billing is off" in said
    assert "no limit applies to what you publish" in said
    assert "Begin the standard plan" not in said


def test_the_free_plan_says_what_it_allows_and_what_a_plan_costs(standin, merchant, browser):
    PerkFactory(merchant=merchant)
    said = read(browser)
    assert "Free plan" in said
    assert "1 of 3" in said
    assert "Begin the standard plan" in said


def test_a_button_leads_on_to_stripe_by_a_page(standin, browser):
    """Our own policy stops a form that ends at another address, redirected or not."""
    set_up_stripe()
    page = browser.post(f"{PAGE}/checkout")
    assert page.status_code == 200
    url = standin.all("checkout.session")[0]["url"]
    assert page.content.decode().count(url) == 2
    assert "form-action 'self'" in page["Content-Security-Policy"]


def test_stripe_s_absence_is_said_in_words(standin, browser):
    said = text_of(browser.post(f"{PAGE}/checkout", follow=True))
    assert "Stripe does not answer at the moment. Nothing is lost: press the button again in a moment." in said


def test_a_plan_is_shown_as_it_goes(standin, deliver, merchant, browser):
    subscription = subscribe(merchant, standin, deliver)
    said = read(browser)
    assert "Standard plan" in said
    assert "Renews" in said
    assert "0 redemptions" in said
    for change, words in (
        ({"status": "past_due"}, "Stripe tries your card again"),
        ({"status": "active", "cancel_at_period_end": True}, "Your plan ends with its period"),
        ({"status": "canceled", "cancel_at_period_end": False}, "Your plan is over. What is published stays"),
    ):
        standin.get(subscription["id"]).update(change)
        standin.emit("customer.subscription.updated", standin.get(subscription["id"]))
        deliver()
        run_due()
        assert words in read(browser)
    assert browser.post(f"{PAGE}/portal").status_code == 200
