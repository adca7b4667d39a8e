"""Everything that is stored, as one value: what a refused request must leave as it was."""

import hashlib

from django.apps import apps
from django.db import connection

# Kept beside the facts: who is signed in and how their client looked. Scans are recorded whatever they say, by design.
BESIDE = {"django_session", "usersessions_usersession"}


def everything(*, but: frozenset[str] = frozenset()) -> dict[str, tuple[int, str]]:
    """Every table's number of rows and the hash of what they say."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        if table in BESIDE | but or not model._meta.managed or model._meta.proxy:
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows = sorted(map(repr, cursor.fetchall()))
        found[table] = len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]
    return found


def changed(before: dict[str, tuple[int, str]], *, but: frozenset[str] = frozenset()) -> list[str]:
    """The tables that are no longer as they were."""
    now = everything(but=but)
    return [table for table in now if now[table] != before.get(table)]
