"""Asking again: for one delivery, for everything an endpoint missed, or for a test."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from citizen_app.webhooks import events
from citizen_app.webhooks.endpoints import By, require_on

KEPT: Final = timedelta(days=30)
AT_ONCE: Final = 1000


@transaction.atomic
def redeliver(*, delivery: WebhookDelivery, by: By, now: datetime | None = None) -> WebhookDelivery:
    """Send one event to its endpoint again, under its own `webhook-id`. One that still waits is sent next."""
    now = now or timezone.now()
    require_on(delivery.endpoint)
    _ask_again([delivery.pk], now=now)
    record(by=by, action="webhook_delivery.redeliver", on=delivery.public_id)
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def replay(*, endpoint: WebhookEndpoint, since: datetime | None, by: By, now: datetime | None = None) -> int:
    """Send an endpoint what it missed since a moment: what failed, and what happened while it was disabled.

    What it has acknowledged is not sent again. Returns how many deliveries were asked for.
    """
    now = now or timezone.now()
    since = since or now - KEPT
    if not now - KEPT <= since <= now:
        raise InvalidInput(FieldError("/since", "out_of_range", "Events are kept for 30 days."))
    require_on(endpoint)
    happened = WebhookEvent.objects.filter(
        owner_kind=endpoint.owner_kind, owner=endpoint.owner, created_at__gte=since
    ).exclude(type="endpoint.ping")
    missed = happened.exclude(deliveries__endpoint=endpoint).order_by("created_at", "pk")
    for told in missed.iterator(AT_ONCE):
        if endpoint.hears(told.type, told.client_id):
            events.deliver_to([endpoint], told, now=now)
    failed = WebhookDelivery.objects.filter(endpoint=endpoint, event__in=happened, state=WebhookDelivery.State.FAILED)
    _ask_again(list(failed.values_list("pk", flat=True)), now=now)
    asked = WebhookDelivery.objects.pending().filter(endpoint=endpoint, event__in=happened, due_at=now).count()
    record(by=by, action="webhook_endpoint.replay", on=endpoint.public_id, deliveries=asked)
    return asked


@transaction.atomic
def send_ping(*, endpoint: WebhookEndpoint, by: By, now: datetime | None = None) -> WebhookDelivery:
    """Send an endpoint a test event, whatever types it asked for."""
    now = now or timezone.now()
    require_on(endpoint)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(ping_count=F("ping_count") + 1)
    endpoint.refresh_from_db(fields=["ping_count"])
    told = events.ping(endpoint, now=now)
    events.deliver_to([endpoint], told, now=now)
    record(by=by, action="webhook_endpoint.ping", on=endpoint.public_id)
    return WebhookDelivery.objects.get(event=told, endpoint=endpoint)


def _ask_again(keys: list[Any], *, now: datetime) -> None:
    """Begin anew with deliveries that are over, and hurry those that wait."""
    for start in range(0, len(keys), AT_ONCE):
        WebhookDelivery.objects.filter(pk__in=keys[start : start + AT_ONCE]).update(
            state=WebhookDelivery.State.PENDING, attempt_count=0, due_at=now, ended_at=None
        )
    transaction.on_commit(events.wake.set, robust=True)
