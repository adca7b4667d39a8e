"""Flows at Stripe itself, in a sandbox: `make test-stripe-live`. Nothing here was ever run there."""
