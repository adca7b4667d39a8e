"""The population statement: one SELECT that scores everybody in a range, generated from a scorecard.

It is `scores.scoring` said in SQL, exact to the last micro-point: whole numbers only, no dates and no join to the
scorecard. `scores.population_rules` makes one aggregate of each rule, so that the statement reads like the document it
came from. It goes in steps, none of which keeps rows on PostgreSQL: a citizen's entries (`rule`), again those of which
a source may give only so much (`capped`), disputed ones that might take the latest's place (`late`), then factors and
values. PostgreSQL and SQLite get the same text but for a few words. Pure: no clock, no database, no Django.

Entries carry their date as a whole number too, `day` = 32 · (12 · year + month) + day of the month: it sorts like the
date, and `day >> 5` is the month that ages are counted in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

from scores.explaining import ACTIVE, DISPUTED, SCORED, THIN_FILE
from scores.population_rules import Counts, RuleColumn, Window, Words, day_number, flags, rule_columns
from scores.scorecard_parts import POINT, Factor, Purpose, Scorecard

__all__ = ["Statement", "Tables", "day_number"]


class Tables(NamedTuple):
    """Where the entries, links and citizens are; each may be a temporary table with the columns that are read."""

    entry: str = "scores_entry"
    """citizen_id, link_id, id, kind_number, day, lapses_on, value, status"""
    link: str = "scores_link"
    """citizen_id, id, is_on"""
    enrolment: str = "scores_enrolment"
    """citizen_id"""


STORED = Tables()


@dataclass(frozen=True)
class Statement:
    """The statement for one scorecard, day and database; `sql` says about whom.

    Its columns, in order, are those of `columns`: what the arithmetic gives, and two that tell whether anything was
    recorded about the citizen since (`last_entry_id`, 0 without any, and `entry_count`, of whatever status).
    """

    card: Scorecard
    as_of: date
    vendor: str
    tables: Tables = STORED

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
        points = (*self.factor_columns.values(), *self.purpose_columns.values())
        return ("citizen_id", "counted", "state", "value", *points, "last_entry_id", "entry_count")

    def sql(self, whose: str) -> str:
        """The SELECT. `whose` is a condition on `citizen_id`, which is written once for each table that is read.

        Every enrolled citizen it takes in has a row, those without entries too.
        """
        purposes = "".join(
            f",\n  {self._purpose(one)} AS {self.purpose_columns[one.code]}" for one in self.card.purposes
        )
        is_scored = f"counted >= {self.card.min_entries}"
        return f"""WITH {self._rule(whose)}{self._capped(whose)}{self._late(whose)}{self._factor(whose)}
SELECT citizen_id, counted,
  CASE WHEN {is_scored} THEN '{SCORED}' ELSE '{THIN_FILE}' END AS state,
  CASE WHEN {is_scored} THEN {self._total(self.card.factors)} END AS value,
  {", ".join(self.factor_columns.values())}{purposes},
  last_entry_id, entry_count
FROM factor"""

    # -- The parts --------------------------------------------------------------------------------------------------

    @cached_property
    def _words(self) -> Words:
        return Words.of(self.vendor)

    @cached_property
    def _window(self) -> Window:
        return Window.of(self.card, self.as_of)

    @cached_property
    def _rules(self) -> list[RuleColumn]:
        return rule_columns(self.card, self._window, self._words, entries=self.tables.entry)

    @cached_property
    def _has_flags(self) -> bool:
        return any(rule.flag is not None for rule in self._rules)

    @cached_property
    def _counts(self) -> Counts:
        return Counts(self.card, self._window, self._words)

    def _rule(self, whose: str) -> str:
        """What a citizen's entries come to, rule by rule.

        PostgreSQL also tells all of them in the same pass: `kind` is NULL in those that do not count. SQLite would sort
        the rows of such a subquery before it groups them, so there the others are left out.
        """
        columns = self._counts.columns()
        if self._words.is_postgresql:
            columns += ["max(id) AS last_entry_id", "count(*) AS entry_count"]
        columns += [f"{rule.aggregate()} AS {rule.name}" for rule in self._rules if rule.is_summed_at_once]
        if self._has_flags:
            columns.append(f"{flags(self._rules, self._words)} AS flags")
        counts = f"{self._window.counts('entry.', self._words)} AND off.id IS NULL"
        if self._words.is_postgresql:
            kind = f"CASE WHEN {counts} THEN entry.kind_number END"
            where = f"{_of('entry', whose)}\n    ORDER BY entry.citizen_id\n    OFFSET 0"
        else:
            kind, where = "entry.kind_number", f"{_of('entry', whose)} AND {counts}"
        return f"""rule AS (
  SELECT citizen_id,
    {_lines(columns)}
  FROM (
    SELECT entry.citizen_id, entry.id, entry.day, entry.value, entry.status = '{ACTIVE}' AS active,
      {kind} AS kind
    FROM {self._entries(whose)}
    WHERE {where}
  ) entry
  GROUP BY citizen_id
)"""

    def _capped(self, whose: str) -> str:
        """The rules of which one source may give only so much: summed by link first."""
        rules = [rule for rule in self._rules if rule.caps_sources]
        if not rules:
            return ""
        kinds = ", ".join(str(number) for number in sorted({rule.number for rule in rules}))
        counts = f"{self._window.counts('entry.', self._words)} AND off.id IS NULL"
        return f""", capped AS (
  SELECT citizen_id,
    {_lines([f"sum({rule.name}) AS {rule.name}" for rule in rules])}
  FROM (
    SELECT citizen_id, link_id,
      {_lines([f"{rule.of_source()} AS {rule.name}" for rule in rules])}
    FROM (
      SELECT entry.citizen_id, entry.link_id, entry.day, entry.value, entry.status = '{ACTIVE}' AS active,
        entry.kind_number AS kind
      FROM {self._entries(whose)}
      WHERE {_of("entry", whose)} AND entry.kind_number IN ({kinds}) AND {counts}
    ) entry
    GROUP BY citizen_id, link_id
  ) by_link
  GROUP BY citizen_id
)"""

    def _entries(self, whose: str) -> str:
        """Entries, and beside each its link if it is switched off."""
        return (
            f"{self.tables.entry} entry LEFT JOIN {self.tables.link} off ON off.citizen_id = entry.citizen_id"
            f" AND off.id = entry.link_id AND NOT off.is_on AND {_of('off', whose)}"
        )

    def _late(self, whose: str) -> str:
        """The latest disputed entry of each amount that helps, where a `latest` rule might keep it."""
        rules = [rule for rule in self._rules if rule.may_keep_disputed]
        if not rules:
            return ""
        return f""", late AS (
  SELECT citizen_id,
    {_lines([column for rule in rules for column in rule.late()])}
  FROM (
    SELECT entry.citizen_id, entry.id, entry.day, entry.value, entry.kind_number AS kind
    FROM {self._entries(whose)}
    WHERE {_of("entry", whose)} AND entry.status = '{DISPUTED}' AND {self._window.is_alive("entry.")}
      AND off.id IS NULL
  ) entry
  GROUP BY citizen_id
)"""

    def _factor(self, whose: str) -> str:
        counts = "".join(f", coalesce({name}, 0) AS {name}" for name in self._counts.sets)
        factors = [f"{self._points(factor)} AS {self.factor_columns[factor.code]}" for factor in self.card.factors]
        joined = ["rule"]
        joined += ["capped"] if any(rule.caps_sources for rule in self._rules) else []
        joined += ["late"] if any(rule.may_keep_disputed for rule in self._rules) else []
        joins = "".join(f"\n    LEFT JOIN {name} ON {name}.citizen_id = person.citizen_id" for name in joined)
        return f""", factor AS {self._words.kept}(
  SELECT person.citizen_id{counts},
    {_lines(factors)},
    {self._told("max(id)", "last_entry_id")}, {self._told("count(*)", "entry_count")}
  FROM {self.tables.enrolment} person{joins}
  WHERE {_of("person", whose)}
  {self._words.unmerged}
)"""

    def _told(self, aggregate: str, name: str) -> str:
        """A column about all entries of the person."""
        if self._words.is_postgresql:
            return f"coalesce({name}, 0) AS {name}"
        everything = f"SELECT {aggregate} FROM {self.tables.entry} own WHERE own.citizen_id = person.citizen_id"
        return f"coalesce(({everything}), 0) AS {name}"

    # -- Step 5 to 8 ------------------------------------------------------------------------------------------------

    def _points(self, factor: Factor) -> str:
        """The factor's micro-points: its rules', within its limits, which are left out where nothing reaches them."""
        rules = [rule for rule in self._rules if rule.rule.factor == factor.code]
        earned = "\n      + ".join(["CAST(0 AS bigint)", *(rule.earned() for rule in rules)])  # two may pass 31 bits
        least, most = sum(rule.reach[0] for rule in rules), sum(rule.reach[1] for rule in rules)
        clamped = self._words.clamp(earned, factor.least, factor.most, reach=(least, most))
        return f"CAST({clamped} AS bigint)"

    def _total(self, factors: Iterable[Factor]) -> str:
        total = " + ".join([str(self.card.base), *(self.factor_columns[factor.code] for factor in factors)])
        return (
            f"CAST(({self._words.clamp(total, self.card.least, self.card.most)} + {POINT // 2}) / {POINT} AS integer)"
        )

    def _purpose(self, purpose: Purpose) -> str:
        tests = [f"counted >= {self.card.min_entries}"]
        tests += [f"{self._counts.column(need.factors)} >= {need.entries}" for need in purpose.needs]
        factors = [self.card.factor_of[code] for code in purpose.factors]
        return f"CASE WHEN {' AND '.join(tests)} THEN {self._total(factors)} END"


def _of(table: str, whose: str) -> str:
    return whose.replace("citizen_id", f"{table}.citizen_id")


def _lines(columns: Sequence[str]) -> str:
    return ",\n    ".join(columns)
