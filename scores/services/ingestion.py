"""What furnishers send about people who let them in: taken row by row, once each, and nothing about anybody else (P2).

A batch costs the same few statements whatever it holds. The links of its subjects are locked in key order, so batches
about the same people follow one another and a link cannot end in between; rescoring follows through the outbox.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.bulk import reserve_keys
from citizen_app.errors import NotFound
from citizen_app.models import OAuthApplication
from scores.errors import UnlinkedBatch
from scores.models import Entry, EntryStatusChange, Inquiry, Link, Source
from scores.services.batches import (
    ENTRY_CONTRADICTED,
    INVALID,
    NOT_LINKED,
    TOO_OLD,
    Rejection,
    Row,
    is_name,
    judge_all,
    rejected,
)
from scores.services.furnisher_record import count_batch
from scores.services.inquiries import record_inquiries
from scores.services.linking import purpose_of
from scores.services.recording import Key, KnownLink, NewEntry, RecordedEntry, entries_known, links_of, write_entries
from scores.services.rescoring import request_rescore, scoring_day
from scores.services.signatures import Signature, hash_of_row, keep_evidence

BATCH_LIMIT: Final = 10_000
UNLINKED_FROM: Final = 100
"""From so many rows on, a batch mostly about strangers is refused whole."""
UNLINKED_PERCENT: Final = 5


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What became of a batch: how many rows were taken or known already, and why the others were not."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]


@dataclass(slots=True)
class _Plan:
    """What a batch will write."""

    new: list[NewEntry] = field(default_factory=list)
    strikes: list[int] = field(default_factory=list)
    replaced_within: list[NewEntry] = field(default_factory=list)
    duplicates: int = 0


def furnish_entries(
    *,
    source: Source,
    rows: Iterable[Any],
    dry_run: bool = False,
    by: OAuthApplication | None = None,
    signature: Signature | None = None,
    now: datetime | None = None,
) -> BatchAnswer:
    """Record what a source sent about people who linked it; each row is answered for itself.

    `rows` are as parsed (numbers as `int` or `Decimal`), and may be read while they are judged. The same row again is
    a duplicate, other contents under the same id are `entry_contradicted` and the first stay. With `dry_run`
    everything is judged and nothing written. Of a signed batch the `signature` is kept beside what it brought, and of
    each new entry the hash of its row; nothing else of the body. Raises `TooManyEntries`, and `UnlinkedBatch` when over
    5 % of at least 100 rows are about people who have not linked the source; then nothing is stored.
    """
    now = now or timezone.now()
    today = scoring_day(now)
    right, rejections = judge_all(
        rows,
        kinds=frozenset(source.kinds),
        today=today,
        limit=BATCH_LIMIT,
        hashed=None if signature is None else hash_of_row,
    )
    with transaction.atomic():
        written = record_rows(source, right, rejections, dry_run=dry_run, by=by, signature=signature, now=now)
        request_rescore(written.citizen_ids)
    return written.answer


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of recording some rows: the answer, and who has a record they did not have before."""

    answer: BatchAnswer
    citizen_ids: list[int]


def record_rows(
    source: Source,
    right: list[Row],
    rejections: list[Rejection],
    *,
    dry_run: bool = False,
    by: OAuthApplication | None = None,
    signature: Signature | None = None,
    now: datetime,
) -> Recorded:
    """Record rows that are right in themselves, in the caller's transaction, who promises the rescoring.

    `rejections` are why the batch's other rows are not.
    """
    today, of = scoring_day(now), len(right) + len(rejections)
    plan = _plan(source, right, rejections, of=of, today=today, lock=not dry_run)
    citizen_ids: list[int] = []
    if plan.new and not dry_run:
        citizen_ids = sorted({entry.link.citizen_id for entry in plan.new})
        _write(source, plan, citizen_ids, by=by, signature=signature, now=now)
    if not dry_run:
        contradicted = sum(rejection.code == ENTRY_CONTRADICTED for rejection in rejections)
        count_batch(source, accepted=len(plan.new), contradicted=contradicted, now=now)
    rejections.sort(key=lambda rejection: rejection.index)
    return Recorded(BatchAnswer(len(plan.new), plan.duplicates, rejections), citizen_ids)


def _plan(source: Source, rows: list[Row], rejections: list[Rejection], *, of: int, today: date, lock: bool) -> _Plan:
    """Judge the rows that are right in themselves against links and entries; add what fails to `rejections`."""
    links = links_of(source, {row.subject for row in rows}, lock=lock)
    strangers = [row for row in rows if row.subject not in links]
    if of >= UNLINKED_FROM and len(strangers) * 100 > of * UNLINKED_PERCENT:
        raise UnlinkedBatch(not_linked=len(strangers), limit=of * UNLINKED_PERCENT // 100)
    rejections += [
        rejected(row, NOT_LINKED, "No citizen has linked this subject with you.", "subject") for row in strangers
    ]
    linked = [(row, links[row.subject]) for row in rows if row.subject in links]
    keys = [(link.pk, row.external_id) for row, link in linked]
    replaced = {(link.pk, row.replaces) for row, link in linked if row.replaces is not None}
    known: dict[Key, RecordedEntry | NewEntry] = {**entries_known(replaced.union(keys))}
    plan = _Plan()
    for key, (row, link) in zip(keys, linked, strict=True):
        refusal = _place(row, link, key, known, plan, today=today)
        if refusal is not None:
            rejections.append(refusal)
    return plan


def _place(
    row: Row, link: KnownLink, key: Key, known: dict[Key, RecordedEntry | NewEntry], plan: _Plan, *, today: date
) -> Rejection | None:
    """Plan one row about a linked subject: new, known already, or a `Rejection`."""
    content = row.content
    before = known.get(key)
    if before is not None:
        if before.content != content:
            return rejected(row, ENTRY_CONTRADICTED, "An entry with this id and other contents stands; it stays.")
        plan.duplicates += 1
        return None
    entry = NewEntry(link, row.external_id, content, row.lapses_on, sha256=row.sha256)
    if row.replaces is not None:
        replaced = known.get((link.pk, row.replaces))
        if replaced is None:
            return rejected(row, INVALID, "There is no such entry about this subject to replace.", "replaces")
        if replaced.is_replaced:
            return rejected(row, INVALID, "That entry was replaced already.", "replaces")
        entry.lapses_on = min(row.lapses_on, replaced.lapses_on)
        if entry.lapses_on <= today:
            return rejected(row, TOO_OLD, "What it replaces has lapsed, and a correction lives no longer.", "replaces")
        replaced.is_replaced = True
        entry.replaces = replaced
        if isinstance(replaced, NewEntry):
            plan.replaced_within.append(replaced)
        else:
            plan.strikes.append(replaced.pk)
    plan.new.append(entry)
    known[key] = entry
    return None


def _write(
    source: Source,
    plan: _Plan,
    citizen_ids: list[int],
    *,
    by: OAuthApplication | None,
    signature: Signature | None,
    now: datetime,
) -> None:
    # First, because it holds the enrolments (`staying`) before any entry has its key: whoever holds an enrolment
    # against that has seen every entry about it with a lower key than those still to come.
    tell_citizens(source, citizen_ids, now=now)
    if plan.replaced_within or signature is not None:
        keys = reserve_keys(Entry, len(plan.new))
        for entry in plan.new:
            entry.pk = next(keys)
    write_entries(plan.new, now=now)
    if signature is not None:
        told = [(entry.pk, entry.sha256) for entry in plan.new if entry.pk is not None and entry.sha256 is not None]
        keep_evidence(signature, told, source=source, now=now)
    if plan.strikes:
        Entry.objects.filter(pk__in=plan.strikes).strike(why="replaced", now=now)
    struck = [entry.pk for entry in plan.replaced_within if entry.pk is not None]
    EntryStatusChange.objects.bulk_create(
        EntryStatusChange(entry_id=pk, at=now, was=Entry.Status.ACTIVE, became=Entry.Status.STRUCK, why="replaced")
        for pk in struck
    )
    record(by=by, action="entries.furnish", on=f"source:{source.code}", accepted=len(plan.new))


def tell_citizens(source: Source, citizen_ids: list[int], *, now: datetime) -> None:
    """One line a day for each citizen about whom the source wrote or took something back (P9)."""
    record_inquiries(
        citizen_ids=citizen_ids,
        kind=Inquiry.AskedBy.FURNISHER,
        asker_id=source.furnisher.public_id,
        asker_name=source.furnisher.name,
        what=Inquiry.What.ENTRY,
        about=f"Records from {source.name}",
        consent=purpose_of(source),
        now=now,
    )


@transaction.atomic
def retract_entry(
    *,
    source: Source,
    external_id: str,
    subject: str,
    by: OAuthApplication | None = None,
    now: datetime | None = None,
) -> bool:
    """Strike an entry its furnisher takes back; True when it stood until now. Raises `NotFound`. Safe twice."""
    now = now or timezone.now()
    if not (is_name(external_id) and is_name(subject)):
        raise NotFound
    link = Link.objects.select_for_update(no_key=True).filter(source=source, subject=subject).first()
    if link is None:
        raise NotFound
    entries = Entry.objects.filter(link=link, external_id=external_id)
    if not entries.exists():
        raise NotFound
    if not entries.strike(why="retracted", now=now):
        return False
    tell_citizens(source, [link.enrolment_id], now=now)
    request_rescore([link.enrolment_id])
    record(by=by, action="entry.retract", on=f"source:{source.code}")
    return True
