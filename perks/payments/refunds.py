"""Money given back at Stripe, from the merchant's own account to the card it was taken from."""

from typing import Final

from stripe import Refund

from perks.payments.client import client, errors, noted, said

REFUND: Final = "refund"
ALL_GIVEN_BACK: Final = "charge_already_refunded"


def create_refund(*, account: str, intent: str, refund: str, amount: int, key: str) -> Refund:
    with errors():
        return client().v1.refunds.create(
            params={"payment_intent": intent, "amount": amount, "metadata": {REFUND: refund}},
            options=said(key=key, account=account),
        )


def read_refund(refund_id: str, *, account: str) -> Refund:
    with errors():
        return client().v1.refunds.retrieve(refund_id, options=said(account=account))


def find_refund(refund: str, *, intent: str, account: str) -> Refund | None:
    """The refund that our public id names, among those of an intent."""
    with errors():
        found = client().v1.refunds.list(params={"payment_intent": intent, "limit": 100}, options=said(account=account))
        return next((one for one in found.auto_paging_iter() if ours(one) == refund), None)


def intent_of(refund: Refund) -> str:
    intent = refund.payment_intent
    return intent if isinstance(intent, str) else intent.id if intent else ""


def ours(refund: Refund) -> str:
    """Our refund's public id, as its metadata has it; "" for one made at the dashboard."""
    return noted(refund.metadata, REFUND)
