"""Holds at Stripe, on the merchant's own account: the page on which a card is named, then capturing or letting go.

The page is Stripe's, so no card's number reaches us; our metadata says one thing, the hold's public id.
"""

from typing import Any, Final

from stripe import Charge, PaymentIntent
from stripe.checkout import Session as CheckoutSession

from perks.payments.client import client, errors, said

HOLD: Final = "hold"
UNEXPECTED_STATE: Final = "payment_intent_unexpected_state"  # it was captured, cancelled or let go before
_WITH_CHARGE: Final = "latest_charge"


def create_page(
    *, account: str, hold: str, amount: int, currency: str, title: str, return_url: str, key: str
) -> CheckoutSession:
    """Open the page on which somebody has an amount held on a card: nothing is charged by it."""
    with errors():
        return client().v1.checkout.sessions.create(
            params={
                "mode": "payment",
                "client_reference_id": hold,
                "metadata": {HOLD: hold},
                "line_items": [
                    {
                        "price_data": {
                            "currency": currency.lower(),
                            "unit_amount": amount,
                            "product_data": {"name": title},
                        },
                        "quantity": 1,
                    }
                ],
                "allowed_payment_method_types": ["card"],
                "payment_intent_data": {"capture_method": "manual", "metadata": {HOLD: hold}},
                "success_url": return_url,
                "cancel_url": return_url,
            },
            options=said(key=key, account=account),
        )


def read_page(session_id: str, *, account: str) -> CheckoutSession:
    with errors():
        return client().v1.checkout.sessions.retrieve(session_id, options=said(account=account))


def close_page(session_id: str, *, account: str, key: str) -> CheckoutSession:
    """Close a page that nobody may pay on any more; refused where it was paid or has closed."""
    with errors():
        return client().v1.checkout.sessions.expire(session_id, options=said(key=key, account=account))


def intent_of(session: CheckoutSession) -> str:
    """The payment intent a page has led to, or nothing yet."""
    intent = session.payment_intent
    return intent if isinstance(intent, str) else intent.id if intent else ""


def read_intent(intent_id: str, *, account: str) -> PaymentIntent:
    with errors():
        return client().v1.payment_intents.retrieve(
            intent_id, params={"expand": [_WITH_CHARGE]}, options=said(account=account)
        )


def capture(intent_id: str, *, account: str, amount: int, key: str) -> PaymentIntent:
    """Charge a part of what is held, or all of it; the bank lets go of the rest."""
    with errors():
        return client().v1.payment_intents.capture(
            intent_id,
            params={"amount_to_capture": amount, "expand": [_WITH_CHARGE]},
            options=said(key=key, account=account),
        )


def cancel(intent_id: str, *, account: str, key: str) -> PaymentIntent:
    """Let go of all that is held."""
    with errors():
        return client().v1.payment_intents.cancel(
            intent_id, params={"expand": [_WITH_CHARGE]}, options=said(key=key, account=account)
        )


def capture_before(intent: PaymentIntent) -> int | None:
    """Until when what is held can be captured, in seconds since 1970; None where nothing is."""
    charge: Any = intent.latest_charge
    if not isinstance(charge, Charge) or charge.payment_method_details is None:
        return None
    card = charge.payment_method_details.card
    return None if card is None else card.capture_before


def hold_of(intent: PaymentIntent) -> str:
    """Our hold's public id, as the intent's metadata has it; "" for a payment of the merchant's own."""
    return dict(intent.metadata or {}).get(HOLD, "")
