"""The rule of standing: what authorities' records make of an enterprise, judged without a database."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perks.standing import NOTHING_KNOWN, Record, combine, judge, lapse_of

TODAY = date(2018, 6, 1)


def inspected(*marks: int, start: date = date(2017, 1, 1), step: int = 30) -> list[Record]:
    return [
        Record(kind="inspection", on=start + timedelta(days=step * number), mark=mark)
        for number, mark in enumerate(marks)
    ]


def state_of(records, as_of=TODAY):
    found = judge(records, as_of=as_of)
    return found.state, found.has_badge, found.grave_remedied


def test_nothing_recorded_is_a_good_standing_without_a_badge():
    assert judge([], as_of=TODAY).summary() == NOTHING_KNOWN | {"as_of": "2018-06-01"}


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ((94,), ("good", False, 0)),
        ((71,), ("good", False, 0)),
        ((70,), ("suspended", False, 0)),
        ((60, 70), ("suspended", False, 0)),
        ((70, 71), ("good", False, 1)),
        ((65, 68, 90), ("good", False, 2)),
        ((65, 90, 70), ("suspended", False, 1)),
        ((96, 96, 96), ("good", True, 0)),
        ((70, 96, 96, 100), ("good", True, 1)),
        ((96, 96), ("good", False, 0)),
        ((95, 96, 96), ("good", False, 0)),
        ((100, 100, 100, 95), ("good", False, 0)),
    ],
)
def test_a_poor_inspection_suspends_until_the_next_above_it_and_three_of_the_best_earn_the_badge(marks, expected):
    assert state_of(inspected(*marks)) == expected


def test_of_one_day_the_order_of_the_file_decides():
    day = date(2018, 1, 1)
    poor = Record(kind="inspection", on=day, order=1, mark=60)
    better = Record(kind="inspection", on=day, order=2, mark=80)
    assert state_of([better, poor]) == ("good", False, 1)
    earlier = Record(kind="inspection", on=day, order=1, mark=80)
    later = Record(kind="inspection", on=day, order=2, mark=60)
    assert state_of([later, earlier]) == ("suspended", False, 0)


def test_the_remedy_is_dated_and_the_penalty_says_so():
    found = judge(inspected(70, 90), as_of=TODAY)
    penalty = next(fact for fact in found.facts if fact.is_penalty)
    assert (penalty.kind, penalty.gravity, penalty.is_remedied) == ("penalty_remedied", "grave", True)
    assert penalty.remedied_on == date(2017, 1, 31)


def test_a_record_counts_for_36_months_and_not_a_day_longer():
    (poor,) = inspected(50, start=date(2015, 6, 1))
    assert lapse_of(poor.on) == date(2018, 6, 1)
    assert state_of([poor], as_of=date(2018, 5, 31))[0] == "suspended"
    lapsed = judge([poor], as_of=date(2018, 6, 1))
    assert (lapsed.state, lapsed.facts, lapsed.lapsed) == ("good", (), 1)


def test_a_leap_day_lapses_at_the_end_of_february():
    assert lapse_of(date(2016, 2, 29)) == date(2019, 2, 28)


def test_of_three_of_the_best_none_may_have_lapsed():
    best = inspected(100, 98, 97, start=date(2015, 6, 1))
    assert judge(best, as_of=date(2018, 5, 31)).has_badge
    assert not judge(best, as_of=date(2018, 6, 1)).has_badge


def test_what_lies_after_the_day_it_is_judged_is_not_known_yet():
    assert state_of(inspected(70, 90), as_of=date(2017, 1, 15)) == ("suspended", False, 0)


def test_a_lighter_penalty_suspends_nobody_and_a_grave_one_of_another_authority_does():
    minor = Record(kind="penalty", on=date(2018, 1, 1), gravity="minor", text="Unclean floors")
    assert judge([minor], as_of=TODAY).open_penalties == 1
    assert state_of([minor]) == ("good", False, 0)
    for kind in ("penalty", "tourism_violation"):
        grave = Record(kind=kind, on=date(2018, 1, 1), gravity="grave")
        assert state_of([grave])[0] == "suspended"
        remedied = Record(kind=kind, on=date(2018, 1, 1), gravity="grave", is_remedied=True)
        assert state_of([remedied]) == ("good", False, 1)


def test_a_red_list_record_earns_the_badge_unless_a_grave_penalty_stands():
    listed = Record(kind="red_list", on=date(2018, 1, 1))
    assert state_of([listed]) == ("good", True, 0)
    assert state_of([listed, *inspected(60)]) == ("suspended", False, 0)


def test_a_remedy_to_come_is_none_yet():
    penalty = Record(kind="penalty_remedied", on=date(2018, 1, 1), gravity="minor", is_remedied=True)
    assert judge([penalty], as_of=TODAY).open_penalties == 0
    dated = Record(
        kind="penalty_remedied", on=date(2018, 1, 1), gravity="minor", is_remedied=True, remedied_on=date(2018, 7, 1)
    )
    assert judge([dated], as_of=TODAY).open_penalties == 1
    assert judge([dated], as_of=date(2018, 7, 1)).open_penalties == 0


def test_several_enterprises_make_one_standing():
    good, listed = judge(inspected(90), as_of=TODAY).summary(), judge(inspected(99, 99, 99), as_of=TODAY).summary()
    poor = judge(inspected(60), as_of=TODAY).summary()
    assert combine([]) == NOTHING_KNOWN
    assert combine([good, listed])["badge"] == "red_list"
    assert (combine([good, poor, listed])["state"], combine([good, poor, listed])["badge"]) == ("suspended", None)
    assert combine([good, listed])["records"] == 4
    # Known up to the day up to which the oldest of the registers is.
    older = judge(inspected(90), as_of=TODAY - timedelta(days=9)).summary()
    assert combine([good, older, NOTHING_KNOWN])["as_of"] == "2018-05-23"


def naive(rows, as_of):
    """Suspended, remedied and red-listed by sorting and looking: no code of the product."""
    year = as_of.year - 3
    cut = date(year, as_of.month, min(as_of.day, 28 if as_of.month == 2 and year % 4 else as_of.day))
    kept = [(on, place, mark) for place, (on, mark) in enumerate(rows) if cut < on <= as_of]
    marks = [mark for _, _, mark in sorted(kept)]
    suspended = bool(marks) and marks[-1] <= 70
    remedied = not suspended and any(mark <= 70 for mark in marks)
    return suspended, remedied, len(marks) >= 3 and min(marks[-3:]) >= 96


@given(
    st.lists(
        st.tuples(
            st.dates(date(2015, 1, 1), date(2018, 12, 28)),
            st.one_of(st.integers(40, 100), st.sampled_from([70, 71, 95, 96])),
        ),
        max_size=12,
    ),
    st.dates(date(2015, 1, 1), date(2019, 12, 28)),
)
def test_it_says_what_a_second_way_of_looking_says(rows, as_of):
    records = [Record(kind="inspection", on=on, order=place, mark=mark) for place, (on, mark) in enumerate(rows)]
    found = judge(reversed(records), as_of=as_of)
    is_suspended = found.state == "suspended"
    assert (is_suspended, not is_suspended and found.grave_remedied > 0, found.has_badge) == naive(rows, as_of)
