"""Checkout sessions: the hosted page on which somebody pays."""

import stripe

from perks.payments.standin.customers import create_customer
from perks.payments.standin.forms import Params, metadata_in
from perks.payments.standin.intents import (
    DECLINES,
    GOOD_CARD,
    NEEDS_AUTHENTICATION,
    charge_card,
    confirm_intent,
    create_intent,
    fail_authentication,
)
from perks.payments.standin.prices import amount_of, create_price
from perks.payments.standin.records import DAY, Record, Records, answers
from perks.payments.standin.refusals import declined, invalid
from perks.payments.standin.subscriptions import make_subscription

LEFT_OUT = (
    "adaptive_pricing",
    "branding_settings",
    "collected_information",
    "line_items",
    "managed_payments",
    "name_collection",
    "optional_items",
)


@answers("POST", "/v1/checkout/sessions")
def create_session(records: Records, params: Params) -> Record:
    mode = params.get("mode", "payment")
    if mode not in ("payment", "subscription"):
        raise invalid("The stand-in knows mode payment and subscription.", None, "mode")
    if params.get("ui_mode", "hosted_page") == "hosted_page" and "success_url" not in params:
        message = "Missing required param: success_url."
        raise invalid(message, "parameter_missing", "success_url", is_kept=False)
    lines = [_line(records, place, each, mode) for place, each in enumerate(params.get("line_items") or [])]
    if not lines:
        raise invalid("You must provide line_items.", "parameter_missing", "line_items", is_kept=False)
    if params.get("customer"):
        records.get(params["customer"], "customer", "customer")
    total = sum(amount_of(price, quantity) for price, quantity in lines)
    id = records.new_id("cs_test")
    return records.put(
        stripe.checkout.Session,
        {
            "id": id,
            "object": "checkout.session",
            "amount_subtotal": total,
            "amount_total": total,
            "automatic_tax": {"enabled": False},
            "cancel_url": params.get("cancel_url"),
            "client_reference_id": params.get("client_reference_id"),
            "created": records.now(),
            "currency": lines[0][0]["currency"],
            "customer": params.get("customer"),
            "custom_fields": [],
            "custom_text": {},
            "expires_at": int(params.get("expires_at", records.now() + DAY)),
            "livemode": False,
            "metadata": metadata_in(params),
            "mode": mode,
            "payment_method_types": ["card"],
            "payment_status": "unpaid",
            "shipping_options": [],
            "status": "open",
            "success_url": params.get("success_url"),
            "ui_mode": params.get("ui_mode", "hosted_page"),
            "url": f"{records.base_url}/c/pay/{id}",
            "_asked": params,
            "_lines": [[price["id"], quantity] for price, quantity in lines],
        },
        without=LEFT_OUT,
    )


def _line(records: Records, place: int, sent: Params, mode: str) -> tuple[Record, int]:
    """The price and the quantity of one item."""
    if "price" in sent:
        price = records.get(sent["price"], "price", f"line_items[{place}][price]")
    else:
        price = create_price(records, sent["price_data"])
    recurring = price["recurring"]
    if recurring and mode == "payment":
        raise invalid("You specified `payment` mode but passed a recurring price.", None, "mode")
    is_metered = bool(recurring) and recurring["usage_type"] == "metered"
    if is_metered and "quantity" in sent:
        raise invalid("You cannot set the quantity for metered plans.", None, f"line_items[{place}][quantity]")
    return price, int(sent.get("quantity", 0 if is_metered else 1))


@answers("GET", "/v1/checkout/sessions/{session}")
def read_session(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "checkout.session")


@answers("GET", "/v1/checkout/sessions")
def list_sessions(records: Records, params: Params) -> Record:
    names = ("customer", "payment_intent", "status", "subscription")
    equal = {name: params[name] for name in names if name in params}
    return records.list_of("/v1/checkout/sessions", records.all("checkout.session", **equal), params)


@answers("POST", "/v1/checkout/sessions/{session}/expire")
def expire_session(records: Records, id: str, params: Params) -> Record:
    session = records.get(id, "checkout.session")
    if session["status"] != "open":
        raise invalid('Only Checkout Sessions with a status in ["open"] can be expired.')
    session.update(status="expired", url=None)
    records.emit("checkout.session.expired", session)
    return session


# -- What the payer does ----------------------------------------------------------------------------------------------
def pay(records: Records, session: Record, card: str, *, delayed: bool, authenticated: bool) -> None:
    """Somebody names a card and pays. A card that is declined leaves the page open for another."""
    if session["status"] != "open":
        raise invalid("This Checkout Session is no longer open.")
    if session["mode"] == "subscription":
        _subscribe(records, session, card, authenticated)
    else:
        _pay_once(records, session, card, delayed, authenticated)
    session.update(status="complete", url=None)
    records.emit("checkout.session.completed", session)


def _customer_of(records: Records, session: Record) -> str:
    session["customer"] = session["customer"] or create_customer(records, {"email": "payer@example.org"})["id"]
    return str(session["customer"])


def _subscribe(records: Records, session: Record, card: str, authenticated: bool) -> None:
    if card in DECLINES:
        code, decline_code, message = DECLINES[card]
        raise declined(message, code, decline_code)
    if card == NEEDS_AUTHENTICATION and not authenticated:
        raise declined(
            "We are unable to authenticate your payment method.", "payment_intent_authentication_failure", None
        )
    lines = [(price, quantity) for price, quantity in session["_lines"]]
    data = session["_asked"].get("subscription_data") or {}
    subscription = make_subscription(records, _customer_of(records, session), lines, data, card)
    session.update(subscription=subscription["id"], invoice=subscription["latest_invoice"], payment_status="paid")


def _pay_once(records: Records, session: Record, card: str, delayed: bool, authenticated: bool) -> None:
    data = session["_asked"].get("payment_intent_data") or {}
    if session["payment_intent"]:
        intent = records.get(session["payment_intent"])
    else:
        intent = create_intent(records, _intent_params(records, session, data))
        session["payment_intent"] = intent["id"]
    if delayed:
        intent["status"] = "processing"
        records.emit("payment_intent.processing", intent)
        return
    confirm_intent(records, intent["id"], {"payment_method": card})
    if intent["status"] == "requires_action":
        if not authenticated:
            fail_authentication(records, intent)
        charge_card(records, intent, card)
    # What Stripe says of a session whose money is only held was never seen: judge by the intent.
    session["payment_status"] = "unpaid" if intent["status"] == "requires_capture" else "paid"


def _intent_params(records: Records, session: Record, data: Params) -> Params:
    params = {"amount": str(session["amount_total"]), "currency": session["currency"], **data}
    asks_customer = session["_asked"].get("customer_creation") == "always" or data.get("setup_future_usage")
    if session["customer"] or asks_customer:
        params["customer"] = _customer_of(records, session)
    return params


def settle(records: Records, session: Record, *, ok: bool) -> None:
    """A payment that takes days (a bank debit) came in, or did not."""
    intent = records.get(session["payment_intent"])
    if ok:
        charge_card(records, intent, GOOD_CARD)
        session["payment_status"] = "paid"
    else:
        intent["status"] = "requires_payment_method"
        records.emit("payment_intent.payment_failed", intent)
    records.emit(f"checkout.session.async_payment_{'succeeded' if ok else 'failed'}", session)
