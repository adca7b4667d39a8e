"""Sign where the record of acts ends now, to be kept elsewhere."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from citizen_app.audit_chain import chain_what_waits
from citizen_app.audit_heads import signed_head


class Command(BaseCommand):
    help = (
        "Write the signed head of the chain of acts as one line of JSON. Run it hourly and keep the lines where nobody "
        "who can write to the database can: `verify_audit --head` compares them with it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, help="append it to this file instead of printing it")

    def handle(self, *args: Any, to: Path | None = None, **options: Any) -> None:
        now = timezone.now()
        chain_what_waits(now)
        line = json.dumps(signed_head(now=now), sort_keys=True)
        if to is None:
            self.stdout.write(line)
            return
        try:
            with to.open("a") as file:
                file.write(f"{line}\n")
        except OSError as error:
            raise CommandError(f"The head could not be written to {to}: {error.strerror}.") from error
