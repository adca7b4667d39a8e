"""The month in one message, for who ticked it: in the first days of the next, in the morning where they live."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet

from citizen_app.models import Notification, NotificationSetting
from citizen_app.notifying.telling import who_hears, write
from citizen_app.outbox import sweeps

DIGEST: Final = "digest"
AT_ONCE: Final = 200
_DAYS: Final = 5
"""Until which day of a month the one before is told."""
QUIET_MONTH: Final = "Nothing happened that you would want to know of."
_FROM: Final = time(8)

Part = Callable[..., dict[int, str]]
_parts: list[Part] = []


def adds_to_digest(part: Part) -> Part:
    """Register what a room says of a month: `def part(citizen_ids, *, since, until) -> {citizen_id: sentence}`.

    A sentence counts what happened and names no score; who has none is left out.
    """
    if part not in _parts:
        _parts.append(part)
    return part


@sweeps("notifications.digests")
def tell_months(now: datetime) -> int:
    """Tell who asked for it what happened in the month that is over; how many were told."""
    zones = _asking().order_by().values_list("citizen__zone", flat=True).distinct()
    return sum(_tell_zone(zone, now) for zone in zones)


def _asking() -> QuerySet[NotificationSetting]:
    """The ticks of who wants the month told."""
    return NotificationSetting.objects.filter(
        group=DIGEST, channel=NotificationSetting.Channel.EMAIL, is_on=True, citizen__is_active=True
    )


def _tell_zone(zone: str, now: datetime) -> int:
    place = ZoneInfo(zone)
    local = now.astimezone(place)
    if local.day > _DAYS or local.time() < _FROM:
        return 0
    until = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    since = (until - timedelta(days=1)).replace(day=1)
    cause = f"{DIGEST}:{since:%Y-%m}"
    told = Notification.objects.filter(cause=cause)
    asked = _asking().filter(citizen__zone=zone).exclude(citizen__in=told.values("citizen"))
    citizen_ids = list(asked.order_by("citizen").values_list("citizen_id", flat=True)[:AT_ONCE])
    with transaction.atomic():
        lines = _lines(citizen_ids, since=since.astimezone(UTC), until=until.astimezone(UTC))
        write(
            [
                Notification(
                    citizen_id=citizen_id,
                    event=DIGEST,
                    facts={"month": f"{since:%B}", "lines": " ".join(said)},
                    cause=cause,
                    created_at=now,
                )
                for citizen_id, said in lines.items()
            ]
        )
    return len(lines)


def _lines(citizen_ids: Collection[int], *, since: datetime, until: datetime) -> dict[int, list[str]]:
    """What each of those who hear something reads of the month: one statement a room, whatever their number."""
    hearing = who_hears(citizen_ids, also_paused=False)
    lines: dict[int, list[str]] = {citizen_id: [] for citizen_id in hearing}
    for part in _parts:
        for citizen_id, sentence in part(hearing, since=since, until=until).items():
            lines[citizen_id].append(sentence)
    return {citizen_id: said or [QUIET_MONTH] for citizen_id, said in lines.items()}
