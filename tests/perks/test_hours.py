"""A merchant's clock, held against one that is read minute by minute."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perks.hours import (
    MOST_SPANS,
    BadWindow,
    check_hours,
    check_window,
    day_bounds,
    day_end,
    day_start,
    end_text,
    local_day,
    month_bounds,
    open_at,
    start_text,
    week_bounds,
    window_end,
    window_start,
)

LONDON, SAO_PAULO, TEHRAN, LORD_HOWE, CASABLANCA, APIA, KIRITIMATI = ZONES = (
    "Europe/London",
    "America/Sao_Paulo",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Pacific/Kiritimati",
)
# Midnight twice, a clock that went back over midnight into the day before, a midnight that was jumped over.
ODD_ZONES = ("America/Havana", "America/St_Johns", "Asia/Beirut", "Africa/Cairo")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
INSTANT = timedelta(microseconds=1)

zones = st.sampled_from(ZONES + ODD_ZONES)
instants = st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def wall(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@lru_cache
def jumps(zone: str) -> list[datetime]:
    """Every instant from 2004 to 2030 at which the zone's clock was or will be changed."""
    place, found = ZoneInfo(zone), []
    low = utc(2004, 1, 1)
    while low < utc(2031, 1, 1):
        high = low + DAY
        if low.astimezone(place).utcoffset() != high.astimezone(place).utcoffset():
            before, after = low, high
            while after - before > MINUTE:
                middle = before + (after - before) // MINUTE // 2 * MINUTE
                if middle.astimezone(place).utcoffset() == low.astimezone(place).utcoffset():
                    before = middle
                else:
                    after = middle
            found.append(after)
        low = high
    return found


near_a_jump = st.sampled_from([(zone, jump) for zone in ZONES for jump in jumps(zone)])


def test_the_zones_change_their_clocks_often_enough_to_be_worth_testing():
    changed = {zone: len(jumps(zone)) for zone in ZONES}
    assert changed.pop(KIRITIMATI) == 0
    assert min(changed.values()) >= 20  # rules of years to come are still being decided
    assert utc(2011, 12, 30, 10) in jumps(APIA)


# Windows against a clock read minute by minute


@pytest.mark.parametrize("zone", ZONES)
def test_every_minute_around_a_jump_is_read_as_the_clock_shows_it(zone):
    tried = 0
    for jump in [*jumps(zone)[::5], utc(2011, 12, 30, 10)]:
        shown = defaultdict(list)
        for minute in range(-26 * 60, 26 * 60, 5):
            shown[wall(jump + minute * MINUTE, zone)].append(jump + minute * MINUTE)
        for minute in range(-150, 150, 5):
            # What the clock before the jump would have gone on to show.
            at = wall(jump - INSTANT, zone).replace(microsecond=0, second=0) + (minute + 1) * MINUTE
            text = f"{at:%Y-%m-%dT%H:%M}"
            seen = shown[at]
            assert window_start(text, zone) == (seen[0] if seen else jump), text
            assert window_end(text, zone) == (seen[-1] if seen else jump) + MINUTE, text
            tried += 1
    assert tried >= 60


@pytest.mark.parametrize("zone", ZONES + ODD_ZONES)
def test_every_day_around_a_jump_starts_when_the_clock_first_shows_it(zone):
    for jump in jumps(zone):
        first_shown: dict[date, datetime] = {}
        for minute in range(-72 * 60, 72 * 60, 15):
            first_shown.setdefault(wall(jump + minute * MINUTE, zone).date(), jump + minute * MINUTE)
        days = sorted(first_shown)[1:]
        if zone == "America/St_Johns" and jump < utc(2012, 1, 1):
            continue  # changed at 00:01: finer than this reading, tested below
        for day in days:
            assert day_start(day, zone) == first_shown[day], day
            assert day_end(day - DAY, zone) == first_shown[day], day


def test_a_day_that_was_left_out_is_empty():
    midnight = utc(2011, 12, 30, 10)  # both the end of the 29th and the start of the 31st
    assert day_start(date(2011, 12, 30), APIA) == day_end(date(2011, 12, 30), APIA) == midnight
    assert window_start("2011-12-30", APIA) == window_end("2011-12-30", APIA) == midnight
    assert window_start("2011-12-30T12:00", APIA) == midnight
    assert window_end("2011-12-30T12:00", APIA) == midnight + MINUTE
    assert day_bounds(midnight - INSTANT, APIA) == (utc(2011, 12, 29, 10), midnight)
    assert day_bounds(midnight, APIA) == (midnight, utc(2011, 12, 31, 10))


def test_a_midnight_that_is_jumped_over_moves_to_the_first_that_exists():
    # São Paulo, 4 November 2018: 23:59:59 was followed by 01:00.
    assert window_start("2018-11-04", SAO_PAULO) == utc(2018, 11, 4, 3)
    assert window_start("2018-11-04T00:30", SAO_PAULO) == utc(2018, 11, 4, 3)
    assert window_end("2018-11-04T00:30", SAO_PAULO) == utc(2018, 11, 4, 3, 1)
    assert window_end("2018-11-03", SAO_PAULO) == utc(2018, 11, 4, 3)


def test_a_minute_that_happens_twice_starts_with_the_first_and_ends_with_the_second():
    # London, 25 October 2026: 01:30 at 00:30 and at 01:30 UTC.
    assert window_start("2026-10-25T01:30", LONDON) == utc(2026, 10, 25, 0, 30)
    assert window_end("2026-10-25T01:30", LONDON) == utc(2026, 10, 25, 1, 31)
    # Lord Howe goes back by half an hour only.
    assert window_start("2026-04-05T01:45", LORD_HOWE) == utc(2026, 4, 4, 14, 45)
    assert window_end("2026-04-05T01:45", LORD_HOWE) == utc(2026, 4, 4, 15, 16)


def test_an_end_date_lasts_until_that_local_day_is_over():
    """Lesson 9."""
    assert window_end("2026-12-01", KIRITIMATI) == utc(2026, 12, 1, 10)
    assert window_end("2026-12-01", LONDON) == utc(2026, 12, 2)
    assert window_end("2026-12-01", SAO_PAULO) == utc(2026, 12, 2, 3)
    # São Paulo, 17 February 2018: its last hour happened twice, and both are that day.
    assert window_end("2018-02-17", SAO_PAULO) == utc(2018, 2, 18, 3)


def test_an_end_minute_includes_it():
    assert window_end("2026-12-01T09:30", TEHRAN) == utc(2026, 12, 1, 6, 1)
    assert window_start("2026-12-01T09:30", TEHRAN) == utc(2026, 12, 1, 6, 0)


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_written_is_open(text):
    assert window_start(text, LONDON) is None
    assert window_end(text, LONDON) is None
    assert start_text(None, LONDON) is None
    assert end_text(None, LONDON) is None
    assert check_window(text, "/valid_from") == []


@pytest.mark.parametrize(
    "text",
    [
        "2026-13-01",
        "2026-02-29",
        "2026-12-01T24:00",
        "2026-12-01T09:60",
        "2026-12-01T09:30:00",
        "2026-12-01T09:30Z",
        "2026-12-01 09:30",
        "2026-12-01T",
        "20261201",
        "2026-W49-2",
        "01/12/2026",
        "1969-12-31",
        "9991-01-01",
        "0000-01-01",
        "२०२६-12-01",
        "2026-12-01\n",
        " 2026-12-01",
        "tomorrow",
    ],
)
def test_what_is_no_local_date_or_minute_is_refused(text):
    for read in (window_start, window_end):
        with pytest.raises(BadWindow):
            read(text, LONDON)
    assert [error.as_dict()["pointer"] for error in check_window(text, "/valid_from")] == ["/valid_from"]


@pytest.mark.parametrize("raw", [0, 20261201, False, [], {}, ["2026-12-01"], 1.5])
def test_a_window_that_is_no_text_is_refused(raw):
    assert [(error.pointer, error.code) for error in check_window(raw, "/valid_until")] == [("/valid_until", "invalid")]


@pytest.mark.parametrize("text", ["1970-01-01", "9990-12-31", "2028-02-29", "9990-12-31T23:59", "2026-12-01T00:00"])
def test_every_date_of_the_calendar_can_be_written(text):
    assert check_window(text, "/valid_from") == []
    for zone in ZONES:
        assert window_start(text, zone) < window_end(text, zone)


# Saving again never moves a date


@given(st.dates(date(1995, 1, 1), date(2035, 1, 1)), zones)
@example(date(2018, 11, 4), SAO_PAULO)
@example(date(2018, 2, 17), SAO_PAULO)
@example(date(2021, 3, 22), TEHRAN)
@example(date(2011, 12, 29), APIA)
@example(date(2011, 12, 31), APIA)
@example(date(2026, 3, 29), LONDON)
@example(date(2026, 10, 25), LONDON)
def test_a_date_written_and_read_again_is_the_same_date(day, zone):
    text = day.isoformat()
    if (day, zone) == (date(2011, 12, 30), APIA):
        return  # never was a day there
    assert start_text(window_start(text, zone), zone) == text
    assert end_text(window_end(text, zone), zone) == text


@given(near_a_jump, st.integers(-200, 200), st.integers(0, 59))
@example((APIA, utc(2011, 12, 30, 10)), 720, 0)
def test_a_minute_written_and_read_again_is_the_same_instant(zone_and_jump, minutes, extra):
    zone, jump = zone_and_jump
    at = wall(jump, zone) + minutes * MINUTE + extra * HOUR
    text = f"{at:%Y-%m-%dT%H:%M}"
    start, end = window_start(text, zone), window_end(text, zone)
    assert window_start(start_text(start, zone), zone) == start
    assert window_end(end_text(end, zone), zone) == end
    # And a second time round the text itself stands still.
    assert start_text(window_start(start_text(start, zone), zone), zone) == start_text(start, zone)
    assert end_text(window_end(end_text(end, zone), zone), zone) == end_text(end, zone)


@given(st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1)), zones)
def test_a_minute_that_exists_is_written_as_it_was(at, zone):
    text = f"{at:%Y-%m-%dT%H:%M}"
    at = at.replace(second=0, microsecond=0)
    start = window_start(text, zone)
    assert start <= window_end(text, zone) - MINUTE
    if wall(start, zone) == at and at.time() != at.min.time():
        assert start_text(start, zone) == text
    if at.strftime("%H:%M") != "23:59" and wall(window_end(text, zone) - MINUTE, zone) == at:
        assert end_text(window_end(text, zone), zone) in (text, at.date().isoformat())


# Days, weeks and months


@given(instants, zones)
@example(utc(2011, 12, 30, 9, 59), APIA)
@example(utc(2011, 12, 30, 10), APIA)
@example(utc(2010, 11, 7, 2, 30), "America/St_Johns")  # the 6th's 23:31 again, half an hour into the 7th
@example(utc(2010, 11, 7, 3, 30), "America/St_Johns")
@example(utc(2026, 11, 1, 4, 30), "America/Havana")
@example(utc(2026, 11, 1, 5, 30), "America/Havana")
def test_every_instant_lies_in_one_day_one_week_and_one_month(instant, zone):
    for bounds in (day_bounds, week_bounds, month_bounds):
        start, end = bounds(instant, zone)
        assert start <= instant < end
        assert bounds(start, zone) == bounds(end - INSTANT, zone) == (start, end)
        assert bounds(end, zone)[0] == end
        assert bounds(start - INSTANT, zone)[1] == start
    day = local_day(instant, zone)
    assert day_bounds(instant, zone) == (day_start(day, zone), day_end(day, zone))
    monday = local_day(week_bounds(instant, zone)[0], zone)
    assert monday.isocalendar()[:2] == day.isocalendar()[:2]
    assert (local_day(month_bounds(instant, zone)[0], zone).timetuple()[:3]) == (day.year, day.month, 1)


@given(instants, st.sampled_from(ZONES))
def test_a_local_day_is_what_the_clock_on_the_wall_says(instant, zone):
    assert local_day(instant, zone) == wall(instant, zone).date()


def test_a_clock_that_goes_back_over_midnight_does_not_bring_a_day_back():
    # St John's, 7 November 2010: at 00:01 it was 23:01 of the 6th again. The 7th began at its first midnight.
    begins = utc(2010, 11, 7, 2, 30)
    again = begins + 30 * MINUTE
    assert wall(again, "America/St_Johns") == datetime(2010, 11, 6, 23, 30)
    assert day_bounds(again, "America/St_Johns") == (begins, begins + 25 * HOUR)
    assert local_day(again, "America/St_Johns") == date(2010, 11, 7)


def test_a_day_is_23_24_or_25_hours_long():
    lengths = {
        day: day_end(day, LONDON) - day_start(day, LONDON)
        for day in (date(2026, 3, 29), date(2026, 6, 1), date(2026, 10, 25))
    }
    assert list(lengths.values()) == [23 * HOUR, 24 * HOUR, 25 * HOUR]
    assert day_end(date(2026, 4, 5), LORD_HOWE) - day_start(date(2026, 4, 5), LORD_HOWE) == 24.5 * HOUR


def test_limits_turn_at_local_midnight():
    instant = utc(2026, 12, 31, 23, 30)
    assert local_day(instant, KIRITIMATI) == date(2027, 1, 1)
    assert day_bounds(instant, KIRITIMATI) == (utc(2026, 12, 31, 10), utc(2027, 1, 1, 10))
    assert week_bounds(instant, KIRITIMATI) == (utc(2026, 12, 27, 10), utc(2027, 1, 3, 10))
    assert month_bounds(instant, KIRITIMATI) == (utc(2026, 12, 31, 10), utc(2027, 1, 31, 10))
    assert day_bounds(instant, SAO_PAULO) == (utc(2026, 12, 31, 3), utc(2027, 1, 1, 3))
    assert month_bounds(instant, SAO_PAULO) == (utc(2026, 12, 1, 3), utc(2027, 1, 1, 3))
    assert month_bounds(utc(2028, 2, 29, 12), LONDON) == (utc(2028, 2, 1), utc(2028, 3, 1))


# Weekly hours

OFFICE = [{"day": day, "from": "09:00", "to": "17:00"} for day in range(1, 6)]


def at_london(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(LONDON)).astimezone(UTC)


def test_no_hours_is_always():
    assert open_at([], LONDON, utc(2026, 11, 22, 3))


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-11-23T08:59:59.999999", False),  # a Monday
        ("2026-11-23T09:00", True),
        ("2026-11-23T16:59:59.999999", True),
        ("2026-11-23T17:00", False),
        ("2026-11-27T12:00", True),
        ("2026-11-28T12:00", False),
        ("2026-07-20T09:00", True),  # summer: eight o'clock in UTC
    ],
)
def test_hours_are_read_off_the_clock_on_the_wall(local, expected):
    assert open_at(OFFICE, LONDON, at_london(local)) is expected


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-11-27T21:59", False),  # Friday
        ("2026-11-27T22:00", True),
        ("2026-11-28T01:59", True),
        ("2026-11-28T02:00", False),
        ("2026-11-27T01:00", False),  # the night before is Thursday's
        ("2026-11-29T23:00", True),  # Sunday runs into Monday
        ("2026-11-30T01:00", True),
    ],
)
def test_a_span_may_run_over_midnight(local, expected):
    hours = [{"day": 5, "from": "22:00", "to": "02:00"}, {"day": 7, "from": "22:00", "to": "02:00"}]
    assert open_at(hours, LONDON, at_london(local)) is expected


@pytest.mark.parametrize(
    ("local", "expected"),
    [("2026-11-27T08:59", False), ("2026-11-27T09:00", True), ("2026-11-28T08:59", True), ("2026-11-28T09:00", False)],
)
def test_a_span_to_its_own_beginning_lasts_the_whole_day_round(local, expected):
    assert open_at([{"day": 5, "from": "09:00", "to": "09:00"}], LONDON, at_london(local)) is expected


@pytest.mark.parametrize(
    ("local", "expected"),
    [("2026-11-27T00:00", True), ("2026-11-27T23:59:59", True), ("2026-11-28T00:00", False)],
)
def test_a_span_from_midnight_to_midnight_is_that_day(local, expected):
    assert open_at([{"day": 5, "from": "00:00", "to": "00:00"}], LONDON, at_london(local)) is expected


def test_an_hour_that_happens_twice_is_open_twice_and_one_left_out_shuts_nothing():
    hours = [{"day": 7, "from": "01:00", "to": "02:00"}]
    # 25 October 2026: 01:00 to 02:00 in London is 00:00 to 02:00 UTC.
    opened = [minute for minute in range(-60, 240) if open_at(hours, LONDON, utc(2026, 10, 25) + minute * MINUTE)]
    assert opened == list(range(120))
    # 29 March 2026: it never was between one and two.
    assert not any(open_at(hours, LONDON, utc(2026, 3, 29) + minute * MINUTE) for minute in range(-120, 240))
    late = [{"day": 7, "from": "00:30", "to": "03:00"}]
    opened = [minute for minute in range(-60, 240) if open_at(late, LONDON, utc(2026, 3, 29) + minute * MINUTE)]
    assert opened == list(range(30, 120))


def test_a_night_before_a_day_that_was_left_out_runs_into_the_next_there_is():
    # Apia: Thursday 29 December 2011 was followed by Saturday the 31st.
    midnight = utc(2011, 12, 30, 10)
    thursday = [{"day": 4, "from": "22:00", "to": "02:00"}]
    friday = [{"day": 5, "from": "22:00", "to": "02:00"}]
    assert open_at(thursday, APIA, midnight - HOUR)
    assert open_at(thursday, APIA, midnight + HOUR)
    assert not open_at(thursday, APIA, midnight + 2 * HOUR)
    assert not open_at(friday, APIA, midnight + HOUR)


clocks = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
spans = st.builds(lambda day, start, end: {"day": day, "from": start, "to": end}, st.integers(1, 7), clocks, clocks)


@given(st.lists(spans, min_size=1, max_size=4), st.sampled_from(ZONES), instants)
def test_hours_agree_with_a_week_laid_out_minute_by_minute(hours, zone, instant):
    if day_start(date(2011, 12, 29), APIA) <= instant < day_end(date(2012, 1, 1), APIA):
        return
    week: set[int] = set()
    for span in hours:
        start, end = (int(span[name][:2]) * 60 + int(span[name][3:]) for name in ("from", "to"))
        first = (span["day"] - 1) * 1440
        week |= {minute % 10080 for minute in range(first + start, first + end + (1440 if end <= start else 0))}
    local = wall(instant, zone)
    assert check_hours(hours) == []
    assert open_at(hours, zone, instant) == (local.weekday() * 1440 + local.hour * 60 + local.minute in week)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, [("/hours", "invalid")]),
        ("09:00-17:00", [("/hours", "invalid")]),
        ({}, [("/hours", "invalid")]),
        ([None], [("/hours/0", "invalid")]),
        ([[1, "09:00", "17:00"]], [("/hours/0", "invalid")]),
        ([{}], [("/hours/0/day", "required"), ("/hours/0/from", "required"), ("/hours/0/to", "required")]),
        ([{"day": 0, "from": "09:00", "to": "17:00"}], [("/hours/0/day", "out_of_range")]),
        ([{"day": 8, "from": "09:00", "to": "17:00"}], [("/hours/0/day", "out_of_range")]),
        ([{"day": True, "from": "09:00", "to": "17:00"}], [("/hours/0/day", "invalid")]),
        ([{"day": 1.0, "from": "09:00", "to": "17:00"}], [("/hours/0/day", "invalid")]),
        ([{"day": "1", "from": "09:00", "to": "17:00"}], [("/hours/0/day", "invalid")]),
        ([{"day": None, "from": "09:00", "to": "17:00"}], [("/hours/0/day", "invalid")]),
        ([{"day": 1, "from": "9:00", "to": "17:00"}], [("/hours/0/from", "invalid")]),
        ([{"day": 1, "from": "09:00", "to": "24:00"}], [("/hours/0/to", "invalid")]),
        ([{"day": 1, "from": "09:60", "to": "17:00"}], [("/hours/0/from", "invalid")]),
        ([{"day": 1, "from": "09:00", "to": "17:00\n"}], [("/hours/0/to", "invalid")]),
        ([{"day": 1, "from": "०९:00", "to": None}], [("/hours/0/from", "invalid"), ("/hours/0/to", "invalid")]),
        (
            [OFFICE[0], {"day": 2, "from": "09:00", "to": "17:00", "a/b~": 1}],
            [("/hours/1/a~1b~0", "unknown_field")],
        ),
        ([OFFICE[0]] * (MOST_SPANS + 1), [("/hours", "too_long")]),
    ],
)
def test_hours_that_are_not_hours_are_refused_at_their_place(raw, expected):
    assert [(error.pointer, error.code) for error in check_hours(raw)] == expected


@pytest.mark.parametrize("raw", [[], OFFICE, [{"day": 7, "from": "22:00", "to": "00:00"}], [OFFICE[0]] * MOST_SPANS])
def test_hours_as_they_should_be_pass(raw):
    assert check_hours(raw) == []


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["day", "from", "to", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json)
def test_any_json_is_judged_without_failing(raw):
    errors = check_hours(raw)
    if not errors:
        assert isinstance(raw, list)
        open_at(raw, LONDON, utc(2026, 11, 23, 12))
