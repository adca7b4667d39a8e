"""Holds at Stripe, on the merchant's own account: the page on which a card is named, then capturing or letting go.

The page is Stripe's, so no card's number reaches us; our metadata says one thing, the hold's public id.
"""

from typing import Any, Final

from stripe import Charge, PaymentIntent, PaymentMethod
from stripe.checkout import Session as CheckoutSession

from perks.payments.client import client, errors, noted, said

HOLD: Final = "hold"
UNEXPECTED_STATE: Final = "payment_intent_unexpected_state"  # it was captured, cancelled or let go before
_WITH_CHARGE: Final = "latest_charge"


SAVED: Final = "off_session"
_AS_LONG_AS_CAN_BE: Final = "if_available"
"""A hold lasts about seven days; some cards' networks let a car rental hold for up to thirty, and say so themselves."""


def create_page(
    *, account: str, hold: str, amount: int, currency: str, title: str, promise: str, return_url: str, key: str
) -> CheckoutSession:
    """Open the page on which somebody has an amount held on a card: nothing is charged by it.

    The card is saved for this rental, on the merchant's account, so that it can be asked again before the hold ends.
    """
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
                "customer_creation": "always",
                "custom_text": {"submit": {"message": promise}},
                "payment_intent_data": {
                    "capture_method": "manual",
                    "metadata": {HOLD: hold},
                    "setup_future_usage": SAVED,
                },
                "payment_method_options": {"card": {"request_extended_authorization": _AS_LONG_AS_CAN_BE}},
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
    return _id(session.payment_intent)


def hold_again(
    *, account: str, hold: str, amount: int, currency: str, customer: str, payment_method: str, key: str
) -> PaymentIntent:
    """Have an amount held on a saved card with nobody there; its bank may want them there, which is a refusal."""
    with errors():
        return client().v1.payment_intents.create(
            params={
                "amount": amount,
                "currency": currency.lower(),
                "customer": customer,
                "payment_method": payment_method,
                "capture_method": "manual",
                "confirm": True,
                "off_session": True,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "payment_method_options": {"card": {"request_extended_authorization": _AS_LONG_AS_CAN_BE}},
                "metadata": {HOLD: hold},
                "expand": [_WITH_CHARGE],
            },
            options=said(key=key, account=account),
        )


def find_intent(hold: str, *, customer: str, account: str) -> PaymentIntent | None:
    """The intent of a hold of ours among those of a customer."""
    with errors():
        found = client().v1.payment_intents.list(
            params={"customer": customer, "limit": 100, "expand": [f"data.{_WITH_CHARGE}"]},
            options=said(account=account),
        )
        return next((one for one in found.auto_paging_iter() if hold_of(one) == hold), None)


def forget_card(payment_method: str, *, account: str, key: str) -> PaymentMethod:
    """Forget a saved card; one that is forgotten already stays so."""
    with errors():
        kept = client().v1.payment_methods.retrieve(payment_method, options=said(account=account))
        if kept.customer is None:
            return kept
        return client().v1.payment_methods.detach(payment_method, options=said(key=key, account=account))


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


def saved_card(intent: PaymentIntent) -> tuple[str, str]:
    """Stripe's ids of who named the card and of the card, where both are known; else nothing."""
    customer, card = _id(intent.customer), _id(intent.payment_method)
    return (customer, card) if customer and card else ("", "")


def _id(named: Any) -> str:
    return named if isinstance(named, str) else named.id if named else ""


def hold_of(intent: PaymentIntent) -> str:
    """Our hold's public id, as the intent's metadata has it; "" for a payment of the merchant's own."""
    return noted(intent.metadata, HOLD)
