"""What has served its time goes; what has not stays."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from citizen_app.models import IdempotentRequest, OutboxMessage
from tests.citizen_app.rooms import a_client, a_person, bearer_of, token_of

pytestmark = pytest.mark.django_db


def prune(**options):
    out = StringIO()
    call_command("prune", stdout=out, **options)
    return json.loads(out.getvalue())


def rows():
    models = (IdempotentRequest, OutboxMessage, Session, UserSession, get_access_token_model())
    return [model.objects.count() for model in models]


@pytest.fixture
def old_and_new():
    now = timezone.now()
    for number, days in enumerate((29, 31)):
        then = now - timedelta(days=days)
        IdempotentRequest.objects.create(
            caller="c", method="POST", path="/x", key=str(number), fingerprint="f", status=201, created_at=then
        )
        OutboxMessage.objects.create(topic="x", created_at=then, due_at=then, done_at=then)
    OutboxMessage.objects.create(topic="undone", created_at=now - timedelta(days=400), due_at=now)
    token_of(a_person())
    token_of(a_person("bo@example.org"))
    Session.objects.filter(pk=Session.objects.first().pk).update(expire_date=now - timedelta(seconds=1))
    issued = a_client()
    bearer_of(issued, seconds=600)
    bearer_of(issued, seconds=-60)


def test_the_old_goes_and_the_new_stays(old_and_new):
    assert rows() == [2, 3, 2, 2, 2]
    assert {name: count for name, count in prune().items() if count} == {
        "idempotent_requests": 1,
        "outbox_messages": 1,
        "sessions": 1,
        "session_records": 1,
        "access_tokens": 1,
    }
    assert rows() == [1, 2, 1, 1, 1]
    assert OutboxMessage.objects.filter(topic="undone").exists()
    assert set(prune().values()) == {0}


def test_a_dry_run_deletes_nothing(old_and_new):
    assert prune(dry_run=True)["outbox_messages"] == 1
    assert rows() == [2, 3, 2, 2, 2]
