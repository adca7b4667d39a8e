"""What the relay and Celery beat ask of perks: expiries, ends, and forgetting those who left."""

from datetime import datetime
from typing import Any

from citizen_app.models import Citizen
from citizen_app.outbox import handles, sweeps
from perks.services.catalogue import end_lapsed_perks
from perks.services.doubt import give_back_what_doubt_reserved
from perks.services.forgetting import forget_those_who_left
from perks.services.make_goods import expire_make_goods, offer_make_goods
from perks.services.redemptions import expire_redemptions
from perks.services.telling import TOPIC
from scores.assessments import DISPUTE_WITHDRAWN, DISPUTE_WON


@handles(TOPIC)
def deliver_event(*, merchant: str, type: str, **event: Any) -> None:
    """Send an event to the endpoints of its merchant: as long as none can be registered there are none to send to."""


@handles(DISPUTE_WON)
def make_good(*, citizen_id: int, dispute_id: str, entry_ids: list[int], corrected_ids: list[int]) -> None:
    """Offer again what the wrong records of a dispute kept from its citizen."""
    citizen = Citizen.objects.filter(pk=citizen_id).first()
    if citizen is not None:
        offer_make_goods(citizen=citizen, dispute_id=dispute_id, entry_ids=entry_ids, corrected_ids=corrected_ids)


@handles(DISPUTE_WITHDRAWN)
def give_back(*, citizen_id: int, dispute_id: str, entry_ids: list[int], opened_at: str) -> None:
    """Give back what was reserved only thanks to a dispute that its citizen took back."""
    citizen = Citizen.objects.filter(pk=citizen_id).first()
    if citizen is not None:
        since = datetime.fromisoformat(opened_at)
        give_back_what_doubt_reserved(citizen=citizen, entry_ids=entry_ids, opened_at=since)


@sweeps("perks.expire_make_goods")
def expire_offers(now: datetime) -> int:
    """File the make-good offers nobody took in time."""
    return expire_make_goods(now=now)


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
