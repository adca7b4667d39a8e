"""Payment intents and their charges: confirming a card, holding, capturing, cancelling, and holds that lapse."""

import re

import stripe

from perks.payments.standin.forms import Params, flag, metadata_in
from perks.payments.standin.records import DAY, Record, Records, answers, public
from perks.payments.standin.refusals import Refusal, declined, invalid

HOLD_LASTS = 7 * DAY
SMALLEST_AMOUNT = 50

GOOD_CARD = "pm_card_visa"
NEEDS_AUTHENTICATION = "pm_card_authenticationRequired"
DISPUTED_LATER = "pm_card_createDispute"
DECLINES = {  # code, decline code, what the payer reads
    "pm_card_chargeDeclined": ("card_declined", "generic_decline", "Your card was declined."),
    "pm_card_chargeDeclinedInsufficientFunds": (
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None, "Your card has expired."),
    "pm_card_chargeCustomerFail": ("card_declined", "generic_decline", "Your card was declined."),
}


def wrong_state(intent: Record, message: str) -> Refusal:
    """The intent is in another state than the call needs; the answer carries it, as Stripe's does."""
    return invalid(message, "payment_intent_unexpected_state", payment_intent=public(intent))


@answers("POST", "/v1/payment_intents")
def create_intent(records: Records, params: Params) -> Record:
    amount = int(params["amount"])
    if amount < SMALLEST_AMOUNT:
        raise invalid("Amount must be at least €0.50 eur", "amount_too_small", "amount", is_kept=False)
    if records.account and not records.objects[records.account]["charges_enabled"]:
        raise invalid("Your account cannot currently make charges.")
    if params.get("customer"):
        records.get(params["customer"], "customer", "customer")
    id = records.new_id("pi")
    intent = records.put(
        stripe.PaymentIntent,
        {
            "id": id,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "capture_method": params.get("capture_method", "automatic_async"),
            "client_secret": f"{id}_secret_x",
            "confirmation_method": "automatic",
            "created": records.now(),
            "currency": params["currency"].lower(),
            "customer": params.get("customer"),
            "description": params.get("description"),
            "livemode": False,
            "metadata": metadata_in(params),
            "payment_method": params.get("payment_method"),
            "payment_method_types": ["card"],
            "setup_future_usage": params.get("setup_future_usage"),
            "status": "requires_confirmation" if params.get("payment_method") else "requires_payment_method",
        },
        without=("amount_details", "hooks", "payment_details"),
    )
    records.emit("payment_intent.created", intent)
    if flag(params.get("confirm")):
        return confirm_intent(records, id, params)
    return intent


@answers("POST", "/v1/payment_intents/{intent}/confirm")
def confirm_intent(records: Records, id: str, params: Params) -> Record:
    intent = records.get(id, "payment_intent", "intent")
    status = intent["status"]
    if status not in ("requires_payment_method", "requires_confirmation", "requires_action"):
        raise wrong_state(intent, f"You cannot confirm this PaymentIntent because it has a status of {status}.")
    card = params.get("payment_method") or intent["payment_method"]
    if not card:
        raise wrong_state(intent, "You cannot confirm this PaymentIntent because it's missing a payment method.")
    if card in DECLINES:
        refuse_card(records, intent, *DECLINES[card])
    if card == NEEDS_AUTHENTICATION and status != "requires_action":
        if flag(params.get("off_session")):
            message = "Your card was declined. This transaction requires authentication."
            refuse_card(records, intent, "authentication_required", "authentication_required", message)
        page = {"url": f"{records.base_url}/authenticate/{id}", "return_url": params.get("return_url")}
        action = {"type": "redirect_to_url", "redirect_to_url": page}
        intent.update(status="requires_action", payment_method=card, next_action=action)
        records.emit("payment_intent.requires_action", intent)
        return intent
    charge_card(records, intent, card)
    return intent


def refuse_card(records: Records, intent: Record, code: str, decline_code: str | None, message: str) -> None:
    """The intent waits for another card."""
    intent.update(status="requires_payment_method", payment_method=None, next_action=None)
    intent["last_payment_error"] = {"type": "card_error", "code": code, "message": message}
    if decline_code:
        intent["last_payment_error"]["decline_code"] = decline_code
    records.emit("payment_intent.payment_failed", intent)
    raise declined(message, code, decline_code, payment_intent=public(intent))


def fail_authentication(records: Records, intent: Record) -> None:
    """The payer did not confirm a card that asks for it."""
    message = "We are unable to authenticate your payment method."
    refuse_card(records, intent, "payment_intent_authentication_failure", None, message)


def charge_card(records: Records, intent: Record, card: str) -> None:
    """Take the money, or hold it where the intent is captured by hand: an authorisation is a charge too."""
    is_hold = intent["capture_method"] == "manual"
    charge = _put_charge(records, intent, card, is_captured=not is_hold)
    intent.update(latest_charge=charge["id"], payment_method=card, next_action=None, last_payment_error=None)
    if is_hold:
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
    else:
        intent.update(status="succeeded", amount_received=intent["amount"])
    records.emit("charge.succeeded", charge)
    records.emit("payment_intent.amount_capturable_updated" if is_hold else "payment_intent.succeeded", intent)


def _put_charge(records: Records, intent: Record, card: str, *, is_captured: bool) -> Record:
    capture_before = None if is_captured else records.now() + HOLD_LASTS
    shown = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034, "capture_before": capture_before}
    return records.put(
        stripe.Charge,
        {
            "id": records.new_id("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if is_captured else 0,
            "amount_refunded": 0,
            "billing_details": {},
            "captured": is_captured,
            "created": records.now(),
            "currency": intent["currency"],
            "customer": intent["customer"],
            "disputed": False,
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "paid": True,
            "payment_intent": intent["id"],
            "payment_method": card,
            "payment_method_details": {"type": "card", "card": shown},
            "refunded": False,
            "status": "succeeded",
        },
        without=("refunds", "level3", "authorization_code"),
    )


@answers("POST", "/v1/payment_intents/{intent}/capture")
def capture_intent(records: Records, id: str, params: Params) -> Record:
    intent = _after_lapsing(records, records.get(id, "payment_intent", "intent"))
    if intent["status"] != "requires_capture":
        raise wrong_state(
            intent,
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only a "
            "PaymentIntent with one of the following statuses may be captured: requires_capture.",
        )
    amount = int(params.get("amount_to_capture") or intent["amount_capturable"])
    if amount > intent["amount_capturable"]:
        message = "amount_to_capture is greater than the remaining amount you can capture."
        raise invalid(message, "amount_too_large")
    if amount < 1:
        raise invalid("Invalid positive integer", "parameter_invalid_integer", "amount_to_capture", is_kept=False)
    charge = records.get(intent["latest_charge"])
    charge.update(captured=True, amount_captured=amount)
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    records.emit("charge.captured", charge)
    records.emit("payment_intent.succeeded", intent)
    return intent


@answers("POST", "/v1/payment_intents/{intent}/cancel")
def cancel_intent(records: Records, id: str, params: Params) -> Record:
    intent = _after_lapsing(records, records.get(id, "payment_intent", "intent"))
    if intent["status"] in ("succeeded", "canceled", "processing"):
        message = f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
        raise wrong_state(intent, message)
    # `amount_capturable` stays, as recorded from Stripe.
    reason = params.get("cancellation_reason")
    intent.update(status="canceled", canceled_at=records.now(), cancellation_reason=reason)
    records.emit("payment_intent.canceled", intent)
    return intent


@answers("GET", "/v1/payment_intents/{intent}")
def read_intent(records: Records, id: str, params: Params) -> Record:
    return _after_lapsing(records, records.get(id, "payment_intent", "intent"))


@answers("GET", "/v1/payment_intents")
def list_intents(records: Records, params: Params) -> Record:
    equal = {"customer": params["customer"]} if "customer" in params else {}
    return records.list_of("/v1/payment_intents", records.all("payment_intent", **equal), params)


@answers("GET", "/v1/payment_intents/search")
def search_intents(records: Records, params: Params) -> Record:
    """By metadata only: `metadata['hold']:'…'`, joined by AND."""
    asked = re.findall(r"metadata\[['\"]([^'\"]+)['\"]\]:['\"]([^'\"]*)['\"]", params["query"])
    if len(asked) != len(params["query"].split(" AND ")):
        raise invalid("The stand-in searches payment intents by metadata only.", None, "query")
    found = [
        intent
        for intent in records.all("payment_intent")
        if all(intent["metadata"].get(name) == value for name, value in asked)
    ]
    page = records.list_of("/v1/payment_intents/search", found, {"limit": params.get("limit", 10)})
    return {**page, "object": "search_result", "next_page": None}


@answers("GET", "/v1/charges/{charge}")
def read_charge(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "charge")


@answers("GET", "/v1/charges")
def list_charges(records: Records, params: Params) -> Record:
    equal = {name: params[name] for name in ("payment_intent", "customer") if name in params}
    return records.list_of("/v1/charges", records.all("charge", **equal), params)


# -- Holds that lapse -------------------------------------------------------------------------------------------------
def lapse(records: Records, intent: Record) -> None:
    """The card network lets a hold go that was not captured in time."""
    charge = records.get(intent["latest_charge"])
    intent.update(status="canceled", cancellation_reason="automatic", amount_capturable=0, canceled_at=records.now())
    records.emit("charge.expired", charge)
    records.emit("payment_intent.canceled", intent)


def is_due_to_lapse(records: Records, intent: Record) -> bool:
    if intent["status"] != "requires_capture":
        return False
    charge = records.get(intent["latest_charge"])
    return bool(charge["payment_method_details"]["card"]["capture_before"] <= records.now())


def _after_lapsing(records: Records, intent: Record) -> Record:
    if is_due_to_lapse(records, intent):
        lapse(records, intent)
    return intent
