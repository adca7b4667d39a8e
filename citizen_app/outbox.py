"""Effects that are promised with their cause: the row is the promise, everything else is a nudge.

A service calls `enqueue` in its own transaction. A relay (a thread of the web process in the embedded default,
Celery beat in production) calls `run_due`, which takes due rows with a lease (`citizen_app.leases`), runs their
handlers outside of any transaction and marks them done. Every effect happens at least once, so every handler must be
safe twice. What others told us (`citizen_app.inbox`) is worked off by the same call.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone

from citizen_app.leases import ATTEMPTS, DeadLetter, Later, Queue
from citizen_app.models import OutboxMessage

__all__ = ["DeadLetter", "Later", "enqueue", "handles", "promise", "run_due", "run_sweeps", "sweeps"]

log = structlog.get_logger(__name__)

Handler = Callable[..., None]
Sweep = Callable[[datetime], int]

KEPT = timedelta(days=30)  # what was done (`manage.py prune`)

wake = threading.Event()  # set when something was promised; the relay thread of this process waits on it

QUEUE = Queue("outbox", OutboxMessage, call=lambda handler, message: handler(**message.payload))
queues: list[Queue] = [QUEUE]
"""What `run_due` works off; the inbox adds itself."""

_sweeps: dict[str, Sweep] = {}


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


def handles(topic: str, *, attempts: int = ATTEMPTS) -> Callable[[Handler], Handler]:
    """Register the handler of a topic: called with the payload as keywords, perhaps more than once.

    After failing `attempts` times a message is a dead letter.
    """

    def register(handler: Handler) -> Handler:
        QUEUE.register(topic, attempts, handler)
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
    return sum(queue.run_due(now, limit) for queue in queues)


def run_sweeps(now: datetime | None = None) -> dict[str, int]:
    """Run every sweep; one that fails is logged and does not keep the others from running."""
    counts = {}
    for name, sweep in _sweeps.items():
        try:
            counts[name] = sweep(now or timezone.now())
        except Exception:
            log.exception("sweep.failed", sweep=name)
    return counts
