"""Quiet time, by the clock on the wall where a person lives, the changes of that clock included. Pure."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def end_of_quiet(instant: datetime, *, zone: str, begins: time, ends: time) -> datetime:
    """The first instant from `instant` on that is outside the quiet time; that is `instant` itself outside of it.

    `ends` itself is outside. A quiet time that does not end after it begins runs over midnight.
    """
    place = ZoneInfo(zone)
    local = instant.astimezone(place)
    clock = local.time().replace(tzinfo=None, fold=0)
    over_midnight = ends < begins
    is_quiet = (clock >= begins or clock < ends) if over_midnight else begins <= clock < ends
    if not is_quiet:
        return instant
    day = local.date() + timedelta(days=1 if over_midnight and clock >= begins else 0)
    wall = datetime.combine(day, ends)
    first = _first_at(wall, place)
    if first > instant:
        return first
    # The hour that comes twice: the clock has shown the end once, and was turned back behind it.
    return wall.replace(tzinfo=place, fold=1).astimezone(UTC)


def _first_at(wall: datetime, place: ZoneInfo) -> datetime:
    """The first instant at which the clock there shows `wall`, or has jumped over it."""
    found = wall.replace(tzinfo=place, fold=0).astimezone(UTC)
    if found.astimezone(place).replace(tzinfo=None, fold=0) == wall:
        return found
    # In a gap the two folds lie on both sides of the jump (PEP 495), which is found between them.
    before, after = wall.replace(tzinfo=place, fold=1).astimezone(UTC), found
    offset = after.astimezone(place).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(place).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
