"""Effects that are promised with their cause: the row is the promise, everything else is a nudge.

A service calls `enqueue` in its own transaction. A relay (a thread of the web process in the embedded default,
Celery beat in production) calls `run_due`, which takes due rows with a lease in a short transaction, runs their
handlers outside of it and marks them done. A crash anywhere leaves the row undone: when its lease has run out it is
taken again, so every effect happens at least once and every handler must be safe twice.
"""

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from citizen_app.models import OutboxMessage

log = structlog.get_logger(__name__)

Handler = Callable[..., None]
Sweep = Callable[[datetime], int]

LEASE = timedelta(minutes=5)
BATCH = 20
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=1)
KEPT = timedelta(days=30)  # what was done (`manage.py prune`)

wake = threading.Event()  # set when something was promised; the relay thread of this process waits on it

_handlers: dict[str, Handler] = {}
_sweeps: dict[str, Sweep] = {}


class DeadLetter(Exception):
    """No attempt will do: a person looks."""


def enqueue(topic: str, *, due_at: datetime | None = None, **payload: Any) -> OutboxMessage:
    """Promise an effect: it happens once this transaction has committed, at the earliest at `due_at`."""
    message = promise(topic, due_at=due_at, **payload)
    message.save(force_insert=True)
    return message


def promise(topic: str, *, due_at: datetime | None = None, **payload: Any) -> OutboxMessage:
    """The same for a caller that writes the row itself, beside others of this transaction."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A promise is made in the transaction of its cause.")
    now = timezone.now()
    # Robust: by then the work is committed, and a nudge that fails must not turn its answer into an error.
    transaction.on_commit(wake.set, robust=True)
    return OutboxMessage(topic=topic, payload=payload, created_at=now, due_at=due_at or now)


def handles(topic: str) -> Callable[[Handler], Handler]:
    """Register the handler of a topic: called with the payload as keywords, perhaps more than once."""

    def register(handler: Handler) -> Handler:
        if _handlers.setdefault(topic, handler) is not handler:
            raise ValueError(f"Two handlers of one topic: {topic}")
        return handler

    return register


def sweeps(name: str) -> Callable[[Sweep], Sweep]:
    """Register a sweep, run about every minute: it asks again for whatever was forgotten, and returns how many."""

    def register(sweep: Sweep) -> Sweep:
        if _sweeps.setdefault(name, sweep) is not sweep:
            raise ValueError(f"Two sweeps of one name: {name}")
        return sweep

    return register


def run_due(*, now: datetime | None = None, limit: int = 200) -> int:
    """Take what is due, oldest first, and do it; return how many effects were done.

    `now` decides what is due; None reads the clock at each batch. A handler that fails is tried again later.
    """
    done = tried = 0
    while tried < limit:
        taken = _take(now or timezone.now(), min(BATCH, limit - tried))
        if not taken:
            break
        tried += len(taken)
        done += sum(_deliver(message, now) for message in taken)
    return done


def run_sweeps(now: datetime | None = None) -> dict[str, int]:
    """Run every sweep; one that fails is logged and does not keep the others from running."""
    counts = {}
    for name, sweep in _sweeps.items():
        try:
            counts[name] = sweep(now or timezone.now())
        except Exception:
            log.exception("sweep.failed", sweep=name)
    return counts


def _take(now: datetime, limit: int) -> list[OutboxMessage]:
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    due = OutboxMessage.objects.filter(free, done_at=None, due_at__lte=now).order_by("due_at", "id")
    if not due.exists():  # no write lock, and on SQLite no place in the writers' queue, for nothing
        return []
    until = now + LEASE
    lease = {"leased_until": until, "attempt_count": F("attempt_count") + 1}
    with transaction.atomic():
        if connection.features.has_select_for_update_skip_locked:
            taken = list(due.select_for_update(skip_locked=True)[:limit])
            OutboxMessage.objects.filter(pk__in=[message.pk for message in taken]).update(**lease)
        else:
            # One row decides: whoever's update finds it still free has it.
            taken = [message for message in due[:limit] if due.filter(pk=message.pk).update(**lease)]
    for message in taken:
        message.leased_until = until
        message.attempt_count += 1
    return taken


def _deliver(message: OutboxMessage, now: datetime | None) -> bool:
    if message.leased_until is None or (now or timezone.now()) >= message.leased_until:
        return False  # those before it in the batch took too long; somebody else may have it by now
    try:
        _handlers[message.topic](**message.payload)
    except Exception as error:
        log.exception("outbox.failed", message=message.pk, topic=message.topic, attempt=message.attempt_count)
        _mine(message).update(
            leased_until=None,
            due_at=(now or timezone.now()) + _wait_before(message.attempt_count + 1),
            # The class only: a message may quote what must not be stored.
            last_error=f"{type(error).__module__}.{type(error).__qualname__}"[:255],
        )
        return False
    _mine(message).update(done_at=now or timezone.now(), leased_until=None, last_error="")
    return True


def _mine(message: OutboxMessage) -> Any:
    """The row while this attempt's lease still stands: a later attempt writes its own outcome."""
    return OutboxMessage.objects.filter(pk=message.pk, done_at=None, attempt_count=message.attempt_count)


def _wait_before(attempt: int) -> timedelta:
    """Doubling from five seconds to an hour, with a tenth of jitter so that failures don't march in step."""
    doubled = FIRST_RETRY * 2 ** min(attempt - 2, 12)
    return min(doubled, LONGEST_RETRY) * random.uniform(0.9, 1.1)  # noqa: S311  (not a secret)
