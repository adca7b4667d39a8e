"""What a person's data is: every table that knows them, told row by row, and the tables that are left out and why.

Each room registers its own. A row is told with all its fields but those it names as left out (secrets, and what a
key of ours makes of the person); a person in it is "you" or "somebody else".
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import models
from django.db.models import QuerySet

from citizen_app.models import Citizen
from citizen_app.public_ids import public_id_of

Rows = Callable[[Citizen], QuerySet[Any]]
Adds = Callable[[Any, Citizen], dict[str, Any]]

SECRET: Final = "a secret, or what would let somebody make one"  # noqa: S105
KEYED: Final = "a fingerprint under the server's key, of no use to anybody else"
OURS: Final = "how the product does its work; it says nothing about you"
_PEOPLE: set[type[models.Model]] = {Citizen}


@dataclass(frozen=True, slots=True)
class Table:
    """One table as it stands in an export."""

    name: str
    model: type[models.Model]
    rows: Rows
    tells: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    adds: Adds | None = None


_tables: dict[str, Table] = {}
_excused: dict[str, str] = {}


def exports(
    name: str,
    model: type[models.Model],
    of: str | Rows,
    *,
    tells: str,
    left_out: Mapping[str, str] | None = None,
    adds: Adds | None = None,
) -> None:
    """Register a table: `of` is the path from its rows to the citizen, or a function that gives the rows.

    `tells` says to the person what it is, and in what its numbers count.
    """
    rows = of if callable(of) else _by_path(model, of)
    table = Table(name, model, rows, tells, left_out or {}, adds)
    unknown = set(table.left_out) - {one.attname for one in model._meta.concrete_fields}
    if unknown:
        raise ValueError(f"No fields of {model._meta.label}: {sorted(unknown)}")
    if name in _tables:
        raise ValueError(f"Two tables of one name: {name}")
    _tables[name] = table


def is_a_person(model: type[models.Model]) -> None:
    """Say that a key to `model` is a key to a person (its own key is the citizen's)."""
    _PEOPLE.add(model)


def is_not_exported(label: str, why: str) -> None:
    """Say of a table that knows people why an export does not tell it."""
    _excused[label] = why


def tables() -> list[Table]:
    """Every table of an export, in the order they were registered."""
    return list(_tables.values())


def excused() -> dict[str, str]:
    """The tables an export does not tell, by label, with the reason."""
    return dict(_excused)


def people() -> frozenset[type[models.Model]]:
    """The models whose key is a person."""
    return frozenset(_PEOPLE)


def told(table: Table, citizen: Citizen) -> Iterator[dict[str, Any]]:
    """The rows of one table about one person, oldest first, some in memory at a time."""
    for row in table.rows(citizen).order_by("pk").iterator(chunk_size=500):
        yield _told(table, row, citizen)


def _by_path(model: type[models.Model], path: str) -> Rows:
    return lambda citizen: model._default_manager.filter(**{path: citizen.pk})


def _told(table: Table, row: Any, citizen: Citizen) -> dict[str, Any]:
    said = {}
    for one in row._meta.concrete_fields:
        if one.attname not in table.left_out:
            said[one.name] = _value(one, getattr(row, one.attname), citizen)
    return said | (table.adds(row, citizen) if table.adds else {})


def _value(one: Any, value: Any, citizen: Citizen) -> Any:
    if value is None:
        return None
    named = one.related_model if one.is_relation else one.model
    if one.is_relation and named in _PEOPLE:
        return "you" if value == citizen.pk else "somebody else"
    if (one.is_relation or one.primary_key) and hasattr(named, "prefix") and named is not Citizen:
        return public_id_of(named.prefix, value)
    return value
