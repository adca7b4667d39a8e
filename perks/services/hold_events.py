"""What Stripe tells of holds, and the daily look at those of which it told nothing."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from perks import holds
from perks.models import DepositHold
from perks.payments.client import Rejected, Transient, is_on
from perks.services.hold_steps import State, end, locked, sync_intent, tell_agreement
from perks.services.holds import sync_page
from perks.services.stripe_events import StripeEvent, on_event

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(days=1)


@on_event("checkout.session.completed", "checkout.session.expired", connected=True)
def _page_ended(event: StripeEvent) -> None:
    sync_page(event.account, event.object_id)


@on_event(
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    connected=True,
)
def _intent_changed(event: StripeEvent) -> None:
    sync_intent(event.account, event.object_id)


def sweep_holds(*, now: datetime, limit: int = 200) -> int:
    """Read each hold that is not over and was not read for a day; return how many."""
    if not is_on():
        return 0
    stale = DepositHold.objects.unfinished().filter(read_at__lte=now - EVERY).order_by("read_at")
    done = 0
    for hold in list(stale[:limit]):
        try:
            if hold.payment_intent_id:
                sync_intent(hold.account_id, hold.payment_intent_id)
            elif hold.checkout_session_id:
                sync_page(hold.account_id, hold.checkout_session_id)
            done += 1
        except (Transient, Rejected) as error:
            # One account that has left stands in nobody else's way.
            log.warning("hold.not_read", hold=hold.public_id, why=type(error).__name__)
    return done


def expire_holds(*, now: datetime, limit: int = 500) -> int:
    """End each hold whose time is over, whatever Stripe says of it by then; return how many."""
    late = DepositHold.objects.filter(state=holds.HELD, capture_before__lte=now).order_by("capture_before")
    ended = 0
    for hold in list(late[:limit]):
        with transaction.atomic():
            agreement, held = locked(hold)
            if held.state == State.HELD:
                end(held, State.EXPIRED, now)
                tell_agreement(agreement, now)
                ended += 1
    return ended
