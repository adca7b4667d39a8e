"""Bodies are read within bounds: size, depth, digits, characters. What cannot be read is 400, never 500.

Numbers are `int` or `Decimal`, never `float`: a figure somebody sent is the figure that is judged.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

from rest_framework.parsers import BaseParser

from citizen_app.api.problems import MalformedBody, TooLarge

MEBIBYTE = 1024 * 1024
DEEPEST = 32
LONGEST_NUMBER = 40  # characters of a fraction; a whole number must fit into 64 bits
SMALLEST, LARGEST = -(2**63), 2**63 - 1


class BoundedJSONParser(BaseParser):
    """Reads `application/json` of at most one mebibyte."""

    media_type = "application/json"
    most_bytes = MEBIBYTE

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return parsed(read_within(stream, self.most_bytes, parser_context))


class IngestionJSONParser(BoundedJSONParser):
    """Reads a furnisher's batch: `application/json` of at most sixteen mebibytes."""

    most_bytes = 16 * MEBIBYTE


def read_within(stream: IO[Any], most_bytes: int, parser_context: Mapping[str, Any] | None = None) -> bytes:
    """Return the whole body, or refuse it as too large before (by its stated length) or while reading it."""
    request = (parser_context or {}).get("request")
    try:
        stated = int(request.META.get("CONTENT_LENGTH") or 0) if request is not None else 0
    except ValueError:
        stated = 0
    if stated > most_bytes:
        raise _too_large(most_bytes)
    raw = stream.read(most_bytes + 1)
    if len(raw) > most_bytes:
        raise _too_large(most_bytes)
    return raw


def parsed(raw: bytes) -> Any:
    """Return the value of one JSON text, refusing what another reader might understand differently."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8: the byte at {error.start} does not belong.") from error
    try:
        value = json.loads(
            text,
            parse_int=_whole_number,
            parse_float=_fraction,
            parse_constant=_no_number,
            object_pairs_hook=_object_of_distinct_names,
        )
    except json.JSONDecodeError as error:
        raise MalformedBody(f"Not JSON at line {error.lineno}, column {error.colno}: {error.msg}.") from error
    except RecursionError:
        raise _too_deep() from None
    _check(value, escapes="\\u" in text)
    return value


def _whole_number(digits: str) -> int:
    if len(digits) <= 20 and SMALLEST <= (number := int(digits)) <= LARGEST:
        return number
    raise MalformedBody("A whole number does not fit into 64 bits.")


def _fraction(digits: str) -> Decimal:
    if len(digits) <= LONGEST_NUMBER and abs((number := Decimal(digits)).adjusted()) <= LONGEST_NUMBER:
        return number
    raise MalformedBody("A number has too many digits.")


def _no_number(name: str) -> None:
    raise MalformedBody(f"{name} is not a JSON number.")


def _object_of_distinct_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedBody("An object names the same member twice.")
    return members


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
        raise MalformedBody("A text contains the character NUL.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedBody("A text contains half of a surrogate pair.") from error


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(f"At most {most_bytes // MEBIBYTE} MiB are read here.", most_bytes=most_bytes)


def _too_deep() -> MalformedBody:
    return MalformedBody(f"Arrays and objects are nested deeper than {DEEPEST}.")
