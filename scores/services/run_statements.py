"""The statements of a run over everybody: from freshly computed scores to stored ones, and the history of what moved.

A temporary table holds one range of citizens: what was computed, beside what was stored when it was. Then three
statements in one short transaction keep the rows that nobody touched meanwhile (and lock them), write the history of
those whose state or value differs, and store what was computed. PostgreSQL and SQLite get the same text but for how
JSON is read and made.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from scores.changes import RANGE_CLAMPED, ROUNDING, SCORECARD_REPLACED
from scores.population import Statement
from scores.scorecard_parts import POINT, Scorecard

FRESH: Final = "scores_fresh"
"""The temporary table."""
DROP_TABLE: Final = f"DROP TABLE IF EXISTS {FRESH}"
EMPTY_TABLE: Final = f"DELETE FROM {FRESH}"
KEYS: Final = f"SELECT citizen_id FROM {FRESH} ORDER BY citizen_id"


@dataclass(frozen=True, slots=True)
class RunStatements:
    """The statements for one scorecard and day; `known_factors` are the codes of all factors of all scorecards."""

    computed: Statement
    scorecard_id: int
    known_factors: Collection[str]

    @property
    def card(self) -> Scorecard:
        return self.computed.card

    @property
    def _is_postgresql(self) -> bool:
        return self.computed.vendor == "postgresql"

    def compute(self, *, after: int, upto: int) -> str:
        """Fill the temporary table: `[first day of the month]`.

        Left out are scores that are up to date already, and those whose lines only a person's own entries can tell:
        a value that a month moved, and a first value.
        """
        computed = self.computed.sql(_between("citizen_id", after, upto))
        same = f"(r.state = s.state AND r.value {'IS NOT DISTINCT FROM' if self._is_postgresql else 'IS'} s.value)"
        is_new_card = f"s.scorecard_id <> {int(self.scorecard_id)}"
        told_in_totals = f"({is_new_card} AND (s.value IS NOT NULL OR r.value IS NULL))"
        return (
            f"INSERT INTO {FRESH} SELECT r.citizen_id, r.state, r.value, {self._of_result}, r.last_entry_id, "
            f"s.revision, s.value, s.kept, NOT {same} FROM ({computed}) r "
            "JOIN scores_score s ON s.citizen_id = r.citizen_id "
            f"WHERE {_between('s.citizen_id', after, upto)} "
            f"AND ({is_new_card} OR s.as_of < %s) AND ({same} OR {told_in_totals})"
        )

    @property
    def _factors(self) -> Mapping[str, str]:
        return {code: f"f.{name}" for code, name in self.computed.factor_columns.items()}

    @property
    def _purposes(self) -> Mapping[str, str]:
        return {code: f"f.{name}" for code, name in self.computed.purpose_columns.items()}

    @property
    def _of_result(self) -> str:
        names = [*self.computed.factor_columns.values(), *self.computed.purpose_columns.values()]
        return ", ".join(f"r.{name}" for name in names)

    @property
    def make_table(self) -> str:
        results = "".join(f"{name} bigint, " for name in self.computed.factor_columns.values())
        results += "".join(f"{name} integer, " for name in self.computed.purpose_columns.values())
        kept = "jsonb" if self._is_postgresql else "text"
        return (
            f"CREATE TEMPORARY TABLE {FRESH} (citizen_id bigint PRIMARY KEY, state varchar(12), value integer, "
            f"{results}last_entry_id bigint, revision bigint, previous integer, kept {kept}, has_moved boolean)"
        )

    def hold(self, *, after: int, upto: int) -> str:
        """Lock the rows that are as they were, and forget the others."""
        lock = " ORDER BY s.citizen_id FOR UPDATE OF s" if self._is_postgresql else ""
        return (
            f"DELETE FROM {FRESH} WHERE {_between('citizen_id', after, upto)} AND citizen_id NOT IN ("
            f"SELECT s.citizen_id FROM scores_score s JOIN {FRESH} f ON f.citizen_id = s.citizen_id "
            f"AND f.revision = s.revision WHERE {_between('s.citizen_id', after, upto)}{lock})"
        )

    def write_history(self, *, after: int, upto: int) -> str:
        """A row for each score that moved, its lines in totals: `[at, cause, scorecard_version]`."""
        return (
            "INSERT INTO scores_scorechange "
            "(citizen_id, at, state, value, previous, difference, cause, scorecard_version, lines) "
            f"SELECT f.citizen_id, %s, f.state, f.value, f.previous, f.value - f.previous, %s, %s, {self._lines} "
            f"FROM {FRESH} f WHERE f.has_moved AND {_between('f.citizen_id', after, upto)} ORDER BY f.citizen_id"
        )

    def store(self, *, after: int, upto: int) -> str:
        """What was computed becomes the score: `[as_of, computed_at]`."""
        factors = self._object(self._factors)
        purposes = self._object({code: self._purpose(value) for code, value in self._purposes.items()})
        return (
            f"UPDATE scores_score SET scorecard_id = {int(self.scorecard_id)}, as_of = %s, computed_at = %s, "
            f"revision = scores_score.revision + 1, state = f.state, value = f.value, factors = {factors}, "
            f"purposes = {purposes}, kept = CASE WHEN f.has_moved THEN {self._totals} ELSE scores_score.kept END, "
            f"compared_with = CASE WHEN f.has_moved THEN NULL ELSE scores_score.compared_with END, "
            "compared_upto = CASE WHEN f.has_moved THEN f.last_entry_id ELSE scores_score.compared_upto END "
            f"FROM {FRESH} f WHERE f.citizen_id = scores_score.citizen_id "
            f"AND {_between('scores_score.citizen_id', after, upto)}"
        )

    # -- What the lines and the totals are made of ----------------------------------------------------------------

    @property
    def _total(self) -> str:
        return " + ".join([str(self.card.base), *self._factors.values()])

    @property
    def _kept_in_range(self) -> str:
        least, most = ("GREATEST", "LEAST") if self._is_postgresql else ("MAX", "MIN")
        return f"{most}({least}({self._total}, {self.card.least}), {self.card.most})"

    @property
    def _range_clamped(self) -> str:
        return f"CASE WHEN f.value IS NULL THEN 0 ELSE {self._kept_in_range} - ({self._total}) END"

    @property
    def _rounding(self) -> str:
        whole = f"f.value::bigint * {POINT}" if self._is_postgresql else f"f.value * {POINT}"
        return f"CASE WHEN f.value IS NULL THEN 0 ELSE {whole} - {self._kept_in_range} END"

    @property
    def _totals(self) -> str:
        """`Explanation.totals` of what was computed."""
        return self._object(
            {
                "base": str(self.card.base),
                "factors": self._object(self._factors),
                "range_clamped": self._range_clamped,
                "rounding": self._rounding,
            }
        )

    @property
    def _lines(self) -> str:
        """As `scores.changes.compare` tells a new scorecard: the base, each factor, and both ends, none of nought."""
        moved = [(SCORECARD_REPLACED, "", f"{self.card.base} - {self._was('base')}")]
        moved += [
            (SCORECARD_REPLACED, code, f"{self._factors.get(code, '0')} - {self._was('factors', code)}")
            for code in {**self._factors, **dict.fromkeys(self.known_factors)}
        ]
        moved.append((RANGE_CLAMPED, "", f"{self._range_clamped} - {self._was('range_clamped')}"))
        moved.append((ROUNDING, "", f"{self._rounding} - {self._was('rounding')}"))
        told = " || ".join(
            f"(CASE WHEN ({by}) = 0 THEN '' ELSE ',[\"{kind}\",' || ({by}) || ',\"{about}\",null,\"\"]' END)"
            for kind, about, by in moved
        )
        lines = f"'[' || SUBSTR({told}, 2) || ']'"
        none = f"CASE WHEN f.value IS NULL THEN '[]' ELSE {lines} END"
        return f"({none})::jsonb" if self._is_postgresql else none

    def _was(self, *path: str) -> str:
        """A number of the totals kept with the row before."""
        if self._is_postgresql:
            return f"COALESCE((f.kept #>> '{{{','.join(path)}}}')::bigint, 0)"
        return "COALESCE(json_extract(f.kept, '$" + "".join(f'."{one}"' for one in path) + "'), 0)"

    def _object(self, members: Mapping[str, str]) -> str:
        make = "jsonb_build_object" if self._is_postgresql else "json_object"
        listed = ", ".join(f"'{code}', {value}" for code, value in members.items())
        return f"{make}({listed})"

    def _purpose(self, value: str) -> str:
        state = f"CASE WHEN {value} IS NULL THEN 'not_enough_records' ELSE 'assessable' END"
        return self._object({"state": state, "value": value})


def _between(key: str, after: int, upto: int) -> str:
    """The range, said of every table: a temporary one has no statistics for the planner to go by."""
    return f"{key} > {int(after)} AND {key} <= {int(upto)}"
