"""Sentences that are true of the data, and a command that finds the row that breaks one."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from citizen_app import invariants
from citizen_app.invariants import broken, invariant
from citizen_app.models import IdempotentRequest, InboxMessage, OutboxMessage

pytestmark = pytest.mark.django_db


def verify():
    out = StringIO()
    call_command("verify_invariants", stdout=out)
    return out.getvalue()


def test_a_sound_database_breaks_nothing():
    OutboxMessage.objects.create(topic="x")
    IdempotentRequest.objects.create(caller="person:1", method="POST", path="/x", key="k", fingerprint="f", status=201)
    assert not any(broken().values())
    assert "holds   A kept answer is a success." in verify()


def test_a_kept_refusal_is_found():
    kept = IdempotentRequest.objects.create(caller="c", method="POST", path="/x", key="k", fingerprint="f", status=409)
    assert broken()["A kept answer is a success."] == [f"idempotent request {kept.pk}"]
    with pytest.raises(CommandError) as caught:
        verify()
    assert caught.value.returncode == 1


def found():
    return [line for lines in broken().values() for line in lines]


def told(**fields):
    number = InboxMessage.objects.count()
    return InboxMessage.objects.create(source="s", message_id=str(number), topic="x", **fields)


def test_a_promise_that_waits_for_nothing_is_found():
    old = timezone.now() - timedelta(days=2)
    message = OutboxMessage.objects.create(topic="x", created_at=old, due_at=old)
    heard = told(received_at=old, due_at=old, attempt_count=3)
    in_hand = timezone.now() + timedelta(minutes=1)
    OutboxMessage.objects.create(topic="x", created_at=old, due_at=old, attempt_count=3, leased_until=in_hand)
    OutboxMessage.objects.create(topic="x", created_at=old, due_at=in_hand, attempt_count=3)
    OutboxMessage.objects.create(
        topic="x", created_at=old, due_at=old, attempt_count=12, last_error="OSError", dead_at=old
    )
    assert found() == [f"outbox message {message.pk}", f"inbox message {heard.pk}"]


def test_an_effect_before_its_promise_is_found():
    now = timezone.now()
    before = now - timedelta(seconds=1)
    done = OutboxMessage.objects.create(topic="x", created_at=now, done_at=before)
    dead = told(received_at=now, dead_at=before, attempt_count=1, last_error="OSError")
    assert found() == [f"outbox message {done.pk}", f"inbox message {dead.pk}"]


def test_a_dead_letter_that_does_not_say_why_is_found():
    mute = OutboxMessage.objects.create(topic="x", dead_at=timezone.now() + timedelta(seconds=1), attempt_count=1)
    assert found() == [f"outbox message {mute.pk}"]


def test_an_app_adds_its_own_sentences_once(monkeypatch):
    monkeypatch.setattr(invariants, "_checks", {})
    check = invariant("Nothing is oversold.")(lambda: ["perk 7"])
    assert invariant("Nothing is oversold.")(check) is check
    with pytest.raises(ValueError, match="oversold"):
        invariant("Nothing is oversold.")(lambda: [])
    assert broken() == {"Nothing is oversold.": ["perk 7"]}
