"""Writing many rows at once: COPY on PostgreSQL, large INSERTs elsewhere. The database still checks every row."""

from collections.abc import Iterable, Iterator, Sequence

from django.db import connection, models, transaction


def reserve_keys(model: type[models.Model], count: int) -> Iterator[int]:
    """Take the next `count` keys of a table, in order, so that rows can name each other before they are written.

    Call it in the transaction that writes the rows: on SQLite nothing but its write lock keeps the keys free.
    """
    table, column = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, column, count]
            )
            return iter(sorted(key for (key,) in cursor.fetchall()))
        if not transaction.get_connection().in_atomic_block:
            raise transaction.TransactionManagementError("Keys are reserved in the transaction that uses them.")
        # The counter remembers the keys of erased rows too: none is given twice.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()
        first = (last[0] if last else 0) + 1
        return iter(range(first, first + count))


def write(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model, as `bulk_create` would."""
    if not rows:
        return
    model = type(rows[0])
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create(rows, batch_size=500)
        return
    fields = [
        field
        for field in model._meta.concrete_fields
        if not (field.primary_key and isinstance(field, models.AutoField) and rows[0].pk is None)
    ]
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    statement = f"COPY {connection.ops.quote_name(model._meta.db_table)} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for values in _prepared(rows, fields):
            copy.write_row(values)


def _prepared(rows: Iterable[models.Model], fields: list[models.Field]) -> Iterator[list[object]]:
    """The rows' values as the driver takes them."""
    for row in rows:
        yield [
            field.get_db_prep_save(
                field.pre_save(row, add=True) if hasattr(field, "auto_now") else getattr(row, field.attname), connection
            )
            for field in fields
        ]
