"""Tiers, benefits and the rationing of thresholds."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perks.tiers import (
    KINDS,
    ThresholdFact,
    Tier,
    best_tier,
    check_benefit,
    check_tiers,
    complete_benefit,
    cost_of,
    easiest_threshold,
    has_open_tier,
    may_move_from,
    probing_conflict,
    read_tiers,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GOOD = {"text": "20 % off"}
TEN_EUROS = {"amount": 1000, "currency": "EUR"}
WELL_FORMED = {
    "discount": [
        {"text": "Free dessert"},
        {"text": "20 % off", "percent": 20},
        {"text": "Ten off", "amount": TEN_EUROS},
        {"text": "x" * 200, "percent": None, "amount": None},
        {"text": "All of it", "percent": 100},
    ],
    "priority": [{"text": "Skip the queue"}],
    "gift_card": [
        {"face": TEN_EUROS},
        {"face": TEN_EUROS, "lives_months": 1},
        {"face": TEN_EUROS, "lives_months": 120},
    ],
    "deposit_waiver": [{"waived_percent": 1}, {"waived_percent": 100}],
    "visibility_boost": [{"boost": "1.01"}, {"boost": "1.20"}, {"boost": "1.50"}],
}


def rows(*thresholds: int | None) -> list[dict]:
    return [{"min_score": threshold, "benefit": GOOD} for threshold in thresholds]


def found(errors) -> list[tuple[str, str]]:
    return [(error.pointer, error.code) for error in errors]


def of(*thresholds: int | None) -> tuple[Tier, ...]:
    return read_tiers(rows(*thresholds))


# Tiers


@pytest.mark.parametrize(
    "raw", [rows(None), rows(590), rows(10_000), rows(590, 630), rows(None, 590, 630), rows(550, 590, 630), rows(10)]
)
def test_tiers_as_they_should_be_pass_in_any_order(raw):
    assert all(check_tiers("discount", list(order), currency="EUR") == [] for order in permutations(raw))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, [("/tiers", "invalid")]),
        ({}, [("/tiers", "invalid")]),
        ("590", [("/tiers", "invalid")]),
        ([], [("/tiers", "out_of_range")]),
        (rows(None, 500, 600, 700), [("/tiers", "out_of_range")]),
        ([590], [("/tiers/0", "invalid")]),
        ([{}], [("/tiers/0/min_score", "required"), ("/tiers/0/benefit", "required")]),
        ([{"min_score": 590, "benefit": GOOD, "a/b": 1}], [("/tiers/0/a~1b", "unknown_field")]),
        (rows(595), [("/tiers/0/min_score", "invalid")]),
        (rows(0), [("/tiers/0/min_score", "out_of_range")]),
        (rows(-10), [("/tiers/0/min_score", "out_of_range")]),
        (rows(10_010), [("/tiers/0/min_score", "out_of_range")]),
        (rows(10**30), [("/tiers/0/min_score", "out_of_range")]),
        (rows(True), [("/tiers/0/min_score", "invalid")]),
        (rows(590.0), [("/tiers/0/min_score", "invalid")]),
        (rows("590"), [("/tiers/0/min_score", "invalid")]),
        (rows(590, 620), [("/tiers/1/min_score", "out_of_range")]),
        (rows(620, 590), [("/tiers/0/min_score", "out_of_range")]),
        (rows(590, 590), [("/tiers/1/min_score", "out_of_range")]),
        (rows(590, 630, 610), [("/tiers/2/min_score", "out_of_range"), ("/tiers/1/min_score", "out_of_range")]),
        (rows(None, 590, None), [("/tiers/2/min_score", "invalid")]),
        (
            [{"min_score": 590, "benefit": {"text": ""}}, {"min_score": 595, "benefit": None}],
            [("/tiers/0/benefit/text", "invalid"), ("/tiers/1/min_score", "invalid"), ("/tiers/1/benefit", "invalid")],
        ),
    ],
)
def test_tiers_that_break_a_rule_are_refused_at_their_place(raw, expected):
    assert found(check_tiers("discount", raw, currency="EUR")) == expected


@given(st.lists(st.integers(1, 100).map(lambda tens: tens * 10), min_size=1, max_size=3))
def test_tiers_pass_exactly_when_every_two_are_40_apart(thresholds):
    apart = all(abs(one - other) >= 40 for place, one in enumerate(thresholds) for other in thresholds[place + 1 :])
    assert (check_tiers("discount", rows(*thresholds), currency="EUR") == []) is apart


def test_a_boost_has_one_scored_tier():
    def boosts(*thresholds):
        return [{"min_score": threshold, "benefit": {"boost": "1.20"}} for threshold in thresholds]

    assert check_tiers("visibility_boost", boosts(600), currency="EUR") == []
    for raw in (boosts(None), boosts(600, 700), boosts(None, 600)):
        assert found(check_tiers("visibility_boost", raw, currency="EUR")) == [("/tiers", "invalid")]


def test_read_tiers_puts_the_open_one_first_and_the_rest_upwards():
    for order in permutations((None, 590, 640)):
        assert [tier.min_score for tier in of(*order)] == [None, 590, 640]


@pytest.mark.parametrize(
    ("thresholds", "value", "reached"),
    [
        ((590, 640), 589, "none"),
        ((590, 640), 590, 590),
        ((590, 640), 639, 590),
        ((590, 640), 640, 640),
        ((590, 640), 950, 640),
        ((590, 640), None, "none"),
        ((None, 590), None, None),
        ((None, 590), 350, None),
        ((None, 590), 590, 590),
        ((None,), 900, None),
    ],
)
def test_the_best_tier_reached_applies(thresholds, value, reached):
    for order in permutations(of(*thresholds)):
        tier = best_tier(order, value)
        assert ("none" if tier is None else tier.min_score) == reached


def test_no_tiers_reach_nothing():
    assert best_tier((), 900) is None
    assert easiest_threshold(()) is None
    assert not has_open_tier(())


def test_the_easiest_threshold_is_the_lowest_scored_one():
    assert easiest_threshold(of(640, 590)) == 590
    assert easiest_threshold(of(None, 640)) == 640
    assert easiest_threshold(of(None)) is None
    assert has_open_tier(of(None, 640))
    assert not has_open_tier(of(640))


def test_a_tier_is_shown_as_the_api_shows_it():
    assert of(590)[0].as_dict() == {"min_score": 590, "benefit": {"text": "20 % off"}}


# Benefits


def test_every_kind_has_its_benefit():
    assert set(KINDS) == set(WELL_FORMED)


@pytest.mark.parametrize(("kind", "benefit"), [(kind, good) for kind, goods in WELL_FORMED.items() for good in goods])
def test_a_benefit_passes_for_its_own_kind_only(kind, benefit):
    assert check_benefit(kind, benefit, currency="EUR") == []
    passing = {other for other in KINDS if check_benefit(other, benefit, currency="EUR") == []}
    assert passing == ({"discount", "priority"} if set(benefit) == {"text"} else {kind})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", [None, [], "free", 5, True])
def test_a_benefit_that_is_no_object_is_refused(kind, raw):
    assert found(check_benefit(kind, raw, currency="EUR")) == [("/benefit", "invalid")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_benefit_without_its_fields_is_refused(kind):
    assert [code for _, code in found(check_benefit(kind, {}, currency="EUR"))] == ["required"]


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        ("discount", {"text": "   "}, [("text", "invalid")]),
        ("discount", {"text": 5}, [("text", "invalid")]),
        ("discount", {"text": None}, [("text", "required")]),
        ("discount", {"text": "x" * 201}, [("text", "too_long")]),
        ("discount", {"text": "x", "percent": 0}, [("percent", "out_of_range")]),
        ("discount", {"text": "x", "percent": 101}, [("percent", "out_of_range")]),
        ("discount", {"text": "x", "percent": 12.5}, [("percent", "invalid")]),
        ("discount", {"text": "x", "percent": True}, [("percent", "invalid")]),
        ("discount", {"text": "x", "percent": "20"}, [("percent", "invalid")]),
        ("discount", {"text": "x", "percent": 20, "amount": TEN_EUROS}, [("amount", "invalid")]),
        ("discount", {"text": "x", "amount": 1000}, [("amount", "invalid")]),
        ("discount", {"text": "x", "amount": {}}, [("amount/amount", "required"), ("amount/currency", "required")]),
        ("discount", {"text": "x", "amount": {**TEN_EUROS, "amount": 0}}, [("amount/amount", "out_of_range")]),
        ("discount", {"text": "x", "amount": {**TEN_EUROS, "amount": 10**12 + 1}}, [("amount/amount", "out_of_range")]),
        ("discount", {"text": "x", "amount": {**TEN_EUROS, "amount": 9.99}}, [("amount/amount", "invalid")]),
        ("discount", {"text": "x", "amount": {**TEN_EUROS, "currency": "USD"}}, [("amount/currency", "invalid")]),
        ("discount", {"text": "x", "amount": {**TEN_EUROS, "currency": "eur"}}, [("amount/currency", "invalid")]),
        ("discount", {"text": "x", "amount": {**TEN_EUROS, "minor": 1}}, [("amount/minor", "unknown_field")]),
        ("priority", {"text": "x", "percent": 5}, [("percent", "unknown_field")]),
        ("gift_card", {"face": TEN_EUROS, "lives_months": 0}, [("lives_months", "out_of_range")]),
        ("gift_card", {"face": TEN_EUROS, "lives_months": 121}, [("lives_months", "out_of_range")]),
        ("gift_card", {"face": "10 €"}, [("face", "invalid")]),
        ("deposit_waiver", {"waived_percent": 0}, [("waived_percent", "out_of_range")]),
        ("deposit_waiver", {"waived_percent": 101}, [("waived_percent", "out_of_range")]),
        *[
            ("visibility_boost", {"boost": boost}, [("boost", "invalid")])
            for boost in ("1.00", "1.51", "1.5", "2.00", "0.99", "1.010", "1,20", "１.20", "1.20\n", 1.2, True)
        ],
        ("visibility_boost", {"boost": None}, [("boost", "required")]),
    ],
)
def test_a_benefit_that_is_wrong_is_refused_at_its_place(kind, raw, expected):
    errors = found(check_benefit(kind, raw, currency="EUR", pointer="/b"))
    assert errors == [(f"/b/{place}", code) for place, code in expected]


def test_a_boost_is_anything_from_101_to_150_hundredths():
    passing = [
        n for n in range(90, 170) if not check_benefit("visibility_boost", {"boost": f"{n / 100:.2f}"}, currency="EUR")
    ]
    assert passing == list(range(101, 151))


def test_a_kind_nobody_knows_is_a_bug_not_an_input():
    with pytest.raises(KeyError):
        check_benefit("mystery", {"text": "x"}, currency="EUR")


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["min_score", "benefit", "text", "percent", "amount", "currency", "face", "boost", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.sampled_from(KINDS), json)
def test_any_json_is_judged_without_failing(kind, raw):
    if check_tiers(kind, raw, currency="EUR") == []:
        assert 1 <= len(read_tiers(raw)) <= 3


def test_a_gift_card_lives_24_months_unless_it_says_otherwise():
    assert complete_benefit({"face": TEN_EUROS}) == {"face": TEN_EUROS, "lives_months": 24}
    assert complete_benefit({"face": TEN_EUROS, "lives_months": None})["lives_months"] == 24
    assert complete_benefit({"face": TEN_EUROS, "lives_months": 6})["lives_months"] == 6
    assert complete_benefit({"text": "x", "percent": None}) == {"text": "x"}


def test_a_taking_costs_the_budget_its_face_or_its_amount():
    assert cost_of({"face": TEN_EUROS, "lives_months": 24}) == 1000
    assert cost_of({"text": "Ten off", "amount": TEN_EUROS}) == 1000
    assert cost_of({"text": "20 % off", "percent": 20}) == 0
    assert cost_of({"waived_percent": 50}) == 0


# Probing


def fact(min_score: int, used_until: datetime | None = None, number: int = 1) -> ThresholdFact:
    return ThresholdFact(UUID(int=number), f"Perk {number}", min_score, used_until)


@pytest.mark.parametrize(
    ("distance", "conflicts"),
    [(0, False), (10, True), (20, True), (30, True), (39, True), (40, False), (50, False), (300, False)],
)
def test_two_thresholds_are_equal_or_40_apart(distance, conflicts):
    for other in (600 + distance, 600 - distance):
        assert (probing_conflict(600, [fact(other)], now=NOW) is not None) is conflicts


@pytest.mark.parametrize(
    ("used_until", "conflicts"),
    [
        (None, True),
        (NOW, True),
        (NOW - timedelta(days=90) + timedelta(microseconds=1), True),
        (NOW - timedelta(days=90), False),
        (NOW - timedelta(days=400), False),
    ],
)
def test_a_threshold_keeps_others_away_for_90_days_after_its_use(used_until, conflicts):
    assert (probing_conflict(600, [fact(610, used_until)], now=NOW) is not None) is conflicts


def test_the_conflict_names_the_nearest_perk_in_force():
    others = [
        fact(570, None, 1),
        fact(620, NOW, 2),
        fact(580, None, 3),
        fact(600, None, 4),
        fact(700, None, 5),
    ]
    for order in permutations(others):
        assert probing_conflict(600, order, now=NOW).perk_id == UUID(int=3)


def test_no_other_threshold_is_no_conflict():
    assert probing_conflict(600, [], now=NOW) is None


@given(st.lists(st.tuples(st.integers(35, 95), st.integers(0, 30)), max_size=60))
def test_an_adversary_within_the_rule_never_has_two_thresholds_closer_than_40(attempts):
    """Everything a merchant may publish in 90 days, moves included, cuts the scale at steps of 40 or more."""
    used: list[ThresholdFact] = []
    now = NOW
    for number, (tens, hours) in enumerate(attempts):
        now += timedelta(hours=hours)  # at most 60 · 30 hours: 75 days
        if probing_conflict(tens * 10, used, now=now) is None:
            used = [ThresholdFact(one.perk_id, one.title, one.min_score, one.used_until or now) for one in used]
            used.append(fact(tens * 10, None, number))
    cuts = sorted({one.min_score for one in used})
    assert all(upper - lower >= 40 for lower, upper in pairwise(cuts))


@pytest.mark.parametrize(
    ("moves", "free_from"),
    [
        ([], None),
        ([NOW - timedelta(days=7)], None),
        ([NOW - timedelta(days=7) + timedelta(microseconds=1)], NOW + timedelta(microseconds=1)),
        ([NOW - timedelta(days=30), NOW - timedelta(days=1), NOW - timedelta(days=9)], NOW + timedelta(days=6)),
        ([NOW], NOW + timedelta(days=7)),
    ],
)
def test_thresholds_move_at_most_once_in_seven_days(moves, free_from):
    assert may_move_from(moves, now=NOW) == free_from
