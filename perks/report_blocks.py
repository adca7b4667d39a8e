"""PURE: which numbers a merchant may be told, so that no subtraction of answers is about fewer than ten people.

What happened lies in cells: one perk at one branch (or at none) in one week. A block is some cells together in which at
least ten people did something; blocks do not overlap, and every number that is ever told is a sum of whole blocks,
whatever is asked for: by perk, by branch, by week, for a longer or a shorter time. Subtracting such sums gives sums of
whole blocks again. What is in no block is in no answer, the totals included, and so cannot be got out of one.

A perk at a branch that is too small alone is told together with the perk's other small branches, then with the
merchant's other small perks; what is too small even so waits for the next week, and is told then with it.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

LEAST_PEOPLE: Final = 10
STEP: Final = 5

Place = tuple[Any, Any]
"""A perk, and a branch or None."""


@dataclass(slots=True)
class Cell:
    """What happened at one place since a week that was not told yet (a Monday).

    `people` are whoever did it, each once. Of a place so busy that nobody counts them one by one, `more_people` says
    how many there are at least.
    """

    since: date
    count: int = 0
    people: set[Any] = field(default_factory=set)
    more_people: int = 0

    @property
    def people_count(self) -> int:
        return max(len(self.people), self.more_people)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole cells that are told together: of one place, of several of one perk, or of several perks."""

    grain: str
    perk: Any
    branch: Any
    first_week: date
    last_week: date
    count: int
    people_count: int


def rounded(number: int) -> int:
    """Round to the nearest five."""
    return (number + STEP // 2) // STEP * STEP


def told_of_week(week: date, cells: Mapping[Place, Cell]) -> tuple[list[Block], dict[Place, date]]:
    """Return the blocks that are whole with this week, and since when each of the other places waits.

    `cells` are the places where something happened that was not told yet.
    """
    blocks, small = [], {}
    for place, cell in cells.items():
        if cell.people_count >= LEAST_PEOPLE:
            blocks.append(_block("branch", *place, week, [cell], cell.people_count))
        else:
            small[place] = cell
    smaller: dict[Place, Cell] = {}
    for perk in {perk for perk, _ in small}:
        of_perk = {place: cell for place, cell in small.items() if place[0] == perk}
        people = _everybody(of_perk.values())
        if len(people) >= LEAST_PEOPLE:
            blocks.append(_block("perk", perk, None, week, of_perk.values(), len(people)))
        else:
            smaller |= of_perk
    people = _everybody(smaller.values())
    if len(people) >= LEAST_PEOPLE:
        blocks.append(_block("merchant", None, None, week, smaller.values(), len(people)))
        smaller = {}
    return blocks, {place: cell.since for place, cell in smaller.items()}


def _everybody(cells: Iterable[Cell]) -> Set[Any]:
    return set().union(*(cell.people for cell in cells))


def _block(grain: str, perk: Any, branch: Any, week: date, cells: Iterable[Cell], people_count: int) -> Block:
    told = list(cells)
    return Block(
        grain=grain,
        perk=perk,
        branch=branch,
        first_week=min(cell.since for cell in told),
        last_week=week,
        count=sum(cell.count for cell in told),
        people_count=people_count,
    )
