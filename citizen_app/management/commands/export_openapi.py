"""Write the description of the API to the file that is committed."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from citizen_app.api.schema import described


class Command(BaseCommand):
    help = "Write docs/openapi.yaml from the views. `--check` only compares, and fails when the file is behind."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file differs")
        parser.add_argument("--file", type=Path, default=settings.BASE_DIR / "docs" / "openapi.yaml")

    def handle(self, *args: Any, check: bool, file: Path, **options: Any) -> None:
        text = described()
        if not check:
            file.write_text(text)
            self.stdout.write(f"Wrote {file}.")
        elif not file.exists() or file.read_text() != text:
            raise CommandError(f"{file} is behind the code: run export_openapi.", returncode=1)
