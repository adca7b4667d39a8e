"""Why a score moved: the lines between two explanations, which sum to the difference exactly.

A history row keeps its lines and its explanation; the next row's lines are found by comparing with that explanation,
so nothing has to be remembered about what happened in between. No Django here.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

from scores.explaining import (
    ACTIVE,
    DISPUTED,
    LAPSED,
    NOT_YET,
    STRUCK,
    SUPERSEDED,
    SWITCHED_OFF,
    EntryLine,
    Explanation,
    RuleLine,
    format_points,
)
from scores.wording import RECORD_LAPSED, line_text

BASE: Final = "base"
ENTRY_ADDED: Final = "entry_added"
ENTRY_LAPSED: Final = "entry_lapsed"
ENTRY_STRUCK: Final = "entry_struck"
ENTRY_DISPUTED: Final = "entry_disputed"
ENTRY_RESTORED: Final = "entry_restored"
FADED: Final = "faded"
CAPPED: Final = "capped"
SOURCE_SWITCHED: Final = "source_switched"
SCORECARD_REPLACED: Final = "scorecard_replaced"
RANGE_CLAMPED: Final = "range_clamped"
ROUNDING: Final = "rounding"
LINE_KINDS: Final = (
    BASE,
    ENTRY_ADDED,
    ENTRY_LAPSED,
    ENTRY_STRUCK,
    ENTRY_DISPUTED,
    ENTRY_RESTORED,
    SOURCE_SWITCHED,
    FADED,
    CAPPED,
    SCORECARD_REPLACED,
    RANGE_CLAMPED,
    ROUNDING,
)
"""The kinds of line, in the order they are told."""
_ABOUT_ENTRIES: Final = frozenset({ENTRY_ADDED, ENTRY_LAPSED, ENTRY_STRUCK, ENTRY_DISPUTED, ENTRY_RESTORED})

ENROLLED, ENTRIES, DISPUTE, SOURCE, MONTH, SCORECARD = "enrolled", "entries", "dispute", "source", "month", "scorecard"
CAUSES: Final = (ENROLLED, ENTRIES, DISPUTE, SOURCE, MONTH, SCORECARD)


class Line(NamedTuple):
    """One reason a score moved, by `micro` micro-points; `entry_id` names the entry that is the cause, if one is.

    `about` is the kind of record, or of a limit or a new scorecard the factor; `detail` says which of both a limit is
    on (`rule`, `factor`) or how a source was switched (`on`, `off`).
    """

    kind: str
    micro: int
    about: str = ""
    entry_id: int | None = None
    detail: str = ""

    @property
    def text(self) -> str:
        if self.kind in _ABOUT_ENTRIES and self.entry_id is None:
            return RECORD_LAPSED
        return line_text(self.kind, self.about, self.detail)

    @property
    def points(self) -> str:
        return format_points(self.micro)

    def forgetting(self, ids: Collection[int]) -> "Line":
        """The same line, unless it names one of these entries: then it says only how many points it was (P8)."""
        return self._replace(entry_id=None, about="") if self.entry_id in ids else self

    def to_document(self) -> list[Any]:
        return list(self)

    @classmethod
    def from_document(cls, document: list[Any]) -> "Line":
        return cls(*document)


def compare(before: Explanation | None, after: Explanation, cause: str) -> list[Line]:
    """Why the score went from `before` to `after`; the lines sum to the difference in micro-points, exactly.

    Coming from no value they tell the whole score, from the base on; going to none, nothing. `cause` is what set the
    new scoring off, one of `CAUSES`.
    """
    if after.value is None:
        return []
    if before is None or before.value is None:
        lines = _whole(after)
    elif before.scorecard != after.scorecard:
        lines = _between_scorecards(before, after)
    elif not any(before.rules):
        lines = _between_totals(before, after)
    else:
        lines = _between(before, after, cause)
    summed: dict[tuple[str, str, int | None, str], int] = {}
    for line in lines:
        key = line.kind, line.about, line.entry_id, line.detail
        summed[key] = summed.get(key, 0) + line.micro
    told = [
        Line(kind, micro, about, entry_id, detail) for (kind, about, entry_id, detail), micro in summed.items() if micro
    ]
    return sorted(told, key=lambda line: LINE_KINDS.index(line.kind))


def _whole(after: Explanation) -> Iterator[Line]:
    yield Line(BASE, after.base)
    for factor in after.factors:
        for rule in factor.rules:
            for entry in rule.entries:
                yield Line(ENTRY_ADDED, entry.micro, rule.kind, entry.id)
            yield Line(CAPPED, rule.capped, rule.kind, detail="rule")
        yield Line(CAPPED, factor.capped, factor.code, detail="factor")
    yield Line(RANGE_CLAMPED, after.range_clamped)
    yield Line(ROUNDING, after.rounding)


def _ends(before: Explanation, after: Explanation) -> Iterator[Line]:
    yield Line(RANGE_CLAMPED, after.range_clamped - before.range_clamped)
    yield Line(ROUNDING, after.rounding - before.rounding)


def _between_scorecards(before: Explanation, after: Explanation) -> Iterator[Line]:
    """Entries cannot be told apart from the rules that changed under them, so a line says it for each factor."""
    was = {factor.code: factor.micro for factor in before.factors}
    now = {factor.code: factor.micro for factor in after.factors}
    yield Line(SCORECARD_REPLACED, after.base - before.base)
    for code in was | now:
        yield Line(SCORECARD_REPLACED, now.get(code, 0) - was.get(code, 0), code)
    yield from _ends(before, after)


def _between_totals(before: Explanation, after: Explanation) -> Iterator[Line]:
    """Of what was before only the totals are known any more: a line for each factor."""
    was = {factor.code: factor.micro for factor in before.factors}
    for factor in after.factors:
        yield Line(FADED, factor.micro - was.get(factor.code, 0), factor.code, detail="factor")
    yield from _ends(before, after)


def _between(before: Explanation, after: Explanation, cause: str) -> Iterator[Line]:
    was = {rule.code: rule for rule in before.rules}
    for factor in after.factors:
        for rule in factor.rules:
            yield from _between_rules(was[rule.code], rule, cause)
            yield Line(CAPPED, rule.capped - was[rule.code].capped, rule.kind, detail="rule")
    capped = {factor.code: factor.capped for factor in before.factors}
    for factor in after.factors:
        yield Line(CAPPED, factor.capped - capped[factor.code], factor.code, detail="factor")
    yield from _ends(before, after)


def _between_rules(before: RuleLine, after: RuleLine, cause: str) -> Iterator[Line]:
    was: dict[Any, EntryLine] = {}
    for place, entry in enumerate(before.entries):
        was[("erased", place) if entry.id is None else entry.id] = entry
    now: dict[Any, EntryLine] = {entry.id: entry for entry in after.entries}

    # Only a rule that keeps the latest has superseded entries; with none, one that keeps the latest reads like others.
    if any(entry.why_not == SUPERSEDED for entry in (*was.values(), *now.values())):
        yield from _between_latest(after.kind, was, now, cause)
        return
    for key in was | now:
        old, new = was.get(key), now.get(key)
        both_count = old is not None and old.counts and new is not None and new.counts
        event = _FADED if both_count else _event(old, new, cause) or _FADED
        yield _line(event, after.kind, new or old, (new.micro if new else 0) - (old.micro if old else 0))


def _between_latest(kind: str, was: dict[Any, EntryLine], now: dict[Any, EntryLine], cause: str) -> Iterator[Line]:
    """One record took another's place: a single line with the difference, told as what brought that about."""
    kept_key = next((key for key, entry in was.items() if entry.counts), None)
    keeps_key = next((key for key, entry in now.items() if entry.counts), None)
    kept, keeps = was.get(kept_key), now.get(keeps_key)
    lost, won = kept.micro if kept else 0, keeps.micro if keeps else 0
    if kept_key == keeps_key:
        yield _line(_FADED, kind, keeps, won - lost)
        return
    left = _event(kept, now.get(kept_key), cause) if kept else None
    came = _event(was.get(keeps_key), keeps, cause) if keeps else None
    if left and came and not _is_in(now.get(kept_key)):
        yield _line(left, kind, kept, -lost)
        yield _line(came, kind, keeps, won)
    elif came:
        yield _line(came, kind, keeps, won - lost)
    elif left:
        yield _line(left, kind, kept, won - lost)
    else:
        # Neither changed, so a third did: struck, say, it no longer stands before an older one that is disputed.
        others = ((_event(was.get(key), entry, cause), entry) for key, entry in reversed(now.items()))
        event, entry = next(((event, entry) for event, entry in others if event), (_FADED, keeps))
        yield _line(event, kind, entry, won - lost)


_Event = tuple[str, str]
"""A line's kind and detail."""
_FADED: Final[_Event] = (FADED, "")


def _line(event: _Event, about: str, entry: EntryLine | None, micro: int) -> Line:
    kind, detail = event
    entry_id = entry.id if entry is not None and kind in _ABOUT_ENTRIES else None
    return Line(kind, micro, about, entry_id, detail)


def _is_in(entry: EntryLine | None) -> bool:
    """Whether the entry counts, or would if it were the latest."""
    return entry is not None and entry.why_not in (None, SUPERSEDED)


def _event(old: EntryLine | None, new: EntryLine | None, cause: str) -> _Event | None:
    """What happened to an entry between two explanations, if anything did but time."""
    if new is None:
        # Gone altogether: with its source, or erased after it had lapsed.
        return (SOURCE_SWITCHED, "off") if cause == SOURCE else (ENTRY_LAPSED, "")
    if old is None:
        return (ENTRY_ADDED, "") if _is_in(new) else None
    if _is_in(old) and _is_in(new):
        if old.status == new.status:
            return None
        return (ENTRY_RESTORED if new.status == ACTIVE else ENTRY_DISPUTED), ""
    if old.why_not == new.why_not:
        return None
    if _is_in(new):
        return _CAME_BACK.get(old.why_not, (ENTRY_RESTORED, ""))
    return _LEFT.get(new.why_not, (ENTRY_LAPSED, ""))


_CAME_BACK: Final[dict[str | None, _Event]] = {
    SWITCHED_OFF: (SOURCE_SWITCHED, "on"),
    NOT_YET: (ENTRY_ADDED, ""),
    STRUCK: (ENTRY_RESTORED, ""),
    DISPUTED: (ENTRY_RESTORED, ""),
}
_LEFT: Final[dict[str | None, _Event]] = {
    SWITCHED_OFF: (SOURCE_SWITCHED, "off"),
    STRUCK: (ENTRY_STRUCK, ""),
    DISPUTED: (ENTRY_DISPUTED, ""),
    LAPSED: (ENTRY_LAPSED, ""),
}
