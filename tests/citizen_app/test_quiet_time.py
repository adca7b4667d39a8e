"""Quiet time ends by the clock on the wall, whatever that clock is made to do."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_app.quiet_time import end_of_quiet

NIGHT = {"begins": time(22), "ends": time(7)}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "zone", "ends"),
    [
        # Lisbon in winter is UTC: before, at the first minute, over midnight, at the last, after.
        ("2026-11-29T21:59:59", "Europe/Lisbon", "2026-11-29T21:59:59"),
        ("2026-11-29T22:00:00", "Europe/Lisbon", "2026-11-30T07:00:00"),
        ("2026-11-30T03:00:00", "Europe/Lisbon", "2026-11-30T07:00:00"),
        ("2026-11-30T06:59:59", "Europe/Lisbon", "2026-11-30T07:00:00"),
        ("2026-11-30T07:00:00", "Europe/Lisbon", "2026-11-30T07:00:00"),
        # The night the clock goes forward is an hour shorter, the night it goes back an hour longer.
        ("2026-03-28T23:00:00", "Europe/Lisbon", "2026-03-29T06:00:00"),
        ("2026-10-24T21:00:00", "Europe/Lisbon", "2026-10-25T07:00:00"),
        ("2026-03-08T03:30:00", "America/New_York", "2026-03-08T11:00:00"),
        ("2026-11-01T02:30:00", "America/New_York", "2026-11-01T12:00:00"),
        # Half an hour: Lord Howe turns its clock by thirty minutes.
        ("2026-04-04T12:00:00", "Australia/Lord_Howe", "2026-04-04T20:30:00"),
        ("2026-11-29T17:30:00", "Asia/Kolkata", "2026-11-30T01:30:00"),
    ],
)
def test_it_ends_when_the_clock_there_says_so(instant, zone, ends):
    assert end_of_quiet(at(instant), zone=zone, **NIGHT) == at(ends)


def test_an_end_the_clock_jumps_over_is_the_jump():
    ends = end_of_quiet(at("2026-03-29T00:30:00"), zone="Europe/Lisbon", begins=time(0), ends=time(1, 30))
    assert ends == at("2026-03-29T01:00:00")


def test_an_end_that_comes_twice_is_the_next_of_them():
    quiet = {"begins": time(22), "ends": time(1, 30)}
    # 01:30 is at 00:30 UTC and again at 01:30 UTC; at 01:10 UTC the clock shows 01:10 for the second time.
    assert end_of_quiet(at("2026-10-24T23:00:00"), zone="Europe/Lisbon", **quiet) == at("2026-10-25T00:30:00")
    assert end_of_quiet(at("2026-10-25T01:10:00"), zone="Europe/Lisbon", **quiet) == at("2026-10-25T01:30:00")


@given(
    minutes=st.integers(0, 2 * 366 * 24 * 60),
    zone=st.sampled_from(["Europe/Lisbon", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "America/St_Johns"]),
    begins=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    ends=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
)
def test_what_waits_leaves_within_a_day_and_outside_of_the_quiet(minutes, zone, begins, ends):
    if begins == ends:
        return
    instant = at("2026-01-01T00:00:00") + timedelta(minutes=minutes)
    leaves = end_of_quiet(instant, zone=zone, begins=begins, ends=ends)
    assert instant <= leaves <= instant + timedelta(hours=25)
    assert end_of_quiet(leaves, zone=zone, begins=begins, ends=ends) - leaves <= timedelta(hours=1)
