"""What the stand-in claims of Stripe, asked of Stripe: each test makes objects of its own and leaves them there."""

import time
import uuid
from io import StringIO

import pytest
import stripe
from django.core.management import call_command

from perks import plans
from perks.payments import catalogue
from perks.payments.client import Rejected, errors, said

DAY = 86_400
CARD = {"enabled": True, "allow_redirects": "never"}


def fresh(name):
    """A key that nobody has used."""
    return f"live:{name}:{uuid.uuid4()}"


def hold(v1, *, key=None, card="pm_card_visa", amount=5_000):
    return v1.payment_intents.create(
        params={
            "amount": amount,
            "currency": "eur",
            "capture_method": "manual",
            "automatic_payment_methods": CARD,
            "payment_method": card,
            "confirm": True,
            "expand": ["latest_charge"],
            "metadata": {"made_by": "tests/live"},
        },
        options=said(key=key or fresh("hold")),
    )


def set_up():
    out = StringIO()
    call_command("stripe_setup", stdout=out)
    return out.getvalue().splitlines()


def test_the_catalogue_is_set_up_once():
    set_up()
    assert all(line.endswith("(was there)") for line in set_up())
    assert catalogue.price_id(plans.PLAN_PRICE) != catalogue.price_id(plans.USAGE_PRICE)


def test_checkout_and_portal_give_addresses(v1):
    set_up()
    customer = v1.customers.create(params={"metadata": {"made_by": "tests/live"}}, options=said(key=fresh("customer")))
    session = v1.checkout.sessions.create(
        params={
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [
                {"price": catalogue.price_id(plans.PLAN_PRICE), "quantity": 1},
                {"price": catalogue.price_id(plans.USAGE_PRICE)},
            ],
            "success_url": "https://citizen.example/done",
            "cancel_url": "https://citizen.example/cancelled",
        },
        options=said(key=fresh("checkout")),
    )
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert session.url
    portal = v1.billing_portal.sessions.create(
        params={
            "customer": customer.id,
            "configuration": catalogue.portal_configuration_id(),
            "return_url": "https://citizen.example/",
        }
    )
    assert portal.url


def test_a_usage_event_is_counted_once(v1):
    set_up()
    customer = v1.customers.create(params={"metadata": {"made_by": "tests/live"}}, options=said(key=fresh("customer")))
    event = {
        "event_name": plans.USAGE_METER,
        "identifier": f"redemption-{uuid.uuid4()}",
        "payload": {"stripe_customer_id": customer.id, "value": "1"},
    }
    v1.billing.meter_events.create(params=event, options=said(key=fresh("usage")))
    with pytest.raises(Rejected), errors():
        v1.billing.meter_events.create(params=event, options=said(key=fresh("usage")))
    now = int(time.time()) // 60 * 60
    for _ in range(30):
        summaries = v1.billing.meters.event_summaries.list(
            catalogue.meter_id(),
            params={"customer": customer.id, "start_time": now - 3_600, "end_time": now + 3_600},
        ).data
        if summaries:
            break
        time.sleep(2)
    assert [summary.aggregated_value for summary in summaries] == [1]


def test_a_clock_renews_and_a_failing_card_is_past_due(v1):
    set_up()
    began = int(time.time())
    clock = v1.test_helpers.test_clocks.create(params={"frozen_time": began})
    customer = v1.customers.create(params={"test_clock": clock.id})
    card = v1.payment_methods.attach("pm_card_visa", params={"customer": customer.id})
    subscription = v1.subscriptions.create(
        params={
            "customer": customer.id,
            "items": [{"price": catalogue.price_id(plans.PLAN_PRICE), "quantity": 1}],
            "default_payment_method": card.id,
        }
    )
    assert subscription.status == "active"
    failing = v1.payment_methods.attach("pm_card_chargeCustomerFail", params={"customer": customer.id})
    v1.subscriptions.update(subscription.id, params={"default_payment_method": failing.id})
    v1.test_helpers.test_clocks.advance(clock.id, params={"frozen_time": began + 33 * DAY})
    for _ in range(60):
        if v1.test_helpers.test_clocks.retrieve(clock.id).status == "ready":
            break
        time.sleep(2)
    assert v1.subscriptions.retrieve(subscription.id).status == "past_due"


def test_a_hold_is_captured_in_part_and_refunded(v1):
    held = hold(v1)
    assert (held.status, held.amount_capturable) == ("requires_capture", 5_000)
    assert held.latest_charge.payment_method_details.card.capture_before > held.created
    captured = v1.payment_intents.capture(
        held.id, params={"amount_to_capture": 2_000}, options=said(key=fresh("capture"))
    )
    assert (captured.status, captured.amount_received) == ("succeeded", 2_000)
    with pytest.raises(Rejected) as refused, errors():
        v1.payment_intents.cancel(held.id, options=said(key=fresh("release")))
    assert refused.value.code == "payment_intent_unexpected_state"
    refund = v1.refunds.create(params={"payment_intent": held.id}, options=said(key=fresh("refund")))
    assert (refund.amount, refund.status) == (2_000, "succeeded")
    with pytest.raises(Rejected) as refused, errors():
        v1.refunds.create(params={"payment_intent": held.id}, options=said(key=fresh("refund")))
    assert refused.value.code == "charge_already_refunded"


def test_a_hold_is_released(v1):
    held = hold(v1)
    assert v1.payment_intents.cancel(held.id, options=said(key=fresh("release"))).status == "canceled"


def test_a_declined_card_says_why(v1):
    with pytest.raises(Rejected) as refused, errors():
        hold(v1, card="pm_card_chargeDeclinedInsufficientFunds")
    assert refused.value.code == "insufficient_funds"


def test_a_key_makes_one_object_and_only_with_the_same_parameters(v1):
    key = fresh("hold")
    assert hold(v1, key=key).id == hold(v1, key=key).id
    with pytest.raises(Rejected) as refused, errors():
        hold(v1, key=key, amount=6_000)
    assert refused.value.code == "idempotency_mismatch"


def test_an_account_is_onboarded_by_a_link(v1):
    account = v1.accounts.create(
        params={
            "country": "PT",
            "controller": {
                "fees": {"payer": "account"},
                "losses": {"payments": "stripe"},
                "requirement_collection": "stripe",
                "stripe_dashboard": {"type": "full"},
            },
            "metadata": {"made_by": "tests/live"},
        },
        options=said(key=fresh("account")),
    )
    assert account.charges_enabled is False
    link = v1.account_links.create(
        params={
            "account": account.id,
            "type": "account_onboarding",
            "return_url": "https://citizen.example/back",
            "refresh_url": "https://citizen.example/again",
        }
    )
    assert link.url
    with pytest.raises(stripe.InvalidRequestError) as refused:
        v1.payment_intents.retrieve("pi_of_nobody", options=said(account=account.id))
    assert refused.value.code == "resource_missing"


def test_events_can_be_read_again(v1):
    held = hold(v1)
    for _ in range(30):
        listed = v1.events.list(params={"type": "payment_intent.amount_capturable_updated", "limit": 20}).data
        found = [event for event in listed if event.data.object["id"] == held.id]
        if found:
            break
        time.sleep(1)
    assert found
