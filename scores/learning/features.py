"""PURE: what the engine counts of a person, bin by bin: the columns that points are found for.

A column is one bin of one rule; what stands in it is how much weight, in thousandths, the entries have that count there
(every or the latest, faded or not). It is read off the engine's own explanation, so the points of a rule before its
limits are exactly the sum of its columns times their points.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from scores.explaining import RuleLine
from scores.scorecard import Rule, Scorecard
from scores.scoring import Entry, score


class Column(NamedTuple):
    """One bin of one rule, by the rule's code and the bin's place."""

    rule: str
    bin: int


def columns_of(rules: Iterable[Rule]) -> list[Column]:
    """The columns of these rules, in the card's order."""
    return [Column(rule.code, place) for rule in rules for place in range(len(rule.bins))]


def bin_of(rule: Rule, value: int) -> int:
    """The place of the first bin whose bound the value (in ten-thousandths) does not pass."""
    return next(place for place, bin in enumerate(rule.bins) if bin.up_to is None or value <= bin.up_to)


def only(card: Scorecard, rules: Sequence[Rule]) -> Scorecard:
    """The card with no other rules: what reads these people's records faster, and reads the same."""
    return replace(card, rules=tuple(rules))


def weights_of(card: Scorecard, entries: Collection[Entry], as_of: date) -> list[int]:
    """How much weight stands in each column of the card's rules, in the order of `columns_of`, in thousandths."""
    values = {entry.id: entry.value for entry in entries}
    lines = {line.code: line for factor in score(card, entries, as_of).explanation.factors for line in factor.rules}
    return [weight for rule in card.rules for weight in _weights(rule, lines[rule.code], values)]


def _weights(rule: Rule, line: RuleLine, values: dict[int, int]) -> list[int]:
    weights = [0] * len(rule.bins)
    for entry in line.entries:
        if entry.why_not is None and entry.id is not None:
            weights[bin_of(rule, values[entry.id])] += entry.weight
    return weights
