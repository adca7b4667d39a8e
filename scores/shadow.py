"""What a new scorecard would change for everybody, as totals that tell nothing about anybody. No Django here.

People are added up in tables, each a division of everybody into cells. What may be told of a table is decided by
`told`, in three steps that hold for every population, however small:

1. No cell of fewer than 20 people: neighbouring cells are put together, and a group of cells that is still too small
   goes to the rest, which is told as one number.
2. No cell by subtraction: the rest is of nobody or of at least 20 too; where it is not, the smallest other cell joins
   it. Sums and differences of what a table tells are therefore of nobody or of at least 20 people.
3. No cell by comparing tables, or one run with another: every number is blurred by up to 10 people and rounded to
   fives. The blur is a keyed function of who is in the cell: the same people are blurred alike in every table and run,
   so that asking again averages nothing out, and one person more gives another blur.

A cell of nobody is told like a cell of few: not at all.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

LEAST: Final = 20
"""No number that is told is of fewer people."""
BLUR: Final = 10
ROUNDED_TO: Final = 5
FAIR: Final = "0.80"
"""In no group may fewer than this, times the share of the best group, keep what they have."""
FAR: Final = 20
"""Losing so many points, or the score, is losing what one has."""
_KEYS: Final = 2**64

DOWN, UP = ("down_20", "down_10", "down_5", "down_1"), ("up_1", "up_5", "up_10", "up_20")
SAME, GAINS, LOSES, REST = "same", "gains", "loses", "rest"
MOVES: Final = (DOWN, (SAME,), UP, (GAINS,), (LOSES,))
_STEPS: Final = (-20, -10, -5, -1, 0, 1, 5, 10, 20)
BANDS: Final = (("up",), ("down",), ("same",))
GROUPS: Final = (("with_keeps",), ("with_loses",), ("without_keeps",), ("without_loses",))
PERKS: Final = (("opens",), ("closes",))
Sections = Sequence[Sequence[str]]


class Standing(Protocol):
    """How one person stands with one scorecard (`scores.services.population.Result`)."""

    @property
    def value(self) -> int | None: ...
    @property
    def factors(self) -> Mapping[str, int]: ...
    @property
    def purposes(self) -> Mapping[str, int | None]: ...


class Counted(NamedTuple):
    """How many people, and the sum of their keys, which says who they are to nobody without the secret."""

    people: int
    key: int

    def plus(self, other: "Counted") -> "Counted":
        return Counted(self.people + other.people, (self.key + other.key) % _KEYS)

    def less(self, other: "Counted") -> "Counted":
        return Counted(self.people - other.people, (self.key - other.key) % _KEYS)


NOBODY: Final = Counted(0, 0)


def rounded(people: int) -> int:
    """The nearest multiple of five."""
    return (people + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO


class Blur:
    """Numbers that are a little off, always in the same way for the same people; the secret stays on the server."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def key_of(self, citizen_id: int) -> int:
        return self._digest(b"person", citizen_id)

    def of(self, counted: Counted) -> int:
        """The number told for these people: within 12 of the real one, and never below 20."""
        drawn = self._digest(b"cell", counted.key, counted.people)
        # The sum of two dice from 0 to 10: small errors are likelier than large ones.
        error = drawn % (BLUR + 1) + (drawn >> 32) % (BLUR + 1) - BLUR
        return max(LEAST, rounded(counted.people + error))

    def _digest(self, what: bytes, *numbers: int) -> int:
        text = b"".join(number.to_bytes(9, "big") for number in numbers)
        return int.from_bytes(hashlib.blake2b(text, key=self.secret, person=what, digest_size=8).digest(), "big")


@dataclass(frozen=True)
class Watched:
    """What a run looks at: factors that make groups, the bands' first values now and then, thresholds by purpose."""

    factors: Sequence[str]
    purposes: Sequence[str]
    starts_before: Sequence[int]
    starts_after: Sequence[int]
    thresholds: Mapping[str, Sequence[int]]


class Totals:
    """The tables of one run so far. `to_document` is all that is kept between two ranges of people."""

    def __init__(self, tables: Mapping[str, Mapping[str, Sequence[int]]] | None = None) -> None:
        self.tables = {
            name: {cell: Counted(*counted) for cell, counted in cells.items()} for name, cells in (tables or {}).items()
        }

    def to_document(self) -> dict[str, dict[str, list[int]]]:
        return {name: {cell: list(counted) for cell, counted in cells.items()} for name, cells in self.tables.items()}

    def add(self, table: str, cell: str, one: Counted) -> None:
        cells = self.tables.setdefault(table, {})
        cells[cell] = cells.get(cell, NOBODY).plus(one)

    def cell(self, table: str, cell: str) -> Counted:
        return self.tables.get(table, {}).get(cell, NOBODY)

    def everybody(self, table: str) -> Counted:
        total = NOBODY
        for counted in self.tables.get(table, {}).values():
            total = total.plus(counted)
        return total

    def count(self, before: Standing, after: Standing, *, key: int, watched: Watched) -> None:
        """Add one person, as they stand now and as they would."""
        one = Counted(1, key)
        move = move_of(before.value, after.value)
        self.add("moves", move, one)
        self.add("bands", _band_move(before.value, after.value, watched), one)
        if before.value is not None:
            keeps = "loses" if move in (LOSES, "down_20") else "keeps"
            for factor in watched.factors:
                self.add(f"group:{factor}", f"{'with' if before.factors.get(factor) else 'without'}_{keeps}", one)
        else:
            for factor in watched.factors:
                self.add(f"group:{factor}", REST, one)
        for purpose in watched.purposes:
            was, is_ = before.purposes.get(purpose), after.purposes.get(purpose)
            self.add(f"purpose:{purpose}", move_of(was, is_), one)
            self._count_perks(purpose, was, is_, one, watched.thresholds.get(purpose, ()))

    def _count_perks(self, purpose: str, was: int | None, is_: int | None, one: Counted, asked: Sequence[int]) -> None:
        low, high = (-1 if was is None else was), (-1 if is_ is None else is_)
        cell = "opens" if high > low else "closes"
        low, high = min(low, high), max(low, high)
        for threshold in asked[bisect_right(asked, low) : bisect_right(asked, high)]:
            self.add(f"perk:{purpose}:{threshold}", cell, one)


def move_of(before: int | None, after: int | None) -> str:
    """The cell of somebody who moves from one value to another."""
    if before is None or after is None:
        return REST if before is after else GAINS if before is None else LOSES
    difference = after - before
    if difference == 0:
        return SAME
    size = next(step for step in (20, 10, 5, 1) if abs(difference) >= step)
    return f"{'up' if difference > 0 else 'down'}_{size}"


def _band_move(before: int | None, after: int | None, watched: Watched) -> str:
    if before is None or after is None:
        return REST
    was, is_ = bisect_right(watched.starts_before, before), bisect_right(watched.starts_after, after)
    return "same" if was == is_ else "up" if is_ > was else "down"


# -- What may be told -----------------------------------------------------------------------------------------------


class Group(NamedTuple):
    """Neighbouring cells that are told as one number."""

    cells: tuple[str, ...]
    counted: Counted


class Told(NamedTuple):
    """What may be told of a table: groups of at least 20 people, and the rest, of nobody or of at least 20."""

    groups: tuple[Group, ...]
    rest: Group


def told(sections: Sections, cells: Mapping[str, Counted], rest: Counted) -> Told:
    """Put cells together until nothing that is told, nor any sum or difference of it, is of 1 to 19 people.

    `sections` are the neighbourhoods in which cells may be put together, `rest` those in none of the cells.
    """
    groups: list[Group] = []
    left_over = Group((), rest)
    for section in sections:
        for group in _joined([Group((cell,), cells.get(cell, NOBODY)) for cell in section]):
            if group.counted.people >= LEAST:
                groups.append(group)
            else:
                left_over = _together(left_over, group)
    while 0 < left_over.counted.people < LEAST and groups:
        smallest = min(groups, key=lambda group: group.counted.people)
        groups.remove(smallest)
        left_over = _together(left_over, smallest)
    return Told(tuple(groups), left_over)


def _joined(groups: list[Group]) -> list[Group]:
    """Neighbours put together until each is large enough, or one is left."""
    while len(groups) > 1:
        place = min(range(len(groups)), key=lambda at: groups[at].counted.people)
        if groups[place].counted.people >= LEAST:
            break
        beside = [at for at in (place - 1, place + 1) if 0 <= at < len(groups)]
        other = min(beside, key=lambda at: groups[at].counted.people)
        first, second = sorted((place, other))
        groups[first : second + 1] = [_together(groups[first], groups[second])]
    return groups


def _together(one: Group, other: Group) -> Group:
    return Group(one.cells + other.cells, one.counted.plus(other.counted))


def summary(totals: Totals, *, watched: Watched, thresholds: Iterable[Mapping[str, Any]], blur: Blur) -> dict[str, Any]:
    """Everything that is told of a finished run; numbers are blurred, and None where there is none to tell."""
    moves = told(MOVES, *_cells(totals, "moves"))
    shown = _shown(moves, blur)
    numbers = [group["people"] for group in shown["groups"]] + [shown["rest"] or 0]
    return {
        "people": sum(numbers) or None,
        "moves": shown,
        "bands": _shown(told(BANDS, *_cells(totals, "bands")), blur),
        "purposes": {code: _shown(told(MOVES, *_cells(totals, f"purpose:{code}")), blur) for code in watched.purposes},
        "perks": [_perk(totals, asked, blur) for asked in thresholds],
        "fairness": fairness(totals, watched.factors, blur),
    }


def _cells(totals: Totals, table: str) -> tuple[Mapping[str, Counted], Counted]:
    cells = dict(totals.tables.get(table, {}))
    return cells, cells.pop(REST, NOBODY)


def _shown(answer: Told, blur: Blur) -> dict[str, Any]:
    rest = answer.rest.counted
    return {
        "groups": [{"cells": list(group.cells), "people": blur.of(group.counted)} for group in answer.groups],
        "rest": blur.of(rest) if rest.people >= LEAST else None,
    }


def _perk(totals: Totals, asked: Mapping[str, Any], blur: Blur) -> dict[str, Any]:
    name = f"perk:{asked['purpose']}:{asked['min_score']}"
    cells = totals.tables.get(name, {})
    others = totals.everybody("moves")
    for counted in cells.values():
        others = others.less(counted)
    numbers = {
        group.cells[0]: blur.of(group.counted) for group in told(PERKS, cells, others).groups if group.counted.people
    }
    return {**asked, "opens": numbers.get("opens"), "closes": numbers.get("closes")}


def fairness(totals: Totals, factors: Sequence[str], blur: Blur) -> dict[str, Any]:
    """Whether every group keeps what it has nearly as often as the best: four fifths of its share at least.

    The platform holds no sex, age or origin of anybody, so its groups are of people by what they shared: with records
    that make points in a factor, and without. Only groups of 20 count, and only losses of 20 people or more.
    `lowest` is None where the numbers behind it may not be told.
    """
    shares: list[tuple[int, int, str, str, bool]] = []
    for factor in factors:
        answer = told(GROUPS, *_cells(totals, f"group:{factor}"))
        numbers = {group.cells[0]: blur.of(group.counted) for group in answer.groups}
        for side in ("with", "without"):
            keeps, loses = (
                totals.cell(f"group:{factor}", f"{side}_keeps"),
                totals.cell(f"group:{factor}", f"{side}_loses"),
            )
            if keeps.people + loses.people < LEAST:
                continue
            may_tell = f"{side}_keeps" in numbers and f"{side}_loses" in numbers
            kept, lost = keeps.people, loses.people if loses.people >= LEAST else 0
            if may_tell:
                kept, lost = numbers[f"{side}_keeps"], numbers[f"{side}_loses"]
            shares.append((kept, kept + lost, factor, side, may_tell))
    if not shares:
        return {"passed": True, "lowest": None, "measured": False}
    # Shares are compared as fractions of whole numbers.
    best = max(shares, key=lambda one: one[0] * 10**9 // one[1])
    worst = min(shares, key=lambda one: one[0] * 10**9 // one[1])
    hundredths = (100 * worst[0] * best[1]) // max(worst[1] * best[0], 1)
    lowest = None
    if worst[4]:
        ratio = f"{hundredths // 100}.{hundredths % 100:02}"
        lowest = {"factor": worst[2], "side": worst[3], "people": worst[1], "ratio": ratio}
    return {"passed": hundredths >= int(FAIR.replace(".", "")), "lowest": lowest, "measured": True}
