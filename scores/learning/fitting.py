"""Points per bin by regularised logistic regression, kept in the order and on the side of zero the structure has.

The structure is a scorecard: its rules, windows, bins, and of its points only which way they go. A bin that earns
nothing goes on earning nothing; a bin that helps never comes to hurt, and the other way round (but in the rule that
carries the level); where one bin is above its neighbour it never comes to be below. So "later is never better" is
written into the structure by whoever draws it, and what is found is how much.

Needs numpy and scipy (`requirements-analysis.txt`). The same input gives the same points: nothing is drawn by lot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scores.learning.features import Column
from scores.scorecard import LATEST, Rule

RIDGE = 10.0
"""How strongly log-odds are held to zero, against the sum of everybody's log-loss."""


class CannotFit(ValueError):
    """The structure or the people are such that no points can be found; the message says why."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Log-odds of a good outcome: `level` for nobody in particular, and per column and thousand of weight."""

    level: float
    log_odds: Mapping[Column, float]


def fit_log_odds(
    rules: Sequence[Rule], columns: Sequence[Column], weights: Sequence[Sequence[int]], bad: Sequence[bool]
) -> Fit:
    """The log-odds of not ending badly that these people's weights speak for, within the order of `rules`."""
    import numpy as np

    if not 20 <= sum(bad) <= len(bad) - 20:
        raise CannotFit("At least 20 people must have ended badly and 20 well.")
    of_rule = {rule.code: rule for rule in rules}
    groups = _groups(of_rule, columns)
    leaders = sorted({one for one in groups if one is not None})
    matrix = np.asarray(weights, dtype=float) / 1_000
    pooled = np.stack([matrix[:, [one == each for each in groups]].sum(axis=1) for one in leaders], axis=1)
    good = 1.0 - np.asarray(bad, dtype=float)
    place_of = {leader: place for place, leader in enumerate(leaders, start=1)}
    bounds = [(None, None), *(_bounds(of_rule[columns[one].rule], columns[one].bin) for one in leaders)]
    order = _order(of_rule, columns, [None if one is None else place_of[one] for one in groups])
    found = _minimise(pooled, good, bounds, order)
    return Fit(
        level=float(found[0]),
        log_odds={
            column: 0.0 if leader is None else float(found[place_of[leader]])
            for column, leader in zip(columns, groups, strict=True)
        },
    )


def level_rule(rules: Sequence[Rule]) -> Rule:
    """The rule whose points carry the level: the one that counts the latest and has no bin that earns nothing."""
    found = [rule for rule in rules if _carries_level(rule)]
    if len(found) != 1:
        raise CannotFit(
            "Exactly one rule to fit must count the latest entry and have no bin that earns nothing: its points carry "
            f"the level. Here it is {', '.join(rule.code for rule in found) or 'none'}."
        )
    return found[0]


def _carries_level(rule: Rule) -> bool:
    return rule.counts == LATEST and all(bin.milli_points for bin in rule.bins)


def _groups(of_rule: Mapping[str, Rule], columns: Sequence[Column]) -> list[int | None]:
    """Which columns share their points: neighbours that are equal in the structure; None: earns nothing."""
    groups: list[int | None] = []
    for place, (code, bin) in enumerate(columns):
        bins = of_rule[code].bins
        if bins[bin].milli_points == 0:
            groups.append(None)
        elif bin and bins[bin - 1].milli_points == bins[bin].milli_points:
            groups.append(groups[-1])
        else:
            groups.append(place)
    return groups


def _bounds(rule: Rule, bin: int) -> tuple[float | None, float | None]:
    if _carries_level(rule):
        return None, None
    return (0.0, None) if rule.bins[bin].milli_points > 0 else (None, 0.0)


def _order(
    of_rule: Mapping[str, Rule], columns: Sequence[Column], places: Sequence[int | None]
) -> list[tuple[int | None, int | None]]:
    """Pairs of parameters (None: zero) of which the first may not be below the second."""
    pairs = []
    for place, (code, bin) in enumerate(columns):
        if bin and places[place] != places[place - 1]:
            bins = of_rule[code].bins
            higher, lower = places[place], places[place - 1]
            if bins[bin].milli_points < bins[bin - 1].milli_points:
                higher, lower = lower, higher
            pairs.append((higher, lower))
    return pairs


def _minimise(
    pooled: Any,
    good: Any,
    bounds: Sequence[tuple[float | None, float | None]],
    order: Sequence[tuple[int | None, int | None]],
) -> Any:
    """The level and effects with the least regularised log-loss within the bounds and the order."""
    import numpy as np
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    people = len(good)

    def loss(parameters: Any) -> tuple[float, Any]:
        level, effects = parameters[0], parameters[1:]
        odds = level + pooled @ effects
        missed = 1 / (1 + np.exp(-odds)) - good
        value = np.logaddexp(0, odds).sum() - good @ odds + RIDGE / 2 * effects @ effects
        slope = np.concatenate([[missed.sum()], pooled.T @ missed + RIDGE * effects])
        return value / people, slope / people

    differences = np.zeros((len(order), len(bounds)))
    for row, (higher, lower) in enumerate(order):
        if higher is not None:
            differences[row, higher] = 1
        if lower is not None:
            differences[row, lower] = -1
    share = good.mean()
    # One thread: the same sums in the same order, and no quarrel over a busy machine's cores.
    with threadpool_limits(1):
        done = minimize(
            loss,
            np.concatenate([[np.log(share / (1 - share))], np.zeros(len(bounds) - 1)]),
            jac=True,
            method="SLSQP",
            bounds=bounds,
            constraints={"type": "ineq", "fun": lambda at: differences @ at, "jac": lambda at: differences},
            options={"maxiter": 1_000, "ftol": 1e-10},
        )
    if not done.success:
        raise CannotFit(f"No points were found: {done.message}.")
    return done.x
