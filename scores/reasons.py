"""Why a score is what it is: at most four reasons that help it and four that cost it, out of what was really counted.

They are read off the explanation: none is shown that moved nothing, and no larger one is left out. No Django here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scores.explaining import Explanation, RuleLine
from scores.scorecard_parts import Rule, Scorecard
from scores.wording import costing_text, entries_needed_text, helping_text

MOST_SHOWN: Final = 4
ENTRIES_NEEDED: Final = "entries_needed"


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule's part: what it earned, what it falls short of its most by, and the entries behind it."""

    code: str
    text: str
    micro: int
    lost_micro: int
    entries: tuple[int, ...]
    needed: int | None = None
    """Of a thin file only: how many more entries there must be."""


@dataclass(frozen=True, slots=True)
class Reasons:
    helping: tuple[Reason, ...]
    costing: tuple[Reason, ...]


def reasons(card: Scorecard, explanation: Explanation) -> Reasons:
    """What helps this score most and what costs it most; of a thin file, how many entries are needed.

    Helping are the rules with a total above zero, by total; costing those with an entry that counts and a total below
    their most, by what is missing. Ties go by code.
    """
    if explanation.value is None:
        return Reasons((), (_entries_needed(explanation),))
    lines = [(card.rule_of[line.code], line) for line in explanation.rules]
    helping = [(line.micro, rule, line) for rule, line in lines if line.micro > 0]
    costing = [(rule.most - line.micro, rule, line) for rule, line in lines if line.counting and line.micro < rule.most]
    return Reasons(
        tuple(_reason(rule, line, helping_text) for _, rule, line in _largest(helping)),
        tuple(_reason(rule, line, costing_text) for _, rule, line in _largest(costing)),
    )


_Weighed = tuple[int, Rule, RuleLine]


def _largest(weighed: list[_Weighed]) -> list[_Weighed]:
    return sorted(weighed, key=lambda one: (-one[0], one[1].code))[:MOST_SHOWN]


def _reason(rule: Rule, line: RuleLine, text: Callable[[Rule, int, int], str]) -> Reason:
    behind = tuple(entry.id for entry in line.counting if entry.id is not None)
    return Reason(rule.code, text(rule, line.micro, len(line.counting)), line.micro, rule.most - line.micro, behind)


def _entries_needed(explanation: Explanation) -> Reason:
    needed = explanation.needed - explanation.counted
    return Reason(ENTRIES_NEEDED, entries_needed_text(needed), 0, 0, (), needed)
