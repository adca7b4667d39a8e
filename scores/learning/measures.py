"""PURE: how well values tell who ended badly, and how evenly they open doors. Every list is one item a person.

`bad` says who ended badly; a higher value should mean a better end. People without a value (a thin file) are for the
caller to leave out, or to count as not reaching any threshold.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

SMALLEST_CELL = 20
"""No figure is told of fewer people."""


class TellsNothing(ValueError):
    """Without some who ended well and some who ended badly there is nothing to measure."""


class CurvePoint(NamedTuple):
    """Up to and including `value`: which share of the bad and of the good have no more than that."""

    value: float
    bad_share: float
    good_share: float


@dataclass(frozen=True, slots=True)
class Power:
    """AUC: how often of one who ended well and one who ended badly the first has the higher value (ties half).

    KS: the widest gap between the shares of the bad and of the good up to one value. `margin`: half the width of the
    95 % interval of the AUC (Hanley and McNeil 1982).
    """

    auc: float
    ks: float
    margin: float


class Tenth(NamedTuple):
    """One tenth of the people by value, the lowest first; None for a share that fewer than twenty people would tell."""

    lowest: float
    highest: float
    people: int
    bad_rate: float | None


def curve(values: Sequence[float], bad: Sequence[bool]) -> list[CurvePoint]:
    """The cumulative shares at each value, ascending."""
    bad_count = sum(bad)
    good_count = len(bad) - bad_count
    if not bad_count or not good_count:
        raise TellsNothing("There must be some who ended well and some who ended badly.")
    points, bads, goods = [], 0, 0
    for value, same in groupby(sorted(zip(values, bad, strict=True)), key=lambda one: one[0]):
        ended = [is_bad for _, is_bad in same]
        bads += sum(ended)
        goods += len(ended) - sum(ended)
        points.append(CurvePoint(value, bads / bad_count, goods / good_count))
    return points


def power(values: Sequence[float], bad: Sequence[bool]) -> Power:
    """AUC and KS of the values."""
    auc, before = 0.0, CurvePoint(0, 0, 0)
    points = curve(values, bad)
    for point in points:
        auc += (point.good_share - before.good_share) * (point.bad_share + before.bad_share) / 2
        before = point
    bads, goods = sum(bad), len(bad) - sum(bad)
    first, second = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = (auc * (1 - auc) + (bads - 1) * (first - auc**2) + (goods - 1) * (second - auc**2)) / (bads * goods)
    return Power(auc, max(point.bad_share - point.good_share for point in points), 1.96 * max(variance, 0) ** 0.5)


def tenths(values: Sequence[float], bad: Sequence[bool]) -> list[Tenth]:
    """The people in ten groups by value, those of one value together, so that the groups are of about one size."""
    groups: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    passed = 0
    for _, same in groupby(sorted(zip(values, bad, strict=True)), key=lambda one: one[0]):
        people = list(same)
        groups[min(9, int(10 * (passed + len(people) / 2) / len(values)))].extend(people)
        passed += len(people)
    return [
        Tenth(
            people[0][0],
            people[-1][0],
            len(people),
            sum(is_bad for _, is_bad in people) / len(people) if len(people) >= SMALLEST_CELL else None,
        )
        for _, people in sorted(groups.items())
    ]


class Selection(NamedTuple):
    """Of each group, which share reaches a threshold, and the lowest share ÷ the highest.

    Groups of fewer than twenty people are not told and not compared; `ratio` is None where nobody reaches it.
    """

    threshold: int
    reached: float
    rates: Mapping[str, float | None]
    ratio: float | None


def selection(values: Sequence[float | None], groups: Sequence[str], threshold: int) -> Selection:
    """Who reaches the threshold, by group; a person without a value does not."""
    people: dict[str, list[bool]] = {name: [] for name in sorted(set(groups))}
    for value, group in zip(values, groups, strict=True):
        people[group].append(value is not None and value >= threshold)
    rates = {
        name: sum(reached) / len(reached) if len(reached) >= SMALLEST_CELL else None for name, reached in people.items()
    }
    told = [rate for rate in rates.values() if rate is not None]
    reached_by = sum(sum(reached) for reached in people.values()) / max(len(values), 1)
    highest = max(told, default=0)
    return Selection(threshold, reached_by, rates, min(told) / highest if highest else None)


def share_at_least(values: Iterable[float], share: float) -> float:
    """The highest value that at least this share of the people have or pass."""
    ordered = sorted(values, reverse=True)
    return ordered[max(0, min(len(ordered), -int(-share * len(ordered) // 1)) - 1)]
