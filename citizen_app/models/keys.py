"""How rows are named: UUIDv7 keys for objects people name, public ids for every row an answer shows."""

from typing import Any, ClassVar

from django.db import models

from citizen_app.errors import NotFound
from citizen_app.public_ids import integer_of, public_id_of, uuid7, uuid_of


class NamedQuerySet(models.QuerySet):
    """A queryset whose rows are found by public id; a wrong, foreign or missing one is the same `NotFound`."""

    def named(self, public_id: object) -> Any:
        key = self.model.key_of(public_id)  # type: ignore[attr-defined]
        row = None if key is None else self.filter(pk=key).first()
        if row is None:
            raise NotFound
        return row


class UUIDNamed(models.Model):
    """An object people name: a UUIDv7 key, shown as `prefix_…`."""

    prefix: ClassVar[str]
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True

    @property
    def public_id(self) -> str:
        return public_id_of(self.prefix, self.pk)

    @classmethod
    def key_of(cls, public_id: object) -> Any:
        return uuid_of(cls.prefix, public_id)


class IntegerNamed(models.Model):
    """An append-only row with a bigint key in order of arrival, shown as `prefix_…`."""

    prefix: ClassVar[str]
    id = models.BigAutoField(primary_key=True)

    class Meta:
        abstract = True

    @property
    def public_id(self) -> str:
        return public_id_of(self.prefix, self.pk)

    @classmethod
    def key_of(cls, public_id: object) -> Any:
        return integer_of(cls.prefix, public_id)
