"""Sums as the page shows them: every shown line in tenths adds up to the shown total, or says what is missing."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from citizen_app.web.wording import tenths
from scores.web.ledger import change_sum, factor_sum, rule_sum, score_sum

TITLES = {"credit_history": "Credit history", "identity": "Identity"}
MICRO = Decimal("0.000001")


def explanation(*factors: str, base: str = "550.000000", clamped: str = "0.000000") -> dict[str, object]:
    exact = Decimal(base) + sum(map(Decimal, factors)) + Decimal(clamped)
    value = int((exact + Decimal("0.5")) // 1)
    codes = [*TITLES, "fulfilment", "conduct", "vouches"]
    return {
        "value": value,
        "base": base,
        "factors": [{"code": code, "points": points} for code, points in zip(codes, factors, strict=False)],
        "range_clamped": clamped,
        "rounding": f"{value - exact:.6f}",
    }


def shown(total) -> int:
    return sum(tenths(line.points) for line in total.lines)


def test_the_worked_example_adds_up_without_a_rounding_line():
    total = score_sum(explanation("57.968000", "34.000000"), TITLES)
    assert [(line.kind, line.text, tenths(line.points)) for line in total.lines] == [
        ("base", "Everyone starts at", 5500),
        ("factor", "Credit history", 580),
        ("factor", "Identity", 340),
    ]
    assert (total.total, total.before_rounding) == (642, "641.968")


def test_a_tenth_lost_to_rounding_gets_a_line_of_its_own():
    total = score_sum(explanation("57.240000", "34.240000"), TITLES)
    assert total.total == 641
    assert [(line.kind, tenths(line.points)) for line in total.lines][-1] == ("rounding", -4)
    assert shown(total) == 6410


def test_a_clamped_range_is_a_line():
    total = score_sum(explanation("150.000000", "60.000000", base="900.000000", clamped="-160.000000"), TITLES)
    assert ("range_clamped", -1600) in [(line.kind, tenths(line.points)) for line in total.lines]
    assert shown(total) == 9500


def test_no_score_has_no_sum():
    assert score_sum(explanation() | {"value": None}, TITLES) is None


@given(st.lists(st.integers(-150_000_000, 150_000_000), min_size=0, max_size=5))
def test_the_shown_lines_of_every_score_add_up(points):
    told = explanation(*[f"{micro * MICRO:f}" for micro in points])
    assert shown(score_sum(told, TITLES)) == told["value"] * 10


def rule(points: str, *entries: tuple[str, bool]) -> dict[str, object]:
    return {
        "title": "Payments",
        "points": points,
        "entries": [
            {"id": f"ent_{number}", "title": "Paid", "points": worth, "counts": counts}
            for number, (worth, counts) in enumerate(entries)
        ],
    }


def test_a_rules_limit_is_a_line_and_what_does_not_count_is_none():
    total = rule_sum(rule("10.000000", ("4.000000", True), ("8.500000", True), ("-3.000000", False)))
    assert [(line.kind, tenths(line.points)) for line in total.lines] == [
        ("entry", 40),
        ("entry", 85),
        ("capped", -25),
    ]
    assert total.total == 10


def test_a_factors_limit_is_a_line():
    total = factor_sum({"code": "identity", "points": "60.000000", "rules": [rule("40.000000"), rule("25.500000")]})
    assert [(line.kind, tenths(line.points)) for line in total.lines] == [("rule", 400), ("rule", 255), ("capped", -55)]


def change(difference: int | None, value: int | None, *points: str) -> dict[str, object]:
    lines = [{"kind": "entry_added", "text": "Paid", "points": worth} for worth in points]
    return {"difference": difference, "value": value, "lines": [*lines, {"kind": "rounding", "points": "0.123000"}]}


def test_the_lines_of_a_change_add_up_to_its_difference():
    total = change_sum(change(6, 642, "4.040000", "1.840000"))
    assert [(line.kind, tenths(line.points)) for line in total.lines] == [
        ("entry_added", 40),
        ("entry_added", 18),
        ("rounding", 2),
    ]


def test_the_first_score_is_explained_from_its_base():
    assert shown(change_sum(change(None, 642, "550.000000", "91.968000"))) == 6420


def test_a_score_that_went_has_no_lines():
    total = change_sum({"difference": None, "value": None, "lines": []})
    assert (total.lines, total.total) == ([], 0)
