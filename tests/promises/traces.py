"""Where a mark of somebody is found: every row of every table, every file, what was logged, what is cached."""

import pickle
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.db.models import Field

from citizen_app.models import Citizen
from scores.models import Enrolment


def tables_that_say(*marks: str) -> set[str]:
    """The tables with a row in which one of these texts stands, in whatever case."""
    wanted = [mark.lower() for mark in marks]
    found = set()
    for model in apps.get_models(include_auto_created=True):
        for row in model._base_manager.values():
            said = repr(row).lower()
            if any(mark in said for mark in wanted):
                found.add(model._meta.label)
                break
    return found


def tables_that_point_to(pk: int) -> set[str]:
    """The tables with a row whose key is this person's."""
    found = set()
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            is_key = isinstance(field, Field) and field.is_relation and field.related_model in (Citizen, Enrolment)
            if is_key and not field.many_to_many and model._base_manager.filter(**{field.name: pk}).exists():
                found.add(f"{model._meta.label}.{field.name}")
    return found


def files_that_say(*marks: str) -> list[str]:
    """The files under VAR_DIR in whose name or content one of these texts stands."""
    wanted = [mark.lower().encode() for mark in marks]
    files = [path for path in Path(settings.VAR_DIR).rglob("*") if path.is_file()]
    return [
        path.name for path in files if any(mark in path.name.encode() + path.read_bytes().lower() for mark in wanted)
    ]


def cached_that_say(*marks: str) -> list[Any]:
    """The cached values (this process's memory) in which one of these texts stands."""
    kept: dict[str, bytes] = cache._cache  # type: ignore[attr-defined]
    said = {key: f"{key} {pickle.loads(value)!r}".lower() for key, value in kept.items()}
    return [key for key, text in said.items() if any(mark.lower() in text for mark in marks)]
