"""Bodies are read within bounds: size, depth, digits, characters. What cannot be read is 400, never 500.

Numbers are `int` or `Decimal`, never `float`: a figure somebody sent is the figure that is judged.
"""

import io
from collections.abc import Iterator, Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from citizen_app.api.problems import MalformedBody
from citizen_app.errors import TooLarge
from citizen_app.exact_json import Unreadable, read_json, read_line, read_lines

MEBIBYTE = 1024 * 1024
READ_AT_ONCE = 64 * 1024


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


class JSONLines:
    """The rows of a newline-delimited body, each read when it is asked for: no more than a line is held at a time.

    Blank lines are passed over and are no rows. Whoever goes through them meets `MalformedBody` at the first line that
    cannot be read, and does nothing before having met the last.
    """

    def __init__(self, stream: IO[Any], *, most_bytes: int, stated: int | None) -> None:
        self._body = _CountedBody(stream, most_bytes=most_bytes)
        self._stated = stated

    def __iter__(self) -> Iterator[Any]:
        lines = read_lines(io.BufferedReader(self._body, READ_AT_ONCE))
        for number, line in enumerate(lines, start=1):
            if line.isspace():
                continue
            try:
                yield read_line(line)
            except Unreadable as error:
                raise MalformedBody(f"Line {number}: {error}", line=number) from error
        if self._stated is not None and self._body.read_count < self._stated:
            # Cut off between two lines it would look whole, and be stored in part.
            raise MalformedBody("The body ends before its stated length.")


class NDJSONParser(BaseParser):
    """Reads a furnisher's batch row by row: `application/x-ndjson` of at most sixteen mebibytes."""

    media_type = "application/x-ndjson"
    most_bytes = 16 * MEBIBYTE

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        stated = _stated_length(parser_context)
        if stated is not None and stated > self.most_bytes:
            raise _too_large(self.most_bytes)
        return JSONLines(stream, most_bytes=self.most_bytes, stated=stated)


class CodeFileParser(BaseParser):
    """Reads a merchant's codes line by line: `text/csv` of at most thirty-two mebibytes."""

    media_type = "text/csv"
    most_bytes = 32 * MEBIBYTE

    class Body:
        """A file that is read as it arrives."""

        def __init__(self, stream: IO[Any], *, most_bytes: int, stated: int | None) -> None:
            self._body = _CountedBody(stream, most_bytes=most_bytes, stated=stated)

        def lines(self) -> io.BufferedReader:
            """The body as a file; reading it raises `TooLarge`, and `MalformedBody` where it was cut off."""
            return io.BufferedReader(self._body, READ_AT_ONCE)

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        stated = _stated_length(parser_context)
        if stated is not None and stated > self.most_bytes:
            raise _too_large(self.most_bytes)
        return self.Body(stream, most_bytes=self.most_bytes, stated=stated)


class _CountedBody(io.RawIOBase):
    """A body that may be read to its bound and not beyond."""

    def __init__(self, stream: IO[Any], *, most_bytes: int, stated: int | None = None) -> None:
        self._stream, self._most_bytes, self._stated = stream, most_bytes, stated
        self.read_count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._stream.read(len(buffer))
        self.read_count += len(part)
        if self.read_count > self._most_bytes:
            raise _too_large(self._most_bytes)
        if not part and self._stated is not None and self.read_count < self._stated:
            # Cut off between two lines it would look whole, and be kept in part.
            raise MalformedBody("The body ends before its stated length.")
        buffer[: len(part)] = part
        return len(part)


def read_within(stream: IO[Any], most_bytes: int, parser_context: Mapping[str, Any] | None = None) -> bytes:
    """Return the whole body, or refuse it as too large before (by its stated length) or while reading it."""
    stated = _stated_length(parser_context)
    if stated is not None and stated > most_bytes:
        raise _too_large(most_bytes)
    raw = stream.read(most_bytes + 1)
    if len(raw) > most_bytes:
        raise _too_large(most_bytes)
    return raw


def parsed(raw: bytes) -> Any:
    """Return the value of one JSON text, refusing what another reader might understand differently."""
    try:
        return read_json(raw)
    except Unreadable as error:
        raise MalformedBody(str(error)) from error


def _stated_length(parser_context: Mapping[str, Any] | None) -> int | None:
    """The length the request states for its body, if it states one."""
    request = (parser_context or {}).get("request")
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) or None if request is not None else None
    except ValueError:
        return None


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(f"At most {most_bytes // MEBIBYTE} MiB are read here.", most_bytes=most_bytes)
