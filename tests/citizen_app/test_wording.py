"""Points, dates and codes as people read them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from citizen_app.web import wording

TODAY = date(2026, 11, 23)
LISBON = ZoneInfo("Europe/Lisbon")


@pytest.mark.parametrize(
    ("points", "text"),
    [
        ("58.000000", "+58.0"),
        ("-11.250000", "−11.3"),
        ("0.050000", "+0.1"),
        ("0.049999", "0.0"),
        ("-0.049999", "0.0"),
        ("0", "0.0"),
        (4, "+4.0"),
    ],
)
def test_points_have_a_sign_a_true_minus_and_one_decimal(points, text):
    assert wording.signed(points) == text


def test_levels_have_no_plus():
    assert wording.unsigned("550.000000") == "550.0"
    assert wording.unsigned("-0.1") == "−0.1"


def test_differences_of_scores_are_whole():
    assert [wording.whole_signed(value) for value in (8, -3, 0, "12")] == ["+8", "−3", "0", "+12"]


def test_exact_keeps_every_digit_that_says_something():
    assert wording.exact("676.968000") == "676.968"
    assert wording.exact("-1") == "−1"
    assert wording.exact("100") == "100"
    assert wording.exact("0.000000") == "0"


def test_direction_follows_what_is_shown():
    assert [wording.direction(points) for points in ("0.06", "-0.06", "0.04")] == ["up", "down", "zero"]


def test_an_instant_is_told_in_the_readers_zone_and_a_local_time_as_it_stands():
    assert wording.when("2026-07-01T23:30:00Z", LISBON) == datetime(2026, 7, 2, 0, 30, tzinfo=LISBON)
    assert wording.when("2026-12-31T18:00", LISBON) == datetime(2026, 12, 31, 18, 0)
    assert wording.when("2026-12-31", LISBON) == date(2026, 12, 31)
    assert wording.when(None, LISBON) is None
    with pytest.raises(TypeError):
        wording.when(7, UTC)


def test_a_day_names_its_year_only_when_it_is_another():
    assert wording.day(date(2026, 11, 25), today=TODAY, weekday=True) == "Wednesday 25 November"
    assert wording.day(date(2027, 1, 3), today=TODAY, short=True) == "3 Jan 2027"


def test_a_moment_has_its_hour_and_a_date_has_none():
    assert wording.moment(datetime(2026, 11, 25, 18, 0), today=TODAY) == "Wednesday 25 November, 18:00"
    assert wording.moment(date(2026, 11, 25), today=TODAY) == "Wednesday 25 November"


def test_zones_are_called_by_their_city():
    assert wording.zone_name("Europe/Lisbon") == "Lisbon time"
    assert wording.zone_name("America/New_York") == "New York time"
    assert wording.zone_name("UTC") == "UTC"


def test_typed_codes_are_shown_in_two_fives():
    assert wording.typed_code("7Q2K9MXT4F") == "7Q2K9-MXT4F"
    assert wording.typed_code("7Q2K9-MXT4F") == "7Q2K9-MXT4F"


def test_a_monogram_survives_every_name():
    assert [wording.initials(name) for name in ("Hotel Almirante", "Folha", "é", "– –")] == ["HA", "FO", "É", "?"]


def test_a_value_that_came_as_a_float_is_shown_as_it_was_sent():
    assert wording.exact(0.1797) == "0.1797"


@pytest.mark.parametrize(
    ("user_agent", "said"),
    [
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 "
            "Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 "
            "Safari/537.36 Edg/126.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.5 Safari/605.1.15",
            "Safari on Mac",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox on Linux"),
        ("CitizenApp/1.2 (build 7)", "CitizenApp/1.2 (build 7)"),
        ("x" * 200, "x" * 60),
        ("", "Unknown device"),
        ("Unspecified", "Unknown device"),
    ],
)
def test_a_device_is_said_in_a_few_words(user_agent, said):
    assert wording.device(user_agent) == said
