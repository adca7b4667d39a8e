"""When a desk opens or shuts next, held against its hours a minute at a time, around changes of the clock."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from perks.hours import day_start, next_turn, open_at
from tests.perks.test_hours import APIA, KIRITIMATI, LONDON, LORD_HOWE, SAO_PAULO, ZONES, jumps, spans, utc

MINUTE = timedelta(minutes=1)
OFFICE = [{"day": day, "from": "09:00", "to": "17:00"} for day in range(1, 6)]
around_a_jump = st.sampled_from([(zone, jump) for zone in ZONES for jump in jumps(zone)])


def test_a_desk_opens_and_shuts_when_its_hours_say():
    friday_at_noon = utc(2026, 11, 27, 12, 0)
    assert next_turn(OFFICE, LONDON, friday_at_noon) == utc(2026, 11, 27, 17, 0)
    assert next_turn(OFFICE, LONDON, utc(2026, 11, 27, 17, 0)) == utc(2026, 11, 30, 9, 0)
    assert next_turn(OFFICE, KIRITIMATI, friday_at_noon) == utc(2026, 11, 29, 19, 0)  # Monday has begun there


def test_a_desk_that_is_always_open_never_turns():
    assert next_turn([], LONDON, utc(2026, 11, 27)) is None
    always = [{"day": day, "from": "00:00", "to": "00:00"} for day in range(1, 8)]
    assert next_turn(always, LONDON, utc(2026, 11, 27)) is None


def test_an_hour_that_is_jumped_over_opens_when_the_clock_lands():
    night = [{"day": 7, "from": "01:30", "to": "05:00"}]
    assert next_turn(night, LONDON, utc(2026, 3, 29, 0, 0)) == utc(2026, 3, 29, 1, 0)  # 01:30 is not, 02:00 is


def test_an_hour_that_comes_twice_shuts_and_opens_again():
    night = [{"day": 7, "from": "01:30", "to": "05:00"}]
    assert next_turn(night, LONDON, utc(2026, 10, 25, 0, 0)) == utc(2026, 10, 25, 0, 30)
    assert next_turn(night, LONDON, utc(2026, 10, 25, 0, 45)) == utc(2026, 10, 25, 1, 0)  # back to 01:00
    assert next_turn(night, LONDON, utc(2026, 10, 25, 1, 0)) == utc(2026, 10, 25, 1, 30)


def test_a_weekday_that_is_left_out_does_not_open():
    friday = [{"day": 5, "from": "09:00", "to": "17:00"}]
    thursday_evening = day_start(datetime(2011, 12, 29).date(), APIA) + timedelta(hours=20)
    assert next_turn(friday, APIA, thursday_evening) == day_start(datetime(2012, 1, 6).date(), APIA) + timedelta(
        hours=9
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(spans, min_size=1, max_size=3),
    around_a_jump,
    st.integers(-3000, 3000),
    st.lists(st.floats(0, 1), min_size=12, max_size=12),
)
@example([{"day": 6, "from": "23:00", "to": "01:00"}], (SAO_PAULO, utc(2018, 11, 4, 3, 0)), -60, [0.5] * 12)
@example([{"day": 7, "from": "01:45", "to": "02:15"}], (LORD_HOWE, utc(2026, 4, 4, 15, 0)), -60, [0.5] * 12)
def test_nothing_turns_before_it_is_said_to(hours, zone_and_jump, minutes, between):
    zone, jump = zone_and_jump
    now = (jump + MINUTE * minutes).astimezone(UTC)
    turns_at = next_turn(hours, zone, now)
    is_open = open_at(hours, zone, now)
    until = turns_at or now + timedelta(days=8)
    if turns_at is not None:
        assert turns_at > now
        assert open_at(hours, zone, turns_at) != is_open
        assert open_at(hours, zone, turns_at - timedelta(seconds=1)) == is_open
    looked_at = [now + (until - now) * part for part in between]
    looked_at += [moment for step in range(-90, 91, 10) if now <= (moment := jump + MINUTE * step) < until]
    assert {open_at(hours, zone, moment) for moment in looked_at if moment < until} <= {is_open}
