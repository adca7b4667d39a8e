"""Changing behind the product's back what the database guards, to see whether somebody notices."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from scores import entry_guards


@contextmanager
def entry_guards_off() -> Iterator[None]:
    """Let a test write what no product may: on SQLite without the triggers, on PostgreSQL as replication does."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            yield
            cursor.execute("SET session_replication_role = DEFAULT")
        else:
            for statement in entry_guards.statements_to_remove(connection.vendor):
                cursor.execute(statement)
            yield
            for statement in entry_guards.statements_to_install(connection.vendor):
                cursor.execute(statement)
