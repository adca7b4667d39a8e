"""What others tell us: each message is kept once and worked on later, at least once, in no transaction."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from citizen_app import outbox
from citizen_app.models import InboxMessage

Handler = Callable[[InboxMessage], None]
_handlers: dict[str, Handler] = {}


def receive(source: str, message_id: str, *, topic: str, payload: dict[str, Any], state_ignored: bool = False) -> bool:
    """Keep a message once; False when it was there."""
    with transaction.atomic():
        message, is_new = InboxMessage.objects.get_or_create(
            source=source,
            message_id=message_id,
            defaults={"topic": topic, "payload": payload, "state": "ignored" if state_ignored else "received"},
        )
        if is_new and not state_ignored:
            outbox.enqueue("inbox", message_id=message.pk)
    return is_new


def handles(topic: str) -> Callable[[Handler], Handler]:
    """Register the handler of a topic: called with the message, perhaps more than once."""

    def register(handler: Handler) -> Handler:
        _handlers[topic] = handler
        return handler

    return register


@outbox.handles("inbox")
def work_on(*, message_id: int) -> None:
    message = InboxMessage.objects.get(pk=message_id)
    try:
        _handlers[message.topic](message)
    except outbox.DeadLetter:
        InboxMessage.objects.filter(pk=message_id).update(state="dead")
        return
    InboxMessage.objects.filter(pk=message_id).update(state="done")
