"""Telling a person something: the inbox's row in the transaction of its cause, the channels after it has committed."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final

from django.utils import timezone

from citizen_app.models import Citizen, Notification
from citizen_app.notifying.events import For, event_of
from citizen_app.outbox import enqueue

TOPIC: Final = "notification"
AT_ONCE: Final = 500
"""How many people one promise names at most."""

Hearing = Callable[..., Collection[int]]
_hearing: list[Hearing] = []


def says_who_hears(hearing: Hearing) -> Hearing:
    """Register who of some people is enrolled: `def hearing(citizen_ids, *, also_paused) -> citizen_ids`."""
    if hearing not in _hearing:
        _hearing.append(hearing)
    return hearing


def who_hears(citizen_ids: Collection[int], *, also_paused: bool) -> Collection[int]:
    """Those of these people who are told something: who is enrolled, and paused only where that is said."""
    for asks in _hearing:
        citizen_ids = asks(citizen_ids, also_paused=also_paused)
    return citizen_ids


def notify(
    citizen: Citizen,
    event: str,
    *,
    about: str = "",
    facts: Mapping[str, str] | None = None,
    cause: str = "",
    now: datetime | None = None,
) -> None:
    """Tell somebody of an event, in the caller's transaction: once for each `cause`, the event and `about` unless said.

    Who left hears nothing, and who is paused only of what goes on.
    """
    notify_each([citizen.pk], event, about=about, facts=facts, cause=cause, now=now)


def notify_each(
    citizen_ids: Collection[int],
    event: str,
    *,
    about: str = "",
    facts: Mapping[str, str] | None = None,
    cause: str = "",
    now: datetime | None = None,
) -> None:
    """The same for any number of people: three statements for each five hundred."""
    now = now or timezone.now()
    known = event_of(event)
    hearing = sorted(citizen_ids)
    for start in range(0, len(hearing), AT_ONCE):
        group: Collection[int] = hearing[start : start + AT_ONCE]
        if known.hears != For.ACCOUNT:
            group = who_hears(group, also_paused=known.hears == For.BOUND)
        rows = [
            Notification(
                citizen_id=citizen_id,
                event=event,
                about=about,
                facts=dict(facts or {}),
                cause=cause or f"{event}:{about}",
                created_at=now,
            )
            for citizen_id in group
        ]
        write(rows)


def write(rows: Collection[Notification]) -> None:
    """Write notifications that are made already, and promise their channels; one whose cause has told is no more."""
    if rows:
        # A row that is there keeps its own id, so that the promise finds nothing and tells nobody twice.
        Notification.objects.bulk_create(rows, ignore_conflicts=True)
        enqueue(TOPIC, ids=[str(row.pk) for row in rows])
