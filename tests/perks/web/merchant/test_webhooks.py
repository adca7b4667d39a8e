"""The console's webhooks: added, shown with every attempt, tested, replayed, given a new secret, switched off."""

import pytest
from django.utils import timezone

from citizen_app.models import WebhookDelivery, WebhookEndpoint
from citizen_app.sealing import unseal
from citizen_app.webhooks.delivering import deliver_due
from citizen_app.webhooks.signing import PURPOSE
from tests.factories.people import browser_for
from tests.factories.perks import MerchantFactory, person_of
from tests.factories.webhooks import RECEIVER, EndpointFactory, delivery_to, tell
from tests.perks.web.merchant.pages import text_of
from tests.receiving import plain, serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def browser(merchant):
    return browser_for(person_of(merchant, "manager"))


def at(endpoint):
    return f"/merchant/webhooks/{endpoint.public_id}"


def test_an_empty_list_says_what_to_do_and_a_new_secret_is_shown_once(browser, merchant):
    assert "No endpoint yet" in text_of(browser.get("/merchant/webhooks"))
    page = browser.post("/merchant/webhooks", {"url": RECEIVER, "events": ["perk.paused"]})
    endpoint = WebhookEndpoint.objects.get()
    secret = unseal(PURPOSE, endpoint.secret_sealed)
    assert secret in page.content.decode()
    assert (endpoint.owner, endpoint.events) == (merchant.public_id, ["perk.paused"])
    assert secret not in browser.get("/merchant/webhooks").content.decode()
    assert secret not in browser.get(at(endpoint)).content.decode()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hotel.example/", "begin with https"),
        ("https://127.0.0.1/", "leads back to this service"),
        ("https://10.0.0.1/", "not on the public internet"),
        ("https://me@93.184.215.14/", "no name and no password"),
        ("no address", "plain ASCII"),
    ],
)
def test_an_address_that_is_not_called_is_refused_with_the_reason(browser, url, why):
    page = browser.post("/merchant/webhooks", {"url": url})
    assert page.status_code == 200
    assert why in text_of(page)
    assert WebhookEndpoint.objects.count() == 0


def test_every_attempt_is_shown_with_its_answer_and_what_failed_can_be_sent_again(browser, merchant, settings):
    settings.CALL_OUT_TO_LOOPBACK = True
    statuses = [503]

    def answer(handler):
        plain(handler, statuses.pop() if statuses else 200, b"<b>not now</b>")

    with serving(answer) as url:
        endpoint = EndpointFactory(owner=merchant.public_id, url=url)
        tell(merchant=merchant.public_id)
        deliver_due()
        page = browser.get(at(endpoint))
        assert "503" in text_of(page)
        assert "&lt;b&gt;not now" in page.content.decode()
        assert "Next attempt" in text_of(page)
        delivery = WebhookDelivery.objects.get()
        browser.post(at(endpoint), {"act": "redeliver", "delivery": delivery.public_id})
        deliver_due()
    page = text_of(browser.get(at(endpoint)))
    assert "Delivered" in page
    assert "2 attempts" in page


def test_a_test_a_new_secret_off_on_and_away(browser, merchant):
    endpoint = EndpointFactory(owner=merchant.public_id)
    browser.post(at(endpoint), {"act": "ping"})
    assert WebhookDelivery.objects.get().event.type == "endpoint.ping"
    page = browser.post(at(endpoint), {"act": "rotate"})
    endpoint.refresh_from_db()
    assert unseal(PURPOSE, endpoint.secret_sealed) in page.content.decode()
    assert "Two secrets sign until" in text_of(browser.get(at(endpoint)))
    browser.post(at(endpoint), {"act": "disabled"})
    assert "switched off" in text_of(browser.get(at(endpoint)))
    browser.post(at(endpoint), {"act": "ping"})
    assert WebhookDelivery.objects.count() == 1
    browser.post(at(endpoint), {"act": "on"})
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_because) == ("on", "")
    browser.post(at(endpoint), {"act": "remove"})
    assert WebhookEndpoint.objects.count() == 0


def test_failing_and_gone_are_said(browser, merchant):
    failing = EndpointFactory(owner=merchant.public_id, is_open=True, rests_until=timezone.now())
    gone = EndpointFactory(owner=merchant.public_id, state="disabled", disabled_because="gone")
    assert "every two minutes" in text_of(browser.get(at(failing)))
    assert "410 Gone" in text_of(browser.get(at(gone)))
    page = text_of(browser.get("/merchant/webhooks"))
    assert "Failing" in page
    assert "Off: it answered 410" in page


def test_a_stranger_s_delivery_is_not_sent_again(browser, merchant):
    endpoint = EndpointFactory(owner=merchant.public_id)
    theirs = delivery_to(EndpointFactory(owner="mer_other"))
    WebhookDelivery.objects.update(state="failed", ended_at=timezone.now())
    assert browser.post(at(endpoint), {"act": "redeliver", "delivery": theirs.public_id}).status_code == 404
    assert WebhookDelivery.objects.pending().count() == 0
