"""Everything that is stored, as one value: what a refused request must leave as it was."""

import hashlib

from django.apps import apps
from django.db import connection

# Kept beside the facts: who is signed in, and since when; when a till was last heard of, once a minute.
BESIDE = {"django_session", "usersessions_usersession", "oauth2_provider_accesstoken"}
BESIDE_COLUMNS = {"last_login", "last_seen_at"}


def everything() -> dict[str, tuple[int, str]]:
    """Every table's number of rows and the hash of what they say."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        if table in BESIDE or not model._meta.managed or model._meta.proxy:
            continue
        with connection.cursor() as cursor:
            quote = connection.ops.quote_name
            columns = [one.column for one in model._meta.local_concrete_fields if one.name not in BESIDE_COLUMNS]
            cursor.execute(f"SELECT {', '.join(map(quote, columns))} FROM {quote(table)}")
            rows = sorted(map(repr, cursor.fetchall()))
        found[table] = len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]
    return found


def changed(before: dict[str, tuple[int, str]]) -> list[str]:
    """The tables that are no longer as they were."""
    now = everything()
    return [table for table in now if now[table] != before.get(table)]
