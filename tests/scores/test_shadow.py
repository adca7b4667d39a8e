"""What a shadow run tells: right numbers for many people, nothing about few, whatever is added and subtracted."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scores.shadow import BLUR as BLURRED_BY
from scores.shadow import (
    FAIR,
    GROUPS,
    LEAST,
    MOVES,
    NOBODY,
    Blur,
    Counted,
    Totals,
    Watched,
    fairness,
    move_of,
    rounded,
    summary,
    told,
)
from tests.budgets import tries

FEWER = settings(max_examples=tries(100, 500, 2000))
BLUR = Blur(b"a secret of the server")
CELLS = [cell for section in MOVES for cell in section]
WATCHED = Watched(
    factors=["credit_history", "vouches"],
    purposes=["travel", "dating"],
    starts_before=[350, 550, 650],
    starts_after=[350, 560, 650],
    thresholds={"travel": [600, 640], "dating": [600]},
)
THRESHOLDS = [
    {"purpose": purpose, "min_score": value, "perks": 1, "labels": ["Breakfast"]}
    for purpose, values in WATCHED.thresholds.items()
    for value in values
]


@dataclass(frozen=True)
class Stand:
    value: int | None
    factors: dict = field(default_factory=dict)
    purposes: dict = field(default_factory=dict)


def standing(value, factors=(), purposes=None):
    return Stand(value, dict.fromkeys(factors, 1_000_000), purposes or {"travel": value, "dating": value})


def totals_of(people):
    """The totals of (before, after) pairs."""
    totals = Totals()
    for number, (before, after) in enumerate(people, start=1):
        totals.count(before, after, key=BLUR.key_of(number), watched=WATCHED)
    return totals


def summary_of(people):
    return summary(totals_of(people), watched=WATCHED, thresholds=THRESHOLDS, blur=BLUR)


@pytest.mark.parametrize(
    ("before", "after", "cell"),
    [
        (600, 600, "same"),
        (600, 601, "up_1"),
        (600, 604, "up_1"),
        (600, 605, "up_5"),
        (600, 609, "up_5"),
        (600, 610, "up_10"),
        (600, 620, "up_20"),
        (600, 599, "down_1"),
        (600, 581, "down_10"),
        (600, 580, "down_20"),
        (600, None, "loses"),
        (None, 600, "gains"),
        (None, None, "rest"),
    ],
)
def test_a_move_is_in_one_cell(before, after, cell):
    assert move_of(before, after) == cell


def test_each_person_is_counted_once_in_each_table():
    people = [
        (standing(600, ["vouches"]), standing(645)),
        (standing(None), standing(None)),
        (standing(655), standing(600)),
    ]
    totals = totals_of(people)
    assert {name: {cell: one.people for cell, one in cells.items()} for name, cells in totals.tables.items()} == {
        "moves": {"up_20": 1, "rest": 1, "down_20": 1},
        "bands": {"same": 1, "rest": 1, "down": 1},
        "group:credit_history": {"without_keeps": 1, "without_loses": 1, "rest": 1},
        "group:vouches": {"with_keeps": 1, "rest": 1, "without_loses": 1},
        "purpose:travel": {"up_20": 1, "rest": 1, "down_20": 1},
        "purpose:dating": {"up_20": 1, "rest": 1, "down_20": 1},
        "perk:travel:640": {"opens": 1, "closes": 1},
    }
    assert Totals(totals.to_document()).tables == totals.tables


def test_a_perk_opens_exactly_from_its_threshold():
    cases = [(599, 600, "opens"), (600, 599, "closes"), (600, 610, None), (598, 599, None), (None, 600, "opens")]
    for before, after, cell in cases:
        totals = totals_of([(standing(before), standing(after))])
        assert totals.cell("perk:dating:600", "opens").people == (cell == "opens"), (before, after)
        assert totals.cell("perk:dating:600", "closes").people == (cell == "closes"), (before, after)


def test_many_people_are_told_of_within_twelve():
    people = [(standing(600), standing(612))] * 400 + [(standing(600), standing(600))] * 1000
    people += [(standing(620), standing(560))] * 300 + [(standing(None), standing(None))] * 50
    answer = summary_of(people)
    told_of = {tuple(group["cells"]): group["people"] for group in answer["moves"]["groups"]}
    assert {cells: round(count, -2) for cells, count in told_of.items()} == {
        ("down_20", "down_10", "down_5", "down_1"): 300,
        ("same",): 1000,
        ("up_1", "up_5", "up_10", "up_20"): 400,
    }
    assert abs(answer["moves"]["rest"] - 50) <= 12
    assert abs(answer["people"] - 1750) <= 48
    (travel_600,) = [one for one in answer["perks"] if (one["purpose"], one["min_score"]) == ("travel", 600)]
    assert travel_600["opens"] is None
    assert abs(travel_600["closes"] - 300) <= 12


def test_nineteen_people_are_told_nothing_of():
    answer = summary_of([(standing(600), standing(640))] * 19)
    assert answer["people"] is None
    assert answer["moves"] == {"groups": [], "rest": None}
    assert all(perk["opens"] is perk["closes"] is None for perk in answer["perks"])
    assert answer["fairness"] == {"passed": True, "lowest": None, "measured": False}


# -- Nothing about few ------------------------------------------------------------------------------------------

counts = st.one_of(st.integers(0, 3), st.integers(0, 45), st.just(0), st.sampled_from([19, 20, 21, 500]))
tables = st.fixed_dictionaries(dict.fromkeys((*CELLS, "rest"), counts))


def counted(numbers):
    return {cell: Counted(count, BLUR.key_of(place)) for place, (cell, count) in enumerate(numbers.items())}


@FEWER
@given(tables)
def test_no_number_nor_any_sum_or_difference_of_a_table_is_of_few(numbers):
    cells = counted(numbers)
    answer = told(MOVES, cells, cells.pop("rest"))
    everybody = sum(numbers.values())
    parts = [group.counted.people for group in (*answer.groups, answer.rest)]
    # Everybody is in exactly one part, so that any sum of parts, and what is missing from it, is again a sum of parts.
    assert sum(parts) == everybody
    assert sorted(cell for group in (*answer.groups, answer.rest) for cell in group.cells) == sorted(
        cell for cell in CELLS if cell != "rest"
    )
    assert all(part >= LEAST for part in parts[:-1])
    if answer.groups:
        assert parts[-1] == 0 or parts[-1] >= LEAST
    for size in range(1, min(len(parts), 4)):
        for some in combinations(parts, size):
            assert sum(some) == 0 or sum(some) >= LEAST
            assert everybody - sum(some) == 0 or everybody - sum(some) >= LEAST or not answer.groups
    for section in MOVES:
        for group in answer.groups:
            inside = set(group.cells) & set(section)
            assert not inside or set(group.cells) <= set(section)  # nobody up is told among those down


@FEWER
@given(tables)
def test_nobody_and_few_are_told_alike_where_others_are_in_the_rest(numbers):
    numbers = {**numbers, "rest": numbers["rest"] + LEAST}
    one = told(MOVES, cells := counted(numbers), cells.pop("rest"))
    shown = {cell for group in one.groups for cell in group.cells}
    empty = {cell: count if cell in shown or cell == "rest" else 0 for cell, count in numbers.items()}
    other = told(MOVES, cells := counted(empty), cells.pop("rest"))
    assert [(group.cells, group.counted.people) for group in one.groups] == [
        (group.cells, group.counted.people) for group in other.groups
    ]


def told_numbers(answer):
    """Every number of people anywhere in a summary."""
    found = []
    for table in (answer["moves"], answer["bands"], *answer["purposes"].values()):
        found += [group["people"] for group in table["groups"]] + [table["rest"]]
    found += [perk[side] for perk in answer["perks"] for side in ("opens", "closes")]
    lowest = answer["fairness"]["lowest"]
    found += [answer["people"], lowest and lowest["people"]]
    return [number for number in found if number is not None]


values = st.one_of(st.none(), st.integers(540, 660))
lives = st.tuples(
    values, st.integers(-30, 30), st.sampled_from([(), ("vouches",), ("credit_history", "vouches")]), values
)


@FEWER
@given(st.lists(st.tuples(lives, st.sampled_from([1, 1, 2, 19, 20, 30])), min_size=1, max_size=12))
def test_no_number_of_any_small_population_is_of_few(groups):
    people, truth = [], Counter()
    for (value, move, factors, dating), count in groups:
        after = None if value is None else value + move
        pair = (
            standing(value, factors, {"travel": value, "dating": dating}),
            standing(after, factors, {"travel": after, "dating": dating}),
        )
        people += [pair] * count
        truth[move_of(value, after)] += count
    answer = summary_of(people)
    assert all(number >= LEAST and number % 5 == 0 for number in told_numbers(answer))
    if len(people) < LEAST:
        assert told_numbers(answer) == []
    for group in answer["moves"]["groups"]:
        real = sum(truth[cell] for cell in group["cells"])
        assert real >= LEAST
        assert abs(group["people"] - real) <= 12


# -- Comparing tables and runs ----------------------------------------------------------------------------------


def test_the_same_people_are_blurred_alike_wherever_they_are_told_of():
    them = Counted(57, 12345)
    assert {BLUR.of(them) for _ in range(50)} == {BLUR.of(them)}
    assert Blur(b"another server's secret of 32 byte").key_of(1) != BLUR.key_of(1)


def test_no_difference_of_told_numbers_proves_that_somebody_is_between():
    # Two cells, one with 1 to 19 people more than the other: nobody more, or twenty more, could have told the same.
    errors = range(-BLURRED_BY, BLURRED_BY + 1)

    def differences(people, more):
        return {rounded(people + more + one) - rounded(people + other) for one in errors for other in errors}

    for people in range(40, 45):
        nobody, twenty = differences(people, 0), differences(people, LEAST)
        for more in range(1, LEAST):
            assert differences(people, more) <= nobody | twenty, (people, more)


def test_one_person_more_is_hardly_seen():
    # Somebody who knows who is in a cell but for one person, and reads the number, learns next to nothing.
    equal, other = Counter(), Counter()
    for draw in range(8_000):
        some = Counted(200, BLUR.key_of(draw))
        equal[BLUR.of(some)] += 1
        other[BLUR.of(some.plus(Counted(1, BLUR.key_of(50_000 + draw))))] += 1
    assert set(equal) | set(other) == set(range(190, 215, 5)) | {190, 210}
    told_apart = sum(abs(equal[number] - other[number]) for number in set(equal) | set(other)) / (2 * 8_000)
    assert told_apart < 0.12


def test_the_blur_is_fair_and_small():
    errors = [BLUR.of(Counted(1000, BLUR.key_of(number))) - 1000 for number in range(20_000)]
    assert max(map(abs, errors)) <= 12
    assert abs(sum(errors) / len(errors)) < 0.2


# -- The gate ---------------------------------------------------------------------------------------------------


def losing(kept, lost, factors):
    stays = [(standing(640, factors), standing(640, factors))] * kept
    return stays + [(standing(640, factors), standing(600, factors))] * lost


def test_a_group_that_loses_far_more_often_than_another_shuts_the_gate():
    people = losing(1000, 0, ["vouches"]) + losing(700, 300, ["credit_history"])
    verdict = fairness(totals_of(people), ["credit_history", "vouches"], BLUR)
    assert verdict["passed"] is False
    assert verdict["measured"] is True
    assert float(verdict["lowest"]["ratio"]) < float(FAIR)


def test_the_gate_stays_open_while_every_group_keeps_four_fifths_as_often():
    people = losing(1000, 0, ["vouches"]) + losing(850, 150, ["credit_history"])
    verdict = fairness(totals_of(people), ["credit_history", "vouches"], BLUR)
    assert verdict["passed"] is True
    assert 0.83 <= float(verdict["lowest"]["ratio"]) <= 0.87


def test_the_gate_does_not_tell_of_few():
    # 19 people who lose something move neither the answer nor the number.
    few = losing(40, 19, ["credit_history"]) + losing(500, 0, ["vouches"])
    none = losing(59, 0, ["credit_history"]) + losing(500, 0, ["vouches"])
    one, other = (fairness(totals_of(people), ["credit_history"], BLUR) for people in (few, none))
    assert one["passed"] is other["passed"] is True
    assert one["lowest"] is other["lowest"] is None


def test_losing_the_score_is_losing_what_one_has():
    people = [(standing(640, ["vouches"]), standing(None))] * 300 + losing(700, 0, ["vouches"]) + losing(1000, 0, [])
    assert fairness(totals_of(people), ["vouches"], BLUR)["passed"] is False


def test_groups_are_of_people_by_what_they_shared_and_nothing_else():
    assert {cell for section in GROUPS for cell in section} == {
        "with_keeps",
        "with_loses",
        "without_keeps",
        "without_loses",
    }
    assert NOBODY.people == 0
