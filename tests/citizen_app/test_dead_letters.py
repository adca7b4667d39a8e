"""What failed too often waits for an operator, who lets it try again or gives it up; what it says is not shown."""

from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app import inbox, outbox
from citizen_app.dead_letters import dead_count, dead_topics, drop_dead_letters, replay_dead_letters
from citizen_app.errors import NotFound
from citizen_app.models import AuditEvent, InboxMessage, OutboxMessage
from citizen_app.outbox import run_due
from citizen_app.pruning import prune_all
from tests.factories.people import browser_for, operator_with

pytestmark = pytest.mark.django_db
ADDRESS = "/operator/messages"


@pytest.fixture
def operator(db):
    return operator_with("support")


@pytest.fixture
def heard(monkeypatch):
    for queue in outbox.queues:
        monkeypatch.setattr(queue, "handlers", {})
    rows = []
    outbox.handles("mail")(lambda **payload: rows.append(payload))
    inbox.handles("told")(lambda message: rows.append(message.payload))
    return rows


def dead(model=OutboxMessage, topic="mail", **fields):
    dead_at = timezone.now() - timedelta(days=90)
    fields = {"topic": topic, "attempt_count": 12, "last_error": "builtins.OSError", "dead_at": dead_at} | fields
    fields["received_at" if model is InboxMessage else "created_at"] = dead_at
    return model.objects.create(due_at=dead_at, payload={"to": "ana@example.org"}, **fields)


def test_one_tries_again_from_its_beginning(operator, heard):
    one, other = dead(), dead()
    now = timezone.now()
    assert replay_dead_letters(table="outbox", topic="mail", message_id=one.pk, by=operator, now=now) == 1
    one.refresh_from_db()
    assert (one.dead_at, one.attempt_count, one.due_at) == (None, 0, now)
    assert run_due() == 1
    assert heard == [{"to": "ana@example.org"}]
    other.refresh_from_db()
    assert (other.dead_at is not None, other.done_at) == (True, None)
    act = AuditEvent.objects.get(action="message.replay")
    assert (act.actor, act.object) == (f"person:{operator.pk}", "outbox")
    assert act.facts == {"topic": "mail", "count": 1, "message": one.pk}


def test_all_of_a_topic_try_again_and_no_other(operator, heard):
    dead(), dead(), dead(topic="sms")
    dead(InboxMessage, topic="told", source="stripe", message_id="evt_1")
    assert dead_count() == 4
    assert replay_dead_letters(table="outbox", topic="mail", by=operator) == 2
    assert replay_dead_letters(table="inbox", topic="told", by=operator) == 1
    assert run_due() == 3
    assert dead_count() == 1


def test_again_is_no_change_and_not_on_record(operator, heard):
    one = dead()
    assert replay_dead_letters(table="outbox", topic="mail", message_id=one.pk, by=operator) == 1
    assert replay_dead_letters(table="outbox", topic="mail", message_id=one.pk, by=operator) == 0
    assert drop_dead_letters(table="outbox", topic="mail", message_id=one.pk, by=operator) == 0
    assert AuditEvent.objects.filter(action__startswith="message.").count() == 1
    one.refresh_from_db()
    assert (one.dead_at, one.done_at) == (None, None)


def test_what_is_not_dead_cannot_be_given_up(operator):
    waiting = OutboxMessage.objects.create(topic="mail")
    assert drop_dead_letters(table="outbox", topic="mail", message_id=waiting.pk, by=operator) == 0
    waiting.refresh_from_db()
    assert waiting.done_at is None


def test_what_is_given_up_waits_no_more_and_is_pruned_like_what_was_done(operator, heard):
    one, kept = dead(), dead(topic="sms")
    now = timezone.now()
    assert drop_dead_letters(table="outbox", topic="mail", by=operator, now=now) == 1
    assert [topic["topic"] for topic in dead_topics()] == ["sms"]
    assert run_due() == 0
    prune_all(now + timedelta(days=29))
    assert OutboxMessage.objects.filter(pk=one.pk).exists()
    prune_all(now + timedelta(days=31))
    assert not OutboxMessage.objects.filter(pk=one.pk).exists()
    assert OutboxMessage.objects.filter(pk=kept.pk).exists()  # until somebody decides


def test_a_table_that_is_none_of_ours_is_not_found(operator):
    with pytest.raises(NotFound):
        replay_dead_letters(table="citizens", topic="mail", by=operator)


def test_the_page_shows_what_failed_and_nothing_of_what_it_says(operator):
    one = dead()
    dead(InboxMessage, topic="told", source="stripe", message_id="evt_1", last_error="unknown_account")
    page = browser_for(operator).get(ADDRESS).content.decode()
    assert "2 failed messages" in page
    for shown in ("mail", "told", f"Number {one.pk}", "12 tries", "builtins.OSError", "unknown_account"):
        assert shown in page
    assert "ana@example.org" not in page
    assert "evt_1" not in page


def test_an_operator_tries_again_and_gives_up_on_the_page(operator, heard):
    one, _ = dead(), dead(topic="sms")
    browser = browser_for(operator)
    sent = {"table": "outbox", "topic": "mail", "id": one.pk}
    told = browser.post(f"{ADDRESS}/replay", sent, follow=True).content.decode()
    assert "1 message of mail: tried again now." in told
    assert "1 failed message" in told
    told = browser.post(f"{ADDRESS}/drop", {"table": "outbox", "topic": "sms"}, follow=True).content.decode()
    assert "1 message of sms: given up." in told
    assert "No message has failed" in told
    assert "Nothing was done." in browser.post(f"{ADDRESS}/drop", {"table": "outbox"}, follow=True).content.decode()
    assert browser.post(f"{ADDRESS}/drop", {"table": "citizens", "topic": "mail"}).status_code == 404


@pytest.mark.parametrize("role", ["scoring", "merchants", "disputes"])
def test_only_support_decides(role):
    one = dead()
    browser = browser_for(operator_with(role))
    assert browser.get(ADDRESS).status_code == 403
    for act in ("replay", "drop"):
        assert browser.post(f"{ADDRESS}/{act}", {"table": "outbox", "topic": "mail"}).status_code == 403
    one.refresh_from_db()
    assert (one.dead_at is not None, one.done_at) == (True, None)
