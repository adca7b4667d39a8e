"""Endpoints and deliveries as their owners read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from citizen_app.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint

State = WebhookDelivery.State


def endpoint_lines(endpoints: Sequence[WebhookEndpoint], *, now: datetime) -> list[dict[str, Any]]:
    """Endpoints without their secrets, with what waits for each and what it was given up on."""
    counted = (
        WebhookDelivery.objects.filter(endpoint__in=endpoints)
        .values("endpoint")
        .annotate(waiting=Count("pk", filter=Q(state=State.PENDING)), failed=Count("pk", filter=Q(state=State.FAILED)))
    )
    counts: dict[Any, Any] = {row["endpoint"]: row for row in counted}
    return [
        {
            "id": endpoint.public_id,
            "url": endpoint.url,
            "events": endpoint.events,
            "client_id": endpoint.application.client_id if endpoint.application is not None else None,
            "state": endpoint.state,
            "disabled_because": endpoint.disabled_because or None,
            "failing": endpoint.state == WebhookEndpoint.State.ON and endpoint.is_open,
            "former_secret_until": _if_later(endpoint.former_secret_until, now),
            "created_at": endpoint.created_at,
            "waiting": counts.get(endpoint.pk, {}).get("waiting", 0),
            "failed": counts.get(endpoint.pk, {}).get("failed", 0),
        }
        for endpoint in endpoints
    ]


def _if_later(instant: datetime | None, now: datetime) -> datetime | None:
    return instant if instant is not None and instant > now else None


def delivery_lines(deliveries: Sequence[WebhookDelivery]) -> list[dict[str, Any]]:
    """Deliveries with every attempt, the latest first."""
    attempts: dict[Any, list[dict[str, Any]]] = {}
    for attempt in WebhookAttempt.objects.filter(delivery__in=deliveries).order_by("-id"):
        attempts.setdefault(attempt.delivery_id, []).append(
            {
                "at": attempt.at,
                "status": attempt.status,
                "milliseconds": attempt.milliseconds,
                "failure": attempt.reason or None,
                "answer": attempt.answer,
            }
        )
    return [
        {
            "id": delivery.public_id,
            "event_id": delivery.event.public_id,
            "type": delivery.event.type,
            "at": delivery.event.at,
            "object_id": delivery.object.partition(" ")[2],
            "sequence": delivery.sequence,
            "state": delivery.state,
            "next_attempt_at": delivery.due_at if delivery.state == State.PENDING else None,
            "attempts": attempts.get(delivery.pk, []),
        }
        for delivery in deliveries
    ]
