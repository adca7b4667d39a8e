"""What failed too often, or can never succeed: it waits for an operator, who lets it try again or drops it.

An operator sees the table, the topic, the number and the class of the error, never what a message says; whoever
promised it may say in a sentence what is to be done (`advises`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Min, QuerySet
from django.utils import timezone

from citizen_app import audit, outbox
from citizen_app.errors import NotFound
from citizen_app.leases import Queue
from citizen_app.models import Citizen

SHOWN: Final = 50

Advise = Callable[[Mapping[str, Any], str], str]
_advice: dict[str, Advise] = {}


def advises(topic: str) -> Callable[[Advise], Advise]:
    """Register what an operator does about a dead letter of a topic: `advise(payload, reason)`, of nobody's person."""

    def register(advise: Advise) -> Advise:
        if _advice.setdefault(topic, advise) is not advise:
            raise ValueError(f"Two who advise on one topic: {topic}")
        return advise

    return register


def dead_count() -> int:
    """How many wait."""
    return sum(_dead(queue).count() for queue in outbox.queues)


def dead_topics() -> list[dict[str, Any]]:
    """What waits, by table and topic: how many, since when, and the first of them one by one."""
    topics = []
    for queue in outbox.queues:
        counted = _dead(queue).values("topic").order_by("topic").annotate(count=Count("id"), since=Min("dead_at"))
        for topic in counted:
            first = _dead(queue).filter(topic=topic["topic"]).order_by("id")[:SHOWN]
            messages = list(first.values("id", "attempt_count", "dead_at", "last_error", "payload"))
            for message in messages:
                message["advice"] = _advised(topic["topic"], message.pop("payload"), message["last_error"])
            topics.append({"table": queue.name, **topic, "messages": messages})
    return topics


def _advised(topic: str, payload: Mapping[str, Any], reason: str) -> str:
    advise = _advice.get(topic)
    return "" if advise is None else advise(payload, reason)


def replay_dead_letters(
    *, table: str, topic: str, by: Citizen, message_id: int | None = None, now: datetime | None = None
) -> int:
    """Let one message of a topic try again from the beginning, or all of them; return how many were dead."""
    again = {"dead_at": None, "attempt_count": 0, "due_at": now or timezone.now()}
    return _decide("message.replay", table, topic, message_id, by, **again)


def drop_dead_letters(
    *, table: str, topic: str, by: Citizen, message_id: int | None = None, now: datetime | None = None
) -> int:
    """Give one message of a topic up, or all of them: it is pruned like what was done; return how many were dead."""
    return _decide("message.drop", table, topic, message_id, by, done_at=now or timezone.now())


@transaction.atomic
def _decide(action: str, table: str, topic: str, message_id: int | None, by: Citizen, **change: Any) -> int:
    meant = _dead(_queue_named(table)).filter(topic=topic)
    if message_id is not None:
        meant = meant.filter(pk=message_id)
    count: int = meant.update(**change)
    if count:
        facts = {} if message_id is None else {"message": message_id}
        audit.record(by=by, action=action, on=table, topic=topic, count=count, **facts)
        transaction.on_commit(outbox.wake.set, robust=True)
    return count


def _queue_named(name: str) -> Queue:
    for queue in outbox.queues:
        if queue.name == name:
            return queue
    raise NotFound


def _dead(queue: Queue) -> QuerySet[Any]:
    return queue.model._default_manager.filter(dead_at__isnull=False, done_at=None)
