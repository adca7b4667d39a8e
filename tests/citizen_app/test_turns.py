"""Scheduled work runs once, however many beats ask; and once after a day without any."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from citizen_app import outbox, turns
from citizen_app.leases import LEASE
from citizen_app.models import ScheduledRun
from citizen_app.outbox import run_due_sweeps, sweeps
from citizen_app.turns import take_turn, turn
from tests.races.at_once import at_once

MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def own_sweeps(monkeypatch):
    monkeypatch.setattr(outbox, "_sweeps", {})


def test_a_turn_comes_once_in_its_time(now):
    def ours(at):
        with turn("dust", every=MINUTE, now=at) as is_ours:
            return is_ours

    minutes = [0, 0, 0.9, 1, 1.5, 2]
    assert [ours(now + number * MINUTE) for number in minutes] == [True, False, False, True, False, True]


def test_after_a_day_without_a_beat_it_is_caught_up_once(own_sweeps, now):
    asked = []
    sweeps("dust")(lambda at: asked.append(at) or 1)
    assert run_due_sweeps(now) == {"dust": 1}
    later = now + timedelta(days=1)
    assert run_due_sweeps(later) == {"dust": 1}
    assert run_due_sweeps(later) == run_due_sweeps(later + timedelta(seconds=49)) == {}
    assert asked == [now, later]


def test_a_sweep_of_once_a_day_is_not_run_each_minute(own_sweeps, now):
    sweeps("daily", every=timedelta(days=1))(lambda at: 1)
    sweeps("dust")(lambda at: 2)
    assert run_due_sweeps(now) == {"daily": 1, "dust": 2}
    assert run_due_sweeps(now + MINUTE) == {"dust": 2}
    assert run_due_sweeps(now + timedelta(days=1)) == {"daily": 1, "dust": 2}


def test_whoever_is_at_it_keeps_others_out_until_it_is_over(now):
    with turn("dust", every=MINUTE, now=now) as is_ours:
        assert is_ours
        assert not take_turn("dust", every=MINUTE, now=now + 2 * MINUTE)
    assert take_turn("dust", every=MINUTE, now=now + 2 * MINUTE)


def test_one_that_died_in_the_middle_keeps_nobody_out_for_long(now):
    assert take_turn("dust", every=MINUTE, now=now)  # and never gives it back
    assert not take_turn("dust", every=MINUTE, now=now + LEASE - timedelta(seconds=1))
    assert take_turn("dust", every=MINUTE, now=now + LEASE)


def test_one_that_comes_late_does_not_end_the_turn_of_the_next(now):
    with turn("dust", every=MINUTE, now=now):
        assert take_turn("dust", every=MINUTE, now=now + LEASE)
    assert ScheduledRun.objects.get().leased_until == now + 2 * LEASE


def test_a_turn_that_fails_is_over(own_sweeps, now):
    sweeps("broken")(lambda at: 1 // 0)
    assert run_due_sweeps(now) == {}
    assert ScheduledRun.objects.get().leased_until is None


def beats_at_once(now):
    """Eight beats at one moment; how often the sweep ran."""
    ran, lock = [], threading.Lock()

    @sweeps("dust")
    def dust(at):
        with lock:
            ran.append(1)
        return 1

    at_once(*[lambda: run_due_sweeps(now)] * 8)
    return len(ran)


@pytest.mark.django_db(transaction=True)
def test_eight_beats_at_once_run_a_sweep_once(own_sweeps, now):
    assert beats_at_once(now) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="its writers queue: nobody looks before another has taken")
def test_without_the_guard_it_runs_more_than_once(own_sweeps, now, monkeypatch):
    """The negative control: whether it is due is read first, then written."""
    looked = threading.Barrier(8)

    def take_without_guard(name, *, every, now):
        due = not ScheduledRun.objects.filter(name=name, ran_at__gt=now - every).exists()
        looked.wait(10)
        ScheduledRun.objects.update_or_create(name=name, defaults={"ran_at": now})
        return due

    monkeypatch.setattr(turns, "take_turn", take_without_guard)
    assert beats_at_once(now) == 8
