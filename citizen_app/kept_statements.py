"""Statements compiled once in a process and run again with other values.

To build and compile a queryset that reads much costs a request more CPU than PostgreSQL needs to answer it. What the
ORM makes of it is kept here: the queryset stays the one place that says what is asked, with `Given(name, field)` where
a value will stand, and the values come when it is run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Field, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import GET_ITERATOR_CHUNK_SIZE, MULTI

from citizen_app.db import planned_cursor
from citizen_app.statements import Statement


class Given(Value):
    """Stands in a queryset for a value that is known when it is run, under a name; prepared as by `field`."""

    def __init__(self, name: str, field: "Field[Any, Any]") -> None:
        super().__init__(name, output_field=field)

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", [self]

    def prepared(self, values: Mapping[str, Any], connection: Any) -> Any:
        return self.output_field.get_db_prep_value(values[self.value], connection)


@dataclass(frozen=True, slots=True)
class _Text:
    """SQL, and its parameters in order: constants, and what is given."""

    sql: str
    params: Sequence[Any]

    def params_with(self, values: Mapping[str, Any], connection: Any) -> list[Any]:
        return [one.prepared(values, connection) if isinstance(one, Given) else one for one in self.params]


class KeptStatement:
    """A write or a lock that `build` says with `Given` values; `of(name=value, …)` is the statement to be done."""

    def __init__(self, build: Callable[[], Statement]) -> None:
        self._build = build
        self._kept: dict[str, tuple[Statement, _Text]] = {}

    def of(self, **values: Any) -> Statement:
        connection = connections[DEFAULT_DB_ALIAS]
        if connection.vendor not in self._kept:
            built = self._build()
            self._kept[connection.vendor] = built, _with_constants(_Text(built.sql, built.params), connection)
        built, text = self._kept[connection.vendor]
        return replace(built, sql=text.sql, params=text.params_with(values, connection), touched=[])


class KeptRows:
    """A reading that `build` says with `Given` values; `rows(name=value, …)` are what its queryset would find.

    PostgreSQL keeps one plan for all values, unless not `is_planned`: where the best way depends on which are given.
    """

    def __init__(self, build: Callable[[], QuerySet[Any]], *, is_planned: bool = True) -> None:
        self._build, self._is_planned = build, is_planned
        self._kept: dict[str, tuple[QuerySet[Any], SQLCompiler, _Text]] = {}

    def rows(self, **values: Any) -> list[Any]:
        connection = connections[DEFAULT_DB_ALIAS]
        queryset, compiler, text = self._compiled(connection)
        running = _Running(compiler, connection, text.sql, text.params_with(values, connection), self._is_planned)
        query: Any = _CompiledQuery(queryset.query, running)
        found: Any = QuerySet(queryset.model, query, connection.alias)
        found._iterable_class, found._fields = queryset._iterable_class, queryset._fields  # type: ignore[attr-defined]
        return list(found)

    def sql(self, **values: Any) -> tuple[str, list[Any]]:
        """What `rows` sends to the database."""
        connection = connections[DEFAULT_DB_ALIAS]
        *_, text = self._compiled(connection)
        return text.sql, text.params_with(values, connection)

    def _compiled(self, connection: Any) -> tuple[QuerySet[Any], SQLCompiler, _Text]:
        if connection.vendor not in self._kept:
            queryset = self._build()
            compiler: Any = queryset.query.get_compiler(connection=connection)
            text = _with_constants(_Text(*compiler.as_sql()), connection)
            compiler.kept_converters = compiler.get_converters([one[0] for one in compiler.select])
            self._kept[connection.vendor] = queryset, compiler, text
        return self._kept[connection.vendor]


class KeptList:
    """A list as `page` reads it, whose first page is kept compiled; what lies behind a cursor is asked as always.

    `first_page(order, count)` keeps that page, `values` are given to it, `queryset` is the whole list.
    """

    def __init__(
        self,
        queryset: Callable[[], QuerySet[Any]],
        first_page: Callable[[tuple[str, ...], int], KeptRows],
        values: Mapping[str, Any],
        order: tuple[str, ...] = (),
    ) -> None:
        self._queryset, self._first_page, self._values, self._order = queryset, first_page, values, order

    @property
    def model(self) -> Any:
        return self._queryset().model

    @property
    def query(self) -> Any:
        return self._queryset().query

    def order_by(self, *names: str) -> "KeptList":
        return KeptList(self._queryset, self._first_page, self._values, names)

    def filter(self, *conditions: Any, **named: Any) -> QuerySet[Any]:
        return self._queryset().filter(*conditions, **named).order_by(*self._order)

    def __getitem__(self, piece: slice) -> list[Any]:
        return self._first_page(self._order, piece.stop).rows(**self._values)


class _CompiledQuery:
    """A queryset's query, whose compiler has done its work."""

    def __init__(self, query: Any, compiler: SQLCompiler) -> None:
        self._query, self._compiler = query, compiler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._query, name)

    def get_compiler(self, using: str) -> SQLCompiler:
        return self._compiler


class _Running(SQLCompiler):
    """A compiler that has done its work: it runs what was kept on this thread's connection."""

    kept_converters: Any

    def __init__(
        self, compiler: SQLCompiler, connection: Any, sql: str, params: Sequence[Any], is_planned: bool
    ) -> None:
        self.__dict__.update(compiler.__dict__)
        self.connection, self.using = connection, connection.alias
        self._sql, self._params, self._is_planned = sql, params, is_planned

    def get_converters(self, expressions: Any) -> Any:
        return self.kept_converters

    def execute_sql(
        self,
        result_type: Any = MULTI,
        chunked_fetch: bool = False,
        chunk_size: int = GET_ITERATOR_CHUNK_SIZE,
    ) -> Any:
        with planned_cursor() if self._is_planned else self.connection.cursor() as cursor:
            cursor.execute(self._sql, self._params)
            return [cursor.fetchall()]


def _with_constants(text: _Text, connection: Any) -> _Text:
    """Write the words that never change into the SQL, for PostgreSQL, which plans once for whatever will be given.

    A partial index is only of use to a plan that can read its condition.
    """
    if connection.vendor != "postgresql":
        return text
    parts = text.sql.split("%s")
    if len(parts) != len(text.params) + 1:
        raise ValueError(f"This cannot be kept: {text.sql}")
    sql, params = parts[0], []
    for param, part in zip(text.params, parts[1:], strict=True):
        if isinstance(param, str):
            sql += connection.ops.compose_sql("%s", [str(param)]).replace("%", "%%")
        else:
            sql += "%s"
            params.append(param)
        sql += part
    return _Text(sql, params)
