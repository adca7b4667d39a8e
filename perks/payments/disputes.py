"""Disputes at Stripe: a card's owner wants a charge back. The merchant answers on Stripe's pages, not here."""

from stripe import Dispute

from perks.payments.client import client, errors, said


def read_dispute(dispute_id: str, *, account: str) -> Dispute:
    with errors():
        return client().v1.disputes.retrieve(dispute_id, options=said(account=account))


def intent_of(dispute: Dispute) -> str:
    intent = dispute.payment_intent
    return intent if isinstance(intent, str) else intent.id if intent else ""
