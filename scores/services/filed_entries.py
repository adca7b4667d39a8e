"""Entries from a file, scored by the population statement in temporary tables: nothing of them is stored.

They need no migrated database: PostgreSQL gives the connection temporary tables of its own, SQLite a database of its
own that ends with the connection. Subjects are numbered in the order of their bytes by the database, so that memory
does not grow with the file.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

from scores import catalogue, scoring
from scores.population import Statement, Tables, day_number
from scores.scorecard import Scorecard

TABLES: Final = Tables(entry="filed_entry", link="filed_link", enrolment="filed_enrolment")
RANGE: Final = 5_000
ROWS_AT_ONCE: Final = 5_000
_ARRIVED: Final = "filed_arrival"
_COLUMNS: Final = (
    "id bigint, link_id bigint, kind_number integer, day integer, lapses_on date, value bigint, status {text}"
)


class FiledScore(NamedTuple):
    """What a subject's entries come to; a purpose without a value has not enough records."""

    subject: str
    state: str
    value: int | None
    factors: dict[str, int]
    purposes: dict[str, int | None]


def score_filed(entries: Iterable[tuple[str, scoring.Entry]], *, card: Scorecard, as_of: date) -> Iterator[FiledScore]:
    """The score of each subject, in the order of their bytes; every entry is read before the first is given.

    `entries` come with their subjects, in order of arrival; what it raises while they are read goes through.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor, _temporary(cursor):
            with transaction.atomic():  # a bad line leaves no tables behind
                _fill(cursor, entries, text='varchar COLLATE "C"', load=_copy)
            yield from _scores(cursor, card, as_of, connection.vendor)
    else:
        own = sqlite3.connect("", isolation_level=None)
        try:
            rows = own.cursor()
            _fill(rows, entries, text="text", load=_insert)
            yield from _scores(rows, card, as_of, "sqlite")
        finally:
            own.close()


@contextmanager
def _temporary(cursor: Any) -> Iterator[None]:
    try:
        yield
    finally:
        if not connection.needs_rollback:
            cursor.execute(f"DROP TABLE IF EXISTS {', '.join((*TABLES, _ARRIVED))}")


def _fill(cursor: Any, entries: Iterable[tuple[str, scoring.Entry]], *, text: str, load: Any) -> None:
    cursor.execute(f"CREATE TEMPORARY TABLE {_ARRIVED} (subject {text}, {_COLUMNS.format(text='varchar(8)')})")
    load(cursor, _rows(entries))
    cursor.execute(
        f"CREATE TEMPORARY TABLE {TABLES.enrolment} AS"
        " SELECT row_number() OVER (ORDER BY subject) AS citizen_id, subject"
        f" FROM (SELECT DISTINCT subject FROM {_ARRIVED}) AS found"
    )
    cursor.execute(f"CREATE TEMPORARY TABLE {TABLES.link} (citizen_id bigint, id bigint, is_on boolean)")
    cursor.execute(
        f"CREATE TEMPORARY TABLE {TABLES.entry} AS SELECT citizen_id, id, link_id, kind_number, day, lapses_on, value,"
        f" status FROM {_ARRIVED} JOIN {TABLES.enrolment} USING (subject)"
    )
    cursor.execute(f"DROP TABLE {_ARRIVED}")
    cursor.execute(f"CREATE UNIQUE INDEX filed_entry_of_citizen ON {TABLES.entry} (citizen_id, link_id, id)")
    cursor.execute(f"CREATE INDEX filed_entry_disputed ON {TABLES.entry} (citizen_id) WHERE status = 'disputed'")
    cursor.execute(f"CREATE UNIQUE INDEX filed_entry_by_key ON {TABLES.entry} (id)")
    cursor.execute(f"CREATE UNIQUE INDEX filed_subject ON {TABLES.enrolment} (citizen_id)")
    for table in TABLES:
        cursor.execute(f"ANALYZE {table}")


def _rows(entries: Iterable[tuple[str, scoring.Entry]]) -> Iterator[tuple[Any, ...]]:
    """Sources are numbered as they come; a subject's entries of one source need but share the number."""
    sources: dict[Any, int] = {}
    for subject, entry in entries:
        source = sources.setdefault(entry.source, len(sources) + 1)
        number = catalogue.kind(entry.kind).number
        lapses_on = entry.lapses_on.isoformat()
        yield subject, entry.id, source, number, day_number(entry.occurred_on), lapses_on, entry.value, entry.status


def _copy(cursor: Any, rows: Iterator[tuple[Any, ...]]) -> None:
    with cursor.copy(f"COPY {_ARRIVED} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _insert(cursor: Any, rows: Iterator[tuple[Any, ...]]) -> None:
    cursor.execute("BEGIN")
    cursor.executemany(f"INSERT INTO {_ARRIVED} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    cursor.execute("COMMIT")


def _scores(cursor: Any, card: Scorecard, as_of: date, vendor: str) -> Iterator[FiledScore]:
    statement = Statement(card, as_of, vendor, TABLES)
    columns = ("citizen_id", "state", "value", *statement.factor_columns.values(), *statement.purpose_columns.values())
    cursor.execute(f"SELECT max(citizen_id) FROM {TABLES.enrolment}")
    last = cursor.fetchone()[0] or 0
    first_purpose = 3 + len(statement.factor_columns)
    for after in range(0, last, RANGE):
        found = statement.sql(f"citizen_id > {after} AND citizen_id <= {after + RANGE}")
        cursor.execute(
            f"SELECT subject, {', '.join(columns[1:])} FROM ({found}) AS scored"
            f" JOIN {TABLES.enrolment} USING (citizen_id) ORDER BY citizen_id"
        )
        for subject, state, value, *points in cursor.fetchall():
            yield FiledScore(
                subject,
                state,
                value,
                dict(zip(statement.factor_columns, points[: first_purpose - 3], strict=True)),
                dict(zip(statement.purpose_columns, points[first_purpose - 3 :], strict=True)),
            )
