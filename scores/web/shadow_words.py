"""PURE: what a shadow run tells, in the words and figures of its page; numbers that may not be told are None."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from scores.shadow import DOWN, GAINS, LOSES, SAME, UP
from scores.wording import factor_title, purpose_title

MINUS: Final = "−"
_FIRST: Final = {
    "down_20": None,
    "down_10": 19,
    "down_5": 9,
    "down_1": 4,
    "up_1": 1,
    "up_5": 5,
    "up_10": 10,
    "up_20": 20,
}
_LAST: Final = {
    "down_20": 20,
    "down_10": 10,
    "down_5": 5,
    "down_1": 1,
    "up_1": 4,
    "up_5": 9,
    "up_10": 19,
    "up_20": None,
}
_NAMES: Final = {SAME: "No move", GAINS: "Get a score", LOSES: "Lose their score"}


class Bar(NamedTuple):
    label: str
    people: int
    tone: str
    """`dn`, `m` or `up`: lower, level, higher."""


class Row(NamedTuple):
    title: str
    up: int | None
    same: int | None
    down: int | None
    gains: int | None
    loses: int | None


def people_in(table: Mapping[str, Any], cells: Sequence[str]) -> int | None:
    """How many people are in these cells together, where the table tells it."""
    groups = [group for group in table["groups"] if set(group["cells"]) <= set(cells)]
    if {cell for group in groups for cell in group["cells"]} != set(cells):
        return None
    return sum(group["people"] for group in groups)


def some_in(table: Mapping[str, Any], cells: Sequence[str]) -> int | None:
    """How many people are told in some of these cells; those left untold are fewer than it matters, or in the rest."""
    groups = [group["people"] for group in table["groups"] if set(group["cells"]) <= set(cells)]
    return sum(groups) if groups else None


def bars(table: Mapping[str, Any]) -> list[Bar]:
    """The moves as told, lowest first."""
    shown = []
    for group in table["groups"]:
        first, last = group["cells"][0], group["cells"][-1]
        tone = "dn" if first in DOWN else "up" if first in UP else "m"
        shown.append(Bar(_label(first, last), group["people"], tone))
    return shown


def _label(first: str, last: str) -> str:
    if first in _NAMES:
        return _NAMES[first]
    sign = MINUS if first in DOWN else "+"
    low, high = _FIRST[first], _LAST[last]
    if low is None:
        return f"{sign}{high} or more"
    if high is None:
        return f"{sign}{low} or more"
    return f"{sign}{low} to {sign}{high}"


def figures(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The four numbers at the top, each with its share of everybody."""
    moves, people = result["moves"], result["people"]
    far = [people_in(moves, ["down_20"]), people_in(moves, ["up_20"])]
    told = [
        ("Go up", some_in(moves, UP)),
        ("Stay the same", some_in(moves, (SAME,))),
        ("Go down", some_in(moves, DOWN)),
        ("Move 20 or more", sum(one or 0 for one in far) or None),
    ]
    return [{"title": title, "people": count, "share": _share(count, people)} for title, count in told]


def _share(count: int | None, people: int | None) -> str:
    if count is None or not people:
        return ""
    thousandths = (1000 * count + people // 2) // people
    return f"{thousandths // 10}.{thousandths % 10} % of {people:,}"


def moved(result: Mapping[str, Any]) -> int | None:
    """How many would get another score, as far as it is told."""
    parts = [some_in(result["moves"], cells) for cells in (UP, DOWN, (GAINS,), (LOSES,))]
    return sum(one or 0 for one in parts) or None


def rows(result: Mapping[str, Any]) -> list[Row]:
    """How each purpose's own value would move."""
    return [
        Row(purpose_title(code), *(some_in(table, cells) for cells in (UP, (SAME,), DOWN, (GAINS,), (LOSES,))))
        for code, table in result["purposes"].items()
    ]


def fairness_text(fairness: Mapping[str, Any]) -> str:
    """What the gate measured."""
    lowest = fairness["lowest"]
    if not fairness["measured"]:
        return "There are too few people to measure it."
    if lowest is None:
        return "Fewer people lose 20 points than may be told."
    with_or_without = "with points for" if lowest["side"] == "with" else "without points for"
    factor = factor_title(lowest["factor"]).lower()
    return f"Lowest: people {with_or_without} {factor}, about {lowest['people']:,}; gate 0.80"
