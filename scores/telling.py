"""When a score has moved enough to be told, and why it did, in words without a number. No Django here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scores.changes import (
    CAPPED,
    DISPUTE,
    ENTRIES,
    ENTRY_ADDED,
    ENTRY_DISPUTED,
    ENTRY_LAPSED,
    ENTRY_RESTORED,
    ENTRY_STRUCK,
    FADED,
    MONTH,
    RANGE_CLAMPED,
    ROUNDING,
    SCORECARD,
    SCORECARD_REPLACED,
    SOURCE,
    SOURCE_SWITCHED,
    Line,
)
from scores.scorecard_parts import POINT

ENOUGH: Final = 5 * POINT
"""From how many micro-points on a change is told (`scoring.md`, quiet time)."""
_TIME: Final = frozenset({FADED, ENTRY_LAPSED})
_ENDS: Final = frozenset({CAPPED, RANGE_CLAMPED, ROUNDING})
_OF_LINES: Final = {
    ENTRY_ADDED: "A record was added.",
    ENTRY_STRUCK: "A record was struck.",
    ENTRY_DISPUTED: "A record is disputed.",
    ENTRY_RESTORED: "A record counts again.",
    SOURCE_SWITCHED: "A source was switched.",
    SCORECARD_REPLACED: "The public scorecard was replaced.",
}
_OF_CAUSES: Final = {
    ENTRIES: "Your records changed.",
    DISPUTE: "A dispute moved.",
    SOURCE: "A source was switched.",
    SCORECARD: "The public scorecard was replaced.",
}
_MOST_REASONS: Final = 3


@dataclass(frozen=True, slots=True)
class Step:
    """A row of history, as far as it matters here."""

    cause: str
    value: int | None
    previous: int | None
    lines: Sequence[Line]

    @property
    def moved(self) -> int:
        """How far something else than time moved it, in micro-points."""
        if self.cause == MONTH or self.value is None or self.previous is None:
            return 0
        events = [line for line in self.lines if line.kind not in _TIME | _ENDS]
        whole = (self.value - self.previous) * POINT
        if not events:
            return whole  # told in totals, which cannot be taken apart
        return whole - sum(line.micro for line in self.lines if line.kind in _TIME)


def reasons_of(steps: Sequence[Step]) -> str:
    """Why it moved, in sentences: what happened, each once, never what it was worth."""
    said: dict[str, None] = {}
    for step in steps:
        if step.cause != MONTH:
            of_lines = {_OF_LINES[line.kind]: None for line in step.lines if line.kind in _OF_LINES}
            said |= of_lines or {_OF_CAUSES.get(step.cause, "Your records changed."): None}
    return " ".join(list(said)[:_MOST_REASONS])


def doors_moved(
    before: Mapping[str, int | None], after: Mapping[str, int | None], thresholds: Collection[tuple[str, int]]
) -> tuple[bool, bool]:
    """Whether a threshold of some offer is reached now that was not, and the other way round."""
    opened = closed = False
    for purpose, least in thresholds:
        was, now = before.get(purpose), after.get(purpose)
        had, has = was is not None and was >= least, now is not None and now >= least
        opened, closed = opened or (has and not had), closed or (had and not has)
    return opened, closed
