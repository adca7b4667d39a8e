"""Scoring everybody in a range at once, by the population statement: for the turn of a month and a new scorecard.

`scores.population` writes the statement; here it meets the database. Whoever stores what it gives wraps the text into a
`CREATE TEMPORARY TABLE … AS` or an `INSERT … SELECT` of their own: it is one SELECT without a semicolon, and names its
columns (`statement(...).columns`).
"""

import json
from collections.abc import Collection, Iterator
from datetime import date
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from scores.models import Enrolment
from scores.population import Statement
from scores.scorecard import Scorecard

RANGE = 10_000
"""How many citizens are scored by one statement, unless the caller says otherwise."""


class Result(NamedTuple):
    """One citizen's score as the statement gives it; the same numbers as `scores.scoring.score`, without the lines.

    `factors` are micro-points, for thin files too; a purpose without a value has not enough records. `last_entry_id` (0
    without any) and `entry_count` cover every entry of the citizen, whatever its status: when neither has changed,
    nothing was recorded or erased since.
    """

    citizen_id: int
    counted: int
    state: str
    value: int | None
    factors: dict[str, int]
    purposes: dict[str, int | None]
    last_entry_id: int
    entry_count: int


def statement(card: Scorecard, *, as_of: date) -> Statement:
    """The statement in the words of the database in use; it names its columns (`columns`, `factor_columns` …)."""
    return Statement(card, as_of, connection.vendor)


def statement_for_range(card: Scorecard, *, as_of: date, after: int, upto: int) -> tuple[str, list[Any]]:
    """The text and the parameters for the enrolled citizens with `after < citizen_id <= upto`."""
    whose = f"citizen_id > {int(after)} AND citizen_id <= {int(upto)}"
    return statement(card, as_of=as_of).sql(whose), []


def statement_for(card: Scorecard, *, as_of: date, citizen_ids: Collection[int]) -> tuple[str, list[Any]]:
    """The text and the parameters for these citizens, as far as they are enrolled."""
    ids = sorted({int(citizen_id) for citizen_id in citizen_ids})
    postgresql = connection.vendor == "postgresql"
    whose = "citizen_id = ANY(%s)" if postgresql else "citizen_id IN (SELECT value FROM json_each(%s))"
    sql = statement(card, as_of=as_of).sql(whose)
    return sql, [ids if postgresql else json.dumps(ids)] * sql.count("%s")


def end_of_range(*, after: int, citizens: int = RANGE) -> int | None:
    """The key of the last of the next so many enrolled citizens; None when there is nobody left (one query)."""
    following = Enrolment.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
    return following[citizens - 1 : citizens].first() or following.order_by("-pk").first()


def execute(cursor: CursorWrapper, sql: str, params: list[Any]) -> None:
    """Run a text made here, in one process and without compiling it first, which costs more than it saves.

    Needs a transaction on PostgreSQL: both settings end with it.
    """
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL jit = off")
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
    cursor.execute(sql, params or None)


def results(card: Scorecard, *, as_of: date, after: int = 0, upto: int | None = None) -> Iterator[Result]:
    """The scores of the enrolled citizens with `after < citizen_id <= upto` (None: everybody beyond), in order.

    A statement for each `RANGE` of them; each range is read as it stands when its turn comes.
    """
    while (end := end_of_range(after=after)) is not None:
        last = end if upto is None else min(end, upto)
        yield from _results(card, as_of, *statement_for_range(card, as_of=as_of, after=after, upto=last))
        if upto is not None and end >= upto:
            return
        after = end


def results_of(card: Scorecard, *, as_of: date, citizen_ids: Collection[int]) -> Iterator[Result]:
    """The scores of these citizens, as far as they are enrolled, in order."""
    yield from _results(card, as_of, *statement_for(card, as_of=as_of, citizen_ids=citizen_ids))


def _results(card: Scorecard, as_of: date, sql: str, params: list[Any]) -> list[Result]:
    made = statement(card, as_of=as_of)
    factors, purposes = list(made.factor_columns), list(made.purpose_columns)
    with transaction.atomic(), connection.cursor() as cursor:
        execute(cursor, sql, params)
        rows = cursor.fetchall()
    first, second = 4 + len(factors), 4 + len(factors) + len(purposes)
    found = []
    for row in rows:
        citizen_id, counted, state, value = row[:4]
        points = dict(zip(factors, row[4:first], strict=True))
        values = dict(zip(purposes, row[first:second], strict=True))
        found.append(Result(citizen_id, counted, state, value, points, values, row[second], row[second + 1]))
    return sorted(found)
