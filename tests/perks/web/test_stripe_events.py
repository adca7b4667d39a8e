"""Where Stripe tells us what happened: what is let in, what is kept of it, and that it is kept once."""

import json
import time

import pytest
from django.test import Client

from citizen_app.models import InboxMessage
from perks.payments import plans as at_stripe
from perks.web.stripe_events import MOST_BYTES
from tests.factories.perks import MerchantFactory
from tests.stripe_standin import CONNECT_PATH, CONNECT_SECRET, PLATFORM_PATH, PLATFORM_SECRET

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(standin):
    """An event of a type we handle."""
    customer = at_stripe.create_customer(merchant="mer_1", name="Aurora", key="k")
    standin.events.clear()
    standin.emit("customer.subscription.updated", {**standin.get(customer.id), "object": "customer"})
    return standin.events[0]


def post(body, signature, path=PLATFORM_PATH):
    headers = {} if signature is None else {"Stripe-Signature": signature}
    return Client().post(path, body, content_type="application/json", headers=headers).status_code


def kept():
    return list(InboxMessage.objects.order_by("pk").values_list("source", "message_id", "is_ignored"))


def test_a_signed_event_is_kept_once(standin, event):
    body, signature = standin.signed(event, PLATFORM_SECRET)
    assert [post(body, signature) for _ in range(3)] == [200, 200, 200]
    assert kept() == [("stripe", event["id"], False)]


def test_only_names_are_kept_of_it(standin, event):
    event["data"]["object"]["email"] = "owner@example.org"
    assert post(*standin.signed(event, PLATFORM_SECRET)) == 200
    assert InboxMessage.objects.get().payload == {
        "id": event["id"],
        "type": "customer.subscription.updated",
        "object_id": event["data"]["object"]["id"],
        "account": "",
    }


def test_both_secrets_are_taken_while_one_is_rolled(standin, event, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", PLATFORM_SECRET]
    assert post(*standin.signed(event, PLATFORM_SECRET)) == 200
    assert post(*standin.signed(event, "whsec_new")) == 200
    assert len(kept()) == 1


def test_what_stripe_did_not_sign_just_now_is_refused(standin, event, settings):
    body, signature = standin.signed(event, PLATFORM_SECRET)
    now = int(time.time())
    wrong = {
        "no signature": (body, None),
        "an empty one": (body, ""),
        "no signature at all": (body, "t=x,v1=y"),
        "another body": (body + b" ", signature),
        "another secret": standin.signed(event, "whsec_wrong"),
        "the other door's secret": standin.signed(event, CONNECT_SECRET),
        "old": standin.signed(event, PLATFORM_SECRET, timestamp=now - 301),
        "of 1970": standin.signed(event, PLATFORM_SECRET, timestamp=1),
        "of tomorrow": standin.signed(event, PLATFORM_SECRET, timestamp=now + 86_400),
        "not text": (b"\xff\xfe", signature),
    }
    assert {name: post(*sent) for name, sent in wrong.items()} == dict.fromkeys(wrong, 400)
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert post(body, signature) == 400
    assert kept() == []


@pytest.mark.parametrize(
    "raw",
    [
        "[]",
        "{}",
        "null",
        "1",
        "{",
        '{"object": "event"}',
        '{"object": "event", "id": "evt_1", "type": "x", "created": 1, "livemode": false, "data": null}',
        '{"object": "event", "id": "", "type": "x", "created": 1, "livemode": false, "data": {"object": {}}}',
        '{"object": "event", "id": 1, "type": "x", "created": 1, "livemode": false, "data": {"object": {}}}',
        '{"object": "event", "id": "evt_1", "type": "x", "created": 1, "livemode": 0, "data": {"object": {}}}',
        '{"object": "v2.core.event", "id": "evt_1", "type": "x", "livemode": false, "related_object": "mtr_1"}',
    ],
)
def test_what_is_signed_and_no_event_is_refused(standin, event, raw):
    assert post(*standin.signed(event, PLATFORM_SECRET, raw=raw)) == 400
    assert kept() == []


def test_it_is_for_posts_of_a_reasonable_size(standin, event):
    assert Client().get(PLATFORM_PATH).status_code == Client().put(CONNECT_PATH).status_code == 405
    large = json.dumps({**event, "padding": "x" * MOST_BYTES})
    assert post(*standin.signed(event, PLATFORM_SECRET, raw=large)) == 413
    assert kept() == []


def test_the_other_mode_is_dropped(standin, event):
    assert post(*standin.signed({**event, "livemode": True}, PLATFORM_SECRET)) == 200
    assert kept() == []


def test_what_nobody_handles_is_kept_as_ignored(standin, event):
    assert post(*standin.signed({**event, "type": "balance.available"}, PLATFORM_SECRET)) == 200
    assert kept() == [("stripe", event["id"], True)]


def test_each_door_has_its_own_accounts(standin, event):
    connected = {**event, "type": "account.updated", "account": "acct_1"}
    MerchantFactory(stripe_account_id="acct_1")
    assert post(*standin.signed(connected, PLATFORM_SECRET)) == 400
    assert post(*standin.signed(event, CONNECT_SECRET), CONNECT_PATH) == 400
    assert post(*standin.signed(connected, CONNECT_SECRET), CONNECT_PATH) == 200
    assert kept() == [("stripe:acct_1", event["id"], False)]


def test_an_event_of_no_merchant_s_account_is_kept_as_ignored(standin, event):
    MerchantFactory(stripe_account_id="acct_1")
    assert post(*standin.signed({**event, "account": "acct_2"}, CONNECT_SECRET), CONNECT_PATH) == 200
    assert kept() == [("stripe:acct_2", event["id"], True)]


def test_a_type_of_the_platform_s_own_is_ignored_of_a_connected_account(standin, event):
    MerchantFactory(stripe_account_id="acct_1")
    assert post(*standin.signed({**event, "account": "acct_1"}, CONNECT_SECRET), CONNECT_PATH) == 200
    assert kept() == [("stripe:acct_1", event["id"], True)]


def test_one_id_may_come_from_two_accounts(standin, event):
    for account in ("acct_1", "acct_2"):
        MerchantFactory(stripe_account_id=account)
        assert post(*standin.signed({**event, "account": account}, CONNECT_SECRET), CONNECT_PATH) == 200
    assert [source for source, _, _ in kept()] == ["stripe:acct_1", "stripe:acct_2"]
