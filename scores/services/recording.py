"""The few statements a batch of entries costs, whatever it holds, in the words of each database.

The ORM would spend more on ten thousand rows than the database does. Names come in only as `batches.NAME` allows them,
so they need no quoting inside a COPY or an array.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from django.db import connection

from scores.models import Entry, Source
from scores.population import day_number

Key = tuple[int, str]
"""A link's key and the furnisher's own id of the entry."""
Content = tuple[int, date, int, str | None]
"""What must be the same when an entry is sent again: kind, day, value, and what it replaces."""

ROWS_PER_WRITE: Final = 1_000
_COLUMNS: Final = """
    citizen_id, link_id, external_id, kind_number, occurred_on, day, value, recorded_at, lapses_on, status, replaces_id
"""


class KnownLink(NamedTuple):
    """A link, and whose it is."""

    pk: int
    citizen_id: int


@dataclass(slots=True)
class RecordedEntry:
    """An entry that is recorded, as far as the next batch has to know it."""

    pk: int
    content: Content
    lapses_on: date
    is_replaced: bool


@dataclass(slots=True)
class NewEntry:
    """An entry to record. `pk` is given beforehand only where another row of the batch, or its proof, names it."""

    link: KnownLink
    external_id: str
    content: Content
    lapses_on: date
    replaces: "RecordedEntry | NewEntry | None" = None
    is_replaced: bool = False
    pk: int | None = None
    sha256: str | None = None


def links_of(source: Source, subjects: Collection[str], *, lock: bool) -> dict[str, KnownLink]:
    """The source's links to these subjects, by subject; with `lock` held in key order until the transaction ends."""
    if not subjects:
        return {}
    if connection.vendor == "postgresql":
        among = "= ANY(%s::text[])"
        order = "ORDER BY id FOR NO KEY UPDATE" if lock else ""
    else:
        among, order = "IN (SELECT value FROM json_each(%s))", ""
    statement = f"SELECT subject, id, citizen_id FROM scores_link WHERE source_id = %s AND subject {among} {order}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [source.pk, _list(subjects)])
        return {subject: KnownLink(pk, citizen_id) for subject, pk, citizen_id in cursor.fetchall()}


def entries_known(keys: Collection[Key]) -> dict[Key, RecordedEntry]:
    """What is recorded under these keys, each looked up in the unique index."""
    if not keys:
        return {}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_KNOWN_ON_POSTGRESQL, [_list(pk for pk, _ in keys), _list(name for _, name in keys)])
        else:
            cursor.execute(_KNOWN_ON_SQLITE, [json.dumps(list(keys))])
        return {
            (link_id, name): RecordedEntry(pk, (kind, _date(day), value, replaces), _date(lapses_on), bool(is_replaced))
            for pk, link_id, name, kind, day, value, lapses_on, replaces, is_replaced in cursor.fetchall()
        }


_FOUND: Final = """
    e.id, e.link_id, e.external_id, e.kind_number, e.occurred_on, e.value, e.lapses_on,
    CASE WHEN e.replaces_id IS NOT NULL THEN (SELECT o.external_id FROM scores_entry o WHERE o.id = e.replaces_id) END,
    EXISTS (SELECT 1 FROM scores_entry n WHERE n.replaces_id = e.id)
"""
# A limit in the lateral part, so that it stays a look-up for each key: joined, the planner may read the whole table.
_KNOWN_ON_POSTGRESQL: Final = f"""
    SELECT found.* FROM unnest(%s::bigint[], %s::text[]) AS k(link_id, name)
    CROSS JOIN LATERAL (
        SELECT {_FOUND} FROM scores_entry e WHERE e.link_id = k.link_id AND e.external_id = k.name LIMIT 1
    ) AS found
"""  # noqa: S608
_KNOWN_ON_SQLITE: Final = f"""
    SELECT {_FOUND} FROM json_each(%s) AS k JOIN scores_entry e
    ON e.link_id = json_extract(k.value, '$[0]') AND e.external_id = json_extract(k.value, '$[1]')
"""  # noqa: S608


def write_entries(entries: Sequence[NewEntry], *, now: datetime) -> None:
    """Insert new entries in their order, each with its key where all of them have one."""
    keyed = bool(entries) and entries[0].pk is not None
    columns = f"id, {_COLUMNS}" if keyed else _COLUMNS
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The text format written by hand costs a third of what the driver's dumpers do.
            rows: Iterator[Any] = _values(entries, now.isoformat(), keyed=keyed, null="\\N")
            with cursor.copy(f"COPY scores_entry ({columns}) FROM STDIN") as copy:
                while part := list(islice(rows, ROWS_PER_WRITE)):
                    copy.write("\n".join(["\t".join(map(str, row)) for row in part]) + "\n")
            return
        recorded_at = str(connection.ops.adapt_datetimefield_value(now))
        places = ", ".join(["%s"] * (columns.count(",") + 1))
        statement = f"INSERT INTO scores_entry ({columns}) VALUES ({places})"  # noqa: S608
        cursor.executemany(statement, list(_values(entries, recorded_at, keyed=keyed, null=None)))


def _values(
    entries: Iterable[NewEntry], recorded_at: str, *, keyed: bool, null: str | None
) -> Iterator[tuple[Any, ...]]:
    days: dict[date, str] = {}  # few, and written often

    def written(day: date) -> str:
        text = days.get(day)
        if text is None:
            text = days[day] = day.isoformat()
        return text

    active, struck = Entry.Status.ACTIVE.value, Entry.Status.STRUCK.value
    for entry in entries:
        kind_number, occurred_on, value, _ = entry.content
        row = (
            entry.link.citizen_id,
            entry.link.pk,
            entry.external_id,
            kind_number,
            written(occurred_on),
            day_number(occurred_on),
            value,
            recorded_at,
            written(entry.lapses_on),
            struck if entry.is_replaced else active,
            null if entry.replaces is None else entry.replaces.pk,
        )
        yield (entry.pk, *row) if keyed else row


def _list(values: Iterable[int | str]) -> str:
    """Many values as one parameter: an array on PostgreSQL, a JSON list elsewhere."""
    if connection.vendor == "postgresql":
        # Quoted, because a name may be NULL.
        return "{" + ",".join([f'"{value}"' for value in values]) + "}"
    return json.dumps(list(values))


def _date(stored: Any) -> date:
    return stored if isinstance(stored, date) else date.fromisoformat(stored)
