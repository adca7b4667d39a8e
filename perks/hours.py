"""A merchant's clock: weekly hours, windows and periods, written in local time and judged as instants. Pure.

Everything is said in an IANA zone and means instants: a day is over when it is over there, the clock changes included.
Instants returned are in UTC; ends are exclusive (the first instant that is no longer inside).
"""

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from citizen_app.errors import FieldError

MOST_SPANS: Final = 42
"""Weekly hours hold at most so many spans: six a day."""
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 9990

_CLOCK: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_WINDOW: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2})?")
_DATE_LENGTH: Final = len("2026-12-01")
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_SECOND: Final = timedelta(seconds=1)
_MIDNIGHT: Final = time()


class BadWindow(ValueError):
    """Not a local date (`2026-12-01`) or local minute (`2026-12-01T09:30`) of the calendar."""


# Weekly hours


def open_at(hours: Sequence[Mapping[str, Any]], zone: str, instant: datetime) -> bool:
    """Whether the desk's hours include an instant, by the clock on its wall. No hours at all is always.

    A span whose `to` is not after its `from` runs over midnight into the day that follows; `to` itself is outside.
    """
    if not hours:
        return True
    local = instant.astimezone(ZoneInfo(zone))
    today = local.isoweekday()
    # The day before by that zone's calendar, which may have left one out (Apia had no 30 December 2011).
    yesterday = local_day(day_start(local.date(), zone) - _SECOND, zone).isoweekday()
    now = f"{local:%H:%M}"
    for span in hours:
        day, start, end = span["day"], span["from"], span["to"]
        if end > start:
            if day == today and start <= now < end:
                return True
        elif (day == today and now >= start) or (day == yesterday and now < end):
            return True
    return False


def next_turn(hours: Sequence[Mapping[str, Any]], zone: str, instant: datetime) -> datetime | None:
    """Return when the desk, open or shut at an instant, is next the other; None when it never is."""
    if not hours:
        return None
    is_open = open_at(hours, zone, instant)
    place, today = ZoneInfo(zone), local_day(instant, zone)
    turns: set[datetime] = set()
    for step in range(-1, 9):
        day = today + _DAY * step
        start, end = day_start(day, zone), day_end(day, zone)
        turns.add(start)
        if start.astimezone(place).utcoffset() != end.astimezone(place).utcoffset():
            turns.add(_jump_between(start, end, place))
        for clock in {span[name] for span in hours for name in ("from", "to")}:
            wall = datetime.combine(day, time.fromisoformat(clock))
            turns |= {_first_at(wall, zone), wall.replace(tzinfo=place, fold=1).astimezone(UTC)}
    later = sorted(turn for turn in turns if turn > instant)
    return next((turn for turn in later if open_at(hours, zone, turn) != is_open), None)


def _jump_between(before: datetime, after: datetime, place: ZoneInfo) -> datetime:
    """Return the instant at which the clock is changed, to the second."""
    was = before.astimezone(place).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // (2 * _SECOND) * _SECOND
        if middle.astimezone(place).utcoffset() == was:
            before = middle
        else:
            after = middle
    return after


def check_hours(raw: object, pointer: str = "/hours") -> list[FieldError]:
    """Return what is wrong with weekly hours as a merchant sent them; nothing is an empty list."""
    if not isinstance(raw, list):
        return [FieldError(pointer, "invalid", 'Send a list of {"day": 1..7, "from": "09:00", "to": "17:00"}.')]
    if len(raw) > MOST_SPANS:
        return [FieldError(pointer, "too_long", f"At most {MOST_SPANS} spans a week.")]
    return [error for place, span in enumerate(raw) for error in _check_span(span, f"{pointer}/{place}")]


def _check_span(span: object, pointer: str) -> list[FieldError]:
    if not isinstance(span, dict):
        return [FieldError(pointer, "invalid", 'Each span is {"day": 1..7, "from": "09:00", "to": "17:00"}.')]
    errors = [
        FieldError(f"{pointer}/{_escaped(name)}", "unknown_field", "A span has `day`, `from` and `to`.")
        for name in span
        if name not in ("day", "from", "to")
    ]
    day = span.get("day")
    if "day" not in span:
        errors.append(FieldError(f"{pointer}/day", "required", "The day of the week, 1 (Monday) to 7 (Sunday)."))
    elif not isinstance(day, int) or isinstance(day, bool):
        errors.append(FieldError(f"{pointer}/day", "invalid", "The day is a whole number, 1 (Monday) to 7 (Sunday)."))
    elif not 1 <= day <= 7:
        errors.append(FieldError(f"{pointer}/day", "out_of_range", "The day is 1 (Monday) to 7 (Sunday)."))
    for name in ("from", "to"):
        clock = span.get(name)
        if name not in span:
            errors.append(FieldError(f"{pointer}/{name}", "required", "A local time, 00:00 to 23:59."))
        elif not isinstance(clock, str) or not _CLOCK.fullmatch(clock):
            errors.append(
                FieldError(f"{pointer}/{name}", "invalid", "A local time is 00:00 to 23:59; `to` 00:00 is midnight.")
            )
    return errors


def _escaped(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


# Windows


def window_start(text: str | None, zone: str) -> datetime | None:
    """Return the instant a window opens: the start of a local day, or a local minute. None or "" is open.

    A minute the clock jumps over moves to the first that exists; of one that happens twice it is the first.
    Anything but a date or a minute raises BadWindow.
    """
    if not text:
        return None
    day, clock = _read(text)
    return day_start(day, zone) if clock is None else _first_at(datetime.combine(day, clock), zone)


def window_end(text: str | None, zone: str) -> datetime | None:
    """Return the instant a window is over (exclusive): after a local day, or after a local minute. None or "" is open.

    A minute the clock jumps over moves to the first that exists; of one that happens twice it is the second.
    """
    if not text:
        return None
    day, clock = _read(text)
    if clock is None:
        return day_end(day, zone)
    wall = datetime.combine(day, clock)
    last = wall.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)
    if not _reads(last, wall, zone):
        last = _first_at(wall, zone)
    return last + _MINUTE


def start_text(instant: datetime | None, zone: str) -> str | None:
    """Return how a window that opens at this instant is written; reading it again gives the same instant."""
    if instant is None:
        return None
    local = instant.astimezone(ZoneInfo(zone))
    if day_start(local.date(), zone) == instant:
        return local.date().isoformat()
    return f"{local:%Y-%m-%dT%H:%M}"


def end_text(instant: datetime | None, zone: str) -> str | None:
    """Return how a window that is over at this instant is written; reading it again gives the same instant."""
    if instant is None:
        return None
    last = (instant - _MINUTE).astimezone(ZoneInfo(zone))
    if day_end(last.date(), zone) == instant:
        return last.date().isoformat()
    return f"{last:%Y-%m-%dT%H:%M}"


def check_window(text: object, pointer: str) -> list[FieldError]:
    """Return what is wrong with one end of a window as a merchant sent it (None or "" is open)."""
    if text is None or text == "":
        return []
    if isinstance(text, str):
        try:
            _read(text)
        except BadWindow as error:
            return [FieldError(pointer, "invalid", str(error))]
        return []
    return [FieldError(pointer, "invalid", "A local date (2026-12-01), a local minute (2026-12-01T09:30) or null.")]


def _read(text: str) -> tuple[date, time | None]:
    if not _WINDOW.fullmatch(text):
        raise BadWindow("Write a local date (2026-12-01) or a local minute (2026-12-01T09:30).")
    try:
        day = date.fromisoformat(text[:_DATE_LENGTH])
        clock = time.fromisoformat(text[_DATE_LENGTH + 1 :]) if len(text) > _DATE_LENGTH else None
    except ValueError:
        raise BadWindow("There is no such date or time.") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadWindow(f"The year is {FIRST_YEAR} to {LAST_YEAR}.")
    return day, clock


# Days, weeks and months


def day_start(day: date, zone: str) -> datetime:
    """Return the first instant of a local day: its midnight, or where the clock lands that jumps over it."""
    return _first_at(datetime.combine(day, _MIDNIGHT), zone)


def day_end(day: date, zone: str) -> datetime:
    """Return the instant a local day is over: the first of the day after it."""
    return day_start(day + _DAY, zone)


def local_day(instant: datetime, zone: str) -> date:
    """Return the day an instant lies in, in a zone; days never overlap, even where a clock goes back over midnight."""
    day = instant.astimezone(ZoneInfo(zone)).date()
    return day + _DAY if instant >= day_end(day, zone) else day


def day_bounds(instant: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return start and end of the local day an instant lies in."""
    day = local_day(instant, zone)
    return day_start(day, zone), day_end(day, zone)


def week_bounds(instant: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return start and end of the local week (from Monday, ISO 8601) an instant lies in."""
    day = local_day(instant, zone)
    monday = day - _DAY * day.weekday()
    return day_start(monday, zone), day_start(monday + 7 * _DAY, zone)


def month_bounds(instant: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return start and end of the local calendar month an instant lies in."""
    first = local_day(instant, zone).replace(day=1)
    return day_start(first, zone), day_start((first + 31 * _DAY).replace(day=1), zone)


def months_after(instant: datetime, months: int, zone: str) -> datetime:
    """Return the instant so many calendar months later, at the same time of the local clock.

    In a month that has no such day, on its last one; at a time the clock jumps over, where it lands.
    """
    wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    years, month = divmod(wall.month - 1 + months, 12)
    last = monthrange(wall.year + years, month + 1)[1]
    return _first_at(wall.replace(year=wall.year + years, month=month + 1, day=min(wall.day, last)), zone)


def _first_at(wall: datetime, zone: str) -> datetime:
    """Return the first instant at which the clock on the wall shows `wall`, or to which it jumps over it."""
    place = ZoneInfo(zone)
    found = wall.replace(tzinfo=place, fold=0).astimezone(UTC)
    if _reads(found, wall, zone):
        return found
    # In a gap the two folds lie on both sides of the jump (PEP 495): look for it between them, to the second.
    before = wall.replace(tzinfo=place, fold=1).astimezone(UTC)
    while found - before > _SECOND:
        middle = before + (found - before) // (2 * _SECOND) * _SECOND
        if _wall(middle, place) < wall:
            before = middle
        else:
            found = middle
    return found


def _reads(instant: datetime, wall: datetime, zone: str) -> bool:
    return _wall(instant, ZoneInfo(zone)) == wall


def _wall(instant: datetime, place: ZoneInfo) -> datetime:
    return instant.astimezone(place).replace(tzinfo=None, fold=0)
