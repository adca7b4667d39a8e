"""Judging what a furnisher sends, row by row: the first failure in a fixed order names the code.

What a row says by itself is judged here, without the database; whom it is about and whether it was sent before is
judged in `scores.services.ingestion`. Sentences never repeat what was sent.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from scores import catalogue

NAME: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
"""What a furnisher's own ids (`external_id`, `subject`) are made of."""
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_REQUIRED: Final = ("external_id", "subject", "kind", "occurred_on")
_FIELDS: Final = frozenset((*_REQUIRED, "value", "replaces"))

INVALID: Final = "invalid"
UNKNOWN_KIND: Final = "unknown_kind"
KIND_NOT_ALLOWED: Final = "kind_not_allowed"
BAD_VALUE: Final = "bad_value"
IN_THE_FUTURE: Final = "in_the_future"
TOO_OLD: Final = "too_old"
NOT_LINKED: Final = "not_linked"
ENTRY_CONTRADICTED: Final = "entry_contradicted"


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is right in itself. `value` is in ten-thousandths."""

    index: int
    external_id: str
    subject: str
    kind_number: int
    occurred_on: date
    value: int
    lapses_on: date
    replaces: str | None

    @property
    def content(self) -> tuple[int, date, int, str | None]:
        """What must be the same when the row is sent again."""
        return self.kind_number, self.occurred_on, self.value, self.replaces


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a row was not taken: a code, a sentence, and the place in the row where there is one."""

    index: int
    external_id: str | None
    code: str
    detail: str
    pointer: str | None = None

    def as_dict(self) -> dict[str, Any]:
        told = {"index": self.index, "external_id": self.external_id, "code": self.code, "detail": self.detail}
        return told if self.pointer is None else told | {"pointer": self.pointer}


class _Refused(Exception):
    def __init__(self, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.field = code, detail, field


def judge(index: int, raw: Any, *, kinds: Collection[str], today: date) -> Row | Rejection:
    """The row as it will be recorded, or why not; `kinds` are the codes its source may send."""
    try:
        return _judged(index, raw, kinds, today)
    except _Refused as refusal:
        name = raw.get("external_id") if isinstance(raw, Mapping) else None
        return Rejection(
            index=index,
            external_id=name if is_name(name) else None,
            code=refusal.code,
            detail=refusal.detail,
            pointer=None if refusal.field is None else f"/entries/{index}/{refusal.field}",
        )


def rejected(row: Row, code: str, detail: str, field: str | None = None) -> Rejection:
    """The rejection of a row that was right in itself."""
    pointer = None if field is None else f"/entries/{row.index}/{field}"
    return Rejection(row.index, row.external_id, code, detail, pointer)


def is_name(text: object) -> bool:
    """Whether this can be an `external_id` or a `subject`."""
    return isinstance(text, str) and NAME.fullmatch(text) is not None


def _judged(index: int, raw: Any, kinds: Collection[str], today: date) -> Row:
    if not isinstance(raw, Mapping):
        raise _Refused(INVALID, "Each entry is an object.")
    if unknown := sorted(set(raw) - _FIELDS):
        field = unknown[0].replace("~", "~0").replace("/", "~1")
        raise _Refused(INVALID, "There is no such field.", field if len(field) <= 128 else None)
    for field in _REQUIRED:
        if field not in raw:
            raise _Refused(INVALID, "This field is required.", field)
    for field in ("external_id", "subject", "replaces"):
        if field in raw and not is_name(raw[field]):
            raise _Refused(INVALID, "Send 1 to 128 of the characters A–Z a–z 0–9 . _ : -", field)
    if raw.get("replaces") == raw["external_id"]:
        raise _Refused(INVALID, "An entry cannot replace itself.", "replaces")
    if not isinstance(raw["kind"], str):
        raise _Refused(INVALID, "A kind is a text.", "kind")
    occurred_on = _date_of(raw["occurred_on"])

    try:
        kind = catalogue.kind(raw["kind"])
    except catalogue.UnknownKind:
        raise _Refused(UNKNOWN_KIND, "The catalogue has no such kind of record.", "kind") from None
    if kind.code not in kinds:
        raise _Refused(KIND_NOT_ALLOWED, "Your source is not registered for this kind.", "kind")
    try:
        value = catalogue.parse_value(kind, raw.get("value", 0))
    except catalogue.BadValue as bad:
        raise _Refused(BAD_VALUE, str(bad), "value") from None
    if occurred_on > today:
        raise _Refused(IN_THE_FUTURE, "It is dated after today (UTC).", "occurred_on")
    lapses_on = catalogue.lapses_on(kind, occurred_on)
    if lapses_on <= today:
        raise _Refused(
            TOO_OLD, f"Records of this kind live {kind.max_months} months at most; this has lapsed.", "occurred_on"
        )
    return Row(
        index=index,
        external_id=raw["external_id"],
        subject=raw["subject"],
        kind_number=kind.number,
        occurred_on=occurred_on,
        value=value,
        lapses_on=lapses_on,
        replaces=raw.get("replaces"),
    )


def _date_of(raw: Any) -> date:
    if isinstance(raw, str) and _DATE.fullmatch(raw):
        try:
            return date.fromisoformat(raw)
        except ValueError:
            pass
    raise _Refused(INVALID, "Send a date that exists, as YYYY-MM-DD.", "occurred_on")
