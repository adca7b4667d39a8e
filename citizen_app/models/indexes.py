"""An index that holds all a query reads, so that the query need not look at the table."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement


class CoveringIndex(models.Index):
    """An index by `fields` that carries `covers` along: beside the key on PostgreSQL, at the key's end on SQLite."""

    def __init__(self, *, covers: Sequence[str], **options: Any) -> None:
        self.covers = tuple(covers)
        super().__init__(**options)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, positional, named = super().deconstruct()
        return path, positional, named | {"covers": self.covers}

    def create_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **options: Any
    ) -> Statement:
        if schema_editor.connection.features.supports_covering_indexes:
            plain = models.Index(fields=self.fields, include=self.covers, condition=self.condition, name=self.name)
        else:
            plain = models.Index(fields=[*self.fields, *self.covers], condition=self.condition, name=self.name)
        return plain.create_sql(model, schema_editor, using, **options)
