"""Importing a file of millions of records: as the same rows by HTTP, in chunks that are each recorded whole or not.

The position in the file is committed with each chunk, so an import that was killed goes on where it stopped, and a
second one of the same file has nothing to do. What is held is a chunk or two, however long the file.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from citizen_app import outbox
from citizen_app.audit import record
from citizen_app.exact_json import Unreadable, read_line, read_lines, skip_rest
from citizen_app.models import OutboxMessage
from scores.errors import ImportedElsewhere, UnlinkedBatch
from scores.models import Entry, FileImport, Source
from scores.services.batches import Rejection, Row, judge
from scores.services.ingestion import record_rows
from scores.services.rescoring import PROMISED_AT_ONCE, request_rescore, scoring_day

ROWS_AT_ONCE: Final = 10_000
"""How many rows a chunk has: a batch's, by whose rule it is refused when too many are about strangers."""
RESCORED_AFTER: Final = timedelta(seconds=30)
IMPORTED_TOPIC: Final = "entries.imported"
MALFORMED: Final = "malformed_body"
TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import: the position it ended at, where this run began, and why it stopped, if it did."""

    position: FileImport
    from_line: int
    was_finished: bool = False
    was_interrupted: bool = False
    stopped: UnlinkedBatch | None = None


@dataclass(slots=True)
class _Chunk:
    """Rows read from the file and judged for themselves; `index` of a row or rejection is its line, from 1."""

    right: list[Row]
    rejections: list[Rejection]
    lines_done: int
    bytes_done: int


def import_entries(
    *,
    source: Source,
    file: Path,
    rejects: Path | None = None,
    again: bool = False,
    moved: Callable[[int], None] = lambda bytes_done: None,
) -> Imported:
    """Record what a file of newline-delimited rows says about people who linked the source.

    Rows are those of `furnish_entries` and judged alike; a line that cannot be read is a rejected row. A chunk with
    over 5 % of at least 100 rows about people who have not linked the source ends the import with nothing of that
    chunk stored: what came before stays, and the next run begins there. With `again` a file is gone through from its
    first line, for people who have linked the source since. Rejections are written to `rejects` a line each, without
    what was sent; `moved` is told the bytes done. Raises `OSError`, and `ImportedElsewhere`.
    """
    with file.open("rb") as lines:
        position = _begin(source, hashlib.file_digest(lines, "sha256").hexdigest(), again=again)
        from_line = position.lines_done + 1
        if position.finished_at is not None:
            return Imported(position, from_line, was_finished=True)
        lines.seek(position.bytes_done)
        moved(position.bytes_done)
        promise = _Promise()
        with _rejects_after(rejects, position.lines_done) as report:
            try:
                for chunk in _chunks(lines, position, kinds=frozenset(source.kinds)):
                    position = _record_patiently(source, position, chunk, promise, report)
                    moved(position.bytes_done)
            except UnlinkedBatch as refusal:
                return Imported(position, from_line, stopped=refusal)
            except KeyboardInterrupt:
                position.refresh_from_db()
                return Imported(position, from_line, was_interrupted=True)
            finally:
                if position.lines_done - from_line + 1 >= ROWS_AT_ONCE:
                    refresh_statistics()
                promise.due_now()
        position.finished_at = timezone.now()
        position.save(update_fields=["finished_at"])
    return Imported(position, from_line)


def refresh_statistics() -> None:
    """Let the planner know that the tables have grown, before everybody in them is scored again.

    PostgreSQL notices by itself, but some minutes later, and until then it may read a whole table for fifty people.
    """
    if connection.vendor == "postgresql":
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("ANALYZE scores_entry, scores_link")


@transaction.atomic
def _begin(source: Source, fingerprint: str, *, again: bool) -> FileImport:
    """The file's position, made at its first line where there is none; an import that has work to do is on record."""
    now = timezone.now()
    start: dict[str, Any] = {"started_at": now, "moved_at": now}
    position, _ = FileImport.objects.get_or_create(source=source, fingerprint=fingerprint, defaults=start)
    if again:
        FileImport.objects.filter(pk=position.pk).delete()
        position = FileImport.objects.create(source=source, fingerprint=fingerprint, **start)
    if position.finished_at is None:
        facts = {"sha256": fingerprint, "from_line": position.lines_done + 1}
        record(by=None, action="entries.import", on=f"source:{source.code}", **facts)
    return position


def _chunks(file: BinaryIO, position: FileImport, *, kinds: frozenset[str]) -> Iterator[_Chunk]:
    number, today = position.lines_done, scoring_day(timezone.now())
    chunk = _Chunk([], [], number, 0)
    for line in read_lines(file):
        number += 1
        if not line.isspace():
            try:
                one = judge(number, read_line(line), kinds=kinds, today=today)
            except Unreadable as error:
                one = Rejection(number, None, MALFORMED, str(error))
                skip_rest(line, file)
            if isinstance(one, Row):
                chunk.right.append(one)
            else:
                chunk.rejections.append(one)
        if len(chunk.right) + len(chunk.rejections) == ROWS_AT_ONCE:
            chunk.lines_done, chunk.bytes_done = number, file.tell()
            yield chunk
            chunk, today = _Chunk([], [], number, 0), scoring_day(timezone.now())
    if number > chunk.lines_done:
        chunk.lines_done, chunk.bytes_done = number, file.tell()
        yield chunk


@transaction.atomic
def _record(source: Source, position: FileImport, chunk: _Chunk, promise: "_Promise", report: "_Rejects") -> FileImport:
    """Record a chunk, move the position behind it and promise the rescoring, all or nothing."""
    now = timezone.now()
    here = FileImport.objects.select_for_update().filter(pk=position.pk, bytes_done=position.bytes_done).first()
    if here is None or here.finished_at is not None:
        raise ImportedElsewhere
    newest = _newest_entry()
    recorded = record_rows(source, chunk.right, [*chunk.rejections], now=now)
    if recorded.citizen_ids:
        promise.cover_entries(after_id=newest)
    answer = recorded.answer
    here.bytes_done, here.lines_done, here.moved_at = chunk.bytes_done, chunk.lines_done, now
    here.accepted_count += answer.accepted
    here.duplicate_count += answer.duplicates
    for rejection in answer.rejected:
        here.rejected_counts[rejection.code] = here.rejected_counts.get(rejection.code, 0) + 1
    here.save()
    report.write(answer.rejected)
    return here


def _newest_entry() -> int:
    """A key below every entry that is still to come."""
    newest: int | None = Entry.objects.aggregate(newest=Max("pk"))["newest"]
    return newest or 0


def _record_patiently(
    source: Source, position: FileImport, chunk: _Chunk, promise: "_Promise", report: "_Rejects"
) -> FileImport:
    """Record a chunk; where somebody else holds the same people too long, come back a few times."""
    for attempt in range(TRIES):
        try:
            position = _record(source, position, chunk, promise, report)
            break
        except OperationalError:
            if attempt == TRIES - 1:
                raise
            time.sleep(2**attempt)
    report.keep()
    return position


class _Promise:
    """One promise at a time that everybody with a new entry is scored again, however many chunks they are in.

    It is due half a minute after the first chunk it covers, or when the import ends. Until then its row is held while
    a chunk is committed, so nobody keeps it without seeing that chunk; once somebody has it, the next chunk makes a new
    one.
    """

    def __init__(self) -> None:
        self._pk: int | None = None

    def cover_entries(self, *, after_id: int) -> None:
        if self._pk is None or self._waiting(self._pk).select_for_update().first() is None:
            due_at = timezone.now() + RESCORED_AFTER
            self._pk = outbox.enqueue(IMPORTED_TOPIC, due_at=due_at, after_id=after_id).pk

    def due_now(self) -> None:
        if self._pk is not None:
            with suppress(DatabaseError):  # without a database it stays due when it was
                self._waiting(self._pk).update(due_at=timezone.now())
            outbox.wake.set()

    def _waiting(self, pk: int) -> QuerySet[OutboxMessage]:
        """The promise, while nobody has begun to keep it."""
        return OutboxMessage.objects.filter(pk=pk, done_at=None, dead_at=None, leased_until=None)


@transaction.atomic
def request_rescore_of_imported(*, after_id: int) -> None:
    """Promise a rescoring of everybody with an entry recorded after this one, each once. Safe twice."""
    rows = Entry.objects.filter(pk__gt=after_id).order_by("enrolment_id")
    waiting: list[int] = []
    for citizen_id in rows.values_list("enrolment_id", flat=True).distinct().iterator(chunk_size=PROMISED_AT_ONCE):
        waiting.append(citizen_id)
        if len(waiting) == PROMISED_AT_ONCE:
            request_rescore(waiting)
            waiting = []
    request_rescore(waiting)


class _Rejects:
    """A report of rejected lines, in step with the position: a line of it is written before its chunk is committed."""

    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file
        self._kept = 0 if file is None else file.tell()

    def __enter__(self) -> "_Rejects":
        return self

    def __exit__(self, *raised: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, rejections: list[Rejection]) -> None:
        if self._file is None:
            return
        self._file.seek(self._kept)
        self._file.truncate()
        for rejection in rejections:
            told = {"line": rejection.index, "external_id": rejection.external_id, "code": rejection.code}
            told["detail"] = rejection.detail
            if rejection.pointer is not None:
                told["field"] = rejection.pointer.rpartition("/")[2]
            self._file.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
        self._file.flush()

    def keep(self) -> None:
        """What was written is committed: from here on it stands."""
        if self._file is not None:
            self._kept = self._file.tell()


def _rejects_after(path: Path | None, lines_done: int) -> _Rejects:
    """The report of an import that begins after `lines_done` lines: what it says about later ones is taken back."""
    if path is None:
        return _Rejects(None)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    file = os.fdopen(descriptor, "r+b")
    kept = 0
    for line in file if lines_done else ():
        if not line.endswith(b"\n") or json.loads(line)["line"] > lines_done:
            break
        kept += len(line)
    file.seek(kept)
    return _Rejects(file)
