"""Link people to a source's subjects without codes, for demonstrations and tests."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from citizen_app.errors import DomainError
from citizen_app.exact_json import Unreadable, read_line, read_lines, skip_rest
from scores.models import Source
from scores.services.batches import is_name
from scores.services.bulk_linking import Pair, link_subjects
from scores.services.linking import source_named

LINES_AT_ONCE: Final = 2_000
"""How many lines are linked in one transaction."""
FAILURES_TOLD: Final = 1_000
"""How many failures the answer lists; the others are only counted."""


class _Line(NamedTuple):
    """A line, from 1: whom to link, or why it says nobody."""

    number: int
    size: int
    pair: Pair | None = None
    why_not: str = ""


class Command(BaseCommand):
    help = (
        "Link enrolled people to a source, switched on, from a file of lines {email, subject}. Each line is done whole "
        "or not at all and may be repeated; prints one JSON object, and exits with 1 when a line failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="SOURCE")
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--no-progress", action="store_true")

    def handle(self, *args: Any, source: str, file: Path, no_progress: bool, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("This command is for demonstrations and tests: it is refused where PRODUCTION=true.")
        is_silent = no_progress or not sys.stderr.isatty()
        answer = _Answer()
        try:
            known = source_named(source)
            with (
                file.open("rb") as lines,
                tqdm(total=file.stat().st_size, unit="B", unit_scale=True, disable=is_silent) as bar,
            ):
                read = _read_all(lines)
                while some := list(islice(read, LINES_AT_ONCE)):
                    _link(known, some, answer)
                    bar.update(sum(line.size for line in some))
        except DomainError as refusal:
            raise CommandError(f"There is no source {source}.") from refusal
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error}") from error
        self.stdout.write(json.dumps({"id": known.code} | answer.told(), ensure_ascii=False))
        if answer.failed_count:
            raise CommandError(f"{answer.failed_count} lines failed; the others are linked.", returncode=1)


class _Answer:
    """What became of the lines, in bounded memory."""

    def __init__(self) -> None:
        self.linked = self.already = self.failed_count = 0
        self._failed: list[dict[str, Any]] = []

    def failed(self, line: _Line, code: str, detail: str) -> None:
        self.failed_count += 1
        if len(self._failed) < FAILURES_TOLD:
            self._failed.append({"line": line.number, "code": code, "detail": detail})

    def told(self) -> dict[str, Any]:
        return {
            "linked": self.linked,
            "already": self.already,
            "failed": sorted(self._failed, key=lambda one: one["line"]),
            "failed_count": self.failed_count,
        }


def _link(source: Source, lines: list[_Line], answer: _Answer) -> None:
    for line in lines:
        if line.pair is None:
            answer.failed(line, "invalid", line.why_not)
    right = [line for line in lines if line.pair is not None]
    outcomes = link_subjects(source=source, pairs=[line.pair for line in right if line.pair is not None])
    for line, outcome in zip(right, outcomes, strict=True):
        if isinstance(outcome, DomainError):
            answer.failed(line, outcome.code, outcome.detail or outcome.title)
        elif outcome:
            answer.linked += 1
        else:
            answer.already += 1


def _read_all(file: BinaryIO) -> Iterator[_Line]:
    for number, line in enumerate(read_lines(file), start=1):
        if line.isspace():
            continue
        try:
            yield _Line(number, len(line), _pair(read_line(line)))
        except Unreadable as error:
            skip_rest(line, file)
            yield _Line(number, len(line), why_not=str(error))


def _pair(row: Any) -> Pair:
    if not isinstance(row, dict) or set(row) != {"email", "subject"} or not isinstance(row["email"], str):
        raise Unreadable('Write {"email": "…", "subject": "…"} and nothing else.')
    if not is_name(row["subject"]):
        raise Unreadable("A subject is 1 to 128 of the characters A–Z a–z 0–9 . _ : -")
    return row["email"], row["subject"]
