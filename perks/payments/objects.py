"""What Stripe answers with, by the SDK's own types, for rooms that may not import it."""

from stripe import Account, Dispute, PaymentIntent, Refund

__all__ = ["Account", "Dispute", "PaymentIntent", "Refund"]
