"""What is learned from is what the engine counts: columns times points are the micro-points of each rule."""

from datetime import date
from pathlib import Path

from hypothesis import given

from scores import catalogue
from scores.learning.features import Column, columns_of, only, weights_of
from scores.scorecard import load_scorecard
from scores.scoring import Entry, score
from tests.scores.random_lives import cases

CARDS = Path(catalogue.__file__).parent / "scorecards"
CARD = load_scorecard((CARDS / "2026-12.yaml").read_text(encoding="utf-8"))


def test_columns_times_points_are_what_the_engine_counts():
    """And a rule's columns do not depend on the other rules of the card."""
    examples = []

    @given(cases)
    def check(case):
        card, entries, as_of = case
        columns, weights = columns_of(card.rules), weights_of(card, entries, as_of)
        lines = {line.code: line for factor in score(card, entries, as_of).explanation.factors for line in factor.rules}
        for rule in card.rules:
            micro = sum(
                rule.bins[column.bin].milli_points * weight
                for column, weight in zip(columns, weights, strict=True)
                if column.rule == rule.code
            )
            assert micro == lines[rule.code].micro - lines[rule.code].capped
        rule = card.rules[-1]
        everything = dict(zip(columns, weights, strict=True))
        assert weights_of(only(card, [rule]), entries, as_of) == [everything[one] for one in columns_of([rule])]
        examples.append(sum(weights) > 0)

    check()
    assert sum(examples) >= 20


def entry(number, kind, day, value):
    return Entry(number, kind, day, catalogue.lapses_on(catalogue.kind(kind), day), value)


def test_weights_are_those_of_each_month():
    entries = [
        entry(1, "credit.payment", date(2026, 10, 31), 20_000),
        entry(2, "credit.payment", date(2026, 9, 30), 30_000),
        entry(3, "credit.payment", date(2026, 8, 31), 0),
        entry(4, "credit.paid", date(2026, 10, 31), 1_000),
        entry(5, "credit.paid", date(2026, 9, 30), 1_001),
    ]
    found = dict(zip(columns_of(CARD.rules), weights_of(CARD, entries, date(2026, 11, 23)), strict=True))
    assert {column: weight for column, weight in found.items() if weight} == {
        Column("payments_on_time", 1): 1000,
        Column("payments_on_time", 2): 2000,
        Column("payments_late", 0): 875,
        Column("payments_late", 1): 958 + 916,
        Column("payment_latest", 3): 1000,
        Column("paid_back", 0): 1000,
        Column("paid_back", 1): 1000,
    }
