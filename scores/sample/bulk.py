"""Writing many rows at once: COPY on PostgreSQL, large INSERTs elsewhere. The database still checks every row."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from django.db import connection, models, transaction

ROWS_PER_INSERT = 500


def reserve_keys(model: type[models.Model], count: int) -> Iterator[int]:
    """Take the next `count` keys of a table, in order, so that rows can name each other before they are written.

    Call it in the transaction that writes the rows: on SQLite nothing but its write lock keeps the keys free.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Keys are reserved in the transaction that uses them.")
    table, column = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, column, count]
            )
            return iter(sorted(key for (key,) in cursor.fetchall()))
        # The counter remembers the keys of erased rows too: none is given twice.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()
        first = (last[0] if last else 0) + 1
        return iter(range(first, first + count))


def write(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model, as `bulk_create` would."""
    if rows:
        model = type(rows[0])
        keyed = rows[0].pk is not None
        names = [field.attname for field in model._meta.concrete_fields if keyed or not field.primary_key]
        write_values(model, names, ([getattr(row, name) for name in names] for row in rows))


def write_values(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert new rows given as values of these attributes; the attributes left out have their defaults."""
    if connection.vendor != "postgresql":
        instances = [model(**dict(zip(names, row, strict=True))) for row in rows]
        model._default_manager.bulk_create(instances, batch_size=ROWS_PER_INSERT)
        return
    given = {field.attname: field for field in model._meta.concrete_fields}
    fields = [given[name] for name in names]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    statement = f"COPY {connection.ops.quote_name(model._meta.db_table)} ({columns}) FROM STDIN"
    prepare = [(place, how) for place, field in enumerate(fields) if (how := _preparation(field)) is not None]
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            values = list(row)
            for place, how in prepare:
                values[place] = how(values[place])
            copy.write_row(values)


def _preparation(field: models.Field) -> Callable[[Any], Any] | None:
    """What a value needs before the driver takes it; most need nothing."""
    if isinstance(field, models.JSONField):
        return partial(json.dumps, separators=(",", ":"))
    if field.choices:
        # The driver would write a choice's name where its value is meant.
        return lambda value: None if value is None else str(value)
    return None
