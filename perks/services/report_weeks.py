"""Telling a merchant's weeks: each once, when it is over, in blocks of at least ten people that never change again.

What is refused for what a person is or has (a threshold, a thin file, a document) is never counted here: it would tell
how many do not reach a perk (P4). All who have left count as one person: nothing says how many they were.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Min, OuterRef, Q, Subquery, UUIDField
from django.db.models.functions import Coalesce

from perks import eligibility, hours
from perks.models import Branch, Merchant, Redemption, RefusedAttempt, ReportBlock, ReportBook, ReportRemainder, Scan
from perks.report_blocks import LEAST_PEOPLE, Block, Cell, Place, told_of_week

WEEK: Final = timedelta(days=7)
TOLD_AFTER: Final = timedelta(minutes=15)
"""So long after its end a week is told: a scan can be undone for ten minutes."""
LEFT: Final = "left"
"""Stands for all who have left: of none is it kept which of what they did was one person's."""
KIND_OF_REFUSAL: Final = {
    eligibility.SOLD_OUT: "refused_full",
    eligibility.BUDGET_SPENT: "refused_full",
    eligibility.DAILY_LIMIT_REACHED: "refused_full",
    eligibility.NOT_OPEN_YET: "refused_closed",
    eligibility.PERK_PAUSED: "refused_closed",
    eligibility.PERK_ENDED: "refused_closed",
    eligibility.MERCHANT_SUSPENDED: "refused_closed",
    eligibility.CITIZEN_LIMIT_REACHED: "refused_limit",
    eligibility.PERIOD_LIMIT_REACHED: "refused_limit",
    eligibility.TOO_MANY_RESERVATIONS: "refused_limit",
}
"""What may be told of a refusal: what was true of the offer. A reason that is not here keeps it from being told."""

State = Redemption.State
Cells = dict[str, dict[Place, Cell]]
Waiting = dict[tuple[str, Place], date]


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def last_week_over(zone: str, now: datetime) -> date:
    """The Monday of the latest week that is over and can be told."""
    return monday_of(hours.local_day(now - TOLD_AFTER, zone)) - WEEK


def book_of(merchant: Merchant) -> ReportBook:
    """How far a merchant is told; where nothing was told yet, a book that begins with its first week, not saved."""
    book = ReportBook.objects.filter(merchant=merchant).first()
    if book is not None:
        return book
    branch = Branch.objects.filter(merchant=merchant).order_by("pk").first()
    zone = branch.zone if branch else settings.DEFAULT_ZONE
    return ReportBook(merchant=merchant, zone=zone, told_before=monday_of(hours.local_day(_beginning(merchant), zone)))


def _beginning(merchant: Merchant) -> datetime:
    first: list[datetime | None] = [
        Redemption.objects.filter(merchant=merchant).aggregate(first=Min("taken_at"))["first"],
        RefusedAttempt.objects.filter(version__perk__merchant=merchant).aggregate(first=Min("at"))["first"],
    ]
    return min((one for one in first if one is not None), default=datetime.now(UTC))


def untold_blocks(book: ReportBook, *, upto: date, now: datetime) -> Iterator[tuple[str, Block]]:
    """The blocks of weeks that are over but not told yet, up to that of a Monday, as the sweep will tell them."""
    waiting = _waiting(book) if book.told_before <= upto else {}
    week = book.told_before
    while week <= upto:
        blocks, waiting = _tell(book, week, waiting, now)
        yield from blocks
        week += WEEK


def tell_weeks(*, now: datetime, limit: int = 50) -> int:
    """Tell the weeks that are over and write their blocks down for good; return how many merchants that was."""
    newest = monday_of((now + timedelta(hours=14)).date()) - WEEK  # over somewhere on Earth
    merchants = Merchant.objects.filter(approved_at__isnull=False)
    behind = merchants.filter(Q(report_book=None) | Q(report_book__told_before__lte=newest)).order_by("pk")
    return sum(tell_merchant(merchant=merchant, now=now) for merchant in list(behind[:limit]))


@transaction.atomic
def tell_merchant(*, merchant: Merchant, now: datetime) -> bool:
    """Tell a merchant's weeks that are over, each once; whether there was any."""
    # The merchant's row is the lock: two sweeps at once tell a week once.
    Merchant.objects.select_for_update(no_key=True, of=("self",)).get(pk=merchant.pk)
    book = book_of(merchant)
    upto, waiting, blocks = last_week_over(book.zone, now), _waiting(book), []
    if book.told_before > upto and not book._state.adding:
        return False
    while book.told_before <= upto:
        told, waiting = _tell(book, book.told_before, waiting, now)
        blocks += told
        book.told_before += WEEK
    book.save()
    ReportBlock.objects.bulk_create(_row(merchant, measure, block) for measure, block in blocks)
    ReportRemainder.objects.filter(merchant=merchant).delete()
    ReportRemainder.objects.bulk_create(
        ReportRemainder(merchant=merchant, measure=measure, perk_id=perk, branch_id=branch, since_week=since)
        for (measure, (perk, branch)), since in waiting.items()
    )
    return bool(blocks)


def _row(merchant: Merchant, measure: str, block: Block) -> ReportBlock:
    return ReportBlock(
        merchant=merchant,
        measure=measure,
        grain=block.grain,
        perk_id=block.perk,
        branch_id=block.branch,
        first_week=block.first_week,
        last_week=block.last_week,
        count=block.count,
        people_count=block.people_count,
    )


def _waiting(book: ReportBook) -> Waiting:
    rows = ReportRemainder.objects.filter(merchant=book.merchant)
    return {
        (measure, (perk, branch)): since
        for measure, perk, branch, since in rows.values_list("measure", "perk_id", "branch_id", "since_week")
    }


def _tell(book: ReportBook, week: date, waiting: Waiting, now: datetime) -> tuple[list[tuple[str, Block]], Waiting]:
    blocks: list[tuple[str, Block]] = []
    still: Waiting = {}
    for measure, cells in _cells(book, week, waiting, now).items():
        told, waits = told_of_week(week, cells)
        blocks += [(measure, block) for block in told]
        still |= {(measure, place): since for place, since in waits.items()}
    return blocks, still


def _cells(book: ReportBook, week: date, waiting: Waiting, now: datetime) -> Cells:
    """What was not told yet, up to the end of a week, by measure and place."""
    start, end = hours.day_start(week, book.zone), hours.day_start(week + WEEK, book.zone)
    cells: Cells = defaultdict(dict)
    for measure, (at, rows) in _events(book.merchant, now).items():
        since_of = {place: since for (named, place), since in waiting.items() if named == measure}
        _count(cells[measure], since_of, rows, at, week=week, start=start, end=end, zone=book.zone)
    _count_refusals(cells, waiting, book, week=week, end=end)
    return cells


def _events(merchant: Merchant, now: datetime) -> Mapping[str, tuple[str, Any]]:
    """What can happen to a redemption: when it did, and which rows. What happened then never changes any more."""
    scanned = Scan.objects.filter(redemption=OuterRef("pk"), outcome=Scan.Outcome.ACCEPTED, undone_at=None)
    own = Redemption.objects.filter(merchant=merchant)
    reserved_for = own.annotate(place=F("branch_id"))
    honoured_at = own.annotate(
        place=Coalesce(F("branch_id"), Subquery(scanned.values("branch_id")[:1]), output_field=UUIDField())
    )
    over = Q(state=State.EXPIRED) | Q(state=State.RESERVED, expires_at__lte=now)
    return {
        "taken": ("taken_at", reserved_for),
        "redeemed": ("closed_at", honoured_at.filter(state__in=[State.REDEEMED, State.REVERSED])),
        "expired": ("expires_at", reserved_for.filter(over)),
        "cancelled": ("closed_at", reserved_for.filter(state=State.CANCELLED)),
        "reversed": ("reversed_at", honoured_at.filter(state=State.REVERSED)),
    }


def _count(
    cells: dict[Place, Cell],
    since_of: Mapping[Place, date],
    rows: Any,
    at: str,
    *,
    week: date,
    start: datetime,
    end: datetime,
    zone: str,
) -> None:
    """Count by place; only of small ones, and of what has waited, is it looked who the people were."""
    in_week = rows.filter(**{f"{at}__gte": start, f"{at}__lt": end})
    summed = in_week.values_list("perk_id", "place").annotate(
        number=Count("pk"), people=Count("citizen", distinct=True), gone=Count("pk", filter=Q(citizen=None))
    )
    small = {perk for perk, _ in since_of}
    busy = set()
    for perk, branch, number, people, gone in summed.order_by():
        people_count = people + (gone > 0)
        if people_count >= LEAST_PEOPLE:
            busy.add((perk, branch))
            since = since_of.get((perk, branch), week)
            cells[perk, branch] = Cell(since, count=number, more_people=people_count)
        else:
            small.add(perk)
    if not small:
        return
    begins = hours.day_start(min(since_of.values(), default=week), zone)
    one_by_one = rows.filter(**{f"{at}__gte": begins, f"{at}__lt": end}, perk__in=small)
    for perk, branch, citizen, instant in one_by_one.values_list("perk_id", "place", "citizen_id", at):
        place = (perk, branch)
        if place in busy and instant >= start:
            continue
        since = since_of.get(place, week)
        if instant >= hours.day_start(since, zone):
            _add(cells, place, since, citizen or LEFT)


def _count_refusals(cells: Cells, waiting: Waiting, book: ReportBook, *, week: date, end: datetime) -> None:
    since_of = {key: since for key, since in waiting.items() if key[0].startswith("refused")}
    begins = hours.day_start(min(since_of.values(), default=week), book.zone)
    attempts = RefusedAttempt.objects.filter(version__perk__merchant=book.merchant, at__gte=begins, at__lt=end)
    for perk, citizen, at, reasons in attempts.values_list("version__perk_id", "citizen_id", "at", "reasons"):
        measure = kind_of(reasons)
        if measure is None:
            continue
        since = since_of.get((measure, (perk, None)), week)
        if at >= hours.day_start(since, book.zone):
            _add(cells[measure], (perk, None), since, citizen)


def kind_of(reasons: list[dict[str, Any]]) -> str | None:
    """What may be told of a refusal, by its first reason; None where any reason is about the person."""
    kinds = [KIND_OF_REFUSAL.get(reason["code"]) for reason in reasons]
    return kinds[0] if kinds and None not in kinds else None


def _add(cells: dict[Place, Cell], place: Place, since: date, person: Any) -> None:
    cell = cells.setdefault(place, Cell(since))
    cell.count += 1
    cell.people.add(person)
