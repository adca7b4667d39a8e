"""Every point of a score, line by line: entries, what limits took off, rules, factors, and the total.

The lines add up exactly, in micro-points (P6):

    entries of a rule + its `capped`     = the rule's `micro`
    rules of a factor + its `capped`     = the factor's `micro`
    base + factors + `range_clamped` + `rounding` = value x 1,000,000   (when there is a value)

An explanation is kept with the latest history row, which it explains; `to_document` is that JSON form. No Django here.
"""

from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, NamedTuple

from scores.scorecard_parts import POINT

ACTIVE: Final = "active"
DISPUTED: Final = "disputed"
STRUCK: Final = "struck"

SCORED: Final = "scored"
THIN_FILE: Final = "thin_file"

NO_RULE: Final = "no_rule"
SWITCHED_OFF: Final = "switched_off"
NOT_YET: Final = "not_yet"
LAPSED: Final = "lapsed"
SUPERSEDED: Final = "superseded"


def format_points(micro: int) -> str:
    """Micro-points as points with exactly six decimals: `-23.471000`."""
    whole, rest = divmod(abs(micro), POINT)
    return f"{'-' if micro < 0 else ''}{whole}.{rest:06}"


class EntryLine(NamedTuple):
    """What one entry does under one rule. `id` is None once the entry is erased; `weight` is out of 1,000."""

    id: int | None
    micro: int
    weight: int
    why_not: str | None
    status: str

    @property
    def counts(self) -> bool:
        return self.why_not is None


class SourceCap(NamedTuple):
    """What `max_per_source` took off one source's points under one rule, or gave back."""

    source: Hashable
    micro: int


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule's total and how it came about. `capped_total` is what the rule's own min and max took off."""

    code: str
    kind: str
    micro: int
    capped_sources: tuple[SourceCap, ...]
    capped_total: int
    entries: tuple[EntryLine, ...]

    @property
    def capped(self) -> int:
        return self.capped_total + sum(cap.micro for cap in self.capped_sources)

    @property
    def counting(self) -> tuple[EntryLine, ...]:
        return tuple(entry for entry in self.entries if entry.why_not is None)


@dataclass(frozen=True, slots=True)
class FactorLine:
    """A factor's total, its rules, and what its min and max took off."""

    code: str
    micro: int
    capped: int
    rules: tuple[RuleLine, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A score with every line behind it. A thin file has factors but no value, and so no clamping or rounding."""

    scorecard: str
    as_of: date
    state: str
    value: int | None
    counted: int
    """How many entries the thin-file rule counted."""
    needed: int
    """How many it asks for."""
    base: int
    factors: tuple[FactorLine, ...]
    range_clamped: int
    rounding: int
    unused: tuple[tuple[str, EntryLine], ...]
    """The kind and line of every entry the scorecard has no rule for."""

    @property
    def rules(self) -> Iterator[RuleLine]:
        for factor in self.factors:
            yield from factor.rules

    @property
    def totals(self) -> dict[str, Any]:
        """What it comes to, without the lines: enough to tell by how much each factor moved since."""
        return {
            "base": self.base,
            "factors": {factor.code: factor.micro for factor in self.factors},
            "range_clamped": self.range_clamped,
            "rounding": self.rounding,
        }

    @classmethod
    def of_totals(cls, totals: dict[str, Any], *, scorecard: str, as_of: date, value: int) -> "Explanation":
        """A score of which only `totals` are known any more: factors without rules."""
        return cls(
            scorecard=scorecard,
            as_of=as_of,
            state=SCORED,
            value=value,
            counted=0,
            needed=0,
            base=totals["base"],
            factors=tuple(FactorLine(code, micro, micro, ()) for code, micro in totals["factors"].items()),
            range_clamped=totals["range_clamped"],
            rounding=totals["rounding"],
            unused=(),
        )

    def to_document(self) -> dict[str, Any]:
        """The JSON form kept in a row: entries as `[id, micro, weight, why_not, status]`, amounts in micro-points."""
        return {
            "scorecard": self.scorecard,
            "as_of": self.as_of.isoformat(),
            "state": self.state,
            "value": self.value,
            "counted": self.counted,
            "needed": self.needed,
            "base": self.base,
            "factors": [
                {
                    "code": factor.code,
                    "micro": factor.micro,
                    "capped": factor.capped,
                    "rules": [
                        {
                            "code": rule.code,
                            "kind": rule.kind,
                            "micro": rule.micro,
                            "capped_sources": [list(cap) for cap in rule.capped_sources],
                            "capped_total": rule.capped_total,
                            "entries": [list(entry) for entry in rule.entries],
                        }
                        for rule in factor.rules
                    ],
                }
                for factor in self.factors
            ],
            "range_clamped": self.range_clamped,
            "rounding": self.rounding,
            "unused": [[kind, *entry] for kind, entry in self.unused],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Explanation":
        """The explanation kept as `to_document`."""
        return cls(
            scorecard=document["scorecard"],
            as_of=date.fromisoformat(document["as_of"]),
            state=document["state"],
            value=document["value"],
            counted=document["counted"],
            needed=document["needed"],
            base=document["base"],
            factors=tuple(
                FactorLine(
                    code=factor["code"],
                    micro=factor["micro"],
                    capped=factor["capped"],
                    rules=tuple(
                        RuleLine(
                            code=rule["code"],
                            kind=rule["kind"],
                            micro=rule["micro"],
                            capped_sources=tuple(SourceCap(*cap) for cap in rule["capped_sources"]),
                            capped_total=rule["capped_total"],
                            entries=tuple(EntryLine(*entry) for entry in rule["entries"]),
                        )
                        for rule in factor["rules"]
                    ),
                )
                for factor in document["factors"]
            ),
            range_clamped=document["range_clamped"],
            rounding=document["rounding"],
            unused=tuple((kind, EntryLine(*entry)) for kind, *entry in document["unused"]),
        )

    def forgetting(self, ids: Collection[int]) -> "Explanation":
        """The same with these entries unnamed: their points stay, who they were is erased (P8)."""

        def unnamed(entry: EntryLine) -> EntryLine:
            return entry._replace(id=None) if entry.id in ids else entry

        factors = tuple(
            replace(
                factor,
                rules=tuple(replace(rule, entries=tuple(map(unnamed, rule.entries))) for rule in factor.rules),
            )
            for factor in self.factors
        )
        return replace(self, factors=factors, unused=tuple((kind, unnamed(entry)) for kind, entry in self.unused))
