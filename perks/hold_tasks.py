"""What the relay and Celery beat ask of holds: ending those whose time is over, and the daily look at Stripe."""

from datetime import datetime

from citizen_app.outbox import sweeps
from perks.services import hold_events, hold_refunds

LISTENING = (hold_refunds,)  # imported to be registered


@sweeps("perks.expire_holds")
def expire(now: datetime) -> int:
    """End holds that were not captured in their time."""
    return hold_events.expire_holds(now=now)


@sweeps("perks.stripe_holds")
def sweep(now: datetime) -> int:
    """Read again, once a day, every hold that is not over."""
    return hold_events.sweep_holds(now=now)
