"""A stand-in for the part of Stripe that the product uses: this is NOT Stripe, and no money moves.

In tests it stands behind `stripe.HTTPClient` within the process; `manage.py stripe_standin` serves it on 127.0.0.1.
"""

from perks.payments.standin.fake import Call, FakeStripe, Fault
from perks.payments.standin.transport import FakeTransport, serve

__all__ = ["Call", "FakeStripe", "FakeTransport", "Fault", "serve"]
