"""From what was promised with its cause to one delivery per endpoint, once and in order."""

import json
import threading
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from citizen_app.models import OutboxMessage, WebhookDelivery, WebhookEndpoint, WebhookEvent
from citizen_app.outbox import handles, promise
from citizen_app.public_ids import public_id_of, uuid7

TOPIC: Final = "webhook"
OWNERS: Final = tuple(WebhookEndpoint.Owner.values)

wake = threading.Event()  # set when something is to be delivered; this process's dispatcher waits on it


def event(
    event_type: str, *, kind: str, public_id: str, state: str, sequence: int, now: datetime, **facts: Any
) -> OutboxMessage:
    """Promise an event of the catalogue; one of `facts` is its owner's (`merchant` or `source`).

    To be saved in the transaction of its cause. `sequence` orders the events of one object.
    """
    return promise(
        TOPIC,
        type=event_type,
        id=public_id_of(WebhookEvent.prefix, uuid7()),
        at=now.astimezone(UTC).isoformat(),
        sequence=sequence,
        object={"kind": kind, "id": public_id, "state": state},
        **facts,
    )


@handles(TOPIC)
def fan_out(**said: Any) -> None:
    """Give each endpoint that hears of an event its delivery. Safe twice.

    Promises are kept by several at once, so an object's earlier event may not have been here yet: it goes first.
    """
    for earlier in _overtaken(said):
        _fan_out(earlier)
    _fan_out(said)


def _overtaken(said: dict[str, Any]) -> list[dict[str, Any]]:
    """What was promised of the same object before, and has not been fanned out."""
    _, owner = _owner_of(said)
    known = WebhookEvent.objects.filter(owner=owner, object=_object_of(said), sequence=said["sequence"] - 1)
    if said["sequence"] <= 1 or not WebhookEndpoint.objects.filter(owner=owner).exists() or known.exists():
        return []
    undone = OutboxMessage.objects.filter(topic=TOPIC, done_at=None, payload__object__id=said["object"]["id"])
    before = [row.payload for row in undone if row.payload["sequence"] < said["sequence"]]
    return sorted(before, key=lambda payload: int(payload["sequence"]))


@transaction.atomic
def _fan_out(said: dict[str, Any]) -> None:
    owner_kind, owner = _owner_of(said)
    endpoints = list(WebhookEndpoint.objects.of(owner_kind, owner).select_related("application"))
    if not endpoints:
        return
    now = timezone.now()
    key = _key_of(said)
    said = {"type": said["type"], "id": public_id_of(WebhookEvent.prefix, key)} | said
    told, is_new = WebhookEvent.objects.get_or_create(
        pk=key,
        defaults={
            "owner_kind": owner_kind,
            "owner": owner,
            "client_id": said.get("client", ""),
            "type": said["type"],
            "object": _object_of(said),
            "sequence": said["sequence"],
            "body": json.dumps(said, ensure_ascii=False, separators=(",", ":")),
            "at": parse_datetime(said["at"]) or now,
            "created_at": now,
        },
    )
    if is_new:
        deliver_to([each for each in endpoints if each.hears(told.type, told.client_id)], told, now=now)


def ping(endpoint: WebhookEndpoint, *, now: datetime) -> WebhookEvent:
    """Write down a test event of one endpoint; `ping_count` is its sequence."""
    told = WebhookEvent(
        owner_kind=endpoint.owner_kind,
        owner=endpoint.owner,
        type="endpoint.ping",
        object=f"webhook_endpoint {endpoint.public_id}",
        sequence=endpoint.ping_count,
        at=now,
        created_at=now,
    )
    said = {
        "type": told.type,
        "id": told.public_id,
        "at": now.astimezone(UTC).isoformat(),
        "sequence": told.sequence,
        "object": {"kind": "webhook_endpoint", "id": endpoint.public_id, "state": endpoint.state},
    }
    told.body = json.dumps(said, separators=(",", ":"))
    told.save(force_insert=True)
    return told


def deliver_to(endpoints: list[WebhookEndpoint], told: WebhookEvent, *, now: datetime) -> None:
    """Promise one event to each endpoint; the dispatcher of this process hears of it at the commit."""
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(
                endpoint=endpoint,
                event=told,
                object=told.object,
                sequence=told.sequence,
                due_at=now,
                created_at=now,
            )
            for endpoint in endpoints
        ],
        ignore_conflicts=True,
    )
    transaction.on_commit(wake.set, robust=True)


def _owner_of(said: dict[str, Any]) -> tuple[str, str]:
    return next((kind, said[kind]) for kind in OWNERS if kind in said)


def _object_of(said: dict[str, Any]) -> str:
    return f"{said['object']['kind']} {said['object']['id']}"


def _key_of(said: dict[str, Any]) -> UUID:
    """The event's own id; one promised before there were ids is called after what it says."""
    named = WebhookEvent.key_of(said.get("id"))
    return named or uuid5(NAMESPACE_URL, json.dumps([said["type"], _object_of(said), said["sequence"], said["at"]]))
