"""The files a food authority publishes: its businesses, their inspections and violations, read row by row. Pure.

A row that cannot be read is named by file and line; whoever stores them stores nothing of files with such a row.
"""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from perks.standing import INSPECTION, MINOR, NONE, PENALTY, PENALTY_REMEDIED

BUSINESSES: Final = ("business_id", "name", "address", "city", "postal_code", "latitude", "longitude")
INSPECTIONS: Final = ("business_id", "date", "score", "type")
VIOLATIONS: Final = ("business_id", "date", "description")
SHOWN_AT_MOST: Final = 20
"""Mistakes named at once; the others are counted."""

_CORRECTED: Final = re.compile(r"\[ date violation corrected: ([^\]]*) \]\Z")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER: Final = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)


class BadRows(ValueError):
    """Rows, or whole files, that cannot be read; `mistakes` name each by file and line."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        more = len(mistakes) - SHOWN_AT_MOST
        super().__init__("\n".join([*mistakes[:SHOWN_AT_MOST], *([f"… and {more} more."] if more > 0 else [])]))


@dataclass(frozen=True, slots=True)
class Business:
    number: str
    name: str
    address: str
    city: str
    postal_code: str


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the authority, with an id that stays the same when its file is read again."""

    number: str
    external_id: str
    kind: str
    on: date
    order: int
    gravity: str = NONE
    mark: int | None = None
    is_remedied: bool = False
    remedied_on: date | None = None
    text: str = ""


@dataclass(slots=True)
class FoodFiles:
    """All that was read of one authority's files."""

    businesses: list[Business] = field(default_factory=list)
    inspections: list[Row] = field(default_factory=list)
    violations: list[Row] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        return [*self.inspections, *self.violations]

    @property
    def newest(self) -> date | None:
        """The newest day on which anything was recorded; days named within a text do not move it."""
        return max((row.on for row in self.rows), default=None)


def read_files(paths: list[Path], *, known: Callable[[str], bool] = lambda number: False) -> FoodFiles:
    """Read files of the three shapes, told apart by their first line; `known` are businesses of earlier files.

    Raises `BadRows` naming every row that is wrong, so that nothing of them is used.
    """
    read = FoodFiles()
    mistakes: list[str] = []
    lines: list[tuple[str, int, str]] = []  # where each record's business is named
    seen: set[str] = set()
    for path in paths:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                _read_file(path.name, file, read, seen, lines, mistakes)
        except UnicodeDecodeError:
            mistakes.append(f"{path.name}: it is not UTF-8 text.")
        except csv.Error as error:
            mistakes.append(f"{path.name}: it is not CSV ({error}).")
    for name, line, number in lines:
        if number not in seen and not known(number):
            mistakes.append(f"{name} line {line}: there is no business {number!r}.")
    if mistakes:
        raise BadRows(mistakes)
    newest = read.newest
    read.violations = [_dated(row, newest) for row in read.violations]
    return read


def _read_file(
    name: str, file: Any, read: FoodFiles, seen: set[str], lines: list[tuple[str, int, str]], mistakes: list[str]
) -> None:
    reader = csv.reader(file, strict=True)
    header = tuple(next(reader, ()))
    readers: dict[tuple[str, ...], Callable[[list[str]], None]] = {
        BUSINESSES: lambda cells: read.businesses.append(_business(cells, seen)),
        INSPECTIONS: _inspections(read.inspections),
        VIOLATIONS: _violations(read.violations),
    }
    if header not in readers:
        mistakes.append(f"{name} line 1: its columns are none of {'; '.join(','.join(one) for one in readers)}.")
        return
    take = readers[header]
    for cells, line in _numbered(reader):
        try:
            if len(cells) != len(header):
                raise ValueError(f"it has {len(cells)} cells, not {len(header)}")
            if any(not character.isprintable() for cell in cells for character in cell):
                raise ValueError("it holds a control character")
            take(cells)
        except ValueError as wrong:
            mistakes.append(f"{name} line {line}: {wrong}.")
        else:
            if header != BUSINESSES:
                lines.append((name, line, cells[0]))


def _numbered(reader: Any) -> Iterator[tuple[list[str], int]]:
    """Each row with the line it begins at."""
    begins = reader.line_num + 1
    for cells in reader:
        yield cells, begins
        begins = reader.line_num + 1


def _business(cells: list[str], seen: set[str]) -> Business:
    number, name, address, city, postal_code, *_ = (cell.strip() for cell in cells)
    _check_number(number)
    if number in seen:
        raise ValueError(f"business {number!r} stands there twice")
    if not 1 <= len(name) <= 200 or len(address) > 240 or len(city) > 80 or len(postal_code) > 20:
        raise ValueError("the name is missing, or a cell is too long")
    seen.add(number)
    return Business(number, name, address, city, postal_code)


def _inspections(into: list[Row]) -> Callable[[list[str]], None]:
    on_day: Counter[tuple[str, date]] = Counter()

    def take(cells: list[str]) -> None:
        number, day, mark, kind = (cell.strip() for cell in cells)
        _check_number(number)
        on = _day(day)
        if not re.fullmatch(r"\d{1,3}", mark, re.ASCII) or int(mark) > 100:
            raise ValueError(f"score {mark!r} is no whole number from 0 to 100")
        if not 1 <= len(kind) <= 40:
            raise ValueError("the type is missing or too long")
        on_day[number, on] += 1
        order = on_day[number, on]
        text = f"{kind.capitalize()} inspection: {int(mark)} of 100."
        into.append(Row(number, f"i:{number}:{on}:{order}", INSPECTION, on, order, mark=int(mark), text=text))

    return take


def _violations(into: list[Row]) -> Callable[[list[str]], None]:
    alike: Counter[tuple[str, date, str]] = Counter()
    on_day: Counter[tuple[str, date]] = Counter()

    def take(cells: list[str]) -> None:
        number, day, description = cells[0].strip(), cells[1].strip(), cells[2].strip()
        _check_number(number)
        on = _day(day)
        if not 1 <= len(description) <= 1000:
            raise ValueError("the description is missing or too long")
        corrected = _CORRECTED.search(description)
        text = description[: corrected.start()].strip() if corrected else description
        if not text:
            raise ValueError("the description is missing")
        alike[number, on, text] += 1
        on_day[number, on] += 1
        # Named without its correction: the day it is corrected, the same violation gets its remedy.
        named = hashlib.sha256(text.encode()).hexdigest()[:16]
        into.append(
            Row(
                number,
                f"v:{number}:{on}:{named}:{alike[number, on, text]}",
                PENALTY_REMEDIED if corrected else PENALTY,
                on,
                on_day[number, on],
                gravity=MINOR,
                is_remedied=corrected is not None,
                remedied_on=_american_day(corrected[1]) if corrected else None,
                text=text,
            )
        )

    return take


def _dated(row: Row, newest: date | None) -> Row:
    """The row without a day of correction that cannot be one: before the violation, or after all that is recorded."""
    day = row.remedied_on
    if day is None or (day >= row.on and newest is not None and day <= newest):
        return row
    return Row(row.number, row.external_id, row.kind, row.on, row.order, row.gravity, None, True, None, row.text)


def _check_number(number: str) -> None:
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"business_id {number!r} is no registry number")


def _day(text: str) -> date:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"date {text!r} is no day as YYYY-MM-DD") from None
    if not 1900 <= day.year <= 2200:
        raise ValueError(f"date {text!r} lies outside the calendar here")
    return day


def _american_day(text: str) -> date | None:
    """The day of a correction, month first; None for what is no day (a spreadsheet has spoilt some)."""
    try:
        return datetime.strptime(text.strip(), "%m/%d/%Y").date()  # noqa: DTZ007  (a day, at no hour)
    except ValueError:
        return None
