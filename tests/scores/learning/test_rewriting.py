"""A new card out of its structure: only numbers change."""

from scores.learning.rewriting import RuleNumbers, rewritten, with_numbers
from scores.scorecard import load_scorecard

from .conftest import STRUCTURE

TEXT = STRUCTURE.read_text(encoding="utf-8")


def test_nothing_but_the_version_changes_without_numbers():
    new = rewritten(TEXT, version="2027-01", rules={})
    assert new == TEXT.replace('"2026-12.structure"', '"2027-01"')
    assert len(new) != len(TEXT)


def test_a_rule_s_numbers_are_put_where_they_belong():
    numbers = RuleNumbers([0, 12_500], -0, 25_000)
    new, card = with_numbers(TEXT, version="2027-01", rules={"paid_back": numbers})
    rule, before = card.rule_of["paid_back"], load_scorecard(TEXT)
    assert [(bin.up_to, bin.milli_points) for bin in rule.bins] == [(1_000, 0), (None, 12_500)]
    assert (rule.least, rule.most) == (0, 25_000_000)
    assert [one for one in card.rules if one.code != "paid_back"] == [
        one for one in before.rules if one.code != "paid_back"
    ]
    assert new.count("#") == TEXT.count("#")
