"""What the pure judge needs, read from the tables: for one perk that is being taken, or for a page of them at once.

Whatever the number of perks on a page, it costs one statement for the person, one for their redemptions and one for
the days of perks with a limit per day.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import DateField, DateTimeField, F, OuterRef, Q

from citizen_app.kept_statements import Given, KeptRows
from citizen_app.models import Citizen
from citizen_app.statements import RowsBeside, moment_of
from perks import eligibility, hours, tiers
from perks.models import CodeList, Perk, PerkDay, Redemption
from perks.models.catalogue import PerkQuerySet
from perks.services import ramp
from perks.services.usage_marks import KINDS as MARKED_KINDS
from perks.services.usage_marks import NO_USES, Uses, uses_before
from scores import assessments
from scores.assessments import Assessment

_HOLDING = ("perk_id", "merchant_id", "state", "expires_at", "taken_at", "counts_for_limits", "forgets_citizen")
DAYS = ("yesterday", "today", "tomorrow")
GIVEN_DAYS = [Given(name, DateField()) for name in DAYS]
LIMITS = ("per_citizen", "per_citizen_day", "per_citizen_week", "per_citizen_month", "per_day")


def terms_of(perk: Perk) -> eligibility.PerkTerms:
    """Return what decides a taking of a perk (fetched with `in_force` and `merchant`)."""
    return eligibility.PerkTerms(
        kind=perk.kind,
        purpose=perk.purpose,
        state=perk.state,
        merchant_state=perk.merchant.offering_state,
        closed_until=ramp.full_until(perk.merchant),
        tiers=tiers.read_tiers(perk.version_in_force.tiers),
        zone=perk.zone,
        valid_from_at=perk.valid_from_at,
        valid_until_at=perk.valid_until_at,
        stock=stock_of(perk),
        # What is kept for make-goods is as good as taken to everybody else.
        taken=perk.taken_count + perk.promised_count,
        limits=eligibility.Limits(**{name: getattr(perk, f"limit_{name}") for name in LIMITS}),
        budget=perk.budget_amount,
        budget_spent=perk.budget_spent,
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """A perk and the person who would take it, as both are at one moment."""

    perk: Perk
    assessment: Assessment
    counters: eligibility.Counters

    def judged(self, now: datetime) -> eligibility.Eligibility:
        return eligibility.judge(terms_of(self.perk), self.assessment, self.counters, now)


def any_perk(now: datetime | Given) -> PerkQuerySet:
    """Every perk, whatever its state: what may be taken out of where nobody says less."""
    return Perk.objects.all()


def read_to_take(
    *, citizen: Citizen, among: Callable[[Any], PerkQuerySet] = any_perk, perk_id: UUID, now: datetime
) -> Reading | None:
    """All that decides whether this person may take a perk, in one statement; None where it is not one of `among`."""
    (found,) = _reading(among).rows(citizen_id=citizen.pk, perk_id=perk_id, now=now, **days_of(now)) or [None]
    if found is None:
        return None
    holding = [
        (
            UUID(row["perk_id"]),
            UUID(row["merchant_id"]),
            row["state"],
            moment_of(row["expires_at"]),
            moment_of(row["taken_at"]),
            bool(row["counts_for_limits"]),
            bool(row["forgets_citizen"]),
        )
        for row in found.own
    ]
    assessment = assessments.read_beside(found.standing, citizen, now=now)
    before = _before(citizen, [found], now, has_document=assessment.has_document)
    return Reading(found, assessment, _counted(holding, before, [found], now)[found.pk])


def _to_take(among: PerkQuerySet, *, citizen_id: Any, perk_id: Any, now: Any, days: Sequence[Any]) -> PerkQuerySet:
    """The perk with all that decides about it in columns beside."""
    own = _holding(citizen_id, Q(perk=OuterRef("pk"), counts_for_limits=True) | _open_at(now))
    found = among.select_related("in_force", "merchant", "code_list").filter(pk=perk_id)
    return found.annotate(
        own=RowsBeside(own.values(*_HOLDING)), days_around=days_beside(days), standing=assessments.beside(citizen_id)
    )


@cache
def _reading(among: Callable[[Any], PerkQuerySet]) -> KeptRows:
    """The same, compiled once for each `among`: it is by far the largest statement there is."""
    now = Given("now", DateTimeField())
    return KeptRows(
        lambda: _to_take(
            among(now),
            citizen_id=Given("citizen_id", Citizen._meta.pk),
            perk_id=Given("perk_id", Perk._meta.pk),
            now=now,
            days=GIVEN_DAYS,
        )
    )


def days_of(now: datetime) -> dict[str, date]:
    """The days that are today somewhere, by name, for a kept statement with `days_beside(GIVEN_DAYS)`."""
    return dict(zip(DAYS, _around(now), strict=True))


def days_beside(days: Sequence[Any]) -> RowsBeside:
    """A column beside a perk with how many were taken on the days that are today somewhere."""
    around = PerkDay.objects.filter(perk=OuterRef("pk"), day__in=days)
    return RowsBeside(around.values("day", "taken_count"))


def stock_of(perk: Perk) -> int | None:
    """How many there are in all; of a perk that gives out codes no more than those (fetched with `code_list`)."""
    codes = perk.code_list
    if codes is None:
        return perk.stock
    free = 0 if codes.state in CodeList.CLOSED else codes.free_count
    return perk.taken_count + free if perk.stock is None else min(perk.stock, perk.taken_count + free)


def judge_each(
    *, citizen: Citizen, perks: Sequence[Perk], assessment: Assessment, now: datetime
) -> dict[UUID, eligibility.Eligibility]:
    """Return each perk's answer to this person, by the perk's key."""
    counters = counters_of(citizen=citizen, perks=perks, now=now, has_document=assessment.has_document)
    return {perk.pk: eligibility.judge(terms_of(perk), assessment, counters[perk.pk], now) for perk in perks}


def counters_of(
    *, citizen: Citizen, perks: Sequence[Perk], now: datetime, has_document: bool = True
) -> dict[UUID, eligibility.Counters]:
    """Return what counts against each perk's limits for this person now; nobody unchecked was somebody before."""
    limited = [perk.pk for perk in perks if any(getattr(perk, f"limit_{name}") is not None for name in LIMITS[:4])]
    own = _own(len(limited)).rows(citizen_id=citizen.pk, now=now, **{f"perk{n}": key for n, key in enumerate(limited)})
    return _counted(own, _before(citizen, perks, now, has_document=has_document), perks, now)


def _before(citizen: Citizen, perks: Sequence[Perk], now: datetime, *, has_document: bool) -> Mapping[UUID, Uses]:
    return uses_before(citizen=citizen, perks=perks, now=now) if has_document else {}


@cache
def _own(count: int) -> KeptRows:
    """Somebody's redemptions that count against the limits of so many perks, and those open now."""
    perks = [Given(f"perk{n}", Perk._meta.pk) for n in range(count)]
    return KeptRows(
        lambda: _own_of(Given("citizen_id", Citizen._meta.pk), perks=perks, now=Given("now", DateTimeField()))
    )


def _own_of(citizen_id: Any, *, perks: Sequence[Any], now: Any) -> Any:
    own = _holding(citizen_id, Q(perk__id__in=perks, counts_for_limits=True) | _open_at(now))
    return own.values_list(*_HOLDING)


def _counted(
    own: Iterable[Any], before: Mapping[UUID, Uses], perks: Sequence[Perk], now: datetime
) -> dict[UUID, eligibility.Counters]:
    days = [perk for perk in perks if perk.limit_per_day is not None]
    taken_today = _taken_today(days, now)
    open_at: dict[UUID, int] = defaultdict(int)
    taken_at: dict[UUID, list[datetime]] = defaultdict(list)
    # What was open when somebody left is counted by its mark, should they be back before it is closed.
    marked = {perk.pk for perk in perks if perk.kind in MARKED_KINDS}
    for perk_id, merchant_id, state, expires_at, taken, counts, is_left in own:
        if state == Redemption.State.RESERVED and expires_at > now:
            open_at[merchant_id] += 1
        if counts and not (is_left and perk_id in marked):
            taken_at[perk_id].append(taken)
    return {
        perk.pk: eligibility.Counters(
            **_used(taken_at[perk.pk], before.get(perk.pk, NO_USES), perk.zone, now),
            perk_today=taken_today.get(perk.pk, 0),
            open_reservations=sum(open_at.values()),
            open_reservations_at_merchant=open_at[perk.merchant_id],
        )
        for perk in perks
    }


def _used(taken_at: Sequence[datetime], before: Uses, zone: str, now: datetime) -> dict[str, int]:
    """How often one person had a perk: in all, and in the day, week and month that run now where it is given."""
    day = week = month = 0
    if taken_at:  # most of a page's perks were never taken, and calendars cost time
        day = _since(taken_at, hours.day_bounds(now, zone)[0])
        week = _since(taken_at, hours.week_bounds(now, zone)[0])
        month = _since(taken_at, hours.month_bounds(now, zone)[0])
    return {
        "citizen_total": len(taken_at) + before.total,
        "citizen_day": day + before.day,
        "citizen_week": week + before.week,
        "citizen_month": month + before.month,
    }


def takeable(
    perks: PerkQuerySet, *, citizen: Citizen, assessment: Assessment, now: datetime, purpose: str | None = None
) -> Any:
    """Narrow a catalogue (of one purpose, where it is) to what this person may take now: the judge's rules on rows.

    Each row is judged once more for its answer; this only finds the rows, two statements whatever the catalogue's size.
    """
    if assessment.state not in ("scored", "thin_file"):
        return perks.none()
    full, full_merchants, is_full = _limits_reached(citizen, now)
    if is_full:
        perks = perks.exclude(kind__in=eligibility.RESERVING_KINDS)
    reach = Q(has_open_tier=True)
    for code, answer in assessment.purposes.items():
        # Of one purpose only its own value matters: said so, an index finds the few there may be.
        if assessment.state == "scored" and answer.value is not None and purpose in (None, code):
            reach |= Q(purpose=code, easiest_min_score__lte=answer.value)
    if not assessment.has_document:
        perks = perks.exclude(kind__in=eligibility.DOCUMENT_KINDS)
    return perks.filter(
        reach,
        Q(valid_from_at__isnull=True) | Q(valid_from_at__lte=now),
        Q(stock__isnull=True) | Q(taken_count__lt=F("stock") - F("promised_count")),
        Q(budget_amount__isnull=True) | Q(budget_spent__lt=F("budget_amount")),
        Q(code_list__isnull=True) | (Q(code_list__free_count__gt=0) & ~Q(code_list__state__in=CodeList.CLOSED)),
        state=Perk.State.PUBLISHED,
    ).exclude(
        Q(pk__in=full)
        | Q(pk__in=_full_today(now))
        | Q(kind__in=eligibility.RESERVING_KINDS, merchant__in=full_merchants)
    )


def _limits_reached(citizen: Citizen, now: datetime) -> tuple[list[UUID], list[UUID], bool]:
    """The perks of which this person has had all they can, the merchants where they hold all they can, and whether
    they hold all they can anywhere."""
    holding = _HELD.rows(citizen_id=citizen.pk, now=now)
    open_at: dict[UUID, int] = defaultdict(int)
    taken_at: dict[UUID, list[datetime]] = defaultdict(list)
    rules: dict[UUID, tuple[str, list[int | None]]] = {}
    for perk_id, merchant_id, state, expires_at, taken, counts, _, zone, *most in holding:
        if state == Redemption.State.RESERVED and expires_at > now:
            open_at[merchant_id] += 1
        if counts:
            taken_at[perk_id].append(taken)
            rules[perk_id] = (zone, most)
    full = [
        perk_id
        for perk_id, (zone, (in_all, a_day, a_week, a_month)) in rules.items()
        if _reached(in_all, len(taken_at[perk_id]))
        or _reached(a_day, _since(taken_at[perk_id], hours.day_bounds(now, zone)[0]))
        or _reached(a_week, _since(taken_at[perk_id], hours.week_bounds(now, zone)[0]))
        or _reached(a_month, _since(taken_at[perk_id], hours.month_bounds(now, zone)[0]))
    ]
    most_at_one = eligibility.MOST_OPEN_RESERVATIONS_AT_ONE_MERCHANT
    full_merchants = [merchant_id for merchant_id, held in open_at.items() if held >= most_at_one]
    return full, full_merchants, sum(open_at.values()) >= eligibility.MOST_OPEN_RESERVATIONS


def _held(citizen_id: Any, now: Any) -> Any:
    limits = [f"perk__limit_{name}" for name in LIMITS[:4]]
    return _holding(citizen_id, Q(counts_for_limits=True) | _open_at(now)).values_list(*_HOLDING, "perk__zone", *limits)


_HELD = KeptRows(lambda: _held(Given("citizen_id", Citizen._meta.pk), Given("now", DateTimeField())))


def _holding(citizen_id: Any, which: Q) -> Any:
    return Redemption.objects.filter(which, citizen=citizen_id)


def _open_at(now: datetime | Given) -> Q:
    return Q(state=Redemption.State.RESERVED, expires_at__gt=now)


def _taken_today(perks: Sequence[Perk], now: datetime) -> dict[UUID, int]:
    today = {perk.pk: hours.local_day(now, perk.zone) for perk in perks}
    if not today:
        return {}
    if all(hasattr(perk, "days_around") for perk in perks):
        return {
            perk.pk: row["taken_count"]
            for perk in perks
            for row in perk.days_around  # type: ignore[attr-defined]
            if row["day"] == today[perk.pk].isoformat()
        }
    counted = PerkDay.objects.filter(perk__in=today, day__in=set(today.values()))
    return {
        perk_id: taken
        for perk_id, day, taken in counted.values_list("perk_id", "day", "taken_count")
        if day == today[perk_id]
    }


def _full_today(now: datetime) -> list[UUID]:
    return [perk_id for perk_id, day, zone in _FULL.rows(**days_of(now)) if day == hours.local_day(now, zone)]


def _full_on(days: Sequence[Any]) -> Any:
    counted = PerkDay.objects.filter(day__in=days, taken_count__gte=F("perk__limit_per_day"))
    return counted.values_list("perk_id", "day", "perk__zone")


_FULL = KeptRows(lambda: _full_on(GIVEN_DAYS))


def _around(now: datetime) -> list[date]:
    return [now.date() + timedelta(days=step) for step in (-1, 0, 1)]


def _since(instants: Iterable[datetime], start: datetime) -> int:
    return sum(instant >= start for instant in instants)


def _reached(limit: int | None, taken: int) -> bool:
    return limit is not None and taken >= limit
