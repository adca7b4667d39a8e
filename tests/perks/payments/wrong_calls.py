"""Calls that mypy must refuse, so that it is known to hold ours to the SDK's types; never run.

Each line says which error it expects. Should mypy no longer find one, the comment is unused, and that is an error.
"""

import stripe

client = stripe.StripeClient("sk_test_x")
intents = client.v1.payment_intents
once: stripe.RequestOptions = {"idempotency_key": "k"}

intents.create(params={"amount": 1_000, "currency": "eur"}, options=once)
# Gone with the pinned version, and still in most examples of the web:
intents.create(params={"amount": 1_000, "currency": "eur", "payment_method_types": ["card"]})  # type: ignore[typeddict-unknown-key]
intents.create(params={"amount": "1000", "currency": "eur"})  # type: ignore[typeddict-item]
intents.create(params={"currency": "eur"})  # type: ignore[typeddict-item]
intents.create(params={"amount": 1_000, "currency": "eur"}, options={"timeout": 3})  # type: ignore[arg-type]
# Moved to the items of a subscription:
ends = client.v1.subscriptions.retrieve("sub_1").current_period_end  # type: ignore[attr-defined]
