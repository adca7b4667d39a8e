"""Reports for merchants: what was taken, honoured and refused, in whole weeks; numbers, never people (P4).

Every number is a sum of blocks of at least ten people (`perks.report_blocks`), rounded to five. What was taken and what
became of it are told by the week in which each happened, so they are not of one group of people and do not add up.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, Final

from django.db.models import F, Sum
from django.utils import timezone

from citizen_app.csv_cells import Cell
from citizen_app.errors import FieldError, InvalidInput
from perks import hours
from perks.models import Branch, CodeList, Merchant, Perk, PerkDay, ReportBlock
from perks.models.reports import MEASURES
from perks.report_blocks import LEAST_PEOPLE, STEP, Block, rounded
from perks.services.perk_body import LIMITS, money
from perks.services.report_weeks import WEEK, book_of, last_week_over, monday_of, untold_blocks

GROUPINGS: Final = ("branch", "perk", "week")
USUAL_WEEKS, MOST_WEEKS = 12, 106
MOST_PERKS: Final = 1_000
NO_BRANCH: Final = "No branch"
SUPPRESSED: Final = (
    "A number about fewer than ten people is not told: it is null here, and in no total. Small branches are told "
    "together with their perk, small perks with the whole, and what is too small even so with a later week."
)
NEVER_REPORTED: Final = (
    "Who does not reach a perk, or cannot be assessed, is never counted. Taken and used are counted in the week each "
    "happened, so they do not add up to each other."
)

Sums = dict[Any, dict[str, int]]


def report(
    *,
    merchant: Merchant,
    first: date | None = None,
    last: date | None = None,
    by: str = "perk",
    now: datetime | None = None,
) -> dict[str, Any]:
    """Return a merchant's numbers over the whole weeks between two days (inclusive), grouped by branch, perk or week.

    Only weeks that are over count, on the clock the merchant's reports keep. Raises `InvalidInput`.
    """
    now = now or timezone.now()
    book = book_of(merchant)
    newest = last_week_over(book.zone, now)
    begins, ends = _weeks(first, last, newest)
    rows, total = _sums(merchant, begins, ends, by)
    for measure, block in untold_blocks(book, upto=min(ends, newest), now=now):
        if block.first_week >= begins and block.last_week <= ends:
            total[measure] += block.count
            for group in _groups_of(block, by):
                rows[group][measure] += block.count
    lines = {"perk": _by_perk, "branch": _by_branch, "week": _by_week}[by]
    return {
        "from": begins,
        "to": ends + WEEK - _DAY,
        "by": by,
        "zone": book.zone,
        "rows": list(lines(merchant, rows, begins, ends, now)),
        "total": _numbers(total),
        "rounded_to": STEP,
        "least_people": LEAST_PEOPLE,
        "suppressed": SUPPRESSED,
        "note": NEVER_REPORTED,
    }


def report_rows(told: dict[str, Any]) -> Iterator[list[Cell]]:
    """A report as rows of a file: the same numbers, and nothing where one is not told."""
    limits = told["by"] == "perk"
    named = {"perk": "title", "branch": "name", "week": "from"}[told["by"]]
    head: list[Cell] = [
        "id" if told["by"] != "week" else "week",
        "name" if told["by"] != "week" else "until",
        *MEASURES,
    ]
    yield head + (["stock_left", "budget_left", "budget_currency", "codes_left"] if limits else [])
    for row in told["rows"]:
        group = row[told["by"]]
        if told["by"] == "week":
            start: list[Cell] = [group["from"].isoformat(), group["to"].isoformat()]
        else:
            start = [group["id"], group[named]] if group else [None, NO_BRANCH]
        yield start + _flat(row) + (_left(row["limits"]) if limits else [])
    yield ["total", f"{told['from']} to {told['to']}", *_flat(told["total"]), *([None] * 4 if limits else [])]


_DAY: Final = WEEK / 7


def _weeks(first: date | None, last: date | None, newest: date) -> tuple[date, date]:
    """The Mondays of the first and the last whole week between two days."""
    ends = newest
    if last is not None:
        ends = _on_calendar("/to", lambda: monday_of(last + _DAY) - WEEK)
    if first is not None:
        begins = _on_calendar("/from", lambda: monday_of(first - _DAY) + WEEK)
    else:
        begins = _on_calendar("/to", lambda: ends - (USUAL_WEEKS - 1) * WEEK)
    if first is not None and last is not None and last < first:
        raise InvalidInput(FieldError("/to", "out_of_range", "The last day is before the first."))
    if ends < begins:
        raise InvalidInput(FieldError("/to", "out_of_range", "There is no whole week, Monday to Sunday, between them."))
    if (ends - begins) // WEEK >= MOST_WEEKS:
        raise InvalidInput(FieldError("/from", "out_of_range", f"At most {MOST_WEEKS} weeks at a time."))
    return begins, ends


def _on_calendar(place: str, week: Callable[[], date]) -> date:
    """A week near the first or the last day that can be written is none: say so where that day was named."""
    try:
        return week()
    except OverflowError:
        raise InvalidInput(FieldError(place, "out_of_range", "No such week is on the calendar.")) from None


def _sums(merchant: Merchant, begins: date, ends: date, by: str) -> tuple[Sums, dict[str, int]]:
    """What was told for good: whole blocks that lie between two weeks, by group and in all."""
    blocks = ReportBlock.objects.filter(merchant=merchant, first_week__gte=begins, last_week__lte=ends).order_by()
    total: dict[str, int] = defaultdict(int)
    total.update(blocks.values_list("measure").annotate(number=Sum("count")))
    rows: Sums = defaultdict(lambda: defaultdict(int))
    grouped: Any
    if by == "perk":
        grouped = blocks.filter(perk__isnull=False).values_list("perk_id", "measure")
    elif by == "branch":
        grouped = blocks.filter(grain=ReportBlock.Grain.BRANCH).values_list("branch_id", "measure")
    else:
        grouped = blocks.filter(first_week=F("last_week")).values_list("last_week", "measure")
    for group, measure, number in grouped.annotate(number=Sum("count")):
        rows[group][measure] = number
    return rows, total


def _groups_of(block: Block, by: str) -> list[Any]:
    """The row a block belongs to; none where it is of several."""
    if by == "perk":
        return [] if block.perk is None else [block.perk]
    if by == "branch":
        return [block.branch] if block.grain == ReportBlock.Grain.BRANCH else []
    return [block.last_week] if block.first_week == block.last_week else []


def _numbers(sums: dict[str, int]) -> dict[str, Any]:
    """The numbers as they are told; null is a number that is not, be it small or nothing at all."""
    told = {measure: rounded(sums[measure]) if sums.get(measure) else None for measure in MEASURES}
    return {
        **{measure: told[measure] for measure in MEASURES if not measure.startswith("refused_")},
        "refused": {name: told[f"refused_{name}"] for name in ("full", "closed", "limit")},
    }


def _by_perk(merchant: Merchant, rows: Sums, begins: date, ends: date, now: datetime) -> Iterator[dict[str, Any]]:
    perks = Perk.objects.of(merchant).filter(published_at__isnull=False).select_related("in_force", "code_list")
    found = list(perks.order_by("-pk")[:MOST_PERKS])
    today = {perk.pk: hours.local_day(now, perk.zone) for perk in found if perk.limit_per_day is not None}
    days = PerkDay.objects.filter(perk__in=today, day__in=set(today.values())).values_list(
        "perk_id", "day", "taken_count"
    )
    taken_today = {perk: taken for perk, day, taken in days if today[perk] == day}
    for perk in found:
        yield {
            "perk": {"id": perk.public_id, "title": perk.version_in_force.title, "state": perk.state},
            **_numbers(rows[perk.pk]),
            "limits": _limits(perk, taken_today.get(perk.pk, 0)),
        }


def _limits(perk: Perk, taken_today: int) -> dict[str, Any]:
    """Each limit of a perk with its own counter: how much of it is used now, and how much is left."""
    codes = perk.code_list
    codes_left = None if codes is None else 0 if codes.state in CodeList.CLOSED else codes.free_count
    budget = perk.budget_amount
    return {
        "stock": _limit(perk.stock, perk.taken_count),
        "budget": None
        if budget is None
        else {
            "limit": money(budget, perk.budget_currency),
            "used": money(perk.budget_spent, perk.budget_currency),
            "left": money(budget - perk.budget_spent, perk.budget_currency),
        },
        "per_day": _limit(perk.limit_per_day, taken_today),
        "codes": None if codes is None else {"given": codes.given_count, "left": codes_left},
        **{name: getattr(perk, f"limit_{name}") for name in LIMITS if name.startswith("per_citizen")},
    }


def _limit(limit: int | None, used: int) -> dict[str, int] | None:
    return None if limit is None else {"limit": limit, "used": used, "left": max(0, limit - used)}


def _by_branch(merchant: Merchant, rows: Sums, begins: date, ends: date, now: datetime) -> Iterator[dict[str, Any]]:
    for branch in Branch.objects.filter(merchant=merchant).order_by("name", "pk"):
        yield {"branch": {"id": branch.public_id, "name": branch.name}, **_numbers(rows[branch.pk])}
    yield {"branch": None, **_numbers(rows[None])}


def _by_week(merchant: Merchant, rows: Sums, begins: date, ends: date, now: datetime) -> Iterator[dict[str, Any]]:
    week = begins
    while week <= ends:
        yield {"week": {"from": week, "to": week + WEEK - _DAY}, **_numbers(rows[week])}
        week += WEEK


def _flat(row: dict[str, Any]) -> list[Cell]:
    return [
        row["refused"][measure.removeprefix("refused_")] if measure.startswith("refused_") else row[measure]
        for measure in MEASURES
    ]


def _left(limits: dict[str, Any]) -> list[Cell]:
    stock, budget, codes = limits["stock"], limits["budget"], limits["codes"]
    return [
        stock["left"] if stock else None,
        budget["left"]["amount"] if budget else None,
        budget["left"]["currency"] if budget else None,
        codes["left"] if codes else None,
    ]
