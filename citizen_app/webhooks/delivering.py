"""Calling an endpoint, event by event, and what each answer means.

Whoever holds an endpoint's lease is the only one who calls it, for half a minute at most, then others have their turn.
Nothing of the database is held while a call is out: the delivery is judged again when its outcome is written.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from citizen_app.calling_out import Answer, CallFailed, asked_pause, post
from citizen_app.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from citizen_app.webhooks.catalogue import EVENTS
from citizen_app.webhooks.endpoints import disable_gone
from citizen_app.webhooks.signing import headers_for

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

DEADLINE: Final = 15.0
"""Seconds for a call, from the look-up of the name to the last byte."""
RETRIES: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
JITTER: Final = 0.1
LANE_PAUSE: Final = timedelta(minutes=5)
"""The most that one `Retry-After` keeps an endpoint's other events."""

LEASE: Final = timedelta(minutes=1)
TURN: Final = 30.0
"""Seconds after which no further call of a turn begins: with the longest call it ends within the lease."""
AT_ONCE: Final = 50
SLOW: Final = 2_000
"""Milliseconds from which an endpoint is among the slow ones."""
ANSWER_KEPT: Final = 1024

BREAKER_LOOKS_BACK: Final = timedelta(minutes=5)
BREAKER_FAILURES: Final = 20
BREAKER_SHARE: Final = 0.5
BREAKER_RESTS: timedelta = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to call one endpoint until `leased_until`."""

    endpoint_id: Any
    leased_until: datetime


def take_turn(now: datetime, *, slow: bool) -> Turn | None:
    """Take the endpoint that has waited longest of the quick or the slow ones; None when nothing is due."""
    due = WebhookEndpoint.objects.called_at(now).filter(is_slow=slow).order_by(F("served_at").asc(nulls_first=True))
    if not due.exists():  # no write lock for nothing
        return None
    lease: dict[str, Any] = {"leased_until": now + LEASE, "served_at": now}
    with transaction.atomic():
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        for endpoint_id in list(due.values_list("pk", flat=True)[:1]):
            free = Q(leased_until=None) | Q(leased_until__lte=now)
            if WebhookEndpoint.objects.filter(free, pk=endpoint_id).update(**lease):
                return Turn(endpoint_id, now + LEASE)
    return None


def work_turn(turn: Turn, *, clock: Clock = timezone.now) -> int:
    """Call the endpoint about what is due, oldest first, and give the lease back; return how many calls were made."""
    calls, begun = 0, time.monotonic()
    try:
        while calls < AT_ONCE:
            heads = WebhookDelivery.objects.heads(clock()).filter(endpoint=turn.endpoint_id)
            some = list(heads.select_related("event").order_by("due_at", "id")[: AT_ONCE - calls])
            for delivery in some:
                if time.monotonic() - begun > TURN or not _call(delivery, clock):
                    return calls
                calls += 1
            if not some:
                return calls
        return calls
    finally:
        own = WebhookEndpoint.objects.filter(pk=turn.endpoint_id, leased_until=turn.leased_until)
        own.update(leased_until=None)


def deliver_due(*, clock: Clock = timezone.now) -> int:
    """Deliver everything that is due, here and now; return how many calls were made."""
    calls = 0
    for slow in (False, True):
        while turn := take_turn(clock(), slow=slow):
            calls += work_turn(turn, clock=clock)
    return calls


def _call(delivery: WebhookDelivery, clock: Clock) -> bool:
    """Make one attempt, if the endpoint is still to be called."""
    now = clock()
    endpoint = WebhookEndpoint.objects.on().filter(pk=delivery.endpoint_id).first()
    if endpoint is None or (endpoint.rests_until is not None and now < endpoint.rests_until):
        return False
    body = delivery.event.body
    headers = headers_for(endpoint, event_id=delivery.event.public_id, body=body, now=now)
    begun = time.monotonic()
    answer, reason = None, ""
    try:
        answer = post(endpoint.url, body=body.encode(), headers=headers, deadline=DEADLINE)
    except CallFailed as failure:
        reason = failure.reason
    milliseconds = int((time.monotonic() - begun) * 1000)
    _write_down(delivery, endpoint, answer, reason=reason, milliseconds=milliseconds, now=clock())
    return True


@transaction.atomic
def _write_down(
    delivery: WebhookDelivery,
    endpoint: WebhookEndpoint,
    answer: Answer | None,
    *,
    reason: str,
    milliseconds: int,
    now: datetime,
) -> None:
    # Held, so that nobody removes it while its log is written; who removed it before has taken the delivery along.
    if not WebhookEndpoint.objects.select_for_update(no_key=True, of=("self",)).filter(pk=endpoint.pk).exists():
        return
    status = answer.status if answer is not None else None
    is_success = status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    WebhookAttempt.objects.create(
        delivery=delivery,
        endpoint=endpoint,
        at=now,
        is_success=is_success,
        status=status,
        milliseconds=milliseconds,
        reason=reason[:120],
        answer=_readable(answer.body) if answer is not None else "",
    )
    pause = asked_pause(answer.headers, now) if answer is not None else None
    # The attempt whose number still stands writes its outcome; one that was overtaken has only been logged.
    mine = WebhookDelivery.objects.pending().filter(pk=delivery.pk, attempt_count=delivery.attempt_count)
    if is_success:
        mine.update(state=WebhookDelivery.State.DELIVERED, attempt_count=F("attempt_count") + 1, ended_at=now)
    else:
        log.info("webhook.failed", delivery=delivery.public_id, status=status, attempt=delivery.attempt_count + 1)
        mine.update(attempt_count=F("attempt_count") + 1, **_after_failure(delivery, pause, now))
    if status == HTTPStatus.GONE:
        disable_gone(endpoint, now=now)
    else:
        _judge(endpoint, is_success=is_success, is_slow=not is_success or milliseconds > SLOW, pause=pause, now=now)


def _after_failure(delivery: WebhookDelivery, pause: timedelta | None, now: datetime) -> dict[str, Any]:
    """When it is tried again; after the last time, never, unless it is one that insists."""
    failures = delivery.attempt_count + 1
    if failures > len(RETRIES) and not EVENTS[delivery.event.type].insists:
        return {"state": WebhookDelivery.State.FAILED, "ended_at": now}
    wait = RETRIES[min(failures, len(RETRIES)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return {"due_at": now + max(wait, pause or timedelta())}


def _judge(
    endpoint: WebhookEndpoint, *, is_success: bool, is_slow: bool, pause: timedelta | None, now: datetime
) -> None:
    """Put the endpoint among the quick or the slow ones, and open or close its breaker."""
    changes: dict[str, Any] = {}
    if endpoint.is_slow != is_slow:
        changes["is_slow"] = is_slow
    if is_success:
        if endpoint.is_open:
            changes |= {"is_open": False, "rests_until": None, "counted_from": now}
    elif endpoint.is_open or _fails_too_often(endpoint, now):
        changes |= {"is_open": True, "rests_until": now + BREAKER_RESTS}
    elif pause:
        changes["rests_until"] = now + min(pause, LANE_PAUSE)
    if changes:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**changes)


def _fails_too_often(endpoint: WebhookEndpoint, now: datetime) -> bool:
    since = max(now - BREAKER_LOOKS_BACK, endpoint.counted_from or endpoint.created_at)
    latest = list(
        WebhookAttempt.objects.filter(endpoint=endpoint, at__gt=since).values_list("is_success", flat=True)[:1000]
    )
    failures = latest.count(False)
    return failures >= BREAKER_FAILURES and failures >= BREAKER_SHARE * len(latest)


def _readable(body: bytes) -> str:
    """How an answer begins, without what no text may hold."""
    return body[:ANSWER_KEPT].decode("utf-8", "replace").replace("\x00", "�")
