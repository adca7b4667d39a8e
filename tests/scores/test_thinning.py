"""What is kept of an old month: one value, and lines that sum to its difference exactly."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scores.changes import ENTRY_ADDED, FADED, LINE_KINDS, ROUNDING, Line
from scores.thinning import Step, summed, thin
from tests.budgets import tries

POINT = 1_000_000


def step(previous, value, *lines):
    return Step(previous, value, lines)


def test_the_last_row_stays_with_the_lines_of_all():
    month = [
        step(600, 604, Line(ENTRY_ADDED, 4 * POINT, "credit.payment", 7)),
        step(604, 601, Line(FADED, -3 * POINT, "credit.payment")),
        step(601, 603, Line(FADED, 3 * POINT, "credit.payment"), Line(ENTRY_ADDED, -POINT, "credit.payment", 7)),
    ]
    assert thin(month) == {2: Step(600, 603, [Line(ENTRY_ADDED, 3 * POINT, "credit.payment", 7)])}


def test_records_without_a_name_are_one_line():
    nameless = Line(ENTRY_ADDED, POINT, "", None)
    assert summed([nameless, nameless._replace(micro=2 * POINT)]) == [nameless._replace(micro=3 * POINT)]


def test_lines_stay_in_the_order_in_which_they_are_told():
    lines = [Line(ROUNDING, 1), Line(FADED, 2, "x"), Line(ENTRY_ADDED, 3, "x", 1)]
    assert [line.kind for line in summed(lines)] == [ENTRY_ADDED, FADED, ROUNDING]


def test_a_month_that_ends_without_a_score_says_only_that():
    month = [step(600, 604, Line(FADED, 4 * POINT, "x")), step(604, None)]
    assert thin(month) == {1: Step(600, None, ())}


def test_where_the_score_was_lost_on_the_way_a_row_says_so():
    month = [step(600, None), step(None, 550, Line("base", 550 * POINT)), step(550, 551, Line(FADED, POINT, "x"))]
    kept = thin(month)
    assert kept == {
        0: Step(600, None, ()),
        2: Step(None, 551, [Line("base", 550 * POINT), Line(FADED, POINT, "x")]),
    }


def test_a_month_that_began_without_a_score_needs_no_such_row():
    month = [step(None, 550, Line("base", 550 * POINT)), step(550, None), step(None, 552, Line("base", 552 * POINT))]
    assert thin(month) == {2: Step(None, 552, [Line("base", 552 * POINT)])}


@st.composite
def months(draw):
    """Rows that follow one another, each with lines that sum to its difference."""
    before = draw(st.none() | st.integers(350, 950))
    month = []
    for _ in range(draw(st.integers(1, 8))):
        value = draw(st.none() | st.integers(350, 950))
        lines = []
        if value is not None:
            kinds = st.builds(
                Line,
                st.sampled_from(LINE_KINDS),
                st.integers(-90 * POINT, 90 * POINT),
                st.sampled_from(["", "credit.payment", "conduct.fare"]),
                st.none() | st.integers(1, 4),
            )
            lines = draw(st.lists(kinds, max_size=6))
            due = (value - (before or 0)) * POINT
            lines.append(Line(ROUNDING, due - sum(line.micro for line in lines)))
        month.append(Step(before, value, lines))
        before = value
    return month


@given(months())
@settings(max_examples=tries(60, 120, 1000))
def test_what_is_left_of_any_month_still_adds_up_and_follows(month):
    kept = thin(month)
    places = sorted(kept)
    assert places[-1] == len(month) - 1
    assert kept[places[-1]].value == month[-1].value
    assert sum(step.value is not None for step in kept.values()) <= 1
    assert sum(step.value is None for step in kept.values()) <= 1
    before = month[0].previous
    for place in places:
        step = kept[place]
        assert step.value == month[place].value
        assert step.previous == before
        told = sum(line.micro for line in step.lines)
        assert told == (0 if step.value is None else (step.value - (step.previous or 0)) * POINT)
        assert all(line.micro for line in step.lines)
        named = [line._replace(micro=0) for line in step.lines]
        assert len(set(named)) == len(named)
        before = step.value
