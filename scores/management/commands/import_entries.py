"""Import a file of records about people who linked a source."""

import gc
import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from citizen_app.errors import DomainError
from scores.services.importing import Imported, import_entries
from scores.services.linking import source_named

BAD_CALL = 2
INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Record a file of rows as furnishers send them (one JSON object a line: external_id, subject, kind, "
        "occurred_on, value?, replaces?) about people who linked the source. Started again after it was broken off, it "
        "goes on where it stopped; the same file again changes nothing. Prints one JSON object; exits with 1 when rows "
        "were rejected or it had to stop, with 2 for a bad call."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="SOURCE")
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--rejects", metavar="FILE", type=Path, help="write each rejected row's line and reason here"
        )
        parser.add_argument("--again", action="store_true", help="go through the file from its first line once more")
        parser.add_argument("--no-progress", action="store_true")

    def handle(self, *args: Any, source: str, file: Path, rejects: Path | None, again: bool, **options: Any) -> None:
        if rejects is not None and rejects.exists() and file.exists() and rejects.samefile(file):
            raise CommandError("The rejects would be written over the file itself.", returncode=BAD_CALL)
        gc.freeze()  # what is loaded stays: rubbish is looked for among the rows alone
        started = monotonic()
        is_silent = options["no_progress"] or not sys.stderr.isatty()
        try:
            known = source_named(source)
            with tqdm(total=file.stat().st_size, unit="B", unit_scale=True, disable=is_silent) as bar:
                done = import_entries(
                    source=known,
                    file=file,
                    rejects=rejects,
                    again=again,
                    moved=lambda bytes_done: bar.update(bytes_done - bar.n),
                )
        except DomainError as refusal:
            raise CommandError(f"{refusal.code}: {refusal.detail or refusal.title}", returncode=BAD_CALL) from refusal
        except OSError as error:
            raise CommandError(f"The file cannot be read or written: {error}", returncode=BAD_CALL) from error
        self.stdout.write(json.dumps(_told(known.code, done, monotonic() - started)))
        _leave(done)


def _told(code: str, done: Imported, seconds: float) -> dict[str, Any]:
    position = done.position
    told = {
        "id": code,
        "state": "finished",
        "lines": position.lines_done,
        "accepted": position.accepted_count,
        "duplicates": position.duplicate_count,
        "rejected": sum(position.rejected_counts.values()),
        "rejected_by_code": dict(sorted(position.rejected_counts.items())),
        "began_at_line": done.from_line,
        "seconds": round(seconds, 1),
    }
    if done.was_finished:
        told["state"] = "finished_before"
    elif done.was_interrupted:
        told["state"] = "interrupted"
    elif done.stopped is not None:
        told["state"] = done.stopped.code
        told |= done.stopped.facts
    return told


def _leave(done: Imported) -> None:
    """Say by the exit code, and on stderr, what the operator has to look at."""
    next_line = done.position.lines_done + 1
    if done.was_interrupted:
        raise CommandError(f"Interrupted. Started again, it goes on at line {next_line}.", returncode=INTERRUPTED)
    if done.stopped is not None:
        raise CommandError(
            f"Stopped: too many of the rows from line {next_line} on are about people who have not linked the source. "
            "Nothing of them was stored; started again, it goes on there.",
            returncode=1,
        )
    if done.was_finished:
        sys.stderr.write("This file was imported before; nothing was changed. --again goes through it once more.\n")
    if done.position.rejected_counts:
        raise CommandError("Rows were rejected; the others are recorded.", returncode=1)
