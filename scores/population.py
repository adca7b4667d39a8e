"""The population statement: one SELECT that scores everybody in a range, generated from a scorecard.

It is `scores.scoring` said in SQL, exact to the last micro-point: whole numbers only, no dates and no join to the
scorecard. Each rule becomes one aggregate over the citizen's entries, so that the statement reads like the document it
came from. PostgreSQL and SQLite get the same text but for a few words. Pure: no clock, no database, no Django.

Entries carry their date as a whole number too, `day` = 32 · (12 · year + month) + day of the month: it sorts like the
date, and `day >> 5` is the month that ages are counted in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final, NamedTuple

from scores import catalogue
from scores.explaining import ACTIVE, DISPUTED, SCORED, STRUCK, THIN_FILE
from scores.scorecard_parts import FULL_WEIGHT, LATEST, POINT, Factor, Need, Purpose, Rule, Scorecard
from scores.scoring import month

POSTGRESQL: Final = "postgresql"
SQLITE: Final = "sqlite"

DAY_BITS, ID_BITS, BIN_BITS = 16, 43, 4
"""How a `latest` rule carries the day, the key and the bin of the newest entry in the 63 bits of one whole number: a
window of 1,200 months is 38,400 days, keys stay below 2^43 (the table says so), and a rule with more bins than fit
looks its entry up once more by the key."""
LONGEST_INTEGER: Final = (1 << 31) - 1
NEVER: Final = LONGEST_INTEGER
"""A day no entry has."""
BELOW_ALL: Final = -10_000 * POINT
"""No entry earns less: points are at least −10,000."""


class Tables(NamedTuple):
    """Where the entries, links and citizens are; each may be a temporary table with the columns that are read."""

    entry: str = "scores_entry"
    """citizen_id, id, link_id, kind_number, day, lapses_on, value, status"""
    link: str = "scores_link"
    """citizen_id, id, is_on"""
    enrolment: str = "scores_enrolment"
    """citizen_id"""


def day_number(day: date) -> int:
    """The date as entries carry it in `day`."""
    return 32 * month(day) + day.day


@dataclass(frozen=True)
class Statement:
    """The statement for one scorecard, day and database; `sql` says about whom.

    Its columns, in order, are those of `columns`: what the arithmetic gives, and two that tell whether anything was
    recorded about the citizen since (`last_entry_id`, 0 without any, and `entry_count`, of whatever status).
    """

    card: Scorecard
    as_of: date
    vendor: str
    tables: Tables = Tables()

    @cached_property
    def factor_columns(self) -> dict[str, str]:
        """The column of each factor's micro-points, in the document's order."""
        return {factor.code: f"factor_{number}" for number, factor in enumerate(self.card.factors, start=1)}

    @cached_property
    def purpose_columns(self) -> dict[str, str]:
        """The column of each purpose's value, NULL for not enough records, in the document's order."""
        return {purpose.code: f"purpose_{number}" for number, purpose in enumerate(self.card.purposes, start=1)}

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in order."""
        before = ("citizen_id", "counted", "state", "value")
        return (
            *before,
            *self.factor_columns.values(),
            *self.purpose_columns.values(),
            "last_entry_id",
            "entry_count",
        )

    def sql(self, whose: str) -> str:
        """The SELECT. `whose` is a condition on `citizen_id`, written once for each table that is read.

        Every enrolled citizen it takes in has a row, those without entries too.
        """
        grouped = self._grouped(whose)
        factors = ",\n    ".join(
            f"{self._integer(self._factor(factor))} AS {self.factor_columns[factor.code]}"
            for factor in self.card.factors
        )
        purposes = "".join(
            f",\n  {self._purpose(one)} AS {self.purpose_columns[one.code]}" for one in self.card.purposes
        )
        needs = "".join(
            f", coalesce({self._count_column(need.factors)}, 0) AS {self._count_column(need.factors)}"
            for need in self._counted_needs
        )
        need_columns = ", ".join(self.factor_columns.values())
        return f"""WITH {grouped}, factor AS {self._kept_apart}(
  SELECT person.citizen_id, coalesce(counted, 0) AS counted{needs},
    {factors},
    coalesce(last_entry_id, 0) AS last_entry_id, coalesce(entry_count, 0) AS entry_count
  FROM {self.tables.enrolment} person LEFT JOIN rule ON rule.citizen_id = person.citizen_id{self._join_capped}
  WHERE {whose.replace("citizen_id", "person.citizen_id")}
  {self._unmerged}
)
SELECT citizen_id, counted,
  CASE WHEN counted >= {self.card.min_entries} THEN '{SCORED}' ELSE '{THIN_FILE}' END AS state,
  CASE WHEN counted >= {self.card.min_entries} THEN {self._total(self.card.factors)} END AS value,
  {need_columns}{purposes},
  last_entry_id, entry_count
FROM factor"""

    # -- Words of the two databases -------------------------------------------------------------------------------

    @property
    def _unmerged(self) -> str:
        """What keeps the planner from repeating a subquery's expressions wherever they are used."""
        return "OFFSET 0" if self.vendor == POSTGRESQL else "LIMIT -1"

    @property
    def _kept_apart(self) -> str:
        return "" if self.vendor == POSTGRESQL else "MATERIALIZED "

    def _clamp(self, amount: str, least: int, most: int) -> str:
        lesser, greater = ("least", "greatest") if self.vendor == POSTGRESQL else ("min", "max")
        return f"{lesser}({greater}({amount}, {least}), {most})"

    def _greater(self, first: str, second: str) -> str:
        return f"{'greatest' if self.vendor == POSTGRESQL else 'max'}({first}, {second})"

    def _integer(self, amount: str) -> str:
        return f"CAST({amount} AS bigint)"

    # -- Step 1: what counts ----------------------------------------------------------------------------------------

    @property
    def _today(self) -> int:
        return day_number(self.as_of)

    @property
    def _month(self) -> int:
        return month(self.as_of)

    def _first_day(self, rule: Rule) -> int:
        """The first day of the rule's window."""
        return 32 * (self._month - rule.lapses_after_months + 1)

    @cached_property
    def _rules_of_number(self) -> dict[int, list[Rule]]:
        found: dict[int, list[Rule]] = {}
        for rule in self.card.rules:
            found.setdefault(catalogue.kind(rule.kind).number, []).append(rule)
        return dict(sorted(found.items()))

    def _first_days(self, factors: Iterable[str]) -> dict[int, int]:
        """For each kind that a rule of these factors reads, the first day of the widest window."""
        factors = set(factors)
        return {
            number: min(self._first_day(rule) for rule in rules if rule.factor in factors)
            for number, rules in self._rules_of_number.items()
            if any(rule.factor in factors for rule in rules)
        }

    @cached_property
    def _widest(self) -> dict[int, int]:
        return self._first_days(factor.code for factor in self.card.factors)

    def _entries(self, whose: str, only: Mapping[int, int]) -> str:
        """The citizens' entries with `kind`, which is NULL for one that counts for nothing of `only`."""
        entry, link = self.tables.entry, self.tables.link
        who = whose.replace("citizen_id", "entry.citizen_id")
        off = whose.replace("citizen_id", "off.citizen_id")
        counts = (
            f"entry.status <> '{STRUCK}' AND entry.lapses_on > '{self.as_of}' AND entry.day <= {self._today} AND entry.day >= "
            f"{_by_kind('entry.kind_number', only)}"
        )
        return f"""SELECT entry.citizen_id, entry.id, entry.link_id, entry.day, entry.value,
    entry.status = '{ACTIVE}' AS active,
    CASE WHEN {counts} AND off.id IS NULL THEN entry.kind_number END AS kind
  FROM {entry} entry LEFT JOIN {link} off
    ON off.citizen_id = entry.citizen_id AND off.id = entry.link_id AND NOT off.is_on AND {off}
  WHERE {who}
  ORDER BY entry.citizen_id, entry.link_id
  {self._unmerged}"""

    # -- Steps 2 to 4: one aggregate a rule -------------------------------------------------------------------------

    def _grouped(self, whose: str) -> str:
        plain = [(column, rule) for column, rule in self._rule_columns.items() if not _caps_sources(rule)]
        capped = [(column, rule) for column, rule in self._rule_columns.items() if _caps_sources(rule)]
        aggregates = [f"{self._aggregate(rule)} AS {column}" for column, rule in plain]
        counts = [f"{self._count(self._widest)} AS counted"]
        counts += [
            f"{self._count(self._first_days(need.factors))} AS {self._count_column(need.factors)}"
            for need in self._counted_needs
        ]
        if self._has_disputable:
            counts.append(self._disputes())
        lines = ",\n    ".join([*counts, "max(id) AS last_entry_id", "count(*) AS entry_count", *aggregates])
        text = f"""entry AS (
  {self._entries(whose, self._widest)}
), rule AS (
  SELECT citizen_id,
    {lines}
  FROM entry
  GROUP BY citizen_id
)"""
        if capped:
            sums = ",\n    ".join(f"{self._aggregate(rule)} AS {column}" for column, rule in capped)
            kept = ", ".join(
                f"sum(CASE WHEN {column} IS NOT NULL THEN {self._source_clamp(column, rule)} END) AS {column}"
                for column, rule in capped
            )
            numbers = {catalogue.kind(rule.kind).number for _, rule in capped}
            only = {number: day for number, day in self._widest.items() if number in numbers}
            text += f""", capped_entry AS (
  {self._entries(whose, only)}
), by_source AS (
  SELECT citizen_id, link_id,
    {sums}
  FROM capped_entry
  GROUP BY citizen_id, link_id
), capped AS (
  SELECT citizen_id, {kept}
  FROM by_source
  GROUP BY citizen_id
)"""
        return text

    @property
    def _join_capped(self) -> str:
        if any(_caps_sources(rule) for rule in self.card.rules):
            return "\n    LEFT JOIN capped ON capped.citizen_id = person.citizen_id"
        return ""

    @cached_property
    def _rule_columns(self) -> dict[str, Rule]:
        return {f"rule_{number}": rule for number, rule in enumerate(self.card.rules, start=1)}

    @property
    def _has_disputable(self) -> bool:
        return any(_may_keep_disputed(rule) for rule in self.card.rules)

    def _aggregate(self, rule: Rule) -> str:
        """The rule over one citizen's entries: what `_earned` makes micro-points of; NULL when nothing counts."""
        number = catalogue.kind(rule.kind).number
        where = [f"kind = {number}"]
        if self._first_day(rule) > self._widest[number]:
            where.append(f"day >= {self._first_day(rule)}")
        if rule.counts == LATEST:
            where.append("active")
            key = f"(day - {self._first_day(rule)}) * {1 << ID_BITS + BIN_BITS} + id * {1 << BIN_BITS}"
            if _fits_bins(rule) and len(rule.bins) > 1:
                key += f" + {_by_bin(rule, [str(place) for place in range(len(rule.bins))])}"
            return f"max({key}) FILTER (WHERE {' AND '.join(where)})"
        if all(bin.milli_points <= 0 for bin in rule.bins):
            where.append("active")
            earned = [str(bin.milli_points) for bin in rule.bins]
        else:
            earned = [
                str(bin.milli_points)
                if bin.milli_points >= 0
                else f"CASE WHEN active THEN {bin.milli_points} ELSE 0 END"
                for bin in rule.bins
            ]
        milli = _by_bin(rule, earned)
        if not rule.fades:
            return f"sum({milli}) FILTER (WHERE {' AND '.join(where)})"
        weight = self._weight(rule, "(day >> 5)")
        if max(abs(bin.milli_points) for bin in rule.bins) * FULL_WEIGHT > LONGEST_INTEGER:
            weight = self._integer(weight)
        return f"sum({milli} * {weight}) FILTER (WHERE {' AND '.join(where)})"

    def _weight(self, rule: Rule, month: str) -> str:
        if not rule.fades:
            return str(FULL_WEIGHT)
        left = f"({month} - {self._month - rule.lapses_after_months})"
        return f"({FULL_WEIGHT} * {left} / {rule.lapses_after_months})"

    def _source_clamp(self, column: str, rule: Rule) -> str:
        assert rule.max_per_source is not None
        total = column if rule.fades else f"{column} * {FULL_WEIGHT}"
        return self._clamp(total, -rule.max_per_source, rule.max_per_source)

    # -- Steps 4 to 6: after the grouping ---------------------------------------------------------------------------

    def _earned(self, column: str, rule: Rule) -> str:
        """The rule's micro-points, within its limits; nothing is computed where nothing counts."""
        if rule.counts == LATEST:
            return self._earned_by_latest(column, rule)
        total = column if rule.fades or _caps_sources(rule) else f"{column} * {FULL_WEIGHT}"
        return f"CASE WHEN {column} IS NULL THEN 0 ELSE {self._clamp(total, rule.least, rule.most)} END"

    def _earned_by_latest(self, column: str, rule: Rule) -> str:
        first = self._first_day(rule)
        points = [bin.milli_points for bin in rule.bins]
        if len(set(points)) == 1:
            milli = str(points[0])
        elif _fits_bins(rule):
            whens = " ".join(f"WHEN {place} THEN {one}" for place, one in enumerate(points))
            milli = f"CASE {column} & {(1 << BIN_BITS) - 1} {whens} END"
        else:
            key = f"{column} >> {BIN_BITS} & {(1 << ID_BITS) - 1}"
            milli = f"(SELECT {_by_bin(rule, map(str, points))} FROM {self.tables.entry} one WHERE one.id = ({key}))"
        weight = self._weight(rule, f"(({column} >> {ID_BITS + BIN_BITS}) + {first} >> 5)")
        active = f"{self._integer(milli)} * {weight}"
        earned = f"CASE WHEN {column} IS NULL THEN 0 ELSE {active} END"
        if not _may_keep_disputed(rule):
            return f"CASE WHEN {column} IS NULL THEN 0 ELSE {self._clamp(self._within_source(rule, active), rule.least, rule.most)} END"
        best = f"coalesce({self._best_disputed(column, rule)}, {BELOW_ALL})"
        disputed = f"disputes & {self._dispute_bits[catalogue.kind(rule.kind).number]} <> 0"
        plain = f"CASE WHEN {column} IS NULL THEN 0 ELSE {self._clamp(self._within_source(rule, active), rule.least, rule.most)} END"
        return f"CASE WHEN {disputed} THEN {self._clamp(self._within_source(rule, self._greater(earned, best)), rule.least, rule.most)} ELSE {plain} END"

    @cached_property
    def _dispute_bits(self) -> dict[int, int]:
        """For each kind of which a `latest` rule may keep a disputed entry, a bit that says there is one."""
        numbers = dict.fromkeys(
            catalogue.kind(rule.kind).number for rule in self.card.rules if _may_keep_disputed(rule)
        )
        return {number: 1 << place % 62 for place, number in enumerate(numbers)}

    def _disputes(self) -> str:
        whens = " ".join(f"WHEN {number} THEN {bit}" for number, bit in self._dispute_bits.items())
        each = f"CAST(CASE kind {whens} ELSE 0 END AS bigint)"
        together = f"bit_or({each})" if self.vendor == POSTGRESQL else f"sum(DISTINCT {each})"
        return f"{together} FILTER (WHERE kind IS NOT NULL AND NOT active) AS disputes"

    def _within_source(self, rule: Rule, amount: str) -> str:
        if rule.max_per_source is None:
            return amount
        return self._clamp(amount, -rule.max_per_source, rule.max_per_source)

    def _best_disputed(self, column: str, rule: Rule) -> str:
        """The most a disputed entry earns that helps and came after the latest active one; NULL without any."""
        number, first = catalogue.kind(rule.kind).number, self._first_day(rule)
        milli = _by_bin(rule, [str(max(bin.milli_points, 0)) for bin in rule.bins], "late.value")
        weight = self._integer(self._weight(rule, "(late.day >> 5)"))
        place = f"(late.day - {first}) * {1 << ID_BITS} + late.id"
        return f"""(SELECT max({milli} * {weight})
      FROM {self.tables.entry} late
      WHERE late.citizen_id = person.citizen_id AND late.kind_number = {number} AND late.status = '{DISPUTED}'
        AND late.day BETWEEN {first} AND {self._today} AND late.lapses_on > '{self.as_of}' AND {milli} > 0
        AND ({column} IS NULL OR {place} > {column} >> {BIN_BITS})
        AND NOT EXISTS (SELECT 1 FROM {self.tables.link} off WHERE off.id = late.link_id AND NOT off.is_on))"""

    def _factor(self, factor: Factor) -> str:
        rules = [
            self._earned(column, rule) for column, rule in self._rule_columns.items() if rule.factor == factor.code
        ]
        return self._clamp("\n      + ".join(rules or ["0"]), factor.least, factor.most)

    def _total(self, factors: Iterable[Factor]) -> str:
        total = " + ".join([str(self.card.base), *(self.factor_columns[factor.code] for factor in factors)])
        rounded = f"({self._clamp(total, self.card.least, self.card.most)} + {POINT // 2}) / {POINT}"
        return f"CAST({rounded} AS integer)"

    # -- Steps 7 and 8: how many counted ----------------------------------------------------------------------------

    def _count(self, first_days: Mapping[int, int]) -> str:
        """How many entries pass step 1 for a rule that reads these kinds from these days on."""
        if first_days == self._widest:
            return "count(kind)"
        plain = [number for number, day in first_days.items() if day == self._widest[number]]
        tests = [f"kind IN ({', '.join(map(str, plain))})"] if plain else []
        tests += [
            f"kind = {number} AND day >= {day}" for number, day in first_days.items() if day != self._widest[number]
        ]
        return f"count(*) FILTER (WHERE {' OR '.join(tests) or 'false'})"

    @cached_property
    def _counted_needs(self) -> list[Need]:
        """One need for each set of factors whose entries are counted apart from the thin file's."""
        found: dict[str, Need] = {}
        for purpose in self.card.purposes:
            for need in purpose.needs:
                found.setdefault(self._count_column(need.factors), need)
        return list(found.values())

    def _count_column(self, factors: Sequence[str]) -> str:
        order = list(self.factor_columns)
        return "counted_" + "_".join(str(order.index(code) + 1) for code in sorted(set(factors), key=order.index))

    def _purpose(self, purpose: Purpose) -> str:
        tests = [f"counted >= {self.card.min_entries}"]
        tests += [f"{self._count_column(need.factors)} >= {need.entries}" for need in purpose.needs]
        factors = [self.card.factor_of[code] for code in purpose.factors]
        return f"CASE WHEN {' AND '.join(tests)} THEN {self._total(factors)} END"


def _caps_sources(rule: Rule) -> bool:
    """Whether entries are summed by source first; the one that `latest` keeps is of one source anyway."""
    return rule.max_per_source is not None and rule.counts != LATEST


def _may_keep_disputed(rule: Rule) -> bool:
    return rule.counts == LATEST and any(bin.milli_points > 0 for bin in rule.bins)


def _fits_bins(rule: Rule) -> bool:
    return len(rule.bins) <= 1 << BIN_BITS


def _by_bin(rule: Rule, outcomes: Iterable[str], value: str = "value") -> str:
    """The outcome of the first bin whose bound the value does not pass."""
    *few, last = outcomes
    if set(few) <= {last}:
        return last
    whens = " ".join(f"WHEN {value} <= {bin.up_to} THEN {one}" for bin, one in zip(rule.bins, few, strict=False))
    return f"(CASE {whens} ELSE {last} END)"


def _by_kind(column: str, days: Mapping[int, int]) -> str:
    """The kind's day, `NEVER` for a kind that has none: halved again and again rather than asked one by one."""
    if not days:
        return str(NEVER)
    starts = [(0, NEVER)]
    for number in range(min(days), max(days) + 2):
        day = days.get(number, NEVER)
        if day != starts[-1][1]:
            starts.append((number, day))

    def halved(runs: list[tuple[int, int]]) -> str:
        if len(runs) == 1:
            return str(runs[0][1])
        middle = len(runs) // 2
        return f"CASE WHEN {column} < {runs[middle][0]} THEN {halved(runs[:middle])} ELSE {halved(runs[middle:])} END"

    return halved(starts)
