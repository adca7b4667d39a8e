"""Stripe's stand-in behind the product's own client, and its signed events at the product's own doors."""

from collections.abc import Callable

import pytest
from django.test import Client

PLATFORM_SECRET, CONNECT_SECRET = "whsec_platform", "whsec_connect"
PLATFORM_PATH, CONNECT_PATH = "/webhooks/stripe", "/webhooks/stripe/connect"

Deliver = Callable[..., list[int]]


@pytest.fixture
def standin(settings, monkeypatch):
    """Billing on, against a `FakeStripe` in this process: everything but the socket is the SDK's own."""
    import stripe

    from perks.payments.client import client
    from perks.payments.standin import FakeStripe, FakeTransport

    fake = FakeStripe()
    settings.STRIPE_API_KEY = "sk_test_x"
    settings.STRIPE_WEBHOOK_SECRETS = [PLATFORM_SECRET]
    settings.STRIPE_CONNECT_WEBHOOK_SECRETS = [CONNECT_SECRET]
    monkeypatch.setattr(stripe, "RequestsClient", lambda **_options: FakeTransport(fake))
    client.cache_clear()
    yield fake
    client.cache_clear()
    assert fake.contract_errors == []


def over_http(standin, settings, monkeypatch):
    """Put a stand-in behind real sockets: a file of tests makes that its own fixture `standin`."""
    import stripe
    from stripe._http_client import RequestsClient

    from perks.payments.client import client
    from perks.payments.standin import serve

    monkeypatch.setattr(stripe, "RequestsClient", RequestsClient)
    server, settings.STRIPE_API_BASE = serve(standin)
    client.cache_clear()
    yield standin
    server.shutdown()
    server.server_close()


@pytest.fixture
def standin_over_http(standin, settings, monkeypatch):
    """The same stand-in behind real sockets, for one test."""
    yield from over_http(standin, settings, monkeypatch)


@pytest.fixture
def deliver(standin) -> Deliver:
    """Post events as Stripe does, each to the door of its account; without any, those not delivered yet.

    Returns the answers' statuses.
    """
    delivered: set[str] = set()

    def post(*events, secret: str | None = None, timestamp: int | None = None) -> list[int]:
        statuses = []
        for event in events or [each for each in standin.events if each["id"] not in delivered]:
            delivered.add(event["id"])
            path, its_secret = (
                (CONNECT_PATH, CONNECT_SECRET) if "account" in event else (PLATFORM_PATH, PLATFORM_SECRET)
            )
            body, signature = standin.signed(event, secret or its_secret, timestamp=timestamp)
            answer = Client().post(path, body, content_type="application/json", headers={"Stripe-Signature": signature})
            statuses.append(answer.status_code)
        return statuses

    return post
