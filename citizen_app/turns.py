"""Whose turn a piece of scheduled work is: one row decides, however many beats, workers and relays ask.

Whoever's update finds the turn due and free has it. One that died in the middle leaves a lease, after which the turn
is free again. Who was away for a day finds one turn due, not a day of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from citizen_app.leases import LEASE
from citizen_app.models import ScheduledRun

NEVER: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


@contextmanager
def turn(name: str, *, every: timedelta, now: datetime) -> Iterator[bool]:
    """Whether it is the caller's turn to run `name`; the turn is over when the block is left."""
    if not take_turn(name, every=every, now=now):
        yield False
        return
    try:
        yield True
    finally:
        ScheduledRun.objects.filter(name=name, ran_at=now).update(leased_until=None)


def take_turn(name: str, *, every: timedelta, now: datetime) -> bool:
    """Take the turn if `every` has passed since the last one began, and nobody is at it."""
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    due = ScheduledRun.objects.filter(free, name=name, ran_at__lte=now - every)
    if not due.exists() and ScheduledRun.objects.filter(name=name).exists():
        return False  # no place in the writers' queue for nothing
    ScheduledRun.objects.bulk_create([ScheduledRun(name=name, ran_at=NEVER)], ignore_conflicts=True)
    return bool(due.update(ran_at=now, leased_until=now + LEASE))
