"""PURE: a draft scorecard out of log-odds: how many points each bin is worth, and between which limits a rule stays.

The structure says how far a rule goes: where all bins that earn anything earn the same, its limit stands for so many
entries ("two of them fill the rule"), before the points are found and after. Other rules may come to what the best and
the worst of the people learned from came to: the data say nothing beyond.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scores.learning.features import Column
from scores.learning.fitting import CannotFit, Fit, level_rule
from scores.learning.measures import share_at_least
from scores.learning.rewriting import RuleNumbers
from scores.scorecard import EVERY, Rule
from scores.scorecard_parts import FULL_WEIGHT

HALF_A_POINT: Final = 500
"""In milli-points, what points are rounded to."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The share of the people learned from that should reach a value by these rules alone."""

    value: int
    share: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Points per unit of log-odds, and points that the level rule adds to everybody."""

    factor: float
    shift: float


def filled_by(rule: Rule) -> int | None:
    """In thousandths of an entry, how much weight fills the rule, where its bins that earn anything earn the same."""
    earning = {bin.milli_points for bin in rule.bins} - {0}
    if rule.counts != EVERY or len(earning) != 1:
        return None
    points = earning.pop()
    limit = rule.most if points > 0 else rule.least
    return limit // points


def held_to_limits(
    rules: Sequence[Rule], columns: Sequence[Column], weights: Sequence[Sequence[int]]
) -> list[list[int]]:
    """The weights with no more in a rule than fills it: what is beyond earns nothing, so nothing is learned of it."""
    rows = [list(row) for row in weights]
    for rule in rules:
        full = filled_by(rule)
        if full is None:
            continue
        earning = [
            place
            for place, column in enumerate(columns)
            if column.rule == rule.code and rule.bins[column.bin].milli_points
        ]
        for row in rows:
            left = full
            for place in earning:
                row[place] = min(row[place], left)
                left -= row[place]
    return rows


def scale_between(
    base: int, anchors: Sequence[Anchor], columns: Sequence[Column], weights: Sequence[Sequence[int]], fit: Fit
) -> Scale:
    """The scale on which the share of each of two anchors reaches its value, when the base is worth `base` points."""
    lower, upper = sorted(anchors, key=lambda anchor: anchor.value)
    odds = [
        sum(weight * fit.log_odds[column] for column, weight in zip(columns, row, strict=True)) / FULL_WEIGHT
        for row in weights
    ]
    low, high = share_at_least(odds, lower.share), share_at_least(odds, upper.share)
    if not high > low:
        raise CannotFit("The shares of the two anchors are reached at the same place: take others.")
    factor = (upper.value - lower.value) / (high - low)
    return Scale(factor, lower.value - base - factor * low)


def numbers_of(
    rules: Sequence[Rule], columns: Sequence[Column], weights: Sequence[Sequence[int]], fit: Fit, scale: Scale
) -> dict[str, RuleNumbers]:
    """The points of each bin, to half a point, and the limits of each rule."""
    levels = level_rule(rules).code
    numbers = {}
    for rule in rules:
        shift = scale.shift if rule.code == levels else 0
        points = [
            _to_half(scale.factor * fit.log_odds[Column(rule.code, place)] + shift) for place in range(len(rule.bins))
        ]
        places = [place for place, column in enumerate(columns) if column.rule == rule.code]
        numbers[rule.code] = RuleNumbers(
            points, *_limits(rule, points, [[row[at] for at in places] for row in weights])
        )
    return numbers


def _to_half(points: float) -> int:
    """In milli-points, to the nearest half point, halves up."""
    return int((points * 1_000 + HALF_A_POINT / 2) // HALF_A_POINT) * HALF_A_POINT


def _limits(rule: Rule, points: Sequence[int], weights: Sequence[Sequence[int]]) -> tuple[int, int]:
    """The least and most milli-points: by what fills the rule, or by the people, but never beyond reach."""
    if rule.counts != EVERY:
        return min(*points, 0), max(*points, 0)
    full = filled_by(rule)
    if full is not None:
        least, most = min(points) * full // FULL_WEIGHT, max(points) * full // FULL_WEIGHT
    else:
        totals = [sum(weight * one for weight, one in zip(row, points, strict=True)) for row in weights]
        least = min(totals) // (FULL_WEIGHT * HALF_A_POINT) * HALF_A_POINT
        most = -(-max(totals) // (FULL_WEIGHT * HALF_A_POINT)) * HALF_A_POINT
    months = sum(rule.weight(age) for age in range(rule.lapses_after_months))
    worst, best = min(*points, 0) * months // FULL_WEIGHT, max(*points, 0) * months // FULL_WEIGHT
    return max(min(least, 0), worst), min(max(most, 0), best)
