"""What Stripe tells us: each event kept once, its object read as it is now, an older reading never over a newer one.

An event is only a hint that something changed. Its handler reads the object, so events that come twice, late or in any
order do no harm. Nothing of an event is kept but its ids (no personal data).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from citizen_app import inbox
from citizen_app.dead_letters import advises
from citizen_app.models import InboxMessage
from perks.models import Merchant, StripeReading
from perks.services.stripe_calls import require_no_transaction

log = structlog.get_logger(__name__)

TOPIC: Final = "stripe_event"
SOURCE: Final = "stripe"
NOT_COUNTED: Final = "uses_not_counted"
"""Why an event waits for a person at once: uses that Stripe took and did not count."""

T = TypeVar("T")


@dataclass(frozen=True)
class StripeEvent:
    """One event as far as we keep it."""

    id: str
    type: str
    account: str  # the connected account it is about; "" = the platform's
    object_id: str
    payload: dict[str, Any]  # what the inbox keeps: these names, and nothing else


Handler = Callable[[StripeEvent], None]
_handlers: dict[tuple[str, bool], Handler] = {}


def on_event(*types: str, connected: bool = False) -> Callable[[Handler], Handler]:
    """Register the handler of some types of events: called outside of any transaction, perhaps more than once.

    Events of merchants' own accounts (`connected`) and of the platform's have handlers of their own: one type may be
    about a merchant's plan there, and about a citizen's deposit here.
    """

    def register(handler: Handler) -> Handler:
        for name in types:
            if _handlers.setdefault((name, connected), handler) is not handler:
                raise ValueError(f"Two handlers of one type of event: {name}")
        return handler

    return register


def is_handled(event_type: str, account: str = "") -> bool:
    return (event_type, bool(account)) in _handlers


def receive_event(*, event_id: str, event_type: str, object_id: str, account: str = "") -> bool:
    """Keep an event once, to be worked on later; False when it was known.

    What nobody here handles is kept as ignored, and so is what is told of an account that is no merchant's.
    """
    is_foreign = bool(account) and not Merchant.objects.filter(stripe_account_id=account).exists()
    if is_foreign:
        log.warning("stripe.foreign_account", id=event_id, type=event_type)
    return inbox.receive(
        source_of(account),
        event_id,
        topic=TOPIC,
        payload={"id": event_id, "type": event_type, "object_id": object_id, "account": account},
        state_ignored=is_foreign or not is_handled(event_type, account),
    )


def source_of(account: str) -> str:
    """Ids are unique within an account."""
    return f"{SOURCE}:{account}" if account else SOURCE


@inbox.handles(TOPIC)
def work_on_event(message: InboxMessage) -> None:
    """Have a kept event's handler read what it is about."""
    said = message.payload
    event = StripeEvent(said["id"], said["type"], said["account"], said["object_id"], said)
    _handlers[event.type, bool(event.account)](event)


@advises(TOPIC)
def what_to_do(payload: Mapping[str, Any], reason: str) -> str:
    """Where an operator looks at Stripe, and what they do then."""
    where = f"account {payload['account']}" if payload["account"] else "the platform’s account"
    find = f"“{payload['type']}”, event {payload['id']} in Stripe’s list of {where}."
    if reason == NOT_COUNTED:
        return (
            f"{find} Its meter took some uses and counted none of them: the event says why. Mend that at Stripe, "
            "compare the merchant’s usage, then give this up."
        )
    return f"{find} Once what stopped us is mended, try again: what it is about is read as it is then."


def read_fresh(account: str, object_id: str, read: Callable[[], T], apply: Callable[[T], None]) -> None:
    """Read an object at Stripe as it is now and apply that, unless somebody who began later has applied theirs.

    The ticket is taken before the reading, and every change at Stripe brings an event whose reading begins after it:
    so whoever took the latest ticket has read the latest change. No lock is held across the network.
    """
    ticket = take_ticket(account, object_id)
    require_no_transaction()
    apply_in_turn(ticket, apply, read())


@dataclass(frozen=True)
class Ticket:
    """A reader's place in the order of the readings of one object."""

    reading_id: int
    number: int


def take_ticket(account: str, object_id: str) -> Ticket:
    """Take the next place among the readings of an object, before it is read."""
    with transaction.atomic():
        reading, _ = StripeReading.objects.get_or_create(account=account, object_id=object_id)
        # The update holds the row, so the number read after it is this reader's own.
        StripeReading.objects.filter(pk=reading.pk).update(taken=F("taken") + 1, taken_at=timezone.now())
        return Ticket(reading.pk, StripeReading.objects.values_list("taken", flat=True).get(pk=reading.pk))


def apply_in_turn(ticket: Ticket, apply: Callable[[T], None], result: T) -> bool:
    """Apply a reading in one transaction that holds its object's row; False when a later reading was applied before."""
    with transaction.atomic():
        reading = StripeReading.objects.select_for_update().get(pk=ticket.reading_id)
        if reading.applied > ticket.number:
            return False
        apply(result)
        StripeReading.objects.filter(pk=reading.pk).update(applied=ticket.number)
        return True


def moment(seconds: int | None) -> datetime | None:
    """Stripe's instants are whole seconds since 1970."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
