"""Score a file of entries and store nothing: the arithmetic, for whoever wants to check it."""

import json
import re
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scores.catalogue import BadValue, UnknownKind, kind, lapses_on, parse_value
from scores.scorecard import InvalidScorecard, Scorecard, load_scorecard
from scores.scoring import ACTIVE, ASSESSABLE, DISPUTED, NOT_ENOUGH_RECORDS, STRUCK, Entry, score
from scores.services.filed_entries import score_filed

REQUIRED = ("subject", "kind", "occurred_on")
OPTIONAL = ("value", "source", "status")
LONGEST_LINE = 65_536
LONGEST_NAME = 128
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class BadLine(ValueError):
    """A line that is no entry; the message says why."""


class Command(BaseCommand):
    help = "Score a file of entries (one JSON object a line) and print one line per subject. Nothing is stored."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scorecard", required=True, metavar="FILE.yaml", help="the scorecard to score by")
        parser.add_argument("--as-of", required=True, metavar="YYYY-MM-DD", help="the day to score for")
        parser.add_argument(
            "--engine",
            choices=["pure", "population"],
            default="pure",
            help="what computes: one subject after another in Python, or one "
            "statement for all in temporary tables of the database (default: pure; both print the same bytes)",
        )
        parser.add_argument("entries", metavar="FILE.ndjson", help="the entries, in order of arrival")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            as_of = _day(options["as_of"], "--as-of")
        except BadLine as error:
            raise CommandError(str(error), returncode=2) from None
        card = _scorecard(options["scorecard"])
        engine = _by_population if options["engine"] == "population" else _by_pure
        # Everything has been read and found good before the first byte goes out.
        binary = getattr(self.stdout, "buffer", None)
        for line in engine(card, _read_entries(options["entries"]), as_of):
            if binary is None:
                self.stdout.write(line)
            else:
                binary.write(line.encode() + b"\n")


def _by_pure(card: Scorecard, entries: Iterator[tuple[str, Entry]], as_of: date) -> Iterator[str]:
    by_subject = of_each_subject(entries)
    for subject in sorted(by_subject):
        scoring = score(card, by_subject[subject], as_of)
        purposes = {code: purpose.value for code, purpose in scoring.purposes.items()}
        yield _line_of(subject, scoring.state, scoring.value, scoring.factors, purposes)


def of_each_subject(entries: Iterable[tuple[str, Entry]]) -> dict[str, list[Entry]]:
    """The entries of each subject, in their order."""
    by_subject: dict[str, list[Entry]] = {}
    for subject, entry in entries:
        by_subject.setdefault(subject, []).append(entry)
    return by_subject


def _by_population(card: Scorecard, entries: Iterator[tuple[str, Entry]], as_of: date) -> Iterator[str]:
    for scored in score_filed(entries, card=card, as_of=as_of):
        yield _line_of(*scored)


def _scorecard(path: str) -> Scorecard:
    try:
        return load_scorecard(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}", returncode=2) from error
    except InvalidScorecard as error:
        raise CommandError(f"{path} is no scorecard.\n{error}", returncode=2) from error


def _read_entries(path: str) -> Iterator[tuple[str, Entry]]:
    """Each entry with its subject, its line number for an id."""
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(_lines(file), start=1):
                try:
                    yield _read_line(line, number)
                except BadLine as error:
                    raise CommandError(f"Line {number}: {error}", returncode=2) from error
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error}", returncode=2) from error


def _lines(file: Any) -> Iterator[bytes]:
    """Lines, none read much beyond the longest allowed."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line


def _read_line(line: bytes, number: int) -> tuple[str, Entry]:
    if len(line) > LONGEST_LINE:
        raise BadLine(f"it is longer than {LONGEST_LINE:,} bytes.")
    try:
        read = json.loads(
            line.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_without_doubles,
        )
    except BadLine:
        raise
    except (ValueError, RecursionError):
        raise BadLine("it is not JSON in UTF-8.") from None
    if not isinstance(read, dict):
        raise BadLine("it is not a JSON object.")
    for key in read:
        if key not in REQUIRED and key not in OPTIONAL:
            raise BadLine(f"the key {key[:40]!r} is not known.")
    for key in REQUIRED:
        if key not in read:
            raise BadLine(f"{key} is missing.")

    subject = _name(read["subject"], "subject")
    occurred_on = _day(read["occurred_on"], "occurred_on")
    try:
        of_kind = kind(read["kind"])
        value = parse_value(of_kind, read.get("value", 0))
    except (UnknownKind, BadValue) as error:
        raise BadLine(str(error)) from None
    status = read.get("status", ACTIVE)
    if status not in (ACTIVE, DISPUTED, STRUCK):
        raise BadLine(f"status must be {ACTIVE}, {DISPUTED} or {STRUCK}.")
    entry = Entry(
        id=number,
        kind=of_kind.code,
        occurred_on=occurred_on,
        lapses_on=lapses_on(of_kind, occurred_on),
        value=value,
        status=status,
        source=_name(read.get("source", "s"), "source"),
    )
    return subject, entry


def _refuse_constant(name: str) -> None:
    raise BadLine(f"{name} is not a JSON number.")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise BadLine("a key stands there twice.")
    return read


def _name(raw: Any, what: str) -> str:
    if not isinstance(raw, str) or not 1 <= len(raw) <= LONGEST_NAME or _UNPRINTABLE.search(raw):
        raise BadLine(f"{what} must be a text of 1 to {LONGEST_NAME} printable characters.")
    return raw


def _day(raw: Any, what: str) -> date:
    try:
        if isinstance(raw, str) and _DATE.fullmatch(raw):
            return date.fromisoformat(raw)
    except ValueError:
        pass
    raise BadLine(f"{what} must be a date like 2026-11-23.")


def _line_of(
    subject: str, state: str, value: int | None, factors: dict[str, int], purposes: dict[str, int | None]
) -> str:
    return json.dumps(
        {
            "subject": subject,
            "state": state,
            "value": value,
            "factors": factors,
            "purposes": {
                code: {"state": NOT_ENOUGH_RECORDS if one is None else ASSESSABLE, "value": one}
                for code, one in purposes.items()
            },
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
