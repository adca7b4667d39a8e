"""The shortest way to a threshold: exact, smallest, and never by sharing more or spending money."""

from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scores import catalogue
from scores.paths import HABITS, WAIT, shortest_path
from scores.scorecard import load_scorecard
from scores.scoring import Entry, Hypothetical, score, what_if
from scores.services.publishing import SCORECARDS

CARD = load_scorecard((SCORECARDS / "2026-11.yaml").read_text(encoding="utf-8"))
DAY = date(2026, 11, 23)


def entry(number, kind="credit.payment", value=0, occurred_on=date(2026, 10, 31), source="bank", **fields):
    known = catalogue.kind(kind)
    return Entry(
        id=number,
        kind=kind,
        occurred_on=occurred_on,
        lapses_on=catalogue.lapses_on(known, occurred_on),
        value=value * catalogue.VALUE_SCALE,
        source=source,
        **fields,
    )


def on_time(count):
    return [entry(number, occurred_on=date(2026, 10 - number, 28)) for number in range(count)]


def test_so_many_payments_on_time_and_not_one_fewer():
    # Three on time: 550 + 30 + 3 x 6 = 598 for travel; each more is 6.
    path = shortest_path(CARD, on_time(3), DAY, purpose="travel", threshold=610)
    assert (path.value, path.value_then) == (598, 610)
    assert [(step.code, step.times) for step in path.steps] == [("pay_on_time", 2)]


def test_what_is_met_needs_nothing():
    path = shortest_path(CARD, on_time(3), DAY, purpose="travel", threshold=598)
    assert (path.is_met, path.leads_there, path.steps) == (True, True, ())


def test_a_record_that_costs_points_can_be_waited_for_and_says_until_when():
    late = entry(9, "conduct.traffic", 3, occurred_on=date(2024, 9, 15), source="court")
    volunteered = [entry(20 + n, "conduct.volunteering", 20, source="court", is_on=n > 5) for n in range(9)]
    entries = [entry(number, "fulfilment.booking", source="hotel") for number in range(3)] + volunteered[6:]
    without = shortest_path(CARD, entries, DAY, purpose="travel", threshold=10).value
    path = shortest_path(CARD, [*entries, late], DAY, purpose="travel", threshold=without)
    assert path.value < without
    assert [step.code for step in path.steps] == ["volunteer"]  # doing goes before waiting
    only_wait = [one for one in (*entries, late) if one.kind != "conduct.volunteering"]
    assert shortest_path(CARD, only_wait, DAY, purpose="travel", threshold=without).steps == ()


def test_waiting_is_suggested_for_a_year_at_most_and_says_until_when():
    def path_with(occurred_on):
        late = entry(9, "fulfilment.booking", 2, occurred_on=occurred_on, source="hotel")
        kept = [entry(number, "fulfilment.booking", source="hotel") for number in range(3)]
        return shortest_path(CARD, [*kept, late], DAY, purpose="travel", threshold=562)

    soon = path_with(date(2025, 3, 15))
    assert [(step.code, step.entry_id, step.on) for step in soon.steps] == [(WAIT, 9, date(2027, 3, 1))]
    assert path_with(date(2026, 3, 15)).steps == ()


def test_nothing_is_suggested_that_shares_more_or_costs_money():
    entries = [*on_time(3), entry(7, "fulfilment.booking", source="hotel"), entry(8, "conduct.fare", source="bus")]
    path = shortest_path(CARD, entries, DAY, purpose="travel", threshold=900)
    assert (path.steps, path.leads_there) == ((), False)
    codes = {habit.kind for habit in HABITS}
    assert not codes & {"fulfilment.booking", "fulfilment.rental", "conduct.fare"}
    assert not codes & {"identity.phone", "identity.address", "identity.document"}
    switched_off = [*on_time(3), entry(7, "conduct.volunteering", 8, source="city", is_on=False)]
    path = shortest_path(CARD, switched_off, DAY, purpose="travel", threshold=680)
    assert "volunteer" not in {step.code for step in path.steps}


def test_a_second_factor_is_suggested_to_who_shares_what_the_platform_knows_and_has_none():
    shared = [*on_time(3), entry(5, "identity.email", 1, source="platform")]
    path = shortest_path(CARD, shared, DAY, purpose="dating", threshold=565)
    assert [step.code for step in path.steps] == ["set_up_second_factor"]
    path = shortest_path(CARD, on_time(3), DAY, purpose="dating", threshold=555)
    assert path.steps == ()


def test_a_purpose_that_is_none_is_an_error():
    with pytest.raises(KeyError):
        shortest_path(CARD, on_time(3), DAY, purpose="war", threshold=600)


KINDS = ("credit.payment", "credit.utilisation", "conduct.volunteering", "conduct.tax")


@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=3, max_size=8),
    late=st.lists(st.integers(0, 3), min_size=8, max_size=8),
    threshold=st.integers(550, 720),
)
def test_the_path_is_what_the_arithmetic_says_and_no_smaller_one_leads_there(kinds, late, threshold):
    entries = [
        entry(number, kind, late[number] if kind == "credit.payment" else 0, source=kind.partition(".")[0])
        for number, kind in enumerate(kinds)
    ]
    path = shortest_path(CARD, entries, DAY, purpose="travel", threshold=threshold)
    assert path.value == score(CARD, entries, DAY).purposes["travel"].value
    if not path.steps:
        return

    def value_after(counts, without=()):
        add = [
            Hypothetical(habit.kind, DAY, habit.value)
            for habit, count in zip(HABITS, counts, strict=True)
            for _ in range(count)
        ]
        return what_if(CARD, entries, DAY, add=add, without=without).purposes["travel"].value

    counts = [next((one.times for one in path.steps if one.code == habit.code), 0) for habit in HABITS]
    without = [one.entry_id for one in path.steps if one.code == WAIT]
    assert value_after(counts, without) == path.value_then >= threshold
    if len(path.steps) == 1 and not without:
        # No other single habit gets there with fewer records.
        for place, fewer in product(range(len(HABITS)), range(1, path.steps[0].times)):
            if HABITS[place].kind in kinds:
                alone = [fewer if place == other else 0 for other in range(len(HABITS))]
                assert (value_after(alone) or 0) < threshold
