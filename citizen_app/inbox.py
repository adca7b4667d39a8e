"""What others tell us (an event of Stripe): stored once before it is answered, worked off like any promise of ours.

The door checks who is speaking, calls `receive` and answers; `outbox.run_due` calls the handler of the topic, at least
once, outside of any transaction and in no promised order.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from citizen_app import outbox
from citizen_app.leases import ATTEMPTS, Queue
from citizen_app.models import InboxMessage

Handler = Callable[[InboxMessage], None]

QUEUE = Queue("inbox", InboxMessage, call=lambda handler, message: handler(message))
outbox.queues.append(QUEUE)


def receive(source: str, message_id: str, *, topic: str, payload: dict[str, Any], state_ignored: bool = False) -> bool:
    """Store what was told, once; False when it was there already. What is ignored is stored and never worked on."""
    told = {"topic": topic, "payload": payload}
    if state_ignored:
        told |= {"is_ignored": True, "done_at": timezone.now()}
    with transaction.atomic():
        _, stored = InboxMessage.objects.get_or_create(source=source, message_id=message_id, defaults=told)
        transaction.on_commit(outbox.wake.set, robust=True)
    return stored


def handles(topic: str, *, attempts: int = ATTEMPTS) -> Callable[[Handler], Handler]:
    """Register the handler of a topic: called with the row, perhaps more than once; see `outbox.handles`."""

    def register(handler: Handler) -> Handler:
        QUEUE.register(topic, attempts, handler)
        return handler

    return register
