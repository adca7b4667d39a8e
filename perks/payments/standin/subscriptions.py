"""Subscriptions and their invoices, renewed by test clocks."""

from typing import Any

import stripe

from perks.payments.standin.forms import Params, flag, metadata_in
from perks.payments.standin.intents import charge_card, create_intent
from perks.payments.standin.meters import used
from perks.payments.standin.payment_methods import DECLINES, GOOD_CARD, taken_for, test_card
from perks.payments.standin.prices import amount_of
from perks.payments.standin.records import MONTH, Record, Records, answers
from perks.payments.standin.refusals import invalid

PAYING = ("active", "past_due", "trialing")
ENDED = ("canceled", "incomplete_expired")
LAST = "subscription_update"
"""Why there is an invoice of a subscription that was ended before its time."""


def first_item(subscription: Record) -> Record:
    """The item that knows the period: since 2025 the subscription itself does not."""
    item: Record = subscription["items"]["data"][0]
    return item


def make_subscription(records: Records, customer: str, lines: list[tuple[str, int]], data: Params, card: str) -> Record:
    """Begin a subscription to these prices and quantities, and charge its first invoice."""
    clock = records.get(customer, "customer", "customer")["test_clock"]
    now = records.now(clock)
    card = taken_for(records, card, customer, is_saved=True)
    id = records.new_id("sub")
    items = [_put_item(records, id, records.get(price, "price", "price"), quantity, now) for price, quantity in lines]
    subscription = records.put(
        stripe.Subscription,
        {
            "id": id,
            "object": "subscription",
            "automatic_tax": {"enabled": False},
            "billing_cycle_anchor": now,
            "billing_mode": {"type": "flexible"},
            "billing_schedules": [],
            "cancel_at_period_end": False,
            "collection_method": "charge_automatically",
            "created": now,
            "currency": items[0]["price"]["currency"],
            "customer": customer,
            "default_payment_method": card,
            "discounts": [],
            "invoice_settings": {"issuer": {"type": "self"}},
            "items": {
                "object": "list",
                "data": items,
                "has_more": False,
                "url": f"/v1/subscription_items?subscription={id}",
            },
            "livemode": False,
            "metadata": metadata_in(data),
            "start_date": now,
            "status": "active",
            "test_clock": clock,
        },
        without=("managed_payments", "presentment_details", "status_details"),
    )
    is_paid = test_card(records, card) not in DECLINES
    invoice = _put_invoice(records, subscription, "subscription_create", is_paid, clock)
    subscription.update(latest_invoice=invoice["id"], status="active" if is_paid else "incomplete")
    records.emit("customer.subscription.created", subscription, clock=clock)
    _tell_invoice(records, invoice, clock)
    if is_paid and invoice["total"]:
        paid = {"amount": str(invoice["total"]), "currency": invoice["currency"], "customer": customer}
        charge_card(records, create_intent(records, paid), card)
    return subscription


def _put_item(records: Records, subscription: str, price: Record, quantity: int, now: int) -> Record:
    item: Record = {
        "id": records.new_id("si"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": now,
        "current_period_end": now + MONTH,
        "current_period_start": now,
        "discounts": [],
        "metadata": {},
        "plan": None,
        "price": price,
        "subscription": subscription,
        "tax_rates": [],
    }
    if quantity:
        item["quantity"] = quantity
    return item


@answers("POST", "/v1/subscriptions")
def create_subscription(records: Records, params: Params) -> Record:
    lines = [(item["price"], int(item.get("quantity", 1))) for item in params["items"]]
    card = params.get("default_payment_method", GOOD_CARD)
    return make_subscription(records, params["customer"], lines, params, card)


@answers("GET", "/v1/subscriptions/{subscription_exposed_id}")
def read_subscription(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "subscription")


@answers("POST", "/v1/subscriptions/{subscription_exposed_id}")
def change_subscription(records: Records, id: str, params: Params) -> Record:
    subscription = records.get(id, "subscription")
    if subscription["status"] in ENDED:
        raise invalid("A canceled subscription can only update its cancellation_details and metadata.")
    if "cancel_at_period_end" in params:
        ends = flag(params["cancel_at_period_end"])
        end = first_item(subscription)["current_period_end"] if ends else None
        subscription.update(cancel_at_period_end=ends, cancel_at=end)
    if "default_payment_method" in params:
        subscription["default_payment_method"] = params["default_payment_method"]
    subscription["metadata"].update(metadata_in(params))
    records.emit("customer.subscription.updated", subscription)
    return subscription


@answers("DELETE", "/v1/subscriptions/{subscription_exposed_id}")
def end_subscription(records: Records, id: str, params: Params) -> Record:
    subscription = records.get(id, "subscription")
    if subscription["status"] in ENDED:
        raise invalid(f"No such subscription: '{id}'", "resource_missing", "id", status=404)
    if flag(params.get("invoice_now", "false")):
        clock = subscription["test_clock"]
        invoice = _put_invoice(records, subscription, LAST, True, clock)
        subscription["latest_invoice"] = invoice["id"]
        _tell_invoice(records, invoice, clock)
    end(records, subscription)
    return subscription


def end(records: Records, subscription: Record) -> None:
    clock = subscription["test_clock"]
    now = records.now(clock)
    subscription.update(status="canceled", canceled_at=now, ended_at=now)
    records.emit("customer.subscription.deleted", subscription, clock=clock)


@answers("GET", "/v1/subscriptions")
def list_subscriptions(records: Records, params: Params) -> Record:
    """All but ended ones, unless a status is asked for."""
    equal = {"customer": params["customer"]} if "customer" in params else {}
    status = params.get("status")
    rows = [
        row
        for row in records.all("subscription", **equal)
        if status in ("all", row["status"]) or (status is None and row["status"] not in ENDED)
    ]
    return records.list_of("/v1/subscriptions", rows, params)


# -- Invoices ---------------------------------------------------------------------------------------------------------
def _put_invoice(records: Records, subscription: Record, reason: str, is_paid: bool, clock: str | None) -> Record:
    item = first_item(subscription)
    total = _due(records, subscription, reason)
    parent = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    id = records.new_id("in")
    now = records.now(clock)
    return records.put(
        stripe.Invoice,
        {
            "id": id,
            "object": "invoice",
            "amount_due": total,
            "amount_overpaid": 0,
            "amount_paid": total if is_paid else 0,
            "amount_paid_off_stripe": 0,
            "amount_remaining": 0 if is_paid else total,
            "amount_shipping": 0,
            "attempt_count": 1,
            "attempted": True,
            "auto_advance": not is_paid,
            "automatic_tax": {"enabled": False},
            "billing_reason": reason,
            "collection_method": "charge_automatically",
            "created": now,
            "currency": subscription["currency"],
            "customer": subscription["customer"],
            "default_tax_rates": [],
            "discounts": [],
            "issuer": {"type": "self"},
            "lines": {"object": "list", "data": [], "has_more": False, "url": f"/v1/invoices/{id}/lines"},
            "livemode": False,
            "metadata": {},
            "parent": {"type": "subscription_details", "subscription_details": parent},
            "payment_settings": {},
            "period_end": item["current_period_end"],
            "period_start": item["current_period_start"],
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "starting_balance": 0,
            "status": "paid" if is_paid else "open",
            "status_transitions": {"finalized_at": now, "paid_at": now if is_paid else None},
            "subtotal": total,
            "total": total,
        },
        without=("payments", "confirmation_secret", "threshold_reason", "total_pretax_credit_amounts"),
    )


def _due(records: Records, subscription: Record, reason: str) -> int:
    """Fixed items in advance, and what the period that has just ended used of each meter; at the end, of this one."""
    total = 0
    for item in subscription["items"]["data"]:
        price, start = item["price"], item["current_period_start"]
        periods = {"subscription_cycle": (start - MONTH, start), LAST: (start, item["current_period_end"])}
        if reason != LAST:
            total += amount_of(price, item.get("quantity", 0))
        if reason in periods and (meter := price["recurring"]["meter"]):
            total += amount_of(price, int(used(records, meter, subscription["customer"], *periods[reason])))
    return total


def _tell_invoice(records: Records, invoice: Record, clock: str | None) -> None:
    outcome = (
        ("invoice.paid", "invoice.payment_succeeded") if invoice["status"] == "paid" else ("invoice.payment_failed",)
    )
    for type in ("invoice.created", "invoice.finalized", *outcome):
        records.emit(type, invoice, clock=clock)


@answers("GET", "/v1/invoices/{invoice}")
def read_invoice(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "invoice")


@answers("GET", "/v1/invoices")
def list_invoices(records: Records, params: Params) -> Record:
    equal = {name: params[name] for name in ("customer", "status") if name in params}
    rows = [
        row
        for row in records.all("invoice", **equal)
        if params.get("subscription") in (None, row["parent"]["subscription_details"]["subscription"])
    ]
    return records.list_of("/v1/invoices", rows, params)


# -- Renewal ----------------------------------------------------------------------------------------------------------
def renew(records: Records, subscription: Record) -> None:
    """The period is over: end the subscription, or charge the next one."""
    clock = subscription["test_clock"]
    if subscription["cancel_at_period_end"]:
        end(records, subscription)
        return
    for item in subscription["items"]["data"]:
        start = item["current_period_end"]
        item.update(current_period_start=start, current_period_end=start + MONTH)
    is_paid = test_card(records, subscription["default_payment_method"]) not in DECLINES
    invoice = _put_invoice(records, subscription, "subscription_cycle", is_paid, clock)
    before: dict[str, Any] = {"status": subscription["status"]}
    subscription.update(latest_invoice=invoice["id"], status="active" if is_paid else "past_due")
    _tell_invoice(records, invoice, clock)
    records.emit("customer.subscription.updated", subscription, before, clock=clock)
