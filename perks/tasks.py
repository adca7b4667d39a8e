"""What the relay and Celery beat ask of perks: expiries, ends, and forgetting those who left."""

from datetime import datetime
from typing import Any

from citizen_app.outbox import handles, sweeps
from perks.services.catalogue import end_lapsed_perks
from perks.services.forgetting import forget_those_who_left
from perks.services.redemptions import expire_redemptions
from perks.services.telling import TOPIC


@handles(TOPIC)
def deliver_event(*, merchant: str, type: str, **event: Any) -> None:
    """Send an event to the endpoints of its merchant: as long as none can be registered there are none to send to."""


@sweeps("perks.expire_redemptions")
def expire(now: datetime) -> int:
    """Give back what holds that ran out had reserved."""
    return expire_redemptions(now=now)


@sweeps("perks.end_lapsed")
def end_lapsed(now: datetime) -> int:
    """File the perks whose validity is over."""
    return end_lapsed_perks(now=now)


@sweeps("perks.forget")
def forget(now: datetime) -> int:
    """Take people who left out of what was open then and has closed since."""
    return forget_those_who_left(now=now)
