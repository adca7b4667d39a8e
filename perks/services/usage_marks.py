"""How often one person used a perk of value, counted by who they are and not by their account (P1).

Cards and waivers need a checked document, so their limits per citizen hold for the person. While somebody is
enrolled their redemptions say how many they had; when they leave, a mark does: a keyed hash that names nobody, of the
person key, the perk, and the day, week, month or year it counts for. A mark lives twelve months at most.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import F

from citizen_app.accounts.erasure import Erasure, Kept, erases
from citizen_app.keys import keyed_hash
from citizen_app.models import Citizen
from perks import hours
from perks.models import Perk, Redemption, UsageMark
from scores import assessments

LONGEST: Final = timedelta(days=365)
KINDS: Final = frozenset({Perk.Kind.GIFT_CARD, Perk.Kind.DEPOSIT_WAIVER})
"""What is used up by whoever had it; a boost ends with leaving, and is there to be taken again."""


@dataclass(frozen=True, slots=True)
class Uses:
    """What one person had of a perk before they left: in all, and in the periods that run now."""

    total: int = 0
    day: int = 0
    week: int = 0
    month: int = 0


NO_USES: Final = Uses()


def uses_before(*, citizen: Citizen, perks: Collection[Perk], now: datetime) -> Mapping[UUID, Uses]:
    """What the person behind an account had of each perk of value in an earlier enrolment, whichever account it was.

    No statement at all where none of the perks is of value, two however many are.
    """
    of_value = [perk for perk in perks if perk.kind in KINDS and _is_limited(perk)]
    key = assessments.usage_key_of(citizen) if of_value else None
    if key is None:
        return {}
    wanted = {
        _mark(key, perk.pk, label): (perk.pk, period) for perk in of_value for period, label, _ in _labels(perk, now)
    }
    found: dict[UUID, dict[str, int]] = {}
    live = UsageMark.objects.filter(mark__in=wanted, until__gt=now.date())
    for mark, count in live.values_list("mark", "count"):
        perk_id, period = wanted[mark]
        found.setdefault(perk_id, {})[period] = count
    return {perk_id: Uses(**counts) for perk_id, counts in found.items()}


@erases
def leave_usage_marks(*, citizen: Citizen, now: datetime) -> Erasure:
    """Keep, of somebody who leaves, how often they used limited perks of value, and not who they are (P10)."""
    key = assessments.usage_key_of(citizen)
    if key is None:
        return Erasure()
    used = Redemption.objects.filter(
        citizen=citizen,
        counts_for_limits=True,
        pending_until__isnull=True,  # given back by leaving
        perk__kind__in=KINDS,
        taken_at__gt=now - LONGEST,
    ).select_related("perk")
    counted: Counter[str] = Counter()
    until: dict[str, date] = {}
    for redemption in used.iterator():
        if not _is_limited(redemption.perk):
            continue
        for _, label, ends_on in _labels(redemption.perk, redemption.taken_at):
            if ends_on > now.date():
                mark = _mark(key, redemption.perk_id, label)
                counted[mark] += 1
                until[mark] = max(ends_on, until.get(mark, ends_on))
    for mark, count in counted.items():
        # An older mark of the same person and period grows; one whose time is over starts anew.
        UsageMark.objects.filter(mark=mark, until__lte=now.date()).delete()
        if not UsageMark.objects.filter(mark=mark).update(count=F("count") + count, until=until[mark]):
            UsageMark.objects.create(mark=mark, count=count, until=until[mark])
    if not counted:
        return Erasure()
    last = max(until.values())
    return Erasure(
        kept=[
            Kept(
                what="how often you used limited perks of value, under a key that names nobody",
                why="so that coming back does not begin their limits anew",
                until=datetime(last.year, last.month, last.day, tzinfo=now.tzinfo),
            )
        ]
    )


def forget_old_marks(*, now: datetime) -> int:
    """Erase the marks whose time is over; return how many."""
    return UsageMark.objects.filter(until__lte=now.date()).delete()[0]


def _is_limited(perk: Perk) -> bool:
    return any(
        limit is not None
        for limit in (
            perk.limit_per_citizen,
            perk.limit_per_citizen_day,
            perk.limit_per_citizen_week,
            perk.limit_per_citizen_month,
        )
    )


def _labels(perk: Perk, at: datetime) -> Iterator[tuple[str, str, date]]:
    """The periods a use at `at` counts for, how each is named, and the first day it no longer matters."""
    yield "total", "total", (at + LONGEST).date()
    for period, bounds in (("day", hours.day_bounds), ("week", hours.week_bounds), ("month", hours.month_bounds)):
        start, end = bounds(at, perk.zone)
        yield period, f"{period} {start.isoformat()}", end.date() + timedelta(days=1)


def _mark(key: str, perk_id: UUID, label: str) -> str:
    return keyed_hash(key.encode(), f"{perk_id} {label}")
