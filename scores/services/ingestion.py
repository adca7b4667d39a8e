"""What furnishers send about people who let them in: taken row by row, once each, and nothing about anybody else (P2).

A batch costs the same few statements whatever it holds. The links of its subjects are locked in key order, so batches
about the same people follow one another and a link cannot end in between; rescoring follows through the outbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.errors import NotFound
from citizen_app.models import OAuthApplication
from scores.errors import TooManyEntries, UnlinkedBatch
from scores.models import Entry, EntryStatusChange, Inquiry, Link, Source
from scores.services.batches import (
    ENTRY_CONTRADICTED,
    INVALID,
    NOT_LINKED,
    TOO_OLD,
    Rejection,
    Row,
    is_name,
    judge,
    rejected,
)
from scores.services.furnisher_record import count_batch
from scores.services.inquiries import record_inquiries
from scores.services.linking import purpose_of
from scores.services.rescoring import request_rescore, scoring_day

BATCH_LIMIT: Final = 10_000
UNLINKED_FROM: Final = 100
"""From so many rows on, a batch mostly about strangers is refused whole."""
UNLINKED_PERCENT: Final = 5

Key = tuple[int, str]
"""A link's key and the furnisher's own id of the entry."""


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What became of a batch: how many rows were taken or known already, and why the others were not."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]


@dataclass(slots=True)
class _Known:
    """An entry that is recorded, or will be with this batch."""

    content: tuple[int, date, int, str | None]
    lapses_on: date
    is_replaced: bool
    pk: int | None = None
    new: Entry | None = None


@dataclass(slots=True)
class _Plan:
    """What a batch will write."""

    new: list[Entry] = field(default_factory=list)
    strikes: list[int] = field(default_factory=list)
    replaced_within: list[tuple[Entry, Entry]] = field(default_factory=list)
    duplicates: int = 0


def furnish_entries(
    *,
    source: Source,
    rows: Sequence[Any],
    dry_run: bool = False,
    by: OAuthApplication | None = None,
    now: datetime | None = None,
) -> BatchAnswer:
    """Record what a source sent about people who linked it; each row is answered for itself.

    `rows` are as parsed (numbers as `int` or `Decimal`). The same row again is a duplicate, other contents under the
    same id are `entry_contradicted` and the first stay. With `dry_run` everything is judged and nothing written.
    Raises `TooManyEntries`, and `UnlinkedBatch` when over 5 % of at least 100 rows are about people who have not
    linked the source; then nothing is stored.
    """
    if len(rows) > BATCH_LIMIT:
        raise TooManyEntries(limit=BATCH_LIMIT)
    now = now or timezone.now()
    today = scoring_day(now)
    kinds = frozenset(source.kinds)
    judged = [judge(index, raw, kinds=kinds, today=today) for index, raw in enumerate(rows)]
    rejections = [one for one in judged if isinstance(one, Rejection)]
    right = [one for one in judged if isinstance(one, Row)]
    with transaction.atomic():
        plan = _plan(source, right, rejections, of=len(rows), today=today, now=now, lock=not dry_run)
        if plan.new and not dry_run:
            _write(source, plan, by=by, now=now)
        if not dry_run:
            contradicted = sum(rejection.code == ENTRY_CONTRADICTED for rejection in rejections)
            count_batch(source, accepted=len(plan.new), contradicted=contradicted, now=now)
    rejections.sort(key=lambda rejection: rejection.index)
    return BatchAnswer(accepted=len(plan.new), duplicates=plan.duplicates, rejected=rejections)


def _plan(
    source: Source,
    rows: list[Row],
    rejections: list[Rejection],
    *,
    of: int,
    today: date,
    now: datetime,
    lock: bool,
) -> _Plan:
    """Judge the rows that are right in themselves against links and entries; add what fails to `rejections`."""
    links = _links_of(source, {row.subject for row in rows}, lock=lock)
    strangers = [row for row in rows if row.subject not in links]
    if of >= UNLINKED_FROM and len(strangers) * 100 > of * UNLINKED_PERCENT:
        raise UnlinkedBatch(not_linked=len(strangers), limit=of * UNLINKED_PERCENT // 100)
    rejections += [
        rejected(row, NOT_LINKED, "No citizen has linked this subject with you.", "subject") for row in strangers
    ]
    linked = [row for row in rows if row.subject in links]
    names = {row.external_id for row in linked} | {row.replaces for row in linked if row.replaces}
    known = _known(list(links.values()), names)
    plan = _Plan()
    for row in linked:
        refusal = _place(row, links[row.subject], known, plan, today=today, now=now)
        if refusal is not None:
            rejections.append(refusal)
    return plan


def _links_of(source: Source, subjects: set[str], *, lock: bool) -> dict[str, Link]:
    links = Link.objects.filter(source=source, subject__in=subjects).order_by("pk")
    if lock:
        links = links.select_for_update(no_key=True)
    return {link.subject: link for link in links} if subjects else {}


def _known(links: list[Link], names: set[str]) -> dict[Key, _Known]:
    """What is recorded under any of these ids (one query)."""
    if not links:
        return {}
    recorded = Entry.objects.filter(link__in=[link.pk for link in links], external_id__in=names).values_list(
        "pk",
        "link_id",
        "external_id",
        "kind_number",
        "occurred_on",
        "value",
        "replaces__external_id",
        "lapses_on",
        "replaced_by__pk",
    )
    return {
        (link_id, name): _Known((kind, day, value, replaces), lapses_on, replaced_by is not None, pk=pk)
        for pk, link_id, name, kind, day, value, replaces, lapses_on, replaced_by in recorded
    }


def _place(row: Row, link: Link, known: dict[Key, _Known], plan: _Plan, *, today: date, now: datetime) -> Any:
    """Plan one row about a linked subject: new, known already, or a `Rejection`."""
    key = link.pk, row.external_id
    before = known.get(key)
    if before is not None:
        if before.content != row.content:
            return rejected(row, ENTRY_CONTRADICTED, "An entry with this id and other contents stands; it stays.")
        plan.duplicates += 1
        return None
    lapses_on = row.lapses_on
    replaced = None
    if row.replaces is not None:
        replaced = known.get((link.pk, row.replaces))
        if replaced is None:
            return rejected(row, INVALID, "There is no such entry about this subject to replace.", "replaces")
        if replaced.is_replaced:
            return rejected(row, INVALID, "That entry was replaced already.", "replaces")
        lapses_on = min(lapses_on, replaced.lapses_on)
        if lapses_on <= today:
            return rejected(row, TOO_OLD, "What it replaces has lapsed, and a correction lives no longer.", "replaces")
    entry = Entry(
        enrolment_id=link.enrolment_id,
        link_id=link.pk,
        external_id=row.external_id,
        kind_number=row.kind_number,
        occurred_on=row.occurred_on,
        value=row.value,
        recorded_at=now,
        lapses_on=lapses_on,
    )
    if replaced is not None:
        replaced.is_replaced = True
        if replaced.new is not None:
            plan.replaced_within.append((entry, replaced.new))
        elif replaced.pk is not None:
            entry.replaces_id = replaced.pk
            plan.strikes.append(replaced.pk)
    plan.new.append(entry)
    known[key] = _Known(row.content, lapses_on, is_replaced=False, new=entry)
    return None


def _write(source: Source, plan: _Plan, *, by: OAuthApplication | None, now: datetime) -> None:
    for _, older in plan.replaced_within:
        older.status = Entry.Status.STRUCK
    Entry.objects.bulk_create(plan.new)
    if plan.strikes:
        Entry.objects.filter(pk__in=plan.strikes).strike(why="replaced", now=now)
    if plan.replaced_within:
        for newer, older in plan.replaced_within:
            newer.replaces = older
        Entry.objects.bulk_update([newer for newer, _ in plan.replaced_within], ["replaces"])
        EntryStatusChange.objects.bulk_create(
            EntryStatusChange(entry=older, at=now, was=Entry.Status.ACTIVE, became=older.status, why="replaced")
            for _, older in plan.replaced_within
        )
    citizen_ids = sorted({entry.enrolment_id for entry in plan.new})
    tell_citizens(source, citizen_ids, now=now)
    request_rescore(citizen_ids)
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
