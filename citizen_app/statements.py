"""Several writes in one statement, and rows beside a row: fewer round trips inside a transaction that others wait for.

What is written stays what the models and querysets say; this only joins it. PostgreSQL does it all in one statement
(data-modifying CTEs, in the order given); SQLite, where a statement is a call in the same process, one after another.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models import JSONField, Model, QuerySet, Subquery
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

from citizen_app.db import planned_cursor


@dataclass(slots=True)
class Statement:
    """One write (or lock) that waits to be done with others; then `touched` are its rows, by what was `returning`."""

    sql: str
    params: Sequence[Any]
    returning: tuple[str, ...] = ()
    row: Model | None = None  # that an insert makes, to be given its key
    values: str = ""  # of an insert that others into the same table may join
    is_write: bool = True
    touched: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sql_with_returning(self) -> str:
        if not self.is_write:
            return self.sql
        return f"{self.sql} RETURNING {', '.join(map(connection.ops.quote_name, self.returning)) or '1 AS one'}"


def insert_of(row: Model) -> Statement:
    """The insertion of a new row, which is given its key where the database makes it."""
    meta = row._meta
    makes_key = row.pk is None
    fields = [field for field in meta.concrete_fields if not (makes_key and field.primary_key)]
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    if any(hasattr(value, "as_sql") for value in values):  # what the database computes: the ORM knows how it is said
        query = InsertQuery(type(row))
        query.insert_values(fields, [row])
        ((sql, params),) = query.get_compiler(connection=connection).as_sql()
        joinable = ""
    else:
        sql, joinable = _insertion(meta.db_table, tuple(field.column for field in fields))
        params = values
    key = meta.pk and meta.pk.column
    return Statement(sql, params, (key,) if makes_key and key else (), row, joinable)


@cache
def _insertion(table: str, columns: tuple[str, ...]) -> tuple[str, str]:
    quoted, values = connection.ops.quote_name, f"({', '.join(['%s'] * len(columns))})"
    into = f"INSERT INTO {quoted(table)} ({', '.join(map(quoted, columns))})"
    return f"{into} VALUES {values}", values


def update_of(queryset: QuerySet[Any], *, returning: Sequence[str] = (), **changes: Any) -> Statement:
    """The guarded update of a queryset's rows; `returning` names columns as they are afterwards."""
    query: Any = queryset.query.chain(UpdateQuery)
    query.add_update_values(changes)
    query.clear_ordering(force=True)
    sql, params = query.get_compiler(connection=connection).as_sql()
    return Statement(sql, params, tuple(returning))


def lock_of(queryset: QuerySet[Any]) -> Statement:
    """The lock of a `select_for_update` queryset's rows."""
    sql, params = queryset.values("pk").query.get_compiler(connection=connection).as_sql()
    return Statement(sql, params, is_write=False)


def together(*statements: Statement) -> list[list[dict[str, Any]]]:
    """Do them in this order, and return for each the rows it touched, by the columns of its `returning`.

    Rows of one table are inserted where the first of them is, by one statement. None sees what another has written. A
    guard that let nothing through has not kept the others from being done: who finds its list empty raises, and so
    takes all of them back.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Writes that belong together need a transaction.")
    groups: dict[Any, list[Statement]] = {}
    for number, statement in enumerate(statements):
        groups.setdefault(statement.sql if statement.values else number, []).append(statement)
    joined = [_joined(group) for group in groups.values()]
    with transaction.mark_for_rollback_on_error(using=connection.alias), planned_cursor() as cursor:
        if connection.vendor == "postgresql" and len(joined) > 1:
            touched = _in_one(cursor, joined)
        else:
            touched = [_alone(cursor, statement) for statement in joined]
    for group, rows in zip(groups.values(), touched, strict=True):
        # Keys are made in the order of the rows, whatever order they are returned in.
        each = [rows] if len(group) == 1 else [[row] for row in sorted(rows, key=lambda row: tuple(row.values()))]
        for statement, its_rows in zip(group, each, strict=True):
            _done(statement, its_rows)
    return [statement.touched for statement in statements]


def _joined(inserts: list[Statement]) -> Statement:
    first, *others = inserts
    sql = ", ".join([first.sql, *(other.values for other in others)])
    return Statement(sql, [value for one in inserts for value in one.params], first.returning, is_write=first.is_write)


def _done(statement: Statement, rows: list[dict[str, Any]]) -> None:
    statement.touched = rows
    if statement.row is not None:
        if statement.returning:
            statement.row.pk = rows[0][statement.returning[0]]
        statement.row._state.adding, statement.row._state.db = False, connection.alias


def _in_one(cursor: Any, statements: Sequence[Statement]) -> list[list[dict[str, Any]]]:
    parts = [f"s{number} AS ({one.sql_with_returning})" for number, one in enumerate(statements)]
    told = [f"(SELECT coalesce(jsonb_agg(s{number}), '[]') FROM s{number})" for number in range(len(statements))]  # noqa: S608
    params = [value for one in statements for value in one.params]
    cursor.execute(f"WITH {', '.join(parts)} SELECT {', '.join(told)}", params)
    return [json.loads(rows) for rows in cursor.fetchone()]


def _alone(cursor: Any, statement: Statement) -> list[dict[str, Any]]:
    cursor.execute(statement.sql_with_returning, statement.params)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def moment_of(text: str | None) -> datetime | None:
    """A moment out of `RowsBeside`: PostgreSQL writes its zone, SQLite keeps UTC without saying so."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class RowsBeside(Subquery):
    """The rows of another queryset (`values(…)`) as a list of objects in a column of this one.

    Moments and keys come as text (`moment_of`, `UUID(…)`), and what SQLite keeps as JSON text comes as text.
    """

    output_field = JSONField()

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **extra: Any) -> tuple[str, Any]:
        return super().as_sql(
            compiler,
            connection,
            template="(SELECT coalesce(jsonb_agg(beside), '[]') FROM (%(subquery)s) AS beside)",
            **extra,
        )

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **extra: Any) -> tuple[str, Any]:
        names = (*self.query.values_select, *self.query.annotation_select)
        pairs = ", ".join(f"'{name}', beside.\"{name}\"" for name in names)
        return super().as_sql(
            compiler,
            connection,
            template=f"(SELECT json_group_array(json_object({pairs})) FROM (%(subquery)s) AS beside)",  # noqa: S608
            **extra,
        )


@contextmanager
def in_one_transaction() -> Iterator[None]:
    """Work in the transaction that is open, without a savepoint of its own, or in a new one.

    For a service that whoever catches its refusal calls in a transaction of its own: two round trips fewer.
    """
    blocks: list[Any] = connection.atomic_blocks
    # The transaction a test is wrapped in stands for none.
    of_its_own = not blocks or blocks[-1]._from_testcase
    with transaction.atomic(savepoint=of_its_own):
        yield
