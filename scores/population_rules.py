"""The pieces of the population statement: each rule as an aggregate, and how many entries count. No Django here.

Bounds that keep every whole number within 63 bits: points are within ±10,000, windows at most 1,200 months, keys of
entries below 2^43 (the table says so). What is summed fits 31 bits wherever the scorecard allows it: PostgreSQL adds
such numbers up many times faster than longer ones, which become `numeric`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Final

from scores import catalogue
from scores.explaining import STRUCK
from scores.scorecard_parts import FULL_WEIGHT, LATEST, Rule, Scorecard
from scores.scoring import month

ID_BITS, BIN_BITS = 43, 4
"""A `latest` rule carries the day, the key and the bin of the newest entry in one whole number: 16 bits hold the days
of the longest window. A rule with more bins than 4 bits can number looks its entry up by the key once more."""
LAST_KIND: Final = max(kind.number for kind in catalogue.KINDS)
FITS_31_BITS: Final = (1 << 31) - 1
NEVER: Final = FITS_31_BITS
"""A day no entry has."""
COUNT_BITS: Final = 30
"""Two counts go in one sum: nobody has a thousand million entries."""


def day_number(day: date) -> int:
    """The date as entries carry it in `day`."""
    return 32 * month(day) + day.day


@dataclass(frozen=True)
class Words:
    """The words in which the databases differ."""

    vendor: str
    least: str
    greatest: str
    unmerged: str
    """What keeps the planner from repeating a subquery's expressions wherever they are used."""
    kept: str

    @classmethod
    def of(cls, vendor: str) -> "Words":
        if vendor == "postgresql":
            return cls(vendor, "least", "greatest", "OFFSET 0", "")
        return cls(vendor, "min", "max", "LIMIT -1", "MATERIALIZED ")

    @property
    def is_postgresql(self) -> bool:
        return self.vendor == "postgresql"

    def clamp(self, amount: str, least: int, most: int, *, reach: tuple[int, int] | None = None) -> str:
        """The amount between the limits; a limit that `reach` says is never passed is left out."""
        if reach is None or reach[0] < least:
            amount = f"{self.greatest}({amount}, {least})"
        if reach is None or reach[1] > most:
            amount = f"{self.least}({amount}, {most})"
        return amount

    def by_kind(self, outcomes: Mapping[int, int], otherwise: int | None, column: str = "kind") -> str:
        """The outcome of the entry's kind."""
        if not outcomes:
            return "NULL" if otherwise is None else str(otherwise)
        if self.is_postgresql and len(outcomes) > 2:
            # To the last kind there is: beyond its end an array answers NULL, and a sum with NULL in it loses the rest.
            found = (outcomes.get(number, otherwise) for number in range(1, LAST_KIND + 1))
            listed = ",".join("NULL" if one is None else str(one) for one in found)
            return f"('{{{listed}}}'::integer[])[{column}]"
        starts: list[tuple[int, int | None]] = [(0, otherwise)]
        for number in range(min(outcomes), max(outcomes) + 2):
            if outcomes.get(number, otherwise) != starts[-1][1]:
                starts.append((number, outcomes.get(number, otherwise)))
        return _halved(column, starts)


def _halved(column: str, starts: Sequence[tuple[int, int | None]]) -> str:
    """The outcome that starts at or before the column's value: halving asks less often than going through them all."""
    if len(starts) == 1:
        return "NULL" if starts[0][1] is None else str(starts[0][1])
    middle = len(starts) // 2
    first, last = _halved(column, starts[:middle]), _halved(column, starts[middle:])
    return f"CASE WHEN {column} < {starts[middle][0]} THEN {first} ELSE {last} END"


@dataclass(frozen=True)
class Window:
    """Step 1 but for the link's switch: which days and kinds count on the scoring day."""

    as_of: date
    rules: Mapping[int, Sequence[Rule]]
    """The rules that read each kind, by its number."""

    @classmethod
    def of(cls, card: Scorecard, as_of: date) -> "Window":
        rules: dict[int, list[Rule]] = {}
        for rule in card.rules:
            rules.setdefault(catalogue.kind(rule.kind).number, []).append(rule)
        return cls(as_of, dict(sorted(rules.items())))

    @property
    def month(self) -> int:
        return month(self.as_of)

    def first_day(self, rule: Rule) -> int:
        """The first day of the rule's window."""
        return 32 * (self.month - rule.lapses_after_months + 1)

    def first_days(self, factors: Iterable[str]) -> dict[int, int]:
        """For each kind that a rule of these factors reads, the first day of the widest window."""
        among = frozenset(factors)
        return {
            number: min(self.first_day(rule) for rule in rules if rule.factor in among)
            for number, rules in self.rules.items()
            if any(rule.factor in among for rule in rules)
        }

    @cached_property
    def widest(self) -> dict[int, int]:
        """The same for all factors."""
        return self.first_days(rule.factor for rules in self.rules.values() for rule in rules)

    def is_alive(self, of: str) -> str:
        """That an entry has occurred and has not lapsed, whatever the rules."""
        return f"{of}lapses_on > '{self.as_of.isoformat()}' AND {of}day <= {day_number(self.as_of)}"

    def counts(self, of: str, words: Words) -> str:
        """That an entry passes step 1 for some rule, but for its link's switch."""
        first_day = words.by_kind(self.widest, NEVER, f"{of}kind_number")
        return f"{of}status <> '{STRUCK}' AND {self.is_alive(of)} AND {of}day >= {first_day}"


@dataclass(frozen=True)
class RuleColumn:
    """One rule as a column of the statement: by link, by citizen, and at last in micro-points."""

    name: str
    rule: Rule
    window: Window
    words: Words
    entries: str
    """The table of entries."""
    flag: int | None = None
    """The bit that is the rule's in the column `flags`, if it has no column of its own."""

    @property
    def number(self) -> int:
        return catalogue.kind(self.rule.kind).number

    @property
    def first_day(self) -> int:
        return self.window.first_day(self.rule)

    @cached_property
    def milli_points(self) -> list[int]:
        return [bin.milli_points for bin in self.rule.bins]

    @property
    def is_latest(self) -> bool:
        return self.rule.counts == LATEST

    @property
    def may_be_flag(self) -> bool:
        """Whether all that matters is if there is an entry: one outcome, which helps, in its kind's only window."""
        return (
            self.is_latest
            and not self.rule.fades
            and len(set(self.milli_points)) == 1
            and self.milli_points[0] > 0
            and self.first_day == self.window.widest[self.number]
        )

    @property
    def may_keep_disputed(self) -> bool:
        return self.is_latest and max(self.milli_points) > 0 and self.flag is None

    @property
    def fits_bins(self) -> bool:
        return len(self.milli_points) <= 1 << BIN_BITS

    @property
    def reach(self) -> tuple[int, int]:
        """Between which micro-points the rule stays, whatever the entries; always with zero."""
        least, most = self.rule.least, self.rule.most
        if min(self.milli_points) >= 0:
            least = 0
        if max(self.milli_points) <= 0:
            most = 0
        return least, most

    # -- Steps 1 to 4: the aggregate over entries -------------------------------------------------------------------

    @property
    def caps_sources(self) -> bool:
        """Whether its entries are summed by source first; the one that `latest` keeps is of one source anyway."""
        return self.rule.max_per_source is not None and not self.is_latest

    @property
    def is_summed_at_once(self) -> bool:
        return not self.caps_sources and self.flag is None

    def _where(self, *, only_active: bool) -> str:
        tests = [f"kind = {self.number}"]
        if self.first_day > self.window.widest[self.number]:
            tests.append(f"day >= {self.first_day}")
        if only_active:
            tests.append("active")
        return " AND ".join(tests)

    def aggregate(self) -> str:
        """NULL when nothing counts. `latest`: see `ID_BITS`; `every`: micro-points, or milli-points unfaded."""
        if self.is_latest:
            key = f"(day - {self.first_day}) * {1 << ID_BITS + BIN_BITS} + id * {1 << BIN_BITS}"
            if self.fits_bins and len(set(self.milli_points)) > 1:
                key += f" + {self._by_bin(map(str, range(len(self.milli_points))))}"
            return f"max({key}) FILTER (WHERE {self._where(only_active=True)})"
        earned = [str(one) for one in self.milli_points]
        where = self._where(only_active=max(self.milli_points) <= 0)
        if max(self.milli_points) > 0:
            earned = [str(one) if one >= 0 else f"CASE WHEN active THEN {one} ELSE 0 END" for one in self.milli_points]
        amount = self._by_bin(earned)
        if self.rule.fades:
            weight = self._weight("(day >> 5)")
            if max(map(abs, self.milli_points)) * FULL_WEIGHT > FITS_31_BITS:
                weight = f"CAST({weight} AS bigint)"
            amount = f"{amount} * {weight}"
        return f"sum({amount}) FILTER (WHERE {where})"

    def of_source(self) -> str:
        """The same of one source's entries, within what a source may give."""
        total = self.aggregate()
        limit = (self.rule.max_per_source or 0) // (1 if self.rule.fades else FULL_WEIGHT)
        clamped = self.words.clamp(total, -limit, limit)
        if limit <= FITS_31_BITS:
            clamped = f"CAST({clamped} AS integer)"
        # PostgreSQL's `least` would make a limit of nothing.
        return f"CASE WHEN {total} IS NOT NULL THEN {clamped} END"

    def _weight(self, of_month: str) -> str:
        left = f"({of_month} - {self.window.month - self.rule.lapses_after_months})"
        return f"({FULL_WEIGHT} * {left} / {self.rule.lapses_after_months})"

    def _by_bin(self, outcomes: Iterable[str]) -> str:
        """The outcome of the first bin whose bound the value does not pass."""
        *few, last = outcomes
        if set(few) <= {last}:
            return last
        whens = " ".join(f"WHEN value <= {bin.up_to} THEN {one}" for bin, one in zip(self.rule.bins, few, strict=False))
        return f"(CASE {whens} ELSE {last} END)"

    def late(self) -> Iterator[str]:
        """For each amount that helps, the place of the latest disputed entry that earns it.

        Of entries in one bin the latest weighs most, so no other can be the best of those after the latest active one.
        """
        for name, milli in self._late_columns():
            is_in = self._by_bin("1" if one == milli else "0" for one in self.milli_points)
            where = f"kind = {self.number} AND day >= {self.first_day} AND {is_in} = 1"
            yield f"max((day - {self.first_day}) * {1 << ID_BITS} + id) FILTER (WHERE {where}) AS {name}"

    def _late_columns(self) -> list[tuple[str, int]]:
        helping = sorted({one for one in self.milli_points if one > 0})
        return [(f"{self.name}_late_{place}", milli) for place, milli in enumerate(helping, start=1)]

    # -- Step 5: micro-points ---------------------------------------------------------------------------------------

    def earned(self) -> str:
        """The rule's micro-points, within its limits; nothing is computed where nothing counts."""
        if not self.is_latest:
            total = self.name if self.rule.fades else f"{self.name} * {FULL_WEIGHT}"
            clamped = self.words.clamp(total, self.rule.least, self.rule.most, reach=self._sum_reach)
            return f"CASE WHEN {self.name} IS NULL THEN 0 ELSE {clamped} END"
        sure = self._latest_earned()
        if not self.may_keep_disputed:
            return sure
        return f"CASE WHEN late.citizen_id IS NULL THEN {sure} ELSE {self._best()} END"

    @property
    def _sum_reach(self) -> tuple[int, int]:
        beyond = 1 << 62
        return (-beyond if min(self.milli_points) < 0 else 0), (beyond if max(self.milli_points) > 0 else 0)

    def _within(self, milli: int) -> int:
        """What one entry that has not faded earns, within the limits of its source and of the rule."""
        micro = milli * FULL_WEIGHT
        if self.rule.max_per_source is not None:
            micro = min(max(micro, -self.rule.max_per_source), self.rule.max_per_source)
        return min(max(micro, self.rule.least), self.rule.most)

    def _faded(self, milli: str, place: str) -> str:
        """The same of one that has, from the place it has in the window."""
        weight = self._weight(f"(({place} >> {ID_BITS}) + {self.first_day} >> 5)")
        amount = f"CAST({milli} AS bigint) * {weight}"
        if self.rule.max_per_source is not None:
            amount = self.words.clamp(amount, -self.rule.max_per_source, self.rule.max_per_source)
        return self.words.clamp(amount, self.rule.least, self.rule.most)

    def _latest_earned(self) -> str:
        points, name = self.milli_points, self.name
        outcomes = points if self.rule.fades else [self._within(one) for one in points]
        if self.flag is not None:
            return f"CASE WHEN flags & {self.flag} <> 0 THEN {outcomes[0]} ELSE 0 END"
        if len(set(points)) == 1:
            found = str(outcomes[0])
        elif self.fits_bins:
            whens = " ".join(f"WHEN {place} THEN {one}" for place, one in enumerate(outcomes))
            found = f"CASE {name} & {(1 << BIN_BITS) - 1} {whens} END"
        else:
            key = f"({name} >> {BIN_BITS} & {(1 << ID_BITS) - 1})"
            found = f"(SELECT {self._by_bin(map(str, outcomes))} FROM {self.entries} one WHERE one.id = {key})"
        if self.rule.fades:
            found = self._faded(found, f"({name} >> {BIN_BITS})")
        return f"CASE WHEN {name} IS NULL THEN 0 ELSE {found} END"

    def _best(self) -> str:
        """The most that the latest active entry earns, or a disputed one after it."""
        best = self._latest_earned()
        for column, milli in self._late_columns():
            earned = self._faded(str(milli), column) if self.rule.fades else str(self._within(milli))
            after = f"{column} > coalesce({self.name} >> {BIN_BITS}, -1)"
            best = f"{self.words.greatest}({best}, CASE WHEN {after} THEN {earned} ELSE {-10_000_000_000} END)"
        return best


def rule_columns(card: Scorecard, window: Window, words: Words, *, entries: str) -> list[RuleColumn]:
    """A column for each rule, in the document's order; PostgreSQL joins those that need but a bit into one."""
    columns = []
    bits = (1 << place for place in range(31))
    for place, rule in enumerate(card.rules, start=1):
        column = RuleColumn(f"rule_{place}", rule, window, words, entries)
        if words.is_postgresql and column.may_be_flag and (bit := next(bits, None)):
            column = replace(column, flag=bit)
        columns.append(column)
    return columns


@dataclass(frozen=True)
class Counts:
    """Steps 7 and 8: how many entries pass step 1 for a rule of some factors, each entry once."""

    card: Scorecard
    window: Window
    words: Words

    @cached_property
    def sets(self) -> dict[str, dict[int, int]]:
        """By column, for each kind the first day that counts: for the thin file, then for each set of factors."""
        found = {"counted": self.window.widest}
        for purpose in self.card.purposes:
            for need in purpose.needs:
                found.setdefault(self.column(need.factors), self.window.first_days(need.factors))
        return found

    def column(self, factors: Iterable[str]) -> str:
        """The column that counts the entries of these factors."""
        order = [factor.code for factor in self.card.factors]
        return "_".join(["counted", *(str(place + 1) for place in sorted(map(order.index, set(factors))))])

    def columns(self) -> list[str]:
        """The columns, of which two come from one sum."""
        names = list(self.sets)
        columns = []
        for pair in (names[start : start + 2] for start in range(0, len(names), 2)):
            packed = f"coalesce({self._sum(pair)}, 0)"
            columns.append(f"{packed} & {(1 << COUNT_BITS) - 1} AS {pair[0]}")
            columns += [f"{packed} >> {COUNT_BITS} AS {name}" for name in pair[1:]]
        return columns

    def _sum(self, pair: list[str]) -> str:
        """Each entry's ones, of the second at a distance; what starts counting later than its kind does, apart."""
        ones: dict[int, int] = {}
        later = []
        for shift, name in enumerate(pair):
            one = 1 << COUNT_BITS * shift
            for number, day in self.sets[name].items():
                if day == self.window.widest[number]:
                    ones[number] = ones.get(number, 0) + one
                else:
                    later.append(f"CASE WHEN kind = {number} AND day >= {day} THEN {one} ELSE 0 END")
        together = " + ".join([self.words.by_kind(dict(sorted(ones.items())), 0), *later])
        return f"sum({together})"


def flags(rules: Sequence[RuleColumn], words: Words) -> str:
    """The bits of the rules that have one, of the entries that count; NULL without any."""
    bits: dict[int, int] = {}
    for rule in rules:
        if rule.flag is not None:
            bits[rule.number] = bits.get(rule.number, 0) | rule.flag
    return f"bit_or({words.by_kind(bits, None)})"
