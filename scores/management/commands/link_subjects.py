"""Link people to a source's subjects without codes, for demonstrations and tests."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from citizen_app.errors import DomainError
from citizen_app.models import Citizen
from scores.models import Source
from scores.services.batches import is_name
from scores.services.linking import link_subject, source_named


class Command(BaseCommand):
    help = (
        "Link enrolled people to a source, switched on, from a file of lines {email, subject}. Each line is done whole "
        "or not at all and may be repeated; prints one JSON object, and exits with 1 when a line failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="SOURCE")
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *args: Any, source: str, file: Path, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("This command is for demonstrations and tests: it is refused where PRODUCTION=true.")
        try:
            known = source_named(source)
            lines = file.read_text(encoding="utf-8").splitlines()
        except DomainError as refusal:
            raise CommandError(f"There is no source {source}.") from refusal
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The file cannot be read: {error}") from error
        answer: dict[str, Any] = {"id": known.code, "linked": 0, "already": 0, "failed": []}
        for outcome, number, why in _linked(known, tqdm(lines, unit="line", disable=not sys.stderr.isatty())):
            if outcome == "failed":
                answer["failed"].append({"line": number, **why})
            else:
                answer[outcome] += 1
        self.stdout.write(json.dumps(answer, ensure_ascii=False))
        if answer["failed"]:
            raise CommandError(f"{len(answer['failed'])} lines failed; the others are linked.", returncode=1)


def _linked(source: Source, lines: Iterable[str]) -> Iterator[tuple[str, int, dict[str, str]]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            email, subject = _read(line)
            citizen = Citizen.objects.filter(email__iexact=email).first()
            if citizen is None:
                yield "failed", number, {"code": "not_found", "detail": "Nobody has this e-mail address."}
                continue
            is_new = link_subject(citizen=citizen, source=source, subject=subject)
            yield ("linked" if is_new else "already"), number, {}
        except ValueError as error:
            yield "failed", number, {"code": "invalid", "detail": str(error)}
        except DomainError as refusal:
            yield "failed", number, {"code": refusal.code, "detail": refusal.detail or refusal.title}


def _read(line: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
    except ValueError:
        raise ValueError("The line is not JSON.") from None
    if not isinstance(row, dict) or set(row) != {"email", "subject"} or not isinstance(row["email"], str):
        raise ValueError('Write {"email": "…", "subject": "…"} and nothing else.')
    if not is_name(row["subject"]):
        raise ValueError("A subject is 1 to 128 of the characters A–Z a–z 0–9 . _ : -")
    return row["email"], row["subject"]
