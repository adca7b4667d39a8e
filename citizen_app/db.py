"""Small questions to the database that Django leaves to each vendor."""

import re
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections, models


def planned_cursor() -> Any:
    """Return a cursor for statements whose text is the same each time: PostgreSQL is sent it once and keeps its plan.

    Other cursors write their values into the text, and each is parsed and planned anew.
    """
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    if wrapper.vendor != "postgresql" or wrapper.queries_logged:
        # psycopg does not tell the text of a statement that is prepared already: a log of queries would miss it.
        return wrapper.cursor()
    from django.db.backends.postgresql.base import ServerBindingCursor  # psycopg is there where PostgreSQL is

    wrapper.close_if_health_check_failed()
    wrapper.ensure_connection()
    with wrapper.wrap_database_errors:
        cursor: Any = ServerBindingCursor
        return wrapper._prepare_cursor(cursor(wrapper.connection))


def violated(error: IntegrityError) -> str | None:
    """Return the name of the constraint a write broke, or None when it cannot be told.

    PostgreSQL names it. SQLite names the columns of a unique constraint ("UNIQUE constraint failed: t.a, t.b") and
    the name of a CHECK, so columns are looked up in the models' own constraints.
    """
    if connection.vendor == "postgresql":
        return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    message = str(error)
    if match := re.search(r"CHECK constraint failed: (\w+)", message):
        return match[1]
    if match := re.search(r"index '(\w+)'", message):  # a unique index on an expression
        return match[1]
    if match := re.search(r"UNIQUE constraint failed: (.+)", message):
        columns = [column.strip() for column in match[1].split(",")]
        table = columns[0].split(".")[0]
        return _unique_constraint(table, [column.split(".")[1] for column in columns])
    return None


def _unique_constraint(table: str, columns: list[str]) -> str | None:
    for model in apps.get_models():
        if model._meta.db_table != table:
            continue
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
                named = [model._meta.get_field(name).get_attname_column()[1] for name in constraint.fields]  # type: ignore[union-attr]
                if named == columns:
                    return constraint.name
    return None
