"""Cards: what a test card's name does, and which card may be used again.

As at Stripe, each use of a test card's name makes a payment method of its own; without a customer it serves once.
"""

import stripe

from perks.payments.standin.forms import Params
from perks.payments.standin.records import Record, Records, answers
from perks.payments.standin.refusals import declined, invalid

GOOD_CARD = "pm_card_visa"
NEEDS_AUTHENTICATION = "pm_card_authenticationRequired"
REFUNDED_LATER = "pm_card_pendingRefund"  # its refunds begin as pending
FAILS_LATER = "pm_card_chargeCustomerFail"  # it can be attached, and is declined when it is charged
DECLINES = {  # code, decline code, what the payer reads
    "pm_card_chargeDeclined": ("card_declined", "generic_decline", "Your card was declined."),
    "pm_card_chargeDeclinedInsufficientFunds": (
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None, "Your card has expired."),
    FAILS_LATER: ("card_declined", "generic_decline", "Your card was declined."),
}
USED_UP = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment. It may not be "
    "used again. To use a PaymentMethod multiple times, you must attach it to a Customer first."
)


def test_card(records: Records, id: str) -> str:
    """The name of the test card behind a payment method."""
    if id.startswith("pm_card_"):
        return id
    return str(records.get(id, "payment_method", "payment_method")["_card"])


def taken_for(records: Records, id: str, customer: str | None, *, is_saved: bool) -> str:
    """The id of the payment method that a payment uses; one that is saved may be used again by its customer."""
    if id.startswith("pm_card_"):
        return str(put_card(records, id, customer if is_saved else None)["id"])
    method = records.get(id, "payment_method", "payment_method")
    if method["customer"] is None and method["_is_used"]:
        raise invalid(USED_UP, None, "payment_method")
    if method["customer"] not in (None, customer):
        message = "The PaymentMethod belongs to a Customer: include it as the customer of this PaymentIntent."
        raise invalid(message, None, "payment_method")
    if is_saved:
        method["customer"] = customer
    return id


def put_card(records: Records, card: str, customer: str | None) -> Record:
    shown = {"brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "funding": "credit", "last4": "4242"}
    return records.put(
        stripe.PaymentMethod,
        {
            "id": records.new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {},
            "card": shown,
            "created": records.now(),
            "customer": customer,
            "livemode": False,
            "metadata": {},
            "type": "card",
            "_card": card,
            "_is_used": False,
        },
    )


@answers("POST", "/v1/payment_methods/{payment_method}/attach")
def attach_card(records: Records, id: str, params: Params) -> Record:
    customer = records.get(params["customer"], "customer", "customer")["id"]
    if id in DECLINES and id != FAILS_LATER:
        code, decline_code, message = DECLINES[id]
        raise declined(message, code, decline_code)
    if id.startswith("pm_card_"):
        method = put_card(records, id, customer)
    else:
        method = records.get(id, "payment_method", "payment_method")
        if method["customer"] is None and method["_is_used"]:
            raise invalid(USED_UP, None, "payment_method")
        method["customer"] = customer
    records.emit("payment_method.attached", method)
    return method


@answers("POST", "/v1/payment_methods/{payment_method}/detach")
def detach_card(records: Records, id: str, params: Params) -> Record:
    method = records.get(id, "payment_method")
    method.update(customer=None, _is_used=True)
    records.emit("payment_method.detached", method)
    return method


@answers("GET", "/v1/payment_methods/{payment_method}")
def read_card(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "payment_method")


@answers("GET", "/v1/payment_methods")
def list_cards(records: Records, params: Params) -> Record:
    equal = {name: params[name] for name in ("customer", "type") if name in params}
    return records.list_of("/v1/payment_methods", records.all("payment_method", **equal), params)
