"""What others tell us is stored once, however often they tell it, and worked off at least once."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from citizen_app import inbox, outbox
from citizen_app.models import InboxMessage
from citizen_app.outbox import DeadLetter, run_due
from tests.races.at_once import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard(monkeypatch):
    """A topic of the test's own; returns the rows its handler was given."""
    for queue in outbox.queues:
        monkeypatch.setattr(queue, "handlers", {})
    rows = []
    inbox.handles("post")(rows.append)
    return rows


def tell(message_id="evt_1", **told):
    return inbox.receive("stripe:platform", message_id, **{"topic": "post", "payload": {"n": 1}} | told)


def test_what_is_told_three_times_is_worked_off_once(heard):
    assert [tell(), tell(), tell(payload={"n": 2})] == [True, False, False]
    assert run_due() == 1
    assert [(row.source, row.message_id, row.payload) for row in heard] == [("stripe:platform", "evt_1", {"n": 1})]
    assert InboxMessage.objects.get().done_at is not None
    assert tell() is False  # also when it was worked off long ago
    assert run_due() == 0


def test_two_senders_may_use_one_name(heard):
    assert tell()
    assert inbox.receive("stripe:connect", "evt_1", topic="post", payload={})
    assert run_due() == 2


def test_what_is_ignored_is_on_record_and_not_worked_off(heard):
    assert tell(state_ignored=True)
    row = InboxMessage.objects.get()
    assert (row.is_ignored, row.done_at is not None) == (True, True)
    assert run_due() == 0
    assert heard == []


def test_a_row_whose_transaction_is_undone_was_never_received(heard):
    with transaction.atomic():
        assert tell()
        transaction.set_rollback(True)
    assert not InboxMessage.objects.exists()


def test_a_handler_that_fails_is_asked_again_and_one_that_cannot_is_a_dead_letter(heard):
    now = timezone.now() + timedelta(seconds=1)

    @inbox.handles("flaky")
    def flaky(row):
        if row.attempt_count == 1:
            raise RuntimeError

    @inbox.handles("gone")
    def gone(row):
        raise DeadLetter("unknown_account")

    tell("evt_1", topic="flaky")
    tell("evt_2", topic="gone")
    assert run_due(now=now) == 0
    flaky_row, gone_row = InboxMessage.objects.order_by("message_id")
    assert (flaky_row.dead_at, flaky_row.last_error) == (None, "builtins.RuntimeError")
    assert (gone_row.dead_at, gone_row.last_error) == (now, "unknown_account")
    assert run_due(now=flaky_row.due_at) == 1


@pytest.mark.django_db(transaction=True)
def test_a_handler_runs_outside_of_any_transaction(monkeypatch, heard):
    inside = []
    inbox.handles("where")(lambda row: inside.append(connection.in_atomic_block))
    tell(topic="where")
    assert run_due() == 1
    assert inside == [False]


@pytest.mark.django_db(transaction=True)
def test_one_message_told_eight_times_at_once_is_stored_once(heard):
    assert sorted(at_once(*[tell] * 8)) == [False] * 7 + [True]
    assert InboxMessage.objects.count() == 1


def test_a_topic_has_one_handler(heard):
    with pytest.raises(ValueError, match="post"):
        inbox.handles("post")(lambda row: None)
