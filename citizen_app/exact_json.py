"""Reading JSON that somebody sent: exactly, within bounds, and never as two readers might understand it differently.

Numbers are `int` or `Decimal`, never `float`: a figure somebody sent is the figure that is judged. No Django here.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, Protocol

DEEPEST: Final = 32
LONGEST_NUMBER: Final = 40  # characters of a fraction; a whole number must fit into 64 bits
SMALLEST, LARGEST = -(2**63), 2**63 - 1
LONGEST_LINE: Final = 65_536
"""The most bytes one line of newline-delimited JSON may have."""
LINE: Final = "line"


class Unreadable(ValueError):
    """What was sent is not one JSON text as it is read here; the message is a sentence that says where or why."""


class Readable(Protocol):
    """A file, or what reads like one."""

    def readline(self, size: int, /) -> bytes: ...


def read_json(raw: bytes, *, what: str = "body") -> Any:
    """Return the value of one JSON text, or raise `Unreadable`; `what` names it in sentences."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"The {what} is not UTF-8: the byte at {error.start} does not belong.") from error
    try:
        if text.startswith("\ufeff"):
            raise json.JSONDecodeError("Unexpected UTF-8 BOM", text, 0)
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"column {error.colno}" if what == LINE else f"line {error.lineno}, column {error.colno}"
        raise Unreadable(f"Not JSON at {where}: {error.msg}.") from error
    except RecursionError:
        raise _too_deep() from None
    escapes = "\\u" in text
    # A text with fewer brackets than levels cannot be too deep, and without escapes no character in it can be bad: most
    # rows of a batch are known to be right without looking at them again.
    if escapes or text.count("[") + text.count("{") > DEEPEST:
        _check(value, escapes=escapes)
    return value


def read_lines(file: Readable) -> Iterator[bytes]:
    """Each line as it stands, the end of line included. A line over `LONGEST_LINE` comes cut off one byte after it."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line


def skip_rest(line: bytes, file: Readable) -> None:
    """Of a line that came cut off, leave the rest unread: it is no line of its own."""
    while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
        line = file.readline(LONGEST_LINE + 1)


def read_line(line: bytes) -> Any:
    """Return the value of one line of newline-delimited JSON, or raise `Unreadable`."""
    if len(line) > LONGEST_LINE:
        raise Unreadable(f"The line is longer than {LONGEST_LINE:,} bytes.")
    return read_json(line, what=LINE)


def _whole_number(digits: str) -> int:
    if len(digits) <= 20 and SMALLEST <= (number := int(digits)) <= LARGEST:
        return number
    raise Unreadable("A whole number does not fit into 64 bits.")


def _fraction(digits: str) -> Decimal:
    if len(digits) <= LONGEST_NUMBER and abs((number := Decimal(digits)).adjusted()) <= LONGEST_NUMBER:
        return number
    raise Unreadable("A number has too many digits.")


def _no_number(name: str) -> None:
    raise Unreadable(f"{name} is not a JSON number.")


def _object_of_distinct_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unreadable("An object names the same member twice.")
    return members


_DECODER: Final = json.JSONDecoder(
    parse_int=_whole_number,
    parse_float=_fraction,
    parse_constant=_no_number,
    object_pairs_hook=_object_of_distinct_names,
)


def _check(value: Any, *, escapes: bool) -> None:
    """Bound the depth without recursing; look at characters only where an escape could have made a bad one."""
    level, depth = [value], 1
    while level:
        deeper: list[Any] = []
        for inner in level:
            if isinstance(inner, dict | list):
                if depth > DEEPEST:
                    raise _too_deep()
                deeper.extend(inner.values() if isinstance(inner, dict) else inner)
                if escapes and isinstance(inner, dict):
                    deeper.extend(inner)
            elif escapes and isinstance(inner, str):
                _check_characters(inner)
        level, depth = deeper, depth + 1


def _check_characters(text: str) -> None:
    if "\x00" in text:
        raise Unreadable("A text contains the character NUL.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Unreadable("A text contains half of a surrogate pair.") from error


def _too_deep() -> Unreadable:
    return Unreadable(f"Arrays and objects are nested deeper than {DEEPEST}.")
