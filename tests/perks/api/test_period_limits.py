"""Limits per day, week and month begin again at midnight where the perk is, whatever the date is in UTC (lesson 9)."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from tests.factories.perks import PerkFactory, citizen_with
from tests.perks.api.calls import app_of, code_of, take

pytestmark = pytest.mark.django_db

# Each with a midnight before which its clocks have just been changed, where they are; a Monday and a first of a month.
ZONES = {
    "Europe/London": (date(2027, 3, 29), date(2027, 3, 29), date(2027, 4, 1)),  # a day of 23 hours, a Sunday
    "America/Sao_Paulo": (date(2027, 2, 21), date(2027, 2, 22), date(2027, 3, 1)),
    "Australia/Lord_Howe": (date(2027, 4, 5), date(2027, 4, 5), date(2027, 5, 1)),  # a day of 24 1/2 hours, a Sunday
    "Pacific/Apia": (date(2027, 1, 5), date(2027, 1, 4), date(2027, 2, 1)),  # 13 hours ahead
    "Pacific/Kiritimati": (date(2027, 1, 5), date(2027, 1, 4), date(2027, 1, 1)),  # 14 hours ahead
}
A_SECOND = timedelta(seconds=1)


def answers_around(midnight: datetime, **limits: int):
    """What one citizen is answered who takes twice in the last second before midnight and twice when it strikes."""
    with time_machine.travel(midnight - timedelta(hours=2), tick=False) as clock:
        perk = PerkFactory(
            zone=str(midnight.tzinfo),
            limit_per_citizen=None,
            stock=None,
            hold_minutes=1,
            release_on_expiry="stock",
            **limits,
        )
        app = app_of(citizen_with())
        for instant in (midnight - A_SECOND, midnight - A_SECOND, midnight, midnight):
            clock.move_to(instant)
            yield take(app, perk)


@pytest.mark.parametrize("zone", ZONES)
def test_a_limit_of_each_period_begins_again_at_local_midnight(zone):
    """Lesson 9: no period begins or ends a day early, in any zone, also on the day its clocks are changed."""
    for period, day in zip(("day", "week", "month"), ZONES[zone], strict=True):
        midnight = datetime.combine(day, time(), ZoneInfo(zone))
        first, refused, again, refused_again = answers_around(midnight, **{f"limit_per_citizen_{period}": 1})
        assert [code_of(one) for one in (first, refused, again, refused_again)] == [
            "201",
            "period_limit_reached",
            "201",
            "period_limit_reached",
        ], period
        assert datetime.fromisoformat(refused.json()["again_at"]) == midnight, period
        assert datetime.fromisoformat(refused_again.json()["again_at"]) > midnight, period


@pytest.mark.parametrize("zone", ZONES)
def test_what_everybody_may_take_in_a_day_begins_again_at_local_midnight(zone):
    """Lesson 9: the day of a perk is the day on the wall where it is."""
    midnight = datetime.combine(ZONES[zone][0], time(), ZoneInfo(zone))
    answers = list(answers_around(midnight, limit_per_day=1))
    assert [code_of(one) for one in answers] == ["201", "daily_limit_reached", "201", "daily_limit_reached"]
    assert datetime.fromisoformat(answers[1].json()["again_at"]) == midnight
