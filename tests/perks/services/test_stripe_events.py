"""Events doubled, late and in any order, and what the daily sweep finds that no webhook brought."""

import random
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from citizen_app.invariants import broken
from citizen_app.models import InboxMessage
from citizen_app.outbox import run_due
from perks.models import EventLog, Subscription
from perks.payments.client import client
from perks.payments.standin import Fault
from perks.payments.standin.transport import serve
from perks.services.stripe_sweeps import sweep_events, sweep_subscriptions
from tests.factories.billing import CHECKOUT, set_up_stripe, subscribe
from tests.factories.perks import MerchantFactory
from tests.perks.api.calls import team_app
from tests.stripe_standin import PLATFORM_PATH, PLATFORM_SECRET, over_http

pytestmark = pytest.mark.django_db


@pytest.fixture
def standin(standin, settings, monkeypatch):
    """Stripe is spoken to over HTTP."""
    yield from over_http(standin, settings, monkeypatch)


@pytest.fixture
def merchant():
    return MerchantFactory()


def pay(merchant, standin):
    """A plan is begun at Stripe, renewed, unpaid, paid and cancelled, and nobody has told us."""
    set_up_stripe()
    url = team_app(merchant).post(CHECKOUT, {}, format="json").json()["url"]
    subscription = standin.get(standin.pay_checkout(url.rpartition("/")[2])["subscription"])
    for status in ("past_due", "active"):
        subscription["status"] = status
        standin.emit("customer.subscription.updated", subscription)
    client().v1.subscriptions.cancel(subscription["id"])
    return subscription["id"]


@pytest.mark.parametrize("seed", range(8))
def test_events_twice_and_in_any_order_end_at_what_is_so(standin, deliver, merchant, seed):
    pay(merchant, standin)
    events = [*standin.events, *standin.events]
    random.Random(seed).shuffle(events)
    for event in events:
        assert deliver(event) == [200]
        run_due()
    assert InboxMessage.objects.count() == len(standin.events)
    assert Subscription.objects.get().status == "canceled"
    merchant.refresh_from_db()
    assert not merchant.is_billed
    assert [sentence for sentence, facts in broken().items() if facts] == []


def test_while_stripe_is_away_events_wait(standin, deliver, merchant):
    pay(merchant, standin)
    standin.faults.append(Fault("GET /v1/", "status", status=503, times=99))
    assert set(deliver()) == {200}
    run_due()
    assert not Subscription.objects.exists()
    standin.faults.clear()
    run_due(now=timezone.now() + timedelta(hours=1))
    assert Subscription.objects.get().status == "canceled"


def test_the_sweep_finds_what_no_webhook_brought_once_a_day(standin, merchant):
    pay(merchant, standin)
    now = timezone.now()
    found = sweep_events(now=now)
    assert found == InboxMessage.objects.count() > 0
    run_due()
    assert Subscription.objects.get().status == "canceled"
    asked = len(standin.calls)
    assert sweep_events(now=now + timedelta(hours=23)) == 0
    assert len(standin.calls) == asked
    assert sweep_events(now=now + timedelta(hours=25)) == 0
    assert len(standin.calls) > asked


def test_a_sweep_that_fails_is_made_again_in_an_hour(standin, merchant):
    pay(merchant, standin)
    now = timezone.now()
    standin.faults.append(Fault("GET /v1/events", "status", status=503, times=2))
    assert sweep_events(now=now) == 0
    assert EventLog.objects.get().due_at == now + timedelta(hours=1)
    assert sweep_events(now=now + timedelta(minutes=59)) == 0
    assert sweep_events(now=now + timedelta(minutes=61)) > 0


def test_plans_that_are_not_over_are_read_again_every_day(standin, deliver, merchant):
    subscription = subscribe(merchant, standin, deliver)
    standin.get(subscription["id"])["status"] = "past_due"
    assert sweep_subscriptions(now=timezone.now()) == 0
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        assert sweep_subscriptions(now=timezone.now()) == 1
        assert Subscription.objects.get().status == "past_due"
        assert sweep_subscriptions(now=timezone.now()) == 0


def test_without_a_key_nothing_is_swept(merchant):
    assert (sweep_events(now=timezone.now()), sweep_subscriptions(now=timezone.now())) == (0, 0)
    assert not EventLog.objects.exists()


def test_a_plan_is_begun_over_http(standin, merchant, settings, monkeypatch):
    """By the SDK's own connections, to the stand-in on a port of this machine; an answer is lost on the way."""
    monkeypatch.undo()
    server, base = serve(standin)
    settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = "sk_test_x", base
    settings.STRIPE_WEBHOOK_SECRETS = [PLATFORM_SECRET]
    client.cache_clear()
    try:
        set_up_stripe()
        standin.faults.append(Fault("POST /v1/checkout/sessions$", "drop_after"))
        opened = team_app(merchant).post(CHECKOUT, {}, format="json")
        assert opened.status_code == 200
        assert opened.json()["url"].startswith(f"{base}/c/pay/cs_test_")
        assert len(standin.all("checkout.session")) == 1
        standin.pay_checkout(opened.json()["url"].rpartition("/")[2])
        for event in standin.events:
            body, signature = standin.signed(event, PLATFORM_SECRET)
            headers = {"Stripe-Signature": signature}
            told = Client().post(PLATFORM_PATH, body, content_type="application/json", headers=headers)
            assert told.status_code == 200
        run_due()
        assert Subscription.objects.get().status == "active"
    finally:
        server.shutdown()
        server.server_close()
        client.cache_clear()
