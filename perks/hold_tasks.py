"""What the relay and Celery beat ask of holds: ending those whose time is over, and the daily look at Stripe."""

from datetime import datetime

from citizen_app.outbox import sweeps
from perks.services import hold_events, hold_refunds, hold_renewals, payment_accounts

LISTENING = (hold_refunds,)  # imported to be registered


@sweeps("perks.renew_holds")
def renew(now: datetime) -> int:
    """Hold anew what would end before its agreement does."""
    return hold_renewals.renew_holds(now=now)


@sweeps("perks.expire_holds")
def expire(now: datetime) -> int:
    """End holds that were not captured in their time."""
    return hold_events.expire_holds(now=now)


@sweeps("perks.stripe_holds")
def sweep(now: datetime) -> int:
    """Read again, once a day, every hold that is not over."""
    return hold_events.sweep_holds(now=now)


@sweeps("perks.stripe_accounts")
def sweep_accounts(now: datetime) -> int:
    """Read again, once a day, each merchant's own account."""
    return payment_accounts.sweep_accounts(now=now)
