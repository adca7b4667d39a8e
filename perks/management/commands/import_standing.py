"""Take over what a food authority recorded about enterprises."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from perks.food_register import BadRows, read_files
from perks.services.register import known_numbers, record_register

BAD_CALL = 2


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise ArgumentTypeError(f"{text!r} is no day as YYYY-MM-DD") from wrong


class Command(BaseCommand):
    help = (
        "Read an authority's files of businesses, inspections and violations into the register of enterprises; give "
        "each enterprise and merchant its standing. Files are told apart by their first line; a folder stands for all "
        "food_*.csv in it. The same files again change nothing; a wrong row is named and nothing is stored. Prints one "
        "JSON object. Example: import_standing shared/data --as-of 2018-11-29"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="files, or a folder of food_*.csv")
        parser.add_argument(
            "--as-of", type=_day, help="the day from which lapse is counted (default: the newest day in the files)"
        )
        parser.add_argument("--register", default="sf-dph", help="the register's short name (default: %(default)s)")
        parser.add_argument(
            "--authority",
            default="San Francisco Department of Public Health",
            help="whose records these are, as pages name it (default: %(default)s)",
        )
        parser.add_argument("--no-progress", action="store_true")

    def handle(
        self, *args: Any, paths: list[Path], as_of: date | None, register: str, authority: str, **options: Any
    ) -> None:
        started = monotonic()
        files = list(self._files(paths))
        is_silent = options["no_progress"] or not sys.stderr.isatty()
        try:
            read = read_files(files, known=known_numbers(register).__contains__)
        except BadRows as wrong:
            raise CommandError(f"Nothing was stored.\n{wrong}", returncode=1) from wrong
        except OSError as error:
            raise CommandError(f"A file cannot be read: {error}", returncode=BAD_CALL) from error
        rows = len(read.businesses) + 2 * len(read.rows)  # each record is stored, then judged
        with tqdm(total=rows, unit="row", unit_scale=True, disable=is_silent) as bar:
            told = record_register(register=register, authority=authority, read=read, as_of=as_of, moved=bar.update)
        answer = {"id": register, "authority": authority, **told, "files": [file.name for file in files]}
        self.stdout.write(json.dumps(answer | {"seconds": round(monotonic() - started, 1)}))

    def _files(self, paths: list[Path]) -> list[Path]:
        files: list[Path] = []
        for path in paths:
            files += sorted(path.glob("food_*.csv")) if path.is_dir() else [path]
        if not files:
            raise CommandError("There are no food_*.csv there.", returncode=BAD_CALL)
        return files
