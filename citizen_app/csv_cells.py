"""PURE: files for spreadsheets. No cell of ours is ever read as a formula, and no number is made a text.

Every writer of such files goes through `csv_lines`; a test of the repository looks for others.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

Cell = str | int | None

STARTS_A_FORMULA: Final = frozenset("=+-@|%\t\r\n")
"""What spreadsheets take for the start of a formula, a command or a way out of the cell."""
PASSED_OVER: Final = frozenset("\"'`´\u2018\u2019\u201c\u201d\u00ab\u00bb")
"""Quotes that some spreadsheets take off before they look at a cell."""
LONGEST: Final = 32_000
"""A spreadsheet cuts what is longer, and what comes after the cut would be a cell of its own."""


def safe_cell(value: Cell) -> str | int:
    """Return a cell no spreadsheet reads as a formula: a text that could be one begins with an apostrophe.

    Numbers stay numbers, none is empty, NUL is taken out and a text ends after 32,000 characters.
    """
    if value is None:
        return ""
    if isinstance(value, int):
        return int(value)
    text = value.replace("\x00", "")[:LONGEST]
    return f"'{text}" if _could_be_a_formula(text) else text


def csv_lines(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Write rows as lines of RFC 4180, one at a time, with every text in quotes."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _could_be_a_formula(text: str) -> bool:
    """Whether its first character that is more than room, quotes or invisible is one a formula starts with.

    Compared in the compatible form (NFKC), in which full-width signs are the plain ones.
    """
    for character in unicodedata.normalize("NFKC", text):
        if character in STARTS_A_FORMULA:
            return True
        if character.isspace() or character in PASSED_OVER or unicodedata.category(character) in ("Cf", "Cc", "Mn"):
            continue
        return False
    return False
