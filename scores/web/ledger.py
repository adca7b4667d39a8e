"""PURE: the sums of the score as a person can check them: lines of one decimal that add up to the number below.

The exact lines (six decimals) are the API's. Rounding each to one decimal can leave a tenth over; the page then prints
that tenth as a line of its own rather than a sum that is wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from citizen_app.web.wording import exact, tenths

TENTH = Decimal("0.1")
Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a sum; `kind` says what it is (`base`, `factor`, `rule`, `entry`, `capped`, `rounding`, …)."""

    kind: str
    text: str
    points: Decimal
    entry: Record | None = None


@dataclass(frozen=True, kw_only=True)
class Sum:
    """Lines that, as shown, add up to the total as shown."""

    lines: Sequence[Line]
    total: Decimal
    before_rounding: str = ""


def _closed(lines: Iterable[Line], total: Decimal, text: str = "Rounding") -> list[Line]:
    """The lines and, where their shown tenths miss the shown total, one more that says by how much."""
    shown = list(lines)
    missing = tenths(total) - sum(tenths(line.points) for line in shown)
    if missing:
        shown.append(Line(kind="rounding", text=text, points=missing * TENTH))
    return shown


def _capped(lines: Sequence[Line], total: Decimal, text: str) -> list[Line]:
    """A line for what a clamp took or gave: the exact total less the exact parts."""
    taken = total - sum((line.points for line in lines), Decimal(0))
    return [Line(kind="capped", text=text, points=taken)] if taken else []


def score_sum(explanation: Record, titles: Mapping[str, str]) -> Sum | None:
    """Base, factors, range clamp and rounding, down to the score; None where there is no score to explain."""
    if explanation["value"] is None:
        return None
    value, rounding = Decimal(explanation["value"]), Decimal(explanation["rounding"])
    lines = [Line(kind="base", text="Everyone starts at", points=Decimal(explanation["base"]))]
    lines += [
        Line(kind="factor", text=titles.get(factor["code"], factor["code"]), points=Decimal(factor["points"]))
        for factor in explanation["factors"]
    ]
    clamped = Decimal(explanation["range_clamped"])
    if clamped:
        lines.append(Line(kind="range_clamped", text="Kept inside the range", points=clamped))
    text = "Rounding to a whole point"
    return Sum(
        lines=_closed(lines, value, text),
        total=value,
        before_rounding=exact(value - rounding) if rounding else "",
    )


def factor_sum(factor: Record) -> Sum:
    """A factor's rules, what its limit took, and its points."""
    total = Decimal(factor["points"])
    lines = [Line(kind="rule", text=rule["title"], points=Decimal(rule["points"])) for rule in factor["rules"]]
    return Sum(lines=_closed([*lines, *_capped(lines, total, "The factor’s limit")], total), total=total)


def rule_sum(rule: Record) -> Sum:
    """The entries a rule counted, what its limits took, and its points."""
    total = Decimal(rule["points"])
    lines = [
        Line(kind="entry", text=entry["title"], points=Decimal(entry["points"]), entry=entry)
        for entry in rule["entries"]
        if entry["counts"]
    ]
    return Sum(lines=_closed([*lines, *_capped(lines, total, "The rule’s limit")], total), total=total)


def change_sum(change: Record) -> Sum:
    """The lines of one change in the history, down to its difference (or to the first value there was)."""
    told = change["difference"] if change["difference"] is not None else change["value"]
    total = Decimal(told) if told is not None else Decimal(0)
    lines = [
        Line(kind=line["kind"], text=line["text"], points=Decimal(line["points"]), entry=line)
        for line in change["lines"]
        if line["kind"] != "rounding"
    ]
    return Sum(lines=_closed(lines, total) if told is not None else [], total=total)
