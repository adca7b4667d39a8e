"""What a scorecard is made of, as the arithmetic uses it: frozen, and in whole numbers.

Amounts are micro-points (1 point = 1,000,000); a bin's points are milli-points and its bound ten-thousandths, as the
values it is compared with. `scores.scorecard` reads and checks the document. No Django here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from scores.catalogue import format_value

POINT: Final = 1_000_000
"""Micro-points in a point."""
FULL_WEIGHT: Final = 1_000
"""The weight of an entry that has not faded, and the micro-points in a milli-point."""

EVERY: Final = "every"
LATEST: Final = "latest"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a scorecard, at a path such as `rules[2].bins[0].points`."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


@dataclass(frozen=True, slots=True)
class Band:
    """A named stretch of the range, from `starts_at` micro-points up to the next band."""

    code: str
    starts_at: int

    @property
    def first_value(self) -> int:
        """The smallest score that is in the band."""
        return -(-self.starts_at // POINT)


@dataclass(frozen=True, slots=True)
class Factor:
    """A group of rules; its total is held between `least` and `most` micro-points."""

    code: str
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Need:
    """How many entries of any of these factors a purpose asks for before it is assessable."""

    factors: tuple[str, ...]
    entries: int


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a perk is for, and which factors may count there."""

    code: str
    factors: tuple[str, ...]
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Bin:
    """What a value up to and including `up_to` (ten-thousandths; None: any) earns, in milli-points."""

    up_to: int | None
    milli_points: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What entries of one kind earn. Amounts are micro-points; `max_per_source` None: no such limit."""

    code: str
    kind: str
    factor: str
    counts: str
    lapses_after_months: int
    fades: bool
    least: int
    most: int
    max_per_source: int | None
    bins: tuple[Bin, ...]

    def milli_points(self, value: int) -> int:
        """The points, in thousandths, of the first bin whose bound the value does not pass."""
        for bin in self.bins:
            if bin.up_to is None or value <= bin.up_to:
                return bin.milli_points
        raise AssertionError("The last bin has no bound.")

    def weight(self, age: int) -> int:
        """Out of 1,000, how much an entry `age` months old still counts; `age` is within the rule's life."""
        if not self.fades:
            return FULL_WEIGHT
        return FULL_WEIGHT * (self.lapses_after_months - age) // self.lapses_after_months

    @property
    def most_earned(self) -> int:
        """The most micro-points the rule can give, from any number of entries and sources."""
        best = max(bin.milli_points for bin in self.bins) * FULL_WEIGHT
        return min(self.most, max(best, 0)) if self.counts == LATEST else self.most if best > 0 else 0

    @property
    def least_earned(self) -> int:
        """The least micro-points the rule can give, from any number of entries and sources."""
        worst = min(bin.milli_points for bin in self.bins) * FULL_WEIGHT
        return max(self.least, min(worst, 0)) if self.counts == LATEST else self.least if worst < 0 else 0

    @property
    def reach(self) -> tuple[int, int]:
        """The least and most micro-points that one entry in each month of the window can come to."""
        best = max(bin.milli_points for bin in self.bins)
        worst = min(bin.milli_points for bin in self.bins)
        if self.counts == LATEST:
            weights = FULL_WEIGHT
        else:
            weights = sum(self.weight(age) for age in range(self.lapses_after_months))
        return min(worst, 0) * weights, max(best, 0) * weights


@dataclass(frozen=True, eq=False)
class Scorecard:
    """A scorecard as the arithmetic uses it. `document` is its canonical JSON form, which loads to the same again."""

    version: str
    least: int
    most: int
    base: int
    min_entries: int
    bands: tuple[Band, ...]
    factors: tuple[Factor, ...]
    purposes: tuple[Purpose, ...]
    rules: tuple[Rule, ...]

    @cached_property
    def rules_of_kind(self) -> Mapping[str, tuple[Rule, ...]]:
        """The rules that read each kind, in the document's order."""
        found: dict[str, tuple[Rule, ...]] = {}
        for rule in self.rules:
            found[rule.kind] = (*found.get(rule.kind, ()), rule)
        return found

    @cached_property
    def factor_of(self) -> Mapping[str, Factor]:
        return {factor.code: factor for factor in self.factors}

    @cached_property
    def rule_of(self) -> Mapping[str, Rule]:
        return {rule.code: rule for rule in self.rules}

    def rounded(self, total: int) -> int:
        """The whole score of a total in micro-points, halves up; never below zero, as the range is not."""
        return (total + POINT // 2) // POINT

    def band_of(self, value: int) -> Band:
        """The band a score stands in."""
        return next((band for band in reversed(self.bands) if band.first_value <= value), self.bands[0])

    def highest_value(self, purpose: str) -> int:
        """The highest score anybody can have for the purpose: a threshold above it opens for nobody."""
        codes = next(one.factors for one in self.purposes if one.code == purpose)
        total = self.base + sum(self.most_earned(self.factor_of[code]) for code in codes)
        return self.rounded(min(max(total, self.least), self.most))

    def lowest_value(self, purpose: str) -> int:
        """The lowest score anybody can have for the purpose."""
        codes = next(one.factors for one in self.purposes if one.code == purpose)
        total = self.base + sum(self.least_earned(self.factor_of[code]) for code in codes)
        return self.rounded(min(max(total, self.least), self.most))

    def least_earned(self, factor: Factor) -> int:
        """The least micro-points the factor's rules can bring it to, from any number of entries."""
        return max(factor.least, sum(rule.least_earned for rule in self.rules if rule.factor == factor.code))

    def most_earned(self, factor: Factor) -> int:
        """The most micro-points the factor's rules can bring it to, from any number of entries."""
        return min(factor.most, sum(rule.most_earned for rule in self.rules if rule.factor == factor.code))

    @cached_property
    def warnings(self) -> tuple[Problem, ...]:
        """What is allowed but idle or odd: a limit that nothing reaches, a purpose no rule can lift."""
        return tuple(_warnings_of(self))

    @cached_property
    def document(self) -> dict[str, Any]:
        """The canonical JSON form, numbers as decimal text; it loads to the same scorecard again."""
        return {
            "version": self.version,
            "range": {"min": _points(self.least), "max": _points(self.most)},
            "base": _points(self.base),
            "thin_file": {"min_entries": self.min_entries},
            "bands": [{"code": band.code, "from": _points(band.starts_at)} for band in self.bands],
            "factors": [
                {"code": factor.code, "min": _points(factor.least), "max": _points(factor.most)}
                for factor in self.factors
            ],
            "purposes": {
                purpose.code: {
                    "factors": list(purpose.factors),
                    "needs": [{"any": list(need.factors), "entries": need.entries} for need in purpose.needs],
                }
                for purpose in self.purposes
            },
            "rules": [_rule_document(rule) for rule in self.rules],
        }


def _rule_document(rule: Rule) -> dict[str, Any]:
    document: dict[str, Any] = {
        "code": rule.code,
        "kind": rule.kind,
        "factor": rule.factor,
        "counts": rule.counts,
        "lapses_after_months": rule.lapses_after_months,
        "fades": rule.fades,
        "min": _points(rule.least),
        "max": _points(rule.most),
    }
    if rule.max_per_source is not None:
        document["max_per_source"] = _points(rule.max_per_source)
    document["bins"] = [
        ({} if bin.up_to is None else {"up_to": format_value(bin.up_to)})
        | {"points": _points(bin.milli_points * FULL_WEIGHT)}
        for bin in rule.bins
    ]
    return document


def _points(micro: int) -> str:
    """Micro-points as the shortest decimal text of points: `-24.5`. Ten-thousandths hold every scorecard's points."""
    return format_value(micro // 100)


def _warnings_of(card: Scorecard) -> Iterator[Problem]:
    for place, rule in enumerate(card.rules):
        lowest, highest = rule.reach
        if highest < rule.most:
            idle = _points((rule.most - highest) // 1_000 * 1_000)
            yield Problem(f"rules[{place}].max", f"One entry a month comes to {idle} less than this max.")
        if lowest > rule.least:
            idle = _points((lowest - rule.least) // 1_000 * 1_000)
            yield Problem(
                f"rules[{place}].min", f"One entry a month comes to {idle} less than this min allows to lose."
            )
        room, factor = rule.kind.partition(".")[0], card.factor_of[rule.factor]
        if room in ("conduct", "identity", "vouch") and factor.least < 0:
            yield Problem(f"rules[{place}].factor", f"{rule.kind} may only help, but {factor.code} can go below zero.")
    for purpose in card.purposes:
        if card.highest_value(purpose.code) <= card.rounded(card.base):
            yield Problem(f"purposes.{purpose.code}", "No rule can lift anybody above the base here.")
    for place, band in enumerate(card.bands):
        if band.starts_at > card.most:
            yield Problem(f"bands[{place}].from", "This band begins above the range.")
