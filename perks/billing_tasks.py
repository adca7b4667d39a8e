"""What the relay and Celery beat ask of billing: counting what was used, and the daily looks at what Stripe has."""

from datetime import datetime

from citizen_app.outbox import handles, sweeps
from perks.models import Redemption
from perks.services import stripe_sweeps
from perks.services.telling import COUNT_USE
from perks.services.usage import count_use


@handles(COUNT_USE)
def count(*, redemption: str) -> None:
    """Count a redemption for its merchant's bill, if its scan stands. Safe twice."""
    found = Redemption.objects.filter(pk=Redemption.key_of(redemption)).first()
    if found is not None:
        count_use(redemption=found)


@sweeps("perks.stripe_events")
def sweep_events(now: datetime) -> int:
    """Keep what Stripe said and no webhook brought, once a day."""
    return stripe_sweeps.sweep_events(now=now)


@sweeps("perks.stripe_subscriptions")
def sweep_subscriptions(now: datetime) -> int:
    """Read again, once a day, every plan that is not over."""
    return stripe_sweeps.sweep_subscriptions(now=now)


@sweeps("perks.stripe_usage")
def sweep_usage(now: datetime) -> int:
    """Compare, once a day, what Stripe has counted with what it was told."""
    return stripe_sweeps.sweep_usage(now=now)
