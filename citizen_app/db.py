"""Small questions to the database that Django leaves to each vendor."""

import re

from django.apps import apps
from django.db import IntegrityError, connection, models


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
