"""The stand-in through the SDK: what is asked of Stripe behaves here as its documentation says."""

import pytest
import stripe

from perks.payments.client import client
from perks.payments.standin import Fault

DAY = 86_400
CARD = {"enabled": True, "allow_redirects": "never"}


@pytest.fixture
def v1(standin):
    return client().v1


def hold(v1, amount=30_000, key="hold-1", account=None, card="pm_card_visa", **params):
    options = {"idempotency_key": key} | ({"stripe_account": account} if account else {})
    return v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "eur",
            "capture_method": "manual",
            "automatic_payment_methods": CARD,
            "payment_method": card,
            "confirm": True,
            "expand": ["latest_charge"],
            **params,
        },
        options,
    )


def plan(v1):
    meter = v1.billing.meters.create(
        {"display_name": "Redemptions", "event_name": "redemption", "default_aggregation": {"formula": "sum"}}
    )
    product = v1.products.create({"name": "Plan"})
    month = {"currency": "eur", "product": product.id}
    fixed = v1.prices.create(
        {**month, "unit_amount": 4900, "recurring": {"interval": "month"}, "lookup_key": "plan_standard_monthly"}
    )
    usage = {"interval": "month", "usage_type": "metered", "meter": meter.id}
    metered = v1.prices.create({**month, "unit_amount": 20, "recurring": usage, "lookup_key": "usage_redemptions"})
    return meter, fixed, metered


# -- Plans and usage --------------------------------------------------------------------------------------------------
def test_a_plan_is_bought_renewed_with_its_usage_past_due_and_ended(standin, v1):
    meter, fixed, metered = plan(v1)
    began = standin.now()
    clock = v1.test_helpers.test_clocks.create({"frozen_time": began})
    customer = v1.customers.create({"metadata": {"merchant": "m1"}, "test_clock": clock.id})
    session = v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [{"price": fixed.id, "quantity": 1}, {"price": metered.id}],
            "success_url": "https://citizen.example/done",
        }
    )
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 4900)
    standin.pay_checkout(session.id)
    session = v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription.latest_invoice"]})
    subscription = session.subscription
    assert (session.status, subscription.status) == ("complete", "active")
    assert subscription.latest_invoice.amount_paid == 4900
    for number in range(3):
        v1.billing.meter_events.create(
            {
                "event_name": "redemption",
                "identifier": f"redemption-{number}",
                "payload": {"stripe_customer_id": customer.id, "value": "1"},
            }
        )
    with pytest.raises(stripe.InvalidRequestError) as refused:
        v1.billing.meter_events.create(
            {
                "event_name": "redemption",
                "identifier": "redemption-1",
                "payload": {"stripe_customer_id": customer.id, "value": "1"},
            }
        )
    assert refused.value.code == "duplicate_meter_event"
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": began + 31 * DAY})
    renewed = v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert (renewed.status, renewed.latest_invoice.total) == ("active", 4900 + 3 * 20)
    v1.subscriptions.update(subscription.id, {"default_payment_method": "pm_card_chargeCustomerFail"})
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": began + 62 * DAY})
    assert v1.subscriptions.retrieve(subscription.id).status == "past_due"
    standin.portal_cancel(subscription.id)
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": began + 95 * DAY})
    assert v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert v1.subscriptions.list({"customer": customer.id}).data == []
    summaries = v1.billing.meters.event_summaries.list(
        meter.id, {"customer": customer.id, "start_time": began - DAY, "end_time": began + DAY}
    )
    assert [summary.aggregated_value for summary in summaries.data] == [3]


# -- Holds ------------------------------------------------------------------------------------------------------------
def test_a_hold_is_captured_in_part_and_refunded(v1):
    held = hold(v1)
    assert (held.status, held.amount_capturable) == ("requires_capture", 30_000)
    assert held.latest_charge.payment_method_details.card.capture_before == held.created + 7 * DAY
    captured = v1.payment_intents.capture(held.id, {"amount_to_capture": 12_000})
    assert (captured.status, captured.amount_received, captured.amount_capturable) == ("succeeded", 12_000, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        v1.payment_intents.cancel(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error.payment_intent.status == "succeeded"
    assert v1.refunds.create({"payment_intent": held.id, "amount": 2_000}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError):
        v1.refunds.create({"payment_intent": held.id, "amount": 10_001})
    assert [refund.amount for refund in v1.refunds.list({"payment_intent": held.id}).data] == [2_000]


def test_a_hold_lapses_when_its_time_is_over(standin, v1):
    held = hold(v1)
    standin.advance_to(held.latest_charge.payment_method_details.card.capture_before)
    lapsed = v1.payment_intents.retrieve(held.id)
    assert (lapsed.status, lapsed.cancellation_reason, lapsed.amount_capturable) == ("canceled", "automatic", 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        v1.payment_intents.capture(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert [event["type"] for event in standin.events][-2:] == ["charge.expired", "payment_intent.canceled"]


def test_a_declined_card_leaves_the_intent_for_another(v1):
    with pytest.raises(stripe.CardError) as refused:
        hold(v1, card="pm_card_chargeDeclinedInsufficientFunds")
    assert refused.value.error.decline_code == "insufficient_funds"
    intent = refused.value.error.payment_intent
    assert intent.status == "requires_payment_method"
    assert v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "requires_capture"


def test_a_refund_can_be_pending_and_can_fail(standin, v1):
    for card, first in (("pm_card_pendingRefund", "pending"), ("pm_card_visa", "succeeded")):
        paid = hold(v1, key=card, card=card)
        v1.payment_intents.capture(paid.id)
        refund = v1.refunds.create({"payment_intent": paid.id})
        assert refund.status == first
        standin.fail_refund(refund.id)
        assert v1.refunds.retrieve(refund.id).status == "failed"
        assert v1.charges.retrieve(refund.charge).amount_refunded == 0


def test_a_disputed_charge_is_not_refunded(standin, v1):
    paid = hold(v1)
    v1.payment_intents.capture(paid.id)
    dispute = standin.open_dispute(paid.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        v1.refunds.create({"payment_intent": paid.id})
    assert refused.value.code == "charge_disputed"
    answered = v1.disputes.update(dispute["id"], {"evidence": {"product_description": "a bicycle"}, "submit": True})
    assert answered.status == "under_review"
    standin.close_dispute(dispute["id"], won=False)
    assert v1.disputes.retrieve(dispute["id"]).status == "lost"


# -- Connected accounts -----------------------------------------------------------------------------------------------
def onboarded(standin, v1):
    account = v1.accounts.create({"country": "PT", "metadata": {"merchant": "m1"}})
    standin.complete_onboarding(account.id)
    return account.id


def test_an_account_may_charge_once_it_is_onboarded(standin, v1):
    account = v1.accounts.create({"country": "PT"})
    assert not account.charges_enabled
    with pytest.raises(stripe.InvalidRequestError):
        hold(v1, account=account.id)
    link = v1.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "return_url": "https://citizen.example/back",
            "refresh_url": "https://citizen.example/again",
        }
    )
    assert link.url.startswith(standin.base_url)
    standin.complete_onboarding(account.id)
    assert v1.accounts.retrieve(account.id).charges_enabled
    event = standin.events[-1]
    assert (event["type"], event["account"]) == ("account.updated", account.id)
    assert hold(v1, account=account.id, key="again").status == "requires_capture"


def test_what_one_account_has_another_does_not_see(standin, v1):
    first, second = onboarded(standin, v1), onboarded(standin, v1)
    held = hold(v1, account=first)
    for options in ({"stripe_account": second}, {}):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.retrieve(held.id, {}, options)
        assert (refused.value.code, refused.value.http_status) == ("resource_missing", 404)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"payment_intent": held.id}, options)
        assert (refused.value.code, refused.value.http_status) == ("resource_missing", 400)
    assert {event["account"] for event in standin.events if event["type"].startswith("payment_intent.")} == {first}
    assert v1.events.list({"type": "payment_intent.created"}).data == []
    listed = v1.events.list({"type": "payment_intent.created"}, {"stripe_account": first}).data
    assert [event.account for event in listed] == [first]


def test_a_key_is_one_accounts_own(standin, v1):
    first, second = onboarded(standin, v1), onboarded(standin, v1)
    assert hold(v1, account=first).id != hold(v1, account=second).id


def test_a_deposit_is_held_by_checkout_on_the_merchants_account(standin, v1):
    account = onboarded(standin, v1)
    session = v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [
                {
                    "price_data": {"currency": "eur", "unit_amount": 5_000, "product_data": {"name": "Deposit"}},
                    "quantity": 1,
                }
            ],
            "payment_intent_data": {"capture_method": "manual", "metadata": {"hold": "h1"}},
            "success_url": "https://citizen.example/done",
        },
        {"stripe_account": account},
    )
    standin.pay_checkout(session.id)
    session = v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]}, {"stripe_account": account})
    intent = session.payment_intent
    assert (session.status, intent.status, intent.metadata["hold"]) == ("complete", "requires_capture", "h1")


# -- Faults -----------------------------------------------------------------------------------------------------------
def test_a_lost_answer_makes_one_object(standin, v1):
    for number, kind in enumerate(("drop_before", "drop_after")):
        standin.faults.append(Fault("POST /v1/payment_intents$", kind))
        hold(v1, key=f"hold-{number}")
    assert len(standin.all("payment_intent")) == 2
    assert [call.replayed for call in standin.calls] == [False, False, False, True]


def test_a_stored_failure_is_answered_again_for_its_key(standin, v1):
    standin.faults.append(Fault("POST /v1/payment_intents$", "stored"))
    standin.faults.append(Fault("POST /v1/payment_intents$", "stored_after"))
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            hold(v1, key="never-executed")
    assert standin.all("payment_intent") == []
    standin.faults[1].times = 1
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            hold(v1, key="executed")
    assert len(standin.all("payment_intent")) == 1


def test_too_many_calls_are_not_executed(standin, v1):
    standin.faults.append(Fault("POST /v1/payment_intents$", "status", status=429))
    with pytest.raises(stripe.RateLimitError):
        hold(v1)
    assert standin.all("payment_intent") == []


def test_a_key_with_other_parameters_is_refused(v1):
    hold(v1)
    with pytest.raises(stripe.IdempotencyError):
        hold(v1, amount=1_000)
