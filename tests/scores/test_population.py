"""Two engines, one truth: the statement over everybody gives what the pure function gives for each."""

import copy
import random
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings

from scores import population, population_rules
from scores.scorecard import scorecard_from_document
from scores.scoring import Entry, score
from tests.budgets import AT_EDGES

from .populations import BYTES, by_statement, population_of, populations, tables
from .random_lives import EDGES, day_of, edges_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def tried_tables(db):
    with tables():
        yield


def by_pure(card, people, as_of):
    """The same from the pure function, with the edges these people stood at."""
    found, edges = {}, Counter()
    for key, entries in people.items():
        scoring = score(card, entries, as_of)
        edges.update(edges_of(card, entries, as_of, scoring))
        found[key] = (
            scoring.explanation.counted,
            scoring.state,
            scoring.value,
            scoring.factors,
            {code: purpose.value for code, purpose in scoring.purposes.items()},
            max((entry.id for entry in entries), default=0),
            len(entries),
        )
    return found, edges


def test_both_engines_are_equal_at_every_edge(tried_tables, least_examples):
    stood_at = Counter()

    @settings(max_examples=AT_EDGES // 8)
    @given(populations)
    def check(case):
        pure, edges = by_pure(*case)
        assert by_statement(*case) == pure
        stood_at.update(edges)

    check()
    assert {edge: stood_at[edge] for edge in EDGES if stood_at[edge] < least_examples} == {}


def test_a_kind_that_two_factors_read_over_different_months_counts_for_the_need_of_one(tried_tables, shipped_card):
    """Found by the property test: the kinds of one need lie before a kind that counts for it later than for others."""
    document = copy.deepcopy(shipped_card.document)
    document["thin_file"]["min_entries"] = 1
    rule = {"counts": "every", "fades": False, "min": "0", "max": "9", "bins": [{"points": "1"}]}
    reads = [
        ("fulfilment.booking", "identity", 1),
        ("credit.payment", "identity", 1),
        ("identity.email", "identity", 1),
    ]
    reads += [("conduct.fare", "conduct", 2), ("conduct.fare", "identity", 1)]
    document["rules"] = [
        {"code": f"rule_{place}", "kind": kind, "factor": factor, "lapses_after_months": months} | rule
        for place, (kind, factor, months) in enumerate(reads)
    ]
    document["purposes"]["dating"]["needs"] = [{"any": ["identity", "vouches"], "entries": 1}]
    card, day = scorecard_from_document(document), day_of(12 * 2026 + 11, 1)
    people = {1: [Entry(1, "conduct.fare", day, date(2040, 1, 1), 0, "active", 1)]}
    pure, _ = by_pure(card, people, day)
    assert pure[1][4]["dating"] == 551
    assert by_statement(card, people, day) == pure


def test_the_largest_points_there_may_be_overflow_nothing(tried_tables, shipped_card):
    """Rules alike that each give or take as much as allowed, in every way to count, in one factor."""
    for points in ("10000", "-10000", "2147.483", "-2147.483"):
        document = copy.deepcopy(shipped_card.document)
        document["range"]["max"] = "10000"
        document["factors"][0] |= {"min": "-10000", "max": "10000"}
        document["rules"] = [
            {"code": "rule", "kind": "credit.payment", "factor": "credit_history", "counts": counts,
             "lapses_after_months": 84, "fades": fades, "min": "-10000", "max": "10000", "bins": [{"points": points}]}
            | ({"max_per_source": "10000"} if cap else {})
            for counts in ("every", "latest", "latest") for fades in (True, False) for cap in (True, False)
        ]  # fmt: skip
        for place, rule in enumerate(document["rules"]):
            rule["code"] = f"rule_{place}"
        card = scorecard_from_document(document)
        for months in (0, 83):
            day = day_of(12 * 2026 + 11 - months, 1)
            lives = {1: [Entry(n, "credit.payment", day, date(2040, 1, 1), 0, "active", 1) for n in range(1, 60)]}
            case = card, lives, date(2026, 11, 28)
            assert by_statement(*case) == by_pure(*case)[0]


MUTANTS = {
    "a bound does not belong to its bin": ('f"WHEN value <= {bin.up_to} THEN', 'f"WHEN value < {bin.up_to} THEN'),
    "weights have fractions": ('f"({FULL_WEIGHT} * {left} /', 'f"({FULL_WEIGHT}.0 * {left} /'),
    "factors have no limits": (
        "clamped = self._words.clamp(earned,",
        "clamped = (lambda amount, *_, **__: amount)(earned,",
    ),
    "ties go to the lower id": ("+ id * {1 << BIN_BITS}", "+ ({(1 << ID_BITS) - 1} - id) * {1 << BIN_BITS}"),
    "a source may give any amount": ("clamped = self.words.clamp(total, -limit, limit)", "clamped = total"),
    "rules have no limits": (
        "clamped = self.words.clamp(total, self.rule.least",
        "clamped = self.words.clamp(total, -(1 << 62)",
    ),
    "an entry counts on the day it lapses": ("{of}lapses_on > ", "{of}lapses_on >= "),
    "tomorrow's entry counts": ("{of}day <= {day_number(self.as_of)}", "{of}day <= {day_number(self.as_of) + 31}"),
    "a window is a month longer": (
        "self.month - rule.lapses_after_months + 1)",
        "self.month - rule.lapses_after_months)",
    ),
    "struck entries count": ("{of}status <> '{STRUCK}' AND ", ""),
    "what is switched off counts": (" AND NOT off.is_on", " AND NOT off.is_on AND off.id < 0"),
    "a disputed entry may hurt": ('f"CASE WHEN active THEN {one} ELSE 0 END"', "str(one)"),
    "a dispute brings back what is older": ("> coalesce({self.name} >> {BIN_BITS}, -1)", "> -1"),
    "halves round down": ("{POINT // 2}", "{POINT // 2 - 1}"),
    "a need asks for one more": (">= {need.entries}", "> {need.entries}"),
    "a thin file is one entry thinner": ("counted >= {self.card.min_entries}", "counted > {self.card.min_entries}"),
    "the last entry is not told": ('{self._told("max(id)", "last_entry_id")}', "0 AS last_entry_id"),
}


@pytest.mark.parametrize(("before", "after"), MUTANTS.values(), ids=MUTANTS)
def test_a_changed_statement_is_found_out(tried_tables, monkeypatch, before, after):
    dice, made = random.Random(11), mutated(monkeypatch, before, after)
    for _ in range(200):
        case = population_of(dice.randbytes(BYTES))
        if by_statement(*case, made=made) != by_pure(*case)[0]:
            return
    pytest.fail("Nothing told the changed statement from the right one.")


def mutated(monkeypatch, before, after):
    """The statement's class, made anew from the source with one change."""
    changed = 0
    for module in (population_rules, population):
        source = Path(module.__file__).read_text()
        changed += source.count(before)
        name = f"mutated_{module.__name__.rpartition('.')[2]}"
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        text = source.replace(before, after).replace("from scores.population_rules", "from mutated_population_rules")
        exec(compile(text, name, "exec"), sys.modules[name].__dict__)
    assert changed > 0
    return sys.modules["mutated_population"].Statement
