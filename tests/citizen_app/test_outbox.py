"""What is promised with its cause happens at least once, after the cause is committed, and by one relay at a time."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from citizen_app import leases, outbox, relay
from citizen_app.leases import LEASE
from citizen_app.models import OutboxMessage
from citizen_app.outbox import DeadLetter, Later, enqueue, handles, run_due, run_sweeps, sweeps
from tests.races.at_once import at_once

pytestmark = pytest.mark.django_db


def own_topics(monkeypatch):
    for queue in outbox.queues:
        monkeypatch.setattr(queue, "handlers", {})


@pytest.fixture
def heard(monkeypatch):
    """A topic of the test's own; returns what its handler was given."""
    own_topics(monkeypatch)
    calls = []
    handles("bell")(lambda **payload: calls.append(payload))
    return calls


@pytest.fixture
def now():
    return timezone.now()


def promise(topic="bell", **payload):
    with transaction.atomic():
        return enqueue(topic, **payload)


def only():
    return OutboxMessage.objects.get()


def test_a_promise_is_kept_once(heard, now):
    promise(number=1)
    assert run_due() == 1
    assert heard == [{"number": 1}]
    message = only()
    assert (message.done_at is not None, message.leased_until, message.attempt_count) == (True, None, 1)
    assert run_due() == 0
    assert heard == [{"number": 1}]


def test_promises_are_kept_oldest_first(heard):
    for number in range(45):
        promise(number=number)
    assert run_due(limit=30) == 30
    assert run_due() == 15
    assert [call["number"] for call in heard] == list(range(45))


@pytest.mark.django_db(transaction=True)
def test_a_promise_outside_of_a_transaction_is_refused(heard):
    with pytest.raises(TransactionManagementError):
        enqueue("bell")
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_undone_cause_takes_its_promise_with_it(heard):
    outbox.wake.clear()
    with transaction.atomic():
        enqueue("bell")
        transaction.set_rollback(True)
    assert not OutboxMessage.objects.exists()
    assert not outbox.wake.is_set()
    assert run_due() == 0


@pytest.mark.django_db(transaction=True)
def test_a_committed_promise_wakes_the_relay_and_not_before(heard):
    outbox.wake.clear()
    with transaction.atomic():
        enqueue("bell")
        assert not outbox.wake.is_set()
    assert outbox.wake.is_set()
    outbox.wake.clear()


def test_a_promise_for_later_waits(heard, now):
    promise(due_at=now + timedelta(hours=1))
    assert run_due(now=now + timedelta(minutes=59)) == 0
    assert run_due(now=now + timedelta(hours=1)) == 1


def test_a_failing_handler_is_tried_again_later_and_later_until_it_is_a_dead_letter(monkeypatch, now):
    own_topics(monkeypatch)
    monkeypatch.setattr(leases.random, "uniform", lambda low, high: 1.0)
    attempts = []

    @handles("bell")
    def ring():
        attempts.append(1)
        raise ValueError("ana@example.org")

    promise()
    at, waits = now + timedelta(seconds=1), []
    for _ in range(11):
        assert run_due(now=at) == 0
        message = only()
        assert (message.done_at, message.dead_at, message.leased_until) == (None, None, None)
        assert message.last_error == "builtins.ValueError"  # never what it said
        waits.append(int((message.due_at - at).total_seconds()))
        assert run_due(now=message.due_at - timedelta(milliseconds=1)) == 0
        at = message.due_at
    assert waits == [5, 15, 45, 135, 405, 1215, 3645, 10935, 21600, 21600, 21600]
    assert run_due(now=at) == 0
    dead = only()
    assert (dead.dead_at, dead.done_at, dead.leased_until, dead.attempt_count) == (at, None, None, 12)
    assert dead.last_error == "builtins.ValueError"
    assert run_due(now=at + timedelta(days=30)) == 0
    assert len(attempts) == 12


def test_a_topic_says_how_often_it_may_fail(heard, now):
    @handles("broken", attempts=1)
    def fail():
        raise RuntimeError

    promise("broken")
    assert run_due(now=now + timedelta(seconds=1)) == 0
    assert only().dead_at == now + timedelta(seconds=1)


def test_what_can_never_succeed_is_a_dead_letter_at_once(heard, now):
    @handles("gone")
    def refuse():
        raise DeadLetter("account_closed")

    promise("gone")
    assert run_due(now=now + timedelta(seconds=1)) == 0
    assert (only().dead_at, only().last_error) == (now + timedelta(seconds=1), "account_closed")
    assert run_due(now=now + timedelta(days=1)) == 0


def test_whoever_is_asked_too_early_is_asked_again_and_that_is_no_failure(heard, now):
    @handles("early", attempts=1)
    def not_yet():
        heard.append("asked")
        if len(heard) < 4:
            raise Later(after=timedelta(hours=1))

    promise("early")
    at = now + timedelta(seconds=1)
    for _ in range(3):
        assert run_due(now=at) == 0
        message = only()
        assert (message.due_at, message.attempt_count) == (at + timedelta(hours=1), 0)
        assert (message.leased_until, message.last_error) == (None, "")
        assert run_due(now=message.due_at - timedelta(seconds=1)) == 0
        at = message.due_at
    assert run_due(now=at) == 1
    assert heard == ["asked"] * 4


def test_work_that_kills_its_process_each_time_is_a_dead_letter_in_the_end(heard, now):
    class Killed(BaseException):
        """What a kill -9 is to the code: nothing after it runs."""

    @handles("fatal", attempts=3)
    def die():
        heard.append("rang")
        raise Killed

    promise("fatal")
    at = now + timedelta(seconds=1)
    for _ in range(3):
        with pytest.raises(Killed):
            run_due(now=at)
        at += LEASE
    assert run_due(now=at) == 0
    assert (only().dead_at, only().last_error, heard) == (at, "never finished", ["rang"] * 3)


def test_a_failure_keeps_nothing_else_from_being_done(heard, now):
    @handles("broken")
    def fail():
        raise RuntimeError

    promise("broken")
    promise(number=2)
    assert run_due() == 1
    assert heard == [{"number": 2}]


def test_a_topic_nobody_handles_is_kept_for_a_release_that_does(heard, now):
    promise("unheard")
    assert run_due() == 0
    assert only().last_error == "builtins.KeyError"
    handles("unheard")(lambda: heard.append("at last"))
    assert run_due(now=now + timedelta(hours=1)) == 1
    assert heard == ["at last"]


def test_a_relay_that_died_while_working_is_followed_by_another_when_its_lease_ends(monkeypatch, heard, now):
    class Killed(BaseException):
        """What a kill -9 is to the code: nothing after it runs."""

    @handles("fatal")
    def die():
        heard.append("rang")
        if len(heard) == 1:
            raise Killed

    promise("fatal")
    at = now + timedelta(seconds=1)
    with pytest.raises(Killed):
        run_due(now=at)
    assert only().leased_until == at + LEASE
    assert run_due(now=at + LEASE - timedelta(seconds=1)) == 0
    assert run_due(now=at + LEASE) == 1
    assert heard == ["rang", "rang"]
    assert only().attempt_count == 2


def test_one_that_comes_late_does_not_overwrite_the_outcome_of_the_next(heard, now):
    @handles("slow")
    def slow():
        heard.append("slow")
        if len(heard) == 1:
            # Its lease ends while it works; another relay takes the row, finishes, and marks it.
            assert run_due(now=now + LEASE + timedelta(seconds=2)) == 1
            raise ValueError

    promise("slow")
    assert run_due(now=now + timedelta(seconds=1)) == 0
    message = only()
    assert message.done_at == now + LEASE + timedelta(seconds=2)
    assert (message.last_error, message.attempt_count) == ("", 2)


def test_one_that_fails_late_leaves_the_lease_of_the_next_alone(heard, now):
    later = now + LEASE + timedelta(seconds=2)

    @handles("slow")
    def slow():
        assert len(outbox.QUEUE.take(later, 1)) == 1  # another relay has it now, and is still at work
        raise ValueError

    promise("slow")
    assert run_due(now=now + timedelta(seconds=1)) == 0
    message = only()
    assert (message.leased_until, message.attempt_count, message.last_error) == (later + LEASE, 2, "")


def test_what_waited_in_a_batch_past_its_lease_is_left_to_the_next(heard, monkeypatch):
    moments = iter([timedelta(0), timedelta(0), timedelta(0), LEASE, LEASE])
    start = timezone.now() + timedelta(seconds=1)
    promise(number=1)
    promise(number=2)
    monkeypatch.setattr(leases.timezone, "now", lambda: start + next(moments, LEASE - timedelta(seconds=1)))
    assert run_due(limit=2) == 1
    assert heard == [{"number": 1}]


def test_nothing_due_costs_one_read_of_each_table(heard, django_assert_num_queries):
    with django_assert_num_queries(2):
        assert run_due() == 0


@pytest.mark.django_db(transaction=True)
def test_two_relays_take_each_promise_once(monkeypatch):
    own_topics(monkeypatch)
    seen, lock = [], threading.Lock()

    @handles("bell")
    def ring(number):
        with lock:
            seen.append(number)

    with transaction.atomic():
        for number in range(60):
            enqueue("bell", number=number)
    done = at_once(*[run_due] * 4)
    while run_due():
        pass
    assert sorted(seen) == list(range(60))
    assert sum(done) == 60
    assert not OutboxMessage.objects.exclude(attempt_count=1).exists()


@pytest.mark.django_db(transaction=True)
def test_a_handler_runs_outside_of_the_row_s_transaction(monkeypatch):
    """Lesson 4."""
    own_topics(monkeypatch)
    inside = []
    handles("bell")(lambda: inside.append(connection.in_atomic_block))
    promise()
    assert run_due() == 1
    assert inside == [False]


def test_a_topic_has_one_handler_and_a_sweep_one_name(monkeypatch):
    own_topics(monkeypatch)
    monkeypatch.setattr(outbox, "_sweeps", {})
    handler = handles("bell")(lambda: None)
    assert handles("bell")(handler) is handler
    with pytest.raises(ValueError, match="bell"):
        handles("bell")(lambda: None)
    sweeps("dust")(lambda now: 0)
    with pytest.raises(ValueError, match="dust"):
        sweeps("dust")(lambda now: 0)


def test_a_sweep_that_fails_does_not_keep_the_others_from_running(monkeypatch, now):
    monkeypatch.setattr(outbox, "_sweeps", {})
    sweeps("broken")(lambda at: 1 // 0)
    sweeps("dust")(lambda at: 3 if at == now else 0)
    assert run_sweeps(now) == {"dust": 3}


@pytest.mark.django_db(transaction=True)
def test_the_relay_thread_delivers_at_once_and_sweeps(monkeypatch):
    own_topics(monkeypatch)
    monkeypatch.setattr(outbox, "_sweeps", {})
    monkeypatch.setattr(relay, "SWEEP_SECONDS", 0)
    monkeypatch.setattr(relay, "POLL_SECONDS", 30)  # so that only being woken explains what follows
    rang, swept, stop = threading.Event(), threading.Event(), threading.Event()
    handles("bell")(rang.set)

    @sweeps("dust")
    def dust(now):
        swept.set()
        return 0

    def run():
        relay.relay_forever(stop)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        promise()
        assert rang.wait(10)
        assert swept.wait(10)
    finally:
        stop.set()
        outbox.wake.set()
        thread.join(10)
    assert not thread.is_alive()
    assert only().done_at is not None


def test_the_relay_goes_on_after_the_database_was_away(monkeypatch):
    monkeypatch.setattr(relay, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(relay, "close_old_connections", lambda: None)
    stop, calls = threading.Event(), []

    def flaky():
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError
        stop.set()
        return 0

    monkeypatch.setattr(relay.outbox, "run_due", flaky)
    relay.relay_forever(stop)
    assert len(calls) == 2


def test_the_relay_thread_starts_once_and_only_where_it_should(settings, monkeypatch):
    started = []

    class Thread:
        def __init__(self, **options):
            assert options["daemon"] is True

        def start(self):
            started.append(1)

    monkeypatch.setattr(relay.threading, "Thread", Thread)
    monkeypatch.setattr(relay, "_started_in", None)
    settings.OUTBOX_RELAY_THREAD = False
    assert relay.start_relay_thread() is False
    settings.OUTBOX_RELAY_THREAD = True
    assert [relay.start_relay_thread(), relay.start_relay_thread()] == [True, False]
    assert started == [1]


def test_celery_calls_the_same_functions(heard, monkeypatch):
    from citizen_app.tasks import deliver_outbox, sweep

    monkeypatch.setattr(outbox, "_sweeps", {})
    sweeps("dust")(lambda now: 4)
    promise(number=1)
    assert deliver_outbox() == 1
    assert heard == [{"number": 1}]
    assert sweep() == {"dust": 4}


def test_what_beat_asks_for_exists(settings):
    from citizen_app.celery import app

    app.loader.import_default_modules()
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(app.tasks)
    assert app.conf.task_acks_late is True
    assert app.conf.worker_prefetch_multiplier == 1
