"""What authorities' records make of an enterprise: may it publish, does it wear the badge, what is shown. Pure.

Only enterprises are judged here, never people. A record counts from its day until it lapses, 36 months later; the day
that decides is the one up to which the register is known (`as_of`), not the clock's.
"""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

INSPECTION: Final = "inspection"
PENALTY: Final = "penalty"
PENALTY_REMEDIED: Final = "penalty_remedied"
RED_LIST: Final = "red_list"
TOURISM_VIOLATION: Final = "tourism_violation"
KINDS: Final = (INSPECTION, PENALTY, PENALTY_REMEDIED, RED_LIST, TOURISM_VIOLATION)

NONE: Final = ""
MINOR: Final = "minor"
GRAVE: Final = "grave"

GOOD: Final = "good"
SUSPENDED: Final = "suspended"

LAPSES_AFTER_MONTHS: Final = 36
POOR_UP_TO: Final = 70
"""An inspection marked so or lower is a grave penalty; the next one above it is its remedy."""
RED_LIST_FROM: Final = 96
RED_LIST_RUN: Final = 3
"""So many inspections in a row, the latest ones, marked so or higher, put an enterprise on the red list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing an authority recorded about an enterprise. `order` decides between records of the same day."""

    kind: str
    on: date
    order: int = 0
    gravity: str = NONE
    mark: int | None = None
    """Of an inspection, 0 to 100."""
    is_remedied: bool = False
    remedied_on: date | None = None
    """None where it is not remedied, and where the authority wrote no day that can be."""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A record that counts, as it is shown: a poor inspection is a grave penalty, with the remedy it met."""

    kind: str
    on: date
    lapses_on: date
    gravity: str = NONE
    is_remedied: bool = False
    remedied_on: date | None = None
    text: str = ""

    @property
    def is_penalty(self) -> bool:
        return self.gravity != NONE

    @property
    def suspends(self) -> bool:
        return self.gravity == GRAVE and not self.is_remedied


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What follows from an enterprise's records."""

    facts: tuple[Fact, ...] = ()
    lapsed: int = 0
    as_of: date | None = None

    @property
    def state(self) -> str:
        return SUSPENDED if any(fact.suspends for fact in self.facts) else GOOD

    @property
    def has_badge(self) -> bool:
        """Whether it is on the red list; nobody wears the badge while a grave penalty stands."""
        return self.state == GOOD and any(fact.kind == RED_LIST for fact in self.facts)

    @property
    def grave_remedied(self) -> int:
        return sum(fact.gravity == GRAVE and fact.is_remedied for fact in self.facts)

    @property
    def open_penalties(self) -> int:
        return sum(fact.is_penalty and not fact.is_remedied for fact in self.facts)

    def summary(self) -> dict[str, Any]:
        """Return what is kept beside the enterprise, so that a list shows it without reading a record."""
        return {
            "state": self.state,
            "badge": RED_LIST if self.has_badge else None,
            "records": sum(fact.kind != RED_LIST for fact in self.facts),
            "open_penalties": self.open_penalties,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
        }


NOTHING_KNOWN: Final[dict[str, Any]] = Standing().summary()
"""The summary of an enterprise about which no authority recorded anything."""


def judge(records: Iterable[Record], *, as_of: date) -> Standing:
    """Return the standing of one enterprise in one register, as far as that register is known."""
    known = sorted((record for record in records if record.on <= as_of), key=lambda record: (record.on, record.order))
    counting = [record for record in known if lapse_of(record.on) > as_of]
    inspections = [record for record in counting if record.kind == INSPECTION and record.mark is not None]
    facts = [_fact(record, inspections, as_of) for record in counting]
    facts += _red_list(inspections)
    # The newest first; on one day what weighs most.
    facts.sort(key=lambda fact: (fact.on, fact.gravity == GRAVE, fact.kind == RED_LIST), reverse=True)
    return Standing(facts=tuple(facts), lapsed=len(known) - len(counting), as_of=as_of)


def combine(summaries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the summary of a merchant that runs several registered enterprises: one that is suspended suspends it."""
    if not summaries:
        return dict(NOTHING_KNOWN)
    is_suspended = any(one["state"] == SUSPENDED for one in summaries)
    return {
        "state": SUSPENDED if is_suspended else GOOD,
        "badge": RED_LIST if not is_suspended and any(one["badge"] for one in summaries) else None,
        "records": sum(one["records"] for one in summaries),
        "open_penalties": sum(one["open_penalties"] for one in summaries),
        "as_of": min((one["as_of"] for one in summaries if one["as_of"]), default=None),
    }


def lapse_of(on: date) -> date:
    """Return the day from which a record of this day no longer counts."""
    months = on.year * 12 + on.month - 1 + LAPSES_AFTER_MONTHS
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(on.day, calendar.monthrange(year, month)[1]))


def _fact(record: Record, inspections: list[Record], as_of: date) -> Fact:
    if record.kind == INSPECTION and record.mark is not None and record.mark <= POOR_UP_TO:
        after = inspections[inspections.index(record) + 1 :]
        remedy = next((one for one in after if one.mark is not None and one.mark > POOR_UP_TO), None)
        return Fact(
            kind=PENALTY if remedy is None else PENALTY_REMEDIED,
            on=record.on,
            lapses_on=lapse_of(record.on),
            gravity=GRAVE,
            is_remedied=remedy is not None,
            remedied_on=None if remedy is None else remedy.on,
            text=record.text,
        )
    is_remedied = record.is_remedied and (record.remedied_on is None or record.remedied_on <= as_of)
    kind = record.kind
    if kind in (PENALTY, PENALTY_REMEDIED):
        kind = PENALTY_REMEDIED if is_remedied else PENALTY
    return Fact(
        kind=kind,
        on=record.on,
        lapses_on=lapse_of(record.on),
        gravity=record.gravity,
        is_remedied=is_remedied,
        remedied_on=record.remedied_on if is_remedied else None,
        text=record.text,
    )


def _red_list(inspections: list[Record]) -> list[Fact]:
    run = inspections[-RED_LIST_RUN:]
    if len(run) < RED_LIST_RUN or any(one.mark is None or one.mark < RED_LIST_FROM for one in run):
        return []
    words = f"The latest {RED_LIST_RUN} inspections were all marked {RED_LIST_FROM} or more."
    return [Fact(kind=RED_LIST, on=run[-1].on, lapses_on=lapse_of(run[0].on), text=words)]
