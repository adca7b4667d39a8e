"""Lists in pages: `{"next", "previous", "results"}`, by cursors that stay true while rows arrive.

A cursor names the row beside the page (its values in the list's order), so a page costs one query however deep it
lies. It is opaque, not secret: the queryset it is applied to is the caller's own.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.serializers import BoundedInteger, StrictSerializer, Text, read_query
from citizen_app.errors import DomainError, Kind

DEFAULT_LIMIT, LARGEST_LIMIT = 25, 100
_FORWARD, _BACKWARD = "n", "p"


class InvalidCursor(DomainError):
    code, kind, title = "invalid_cursor", Kind.INVALID, "The cursor is not one this list gave out."
    remedy = "Start again without `cursor` and follow `next` and `previous` as they are."


class PageQuery(StrictSerializer):
    """The query of every list; a list with filters declares them in a subclass (`query_serializer`)."""

    limit = BoundedInteger(1, LARGEST_LIMIT, required=False, help_text=f"Rows on a page; {DEFAULT_LIMIT} unless said.")
    cursor = Text(max_length=500, required=False, help_text="From `next` or `previous`.")


class Joined:
    """Rows of several tables as one list, which `page` reads like a queryset: one statement each, whatever the depth.

    Every row has the fields of the order, and all of these run the same way; together they are unique.
    """

    def __init__(self, *tables: QuerySet[Any]) -> None:
        self.model = tables[0].model
        self._tables = tables
        self._order: tuple[str, ...] = ()

    def filter(self, *conditions: Q, **named: Any) -> "Joined":
        return self._each(lambda table: table.filter(*conditions, **named))

    def order_by(self, *names: str) -> "Joined":
        ordered = self._each(lambda table: table.order_by(*names))
        ordered._order = names
        return ordered

    def __getitem__(self, piece: slice) -> list[Any]:
        names = [name.removeprefix("-") for name in self._order]
        found = [row for table in self._tables for row in table[: piece.stop]]
        found.sort(key=lambda row: [getattr(row, name) for name in names], reverse=self._order[0].startswith("-"))
        return found[piece]

    def _each(self, change: Callable[[QuerySet[Any]], QuerySet[Any]]) -> "Joined":
        changed = Joined(*map(change, self._tables))
        changed._order = self._order
        return changed


def page(
    request: Request,
    queryset: QuerySet[Any] | Joined,
    *,
    order: Sequence[str] = ("-id",),
    shape: Callable[[list[Any]], list[dict[str, Any]]],
) -> Response:
    """Answer one page of `queryset` in `order`, whose last field must be unique and none of which may be null.

    `shape` is given the page's rows at once, so that what it looks up costs the same for one row as for a hundred.
    """
    view = request.parser_context.get("view")
    asked = getattr(view, "query", None)
    if asked is None:
        asked = _query_of(request)
    limit, cursor = asked.get("limit", DEFAULT_LIMIT), asked.get("cursor")
    direction, beside = _read(cursor, queryset, order) if cursor else (_FORWARD, None)

    way = list(order) if direction == _FORWARD else [_turned(name) for name in order]
    rows = queryset.order_by(*way)
    if beside is not None:
        rows = rows.filter(_after(way, beside))
    found = list(rows[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if direction == _BACKWARD:
        found.reverse()
        before, after = more, True
    else:
        before, after = cursor is not None, more
    return Response(
        {
            "next": _link(request, _FORWARD, found[-1], order) if after and found else None,
            "previous": _link(request, _BACKWARD, found[0], order) if before and found else None,
            "results": shape(found),
        }
    )


def _query_of(request: Request) -> dict[str, Any]:
    return read_query(request, PageQuery)


def _turned(name: str) -> str:
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


def _after(way: Sequence[str], beside: Sequence[Any]) -> Q:
    """Rows behind `beside`: a later first field, or the same first field and a later second one, and so on."""
    behind, equal = Q(), Q()
    for name, value in zip(way, beside, strict=True):
        field = name.removeprefix("-")
        comparison = "lt" if name.startswith("-") else "gt"
        behind |= equal & Q(**{f"{field}__{comparison}": value})
        equal &= Q(**{field: value})
    return behind


def _link(request: Request, direction: str, row: Any, order: Sequence[str]) -> str:
    values: list[Any] = []
    for name in order:
        value = row
        for step in name.removeprefix("-").split("__"):
            value = getattr(value, step)
        # Whole: JSON's usual form of a moment ends at milliseconds, and a page that began there would repeat its
        # own last row or lose those of the same millisecond.
        values.append(value.isoformat() if isinstance(value, datetime) else value)
    text = json.dumps([direction, *values], cls=DjangoJSONEncoder, separators=(",", ":"))
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _read(cursor: str, queryset: QuerySet[Any] | Joined, order: Sequence[str]) -> tuple[str, list[Any]]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        direction, *values = json.loads(text)
        if direction not in (_FORWARD, _BACKWARD) or len(values) != len(order):
            raise InvalidCursor
        beside = [_field_of(queryset, name).to_python(value) for name, value in zip(order, values, strict=True)]
    except (binascii.Error, ValueError, TypeError, RecursionError, ValidationError, OverflowError) as error:
        raise InvalidCursor from error
    if any(value is None or (isinstance(value, int) and abs(value) >= 2**63) for value in beside):
        raise InvalidCursor
    return direction, beside


def _field_of(queryset: QuerySet[Any] | Joined, name: str) -> Any:
    computed = {} if isinstance(queryset, Joined) else queryset.query.annotations
    if name.removeprefix("-") in computed:
        return computed[name.removeprefix("-")].output_field
    model: type[Model] = queryset.model
    *steps, last = name.removeprefix("-").split("__")
    for step in steps:
        model = model._meta.get_field(step).related_model  # type: ignore[assignment]
    return model._meta.pk if last == "pk" else model._meta.get_field(last)
