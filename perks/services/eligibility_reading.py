"""What the pure judge needs, read from the tables: for one perk that is being taken, or for a page of them at once.

Whatever the number of perks on a page, it costs one statement for the person, one for their redemptions and one for
the days of perks with a limit per day.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q

from citizen_app.models import Citizen
from perks import eligibility, hours, tiers
from perks.models import Perk, PerkDay, Redemption
from perks.models.catalogue import PerkQuerySet
from scores.assessments import Assessment

LIMITS = ("per_citizen", "per_citizen_day", "per_citizen_week", "per_citizen_month", "per_day")


def terms_of(perk: Perk) -> eligibility.PerkTerms:
    """Return what decides a taking of a perk (fetched with `in_force` and `merchant`)."""
    return eligibility.PerkTerms(
        kind=perk.kind,
        purpose=perk.purpose,
        state=perk.state,
        merchant_state=perk.merchant.state,
        tiers=tiers.read_tiers(perk.version_in_force.tiers),
        zone=perk.zone,
        valid_from_at=perk.valid_from_at,
        valid_until_at=perk.valid_until_at,
        stock=perk.stock,
        taken=perk.taken_count,
        limits=eligibility.Limits(**{name: getattr(perk, f"limit_{name}") for name in LIMITS}),
        budget=perk.budget_amount,
        budget_spent=perk.budget_spent,
    )


def judge_each(
    *, citizen: Citizen, perks: Sequence[Perk], assessment: Assessment, now: datetime
) -> dict[UUID, eligibility.Eligibility]:
    """Return each perk's answer to this person, by the perk's key."""
    counters = counters_of(citizen=citizen, perks=perks, now=now)
    return {perk.pk: eligibility.judge(terms_of(perk), assessment, counters[perk.pk], now) for perk in perks}


def counters_of(*, citizen: Citizen, perks: Sequence[Perk], now: datetime) -> dict[UUID, eligibility.Counters]:
    """Return what counts against each perk's limits for this person now."""
    limited = [perk.pk for perk in perks if any(getattr(perk, f"limit_{name}") is not None for name in LIMITS[:4])]
    own = list(
        _holding(citizen, Q(perk__in=limited, counts_for_limits=True) | _open_at(now)).values_list(
            "perk_id", "merchant_id", "state", "expires_at", "taken_at", "counts_for_limits"
        )
    )
    days = [perk for perk in perks if perk.limit_per_day is not None]
    taken_today = _taken_today(days, now)
    open_at: dict[UUID, int] = defaultdict(int)
    taken_at: dict[UUID, list[datetime]] = defaultdict(list)
    for perk_id, merchant_id, state, expires_at, taken, counts in own:
        if state == Redemption.State.RESERVED and expires_at > now:
            open_at[merchant_id] += 1
        if counts:
            taken_at[perk_id].append(taken)
    return {
        perk.pk: eligibility.Counters(
            citizen_total=len(taken_at[perk.pk]),
            citizen_day=_since(taken_at[perk.pk], hours.day_bounds(now, perk.zone)[0]),
            citizen_week=_since(taken_at[perk.pk], hours.week_bounds(now, perk.zone)[0]),
            citizen_month=_since(taken_at[perk.pk], hours.month_bounds(now, perk.zone)[0]),
            perk_today=taken_today.get(perk.pk, 0),
            open_reservations=sum(open_at.values()),
            open_reservations_at_merchant=open_at[perk.merchant_id],
        )
        for perk in perks
    }


def takeable(perks: PerkQuerySet, *, citizen: Citizen, assessment: Assessment, now: datetime) -> Any:
    """Narrow a catalogue to what this person may take now: the judge's rules as conditions on rows.

    Each row is judged once more for its answer; this only finds the rows, two statements whatever the catalogue's size.
    """
    if assessment.state not in ("scored", "thin_file"):
        return perks.none()
    full, full_merchants, is_full = _limits_reached(citizen, now)
    if is_full:
        perks = perks.exclude(kind__in=eligibility.RESERVING_KINDS)
    reach = Q(has_open_tier=True)
    for purpose, answer in assessment.purposes.items():
        if assessment.state == "scored" and answer.value is not None:
            reach |= Q(purpose=purpose, easiest_min_score__lte=answer.value)
    if not assessment.has_document:
        perks = perks.exclude(kind__in=eligibility.DOCUMENT_KINDS)
    return perks.filter(
        reach,
        Q(valid_from_at__isnull=True) | Q(valid_from_at__lte=now),
        Q(stock__isnull=True) | Q(taken_count__lt=F("stock")),
        Q(budget_amount__isnull=True) | Q(budget_spent__lt=F("budget_amount")),
        state=Perk.State.PUBLISHED,
    ).exclude(
        Q(pk__in=full)
        | Q(pk__in=_full_today(now))
        | Q(kind__in=eligibility.RESERVING_KINDS, merchant__in=full_merchants)
    )


def _limits_reached(citizen: Citizen, now: datetime) -> tuple[list[UUID], list[UUID], bool]:
    """The perks of which this person has had all they can, the merchants where they hold all they can, and whether
    they hold all they can anywhere."""
    limits = [f"perk__limit_{name}" for name in LIMITS[:4]]
    holding = _holding(citizen, Q(counts_for_limits=True) | _open_at(now)).values_list(
        "perk_id", "merchant_id", "state", "expires_at", "taken_at", "counts_for_limits", "perk__zone", *limits
    )
    open_at: dict[UUID, int] = defaultdict(int)
    taken_at: dict[UUID, list[datetime]] = defaultdict(list)
    rules: dict[UUID, tuple[str, list[int | None]]] = {}
    for perk_id, merchant_id, state, expires_at, taken, counts, zone, *most in holding:
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


def _holding(citizen: Citizen, which: Q) -> Any:
    return Redemption.objects.filter(which, citizen=citizen)


def _open_at(now: datetime) -> Q:
    return Q(state=Redemption.State.RESERVED, expires_at__gt=now)


def _taken_today(perks: Iterable[Perk], now: datetime) -> dict[UUID, int]:
    today = {perk.pk: hours.local_day(now, perk.zone) for perk in perks}
    if not today:
        return {}
    counted = PerkDay.objects.filter(perk__in=today, day__in=set(today.values()))
    return {
        perk_id: taken
        for perk_id, day, taken in counted.values_list("perk_id", "day", "taken_count")
        if day == today[perk_id]
    }


def _full_today(now: datetime) -> list[UUID]:
    around: list[date] = [now.date() + timedelta(days=step) for step in (-1, 0, 1)]
    counted = PerkDay.objects.filter(day__in=around, taken_count__gte=F("perk__limit_per_day"))
    return [
        perk_id
        for perk_id, day, zone in counted.values_list("perk_id", "day", "perk__zone")
        if day == hours.local_day(now, zone)
    ]


def _since(instants: Iterable[datetime], start: datetime) -> int:
    return sum(instant >= start for instant in instants)


def _reached(limit: int | None, taken: int) -> bool:
    return limit is not None and taken >= limit
