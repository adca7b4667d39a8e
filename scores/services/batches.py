"""Judging what a furnisher sends, row by row: the first failure in a fixed order names the code.

What a row says by itself is judged here, without the database; whom it is about and whether it was sent before is
judged in `scores.services.ingestion`. Sentences never repeat what was sent.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final, NamedTuple

from scores import catalogue
from scores.errors import TooManyEntries

NAME: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
"""What a furnisher's own ids (`external_id`, `subject`) are made of."""
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_REQUIRED: Final = ("external_id", "subject", "kind", "occurred_on")
_FIELDS: Final = frozenset((*_REQUIRED, "value", "replaces"))
_NAMES: Final = ("external_id", "subject", "replaces")

INVALID: Final = "invalid"
UNKNOWN_KIND: Final = "unknown_kind"
KIND_NOT_ALLOWED: Final = "kind_not_allowed"
BAD_VALUE: Final = "bad_value"
IN_THE_FUTURE: Final = "in_the_future"
TOO_OLD: Final = "too_old"
NOT_LINKED: Final = "not_linked"
ENTRY_CONTRADICTED: Final = "entry_contradicted"


class Row(NamedTuple):
    """A row that is right in itself: `place` is its index in the batch, `value` is in ten-thousandths.

    `sha256` is the hash of the row as it was sent, where its batch is signed.
    """

    place: int
    external_id: str
    subject: str
    kind_number: int
    occurred_on: date
    value: int
    lapses_on: date
    replaces: str | None
    sha256: str | None = None

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


def judge_all(
    rows: Iterable[Any],
    *,
    kinds: Collection[str],
    today: date,
    limit: int,
    hashed: Callable[[dict[str, Any]], str] | None = None,
) -> tuple[list[Row], list[Rejection]]:
    """The rows that are right in themselves, and why the others are not; `TooManyEntries` beyond the limit.

    Rows are taken one at a time: of what was sent no more is held than what will be recorded, and `hashed` of it.
    """
    right: list[Row] = []
    rejections: list[Rejection] = []
    for index, raw in enumerate(rows):
        if index == limit:
            raise TooManyEntries(limit=limit)
        one = judge(index, raw, kinds=kinds, today=today)
        if isinstance(one, Row):
            right.append(one if hashed is None else one._replace(sha256=hashed(raw)))
        else:
            rejections.append(one)
    return right, rejections


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
    pointer = None if field is None else f"/entries/{row.place}/{field}"
    return Rejection(row.place, row.external_id, code, detail, pointer)


def is_name(text: object) -> bool:
    """Whether this can be an `external_id` or a `subject`."""
    return isinstance(text, str) and NAME.fullmatch(text) is not None


def _judged(index: int, raw: Any, kinds: Collection[str], today: date) -> Row:
    if not isinstance(raw, dict):
        raise _Refused(INVALID, "Each entry is an object.")
    if not raw.keys() <= _FIELDS:
        field = min(raw.keys() - _FIELDS).replace("~", "~0").replace("/", "~1")
        raise _Refused(INVALID, "There is no such field.", field if len(field) <= 128 else None)
    for field in _REQUIRED:
        if field not in raw:
            raise _Refused(INVALID, "This field is required.", field)
    for field in _NAMES:
        if field in raw and not is_name(raw[field]):
            raise _Refused(INVALID, "Send 1 to 128 of the characters A–Z a–z 0–9 . _ : -", field)
    replaces = raw.get("replaces")
    if replaces == raw["external_id"]:
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
    lapses_on = _lapses_on(kind.number, occurred_on)
    if lapses_on <= today:
        raise _Refused(
            TOO_OLD, f"Records of this kind live {kind.max_months} months at most; this has lapsed.", "occurred_on"
        )
    return Row(index, raw["external_id"], raw["subject"], kind.number, occurred_on, value, lapses_on, replaces)


def _date_of(raw: Any) -> date:
    if isinstance(raw, str) and len(raw) == 10:
        day = _day(raw)
        if day is not None:
            return day
    raise _Refused(INVALID, "Send a date that exists, as YYYY-MM-DD.", "occurred_on")


# Few days and kinds occur in many rows: each is worked out once.
@lru_cache(maxsize=8192)
def _day(text: str) -> date | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@lru_cache(maxsize=8192)
def _lapses_on(kind_number: int, occurred_on: date) -> date:
    return catalogue.lapses_on(catalogue.kind_of_number(kind_number), occurred_on)
