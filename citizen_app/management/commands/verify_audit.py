"""Prove that the record of acts is what it was."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from citizen_app.audit_chain import ends_of_chain, first_breach, first_overdue
from citizen_app.audit_heads import breach_against


class Command(BaseCommand):
    help = (
        "Walk the chain of acts and name the first that was changed, moved, put in or taken out; with --head also "
        "compare it with heads that were exported before. Run it after a restore, too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--head", type=Path, help="a file of exported heads, one JSON object a line")
        parser.add_argument("--key", action="append", default=[], help="also trust heads of this public key")

    def handle(self, *args: Any, head: Path | None = None, key: list[str], **options: Any) -> None:
        breach = first_breach() or first_overdue(timezone.now())
        if breach is not None:
            raise CommandError(f"The record of acts is broken at {breach}")
        heads = [] if head is None else _lines_of(head)
        for place, line in enumerate(heads, start=1):
            breach = breach_against(_read(line), trusted=frozenset(key))
            if breach is not None:
                raise CommandError(f"The record of acts is not the one of head {place} at {breach}")
        chain = ends_of_chain()
        told = {"from": chain.pruned_number + 1, "to": chain.number, "hash": chain.hash, "heads": len(heads)}
        self.stdout.write(json.dumps(told))


def _lines_of(head: Path) -> list[str]:
    try:
        return [line for line in head.read_text().splitlines() if line.strip()]
    except OSError as error:
        raise CommandError(f"The heads could not be read from {head}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"The heads could not be read from {head}: it is not a text file.") from error


def _read(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
