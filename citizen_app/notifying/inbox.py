"""The inbox: what a person was told of, whatever else was sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from citizen_app.models import Citizen, Notification
from citizen_app.models.keys import NamedQuerySet
from citizen_app.notifying.texts import text_of


def inbox_of(*, citizen: Citizen) -> NamedQuerySet:
    """Everything the person was told of."""
    return Notification.objects.filter(citizen=citizen)


def unread_count(citizen: Citizen) -> int:
    """How many they have not read."""
    return Notification.objects.filter(citizen=citizen, read_at=None).count()


def mark_read(*, citizen: Citizen, notification_id: str, now: datetime | None = None) -> Notification:
    """Mark one as read: again keeps when it was first. Raises `NotFound`."""
    row: Notification = inbox_of(citizen=citizen).named(notification_id)
    if row.read_at is None:
        row.read_at = now or timezone.now()
        row.save(update_fields=["read_at"])
    return row


def mark_all_read(*, citizen: Citizen, now: datetime | None = None) -> int:
    """Mark everything as read; how many were not."""
    return int(inbox_of(citizen=citizen).filter(read_at=None).update(read_at=now or timezone.now()))


def lines_of(rows: Sequence[Notification]) -> list[dict[str, Any]]:
    """Notifications as their person reads them."""
    return [
        {
            "id": row.public_id,
            "event": row.event,
            "group": text.event.group,
            "title": text.subject,
            "text": " ".join(filter(None, [text.sentence, text.more])),
            "about": row.about or None,
            "path": text.path,
            "created_at": row.created_at,
            "read_at": row.read_at,
        }
        for row in rows
        for text in [text_of(row)]
    ]
