"""A citizen's score: entries, a scorecard and a date in, a value with every line behind it out.

Whole numbers only, and nothing negative is ever divided, so the same entries give the same number to the last
micro-point whether they are summed here or in SQL. Pure: no clock, no database, no Django.

Entries that count are weighted by age in whole months, summed per rule, held between the rule's limits, summed per
factor, held between the factor's, added to the base, held inside the range and rounded once, halves up.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Final, NamedTuple

from scores import catalogue
from scores.explaining import (
    ACTIVE,
    DISPUTED,
    LAPSED,
    NO_RULE,
    NOT_YET,
    SCORED,
    STRUCK,
    SUPERSEDED,
    SWITCHED_OFF,
    THIN_FILE,
    EntryLine,
    Explanation,
    FactorLine,
    RuleLine,
    SourceCap,
    format_points,
)
from scores.scorecard_parts import LATEST, POINT, Band, Rule, Scorecard

__all__ = [
    "ACTIVE",
    "ASSESSABLE",
    "DISPUTED",
    "NOT_ENOUGH_RECORDS",
    "POINT",
    "SCORED",
    "STRUCK",
    "THIN_FILE",
    "Entry",
    "Hypothetical",
    "NextBand",
    "PurposeScore",
    "Scoring",
    "band",
    "format_points",
    "month",
    "next_band",
    "score",
    "what_if",
]

ASSESSABLE: Final = "assessable"
NOT_ENOUGH_RECORDS: Final = "not_enough_records"


class Entry(NamedTuple):
    """One record about the citizen. `id` is its order of arrival; `value` is in ten-thousandths."""

    id: int
    kind: str
    occurred_on: date
    lapses_on: date
    value: int = 0
    status: str = ACTIVE
    source: Hashable = "s"
    is_on: bool = True
    """Whether the citizen has its source switched on."""


class PurposeScore(NamedTuple):
    """What a perk of one purpose may go by: `assessable` with a value, or `not_enough_records` without."""

    state: str
    value: int | None


class NextBand(NamedTuple):
    code: str
    points_to_go: int


class Hypothetical(NamedTuple):
    """A record that might come: `value` is in ten-thousandths."""

    kind: str
    occurred_on: date
    value: int = 0


@dataclass(frozen=True, slots=True)
class Scoring:
    """A citizen's score on a day: for everything, per factor (micro-points, thin files too) and per purpose."""

    state: str
    value: int | None
    factors: dict[str, int]
    purposes: dict[str, PurposeScore]
    explanation: Explanation


def month(day: date) -> int:
    """The month a day lies in, counted so that ages are differences."""
    return 12 * day.year + day.month


def score(card: Scorecard, entries: Iterable[Entry], as_of: date) -> Scoring:
    """The score these entries give on this day under this scorecard, with its explanation."""
    entries = sorted(entries, key=attrgetter("id"))
    counted: dict[str, set[int]] = {factor.code: set() for factor in card.factors}
    rules: dict[str, list[RuleLine]] = {factor.code: [] for factor in card.factors}
    of_kind: dict[str, list[Entry]] = {}
    for entry in entries:
        of_kind.setdefault(entry.kind, []).append(entry)
    for rule in card.rules:
        rules[rule.factor].append(_apply(rule, of_kind.get(rule.kind, ()), as_of, counted[rule.factor]))
    factors = []
    for factor in card.factors:
        earned = sum(line.micro for line in rules[factor.code])
        kept = _clamp(earned, factor.least, factor.most)
        factors.append(FactorLine(factor.code, kept, kept - earned, tuple(rules[factor.code])))

    points = {line.code: line.micro for line in factors}
    counted_in_all = len(set().union(*counted.values()))
    is_scored = counted_in_all >= card.min_entries
    value, range_clamped, rounding = _total(card, points.values()) if is_scored else (None, 0, 0)
    state = SCORED if is_scored else THIN_FILE
    explanation = Explanation(
        scorecard=card.version,
        as_of=as_of,
        state=state,
        value=value,
        counted=counted_in_all,
        needed=card.min_entries,
        base=card.base,
        factors=tuple(factors),
        range_clamped=range_clamped,
        rounding=rounding,
        unused=tuple(
            (entry.kind, EntryLine(entry.id, 0, 0, NO_RULE, entry.status))
            for entry in entries
            if entry.kind not in card.rules_of_kind
        ),
    )
    purposes = {}
    for purpose in card.purposes:
        if is_scored and all(
            len(set().union(*(counted[code] for code in need.factors))) >= need.entries for need in purpose.needs
        ):
            total = _total(card, (points[code] for code in purpose.factors))[0]
            purposes[purpose.code] = PurposeScore(ASSESSABLE, total)
        else:
            purposes[purpose.code] = PurposeScore(NOT_ENOUGH_RECORDS, None)
    return Scoring(state, value, points, purposes, explanation)


def _clamp(amount: int, least: int, most: int) -> int:
    return min(max(amount, least), most)


def _total(card: Scorecard, factors: Iterable[int]) -> tuple[int, int, int]:
    """The value, and in micro-points what the range and the rounding did to it."""
    total = card.base + sum(factors)
    kept = _clamp(total, card.least, card.most)
    value = card.rounded(kept)
    return value, kept - total, value * POINT - kept


def _apply(rule: Rule, entries: Sequence[Entry], as_of: date, counted: set[int]) -> RuleLine:
    """What the entries of the rule's kind earn under it; those that pass for the thin file are added to `counted`."""
    lines: list[EntryLine] = []
    counting: list[tuple[Entry, int]] = []
    this_month = month(as_of)
    for entry in entries:
        age = this_month - month(entry.occurred_on)
        why_not, weight, micro = _why_not(rule, entry, age, as_of), 0, 0
        if why_not is None:
            counted.add(entry.id)
            weight = rule.weight(age)
            milli_points = rule.milli_points(entry.value)
            if entry.status == DISPUTED and milli_points <= 0:
                why_not = DISPUTED
            else:
                micro = milli_points * weight
                counting.append((entry, micro))
        lines.append(EntryLine(entry.id, micro, weight, why_not, entry.status))

    if rule.counts == LATEST and len(counting) > 1:
        counting = [_latest(counting)]
        kept_id = counting[0][0].id
        lines = [
            line if line.why_not or line.id == kept_id else line._replace(micro=0, why_not=SUPERSEDED) for line in lines
        ]

    earned = sum(micro for _, micro in counting)
    capped_sources: tuple[SourceCap, ...] = ()
    if rule.max_per_source is not None:
        capped_sources = _cap_sources(counting, rule.max_per_source)
        earned += sum(cap.micro for cap in capped_sources)
    kept = _clamp(earned, rule.least, rule.most)
    return RuleLine(rule.code, rule.kind, kept, capped_sources, kept - earned, tuple(lines))


def _why_not(rule: Rule, entry: Entry, age: int, as_of: date) -> str | None:
    """Why the entry cannot count for the rule whatever its points, or None."""
    if entry.status == STRUCK:
        return STRUCK
    if not entry.is_on:
        return SWITCHED_OFF
    if entry.occurred_on > as_of:
        return NOT_YET
    if age >= rule.lapses_after_months or as_of >= entry.lapses_on:
        return LAPSED
    return None


def _latest(counting: list[tuple[Entry, int]]) -> tuple[Entry, int]:
    """The one a `latest` rule keeps: the latest active entry, unless a later, disputed one does the citizen more good.

    Having an older record instead would be no benefit of the doubt: a dispute never brings one back that a newer,
    undisputed record has replaced.
    """

    def place(one: tuple[Entry, int]) -> tuple[date, int]:
        return one[0].occurred_on, one[0].id

    active = max((one for one in counting if one[0].status == ACTIVE), key=place, default=None)
    candidates = [
        one
        for one in counting
        if one is active or (one[0].status == DISPUTED and (active is None or place(one) > place(active)))
    ]
    return max(candidates, key=lambda one: (one[1], place(one)))


def _cap_sources(counting: list[tuple[Entry, int]], limit: int) -> tuple[SourceCap, ...]:
    earned: dict[Hashable, int] = {}
    for entry, micro in counting:
        earned[entry.source] = earned.get(entry.source, 0) + micro
    return tuple(
        SourceCap(source, _clamp(amount, -limit, limit) - amount)
        for source, amount in earned.items()
        if not -limit <= amount <= limit
    )


# -- Bands and what-if --------------------------------------------------------------------------------------------


def band(card: Scorecard, value: int | None) -> Band | None:
    """The band a value stands in; None without a value."""
    return None if value is None else card.band_of(value)


def next_band(card: Scorecard, value: int | None) -> NextBand | None:
    """The band above and how many points it is away; None in the highest, or without a value."""
    if value is None:
        return None
    above = next((band for band in card.bands if band.first_value > value), None)
    return None if above is None else NextBand(above.code, above.first_value - value)


def what_if(
    card: Scorecard,
    entries: Iterable[Entry],
    as_of: date,
    *,
    add: Iterable[Hypothetical] = (),
    without: Collection[int] = (),
) -> Scoring:
    """The score if these records came as well and those with the ids in `without` did not count. Stored nowhere.

    A record is imagined to come last, from the source that sent the citizen's latest of its kind, so that what one
    source can move at most is respected; with none, from a source of its own.
    """
    kept = [entry for entry in entries if entry.id not in without]
    last_id = max((entry.id for entry in kept), default=0)
    sources = {entry.kind: entry.source for entry in sorted(kept, key=attrgetter("id")) if entry.is_on}
    for number, one in enumerate(add, start=1):
        kept.append(
            Entry(
                id=last_id + number,
                kind=one.kind,
                occurred_on=one.occurred_on,
                lapses_on=catalogue.lapses_on(catalogue.kind(one.kind), one.occurred_on),
                value=one.value,
                source=sources.get(one.kind, "what-if"),
            )
        )
    return score(card, kept, as_of)
