"""How promised work is taken and finished, whatever table promises it: leases, back-off, dead letters.

A row is taken with a lease in a short transaction, worked on outside of it, and marked by whoever's lease still
stands. A crash anywhere leaves the row undone: when its lease has run out it is taken again. What failed too often is
a dead letter, which waits for an operator (`citizen_app.dead_letters`) and is never lost.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from citizen_app.models import Promised

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=5)
BATCH: Final = 20
FIRST_RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(hours=6)
ATTEMPTS: Final = 12
"""With tripling waits that is most of a day: an outage of a night passes by itself."""


class DeadLetter(Exception):
    """Raised by a handler whose work can never succeed; `reason` is a code, without anything personal."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Later(Exception):
    """Raised by a handler whose moment has not come: asked again after `after`, which counts as no failure."""

    def __init__(self, after: timedelta) -> None:
        super().__init__(str(after))
        self.after = after


@dataclass
class Queue:
    """One table of promises, with the handler of each topic and how often that may fail."""

    name: str
    model: type[Promised]
    call: Callable[[Callable[..., None], Any], None]
    handlers: dict[str, Callable[..., None]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)

    def register(self, topic: str, attempts: int, handler: Callable[..., None]) -> None:
        if self.handlers.setdefault(topic, handler) is not handler:
            raise ValueError(f"Two handlers of one topic: {topic}")
        self.attempts[topic] = attempts

    def run_due(self, now: datetime | None, limit: int) -> int:
        """Take what is due, oldest first, and do it; return how much was done."""
        done = tried = 0
        while tried < limit:
            taken = self.take(now or timezone.now(), min(BATCH, limit - tried))
            if not taken:
                break
            tried += len(taken)
            done += sum(self._work_on(promise, now) for promise in taken)
        return done

    def take(self, now: datetime, limit: int) -> list[Promised]:
        """Lease up to `limit` due rows."""
        due = due_rows(self.model, now).order_by("due_at", "id")
        if not due.exists():  # no write lock, and on SQLite no place in the writers' queue, for nothing
            return []
        until = now + LEASE
        lease = {"leased_until": until, "attempt_count": F("attempt_count") + 1}
        with transaction.atomic():
            if connection.features.has_select_for_update_skip_locked:
                taken = list(due.select_for_update(skip_locked=True)[:limit])
                self.model._default_manager.filter(pk__in=[promise.pk for promise in taken]).update(**lease)
            else:
                # One row decides: whoever's update finds it still free has it.
                taken = [promise for promise in due[:limit] if due.filter(pk=promise.pk).update(**lease)]
        for promise in taken:
            promise.leased_until = until
            promise.attempt_count += 1
        return taken

    def _work_on(self, promise: Promised, now: datetime | None) -> bool:
        if promise.leased_until is None or (now or timezone.now()) >= promise.leased_until:
            return False  # those before it in the batch took too long; somebody else may have it by now
        attempts = self.attempts.get(promise.topic, ATTEMPTS)
        if promise.attempt_count > attempts:  # each one before ended with its process
            self._bury(promise, now, "never finished")
            return False
        try:
            self.call(self.handlers[promise.topic], promise)
        except Later as later:
            self._mine(promise).update(
                leased_until=None, due_at=(now or timezone.now()) + later.after, attempt_count=F("attempt_count") - 1
            )
            return False
        except DeadLetter as dead:
            self._bury(promise, now, dead.reason)
            return False
        except Exception as error:
            log.exception(f"{self.name}.failed", message=promise.pk, topic=promise.topic, attempt=promise.attempt_count)
            # The class only: a message may quote what must not be stored.
            reason = f"{type(error).__module__}.{type(error).__qualname__}"
            if promise.attempt_count >= attempts:
                self._bury(promise, now, reason)
            else:
                due_at = (now or timezone.now()) + wait_before(promise.attempt_count + 1)
                self._mine(promise).update(leased_until=None, due_at=due_at, last_error=reason[:255])
            return False
        self._mine(promise).update(done_at=now or timezone.now(), leased_until=None, last_error="")
        return True

    def _bury(self, promise: Promised, now: datetime | None, reason: str) -> None:
        log.error(f"{self.name}.dead", message=promise.pk, topic=promise.topic, attempt=promise.attempt_count)
        self._mine(promise).update(dead_at=now or timezone.now(), leased_until=None, last_error=reason[:255])

    def _mine(self, promise: Promised) -> QuerySet[Promised]:
        """The row while this attempt's lease still stands: a later attempt writes its own outcome."""
        return self.model._default_manager.filter(
            pk=promise.pk,
            done_at=None,
            dead_at=None,
            attempt_count=promise.attempt_count,
            leased_until=promise.leased_until,
        )


def due_rows(model: type[Promised], now: datetime) -> QuerySet[Any]:
    """What nobody has in hand though its time has come."""
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    return model._default_manager.filter(free, done_at=None, dead_at=None, due_at__lte=now)


def wait_before(attempt: int) -> timedelta:
    """Tripling from five seconds to six hours, with a tenth of jitter so that failures don't march in step."""
    tripled = FIRST_RETRY * 3 ** min(attempt - 2, 12)
    return min(tripled, LONGEST_RETRY) * random.uniform(0.9, 1.1)  # noqa: S311  (not a secret)
