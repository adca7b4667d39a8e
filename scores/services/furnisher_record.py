"""What becomes of what furnishers send, counted by month, and shown to everybody in figures too coarse to name anybody.

The counters grow in the transaction of what they count, so they are never behind and never ahead of it.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final, TypedDict

from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from scores.models import Furnisher, Source, SourceMonth
from scores.services.rescoring import scoring_day

RECEIVED: Final = "received"
LOST: Final = "lost"
UNANSWERED: Final = "unanswered"
_COUNTER_OF: Final = {RECEIVED: "disputed_count", LOST: "lost_count", UNANSWERED: "unanswered_count"}

_COUNTED: Final = ("accepted_count", "contradicted_count", *_COUNTER_OF.values())

MONTHS: Final = 24
"""How many months a public record looks back, the present one included."""
FEWEST: Final = 20
"""A figure below this is not told."""
ROUNDED_TO: Final = 10
"""Figures are rounded down to tens: from one day to the next none says that one more record was sent."""


class Figure(TypedDict):
    """A count as it is published: rounded down to tens, or only that it is less than twenty."""

    count: int | None
    fewer_than: int | None


def count_batch(source: Source, *, accepted: int, contradicted: int, now: datetime | None = None) -> None:
    """Count the rows of a batch: taken, and sent under the id of an entry with other contents. Needs a transaction.

    Call it last: batches of one source wait for each other at this one row.
    """
    _add(source, now, accepted_count=accepted, contradicted_count=contradicted)


def count_dispute(source: Source, *, outcome: str, count: int = 1, now: datetime | None = None) -> None:
    """Count disputes about a source's records: `RECEIVED` when they are made, and again `LOST` when they end in the
    citizen's favour (decided so, or withdrawn or corrected by the furnisher) or `UNANSWERED` when it stayed silent.

    A dispute counts once for each outcome, however many entries it is about. Needs a transaction.
    """
    _add(source, now, **{_COUNTER_OF[outcome]: count})


def _add(source: Source, now: datetime | None, **counts: int) -> None:
    """One statement, also for the first of a month: the ORM has no word for adding to what is there or making it."""
    if not any(counts.values()):
        return
    month = scoring_day(now or timezone.now()).replace(day=1)
    row = dict.fromkeys(_COUNTED, 0) | counts
    added = ", ".join(f"{name} = scores_sourcemonth.{name} + EXCLUDED.{name}" for name in row)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO scores_sourcemonth (source_id, month, {', '.join(row)}) "  # noqa: S608  (our own names)
            f"VALUES (%s, %s, {', '.join(['%s'] * len(row))}) ON CONFLICT (source_id, month) DO UPDATE SET {added}",
            [source.pk, month, *row.values()],
        )


def figure(count: int) -> Figure:
    """A count in the coarseness in which it may be published."""
    if count < FEWEST:
        return {"count": None, "fewer_than": FEWEST}
    return {"count": count - count % ROUNDED_TO, "fewer_than": None}


def public_records(furnishers: Collection[Furnisher], *, now: datetime | None = None) -> list[dict[str, Any]]:
    """Each furnisher as everybody may know it, with its record of the last 24 months (two queries for all of them)."""
    since = _months_ago(scoring_day(now or timezone.now()), MONTHS - 1)
    sums = (
        SourceMonth.objects.filter(source__furnisher__in=furnishers, month__gte=since)
        .values("source__furnisher_id")
        .annotate(**{name: Sum(name) for name in _COUNTED})
    )
    counted: dict[Any, dict[str, Any]] = {row["source__furnisher_id"]: dict(row) for row in sums}
    sources: dict[Any, list[Source]] = {}
    for source in Source.objects.filter(furnisher__in=furnishers).order_by("name", "id"):
        sources.setdefault(source.furnisher_id, []).append(source)
    return [_public(one, sources.get(one.pk, []), counted.get(one.pk, {}), since) for one in furnishers]


def _public(furnisher: Furnisher, sources: list[Source], counts: dict[str, Any], since: date) -> dict[str, Any]:
    figures = {name: figure(counts.get(name, 0)) for name in _COUNTED}
    return {
        "id": furnisher.public_id,
        "name": furnisher.name,
        "furnishes_as": furnisher.furnishes_as,
        "sources": [
            {"code": one.code, "name": one.name, "kinds": one.kinds, "is_demo": one.is_demo} for one in sources
        ],
        "record": {
            "since": since,
            "accepted": figures["accepted_count"],
            "contradicted": figures["contradicted_count"],
            "disputes": {outcome: figures[name] for outcome, name in _COUNTER_OF.items()},
        },
    }


def _months_ago(day: date, months: int) -> date:
    years, month = divmod(12 * day.year + day.month - 1 - months, 12)
    return date(years, month + 1, 1)
