"""Connecting an app and ending it: who may, what is on record, and what is over at once."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from citizen_app.accounts import connections
from citizen_app.accounts.clients import issue_client, suspend_client, withdraw_client
from citizen_app.accounts.connections import connect, disconnect, end_what_lapsed, on_connected, on_disconnected
from citizen_app.accounts.subjects import citizens_of, subject_of
from citizen_app.db import violated
from citizen_app.errors import DocumentNeeded, EnrolmentPaused, MustEnrol
from citizen_app.invariants import broken
from citizen_app.models import AuditEvent, Connection, ConsentEvent, Notification, PairwiseSubject
from citizen_app.outbox import run_due
from scores.models import Enrolment
from scores.services.enrolment import leave, pause_enrolment
from tests.factories.dating_app import calls_with, code_for, redeem, refresh
from tests.factories.people import (
    CitizenFactory,
    app_client,
    bearer_for,
    browser_for,
    connected_app,
    machine_client,
)
from tests.factories.scores import connectable_citizen

pytestmark = pytest.mark.django_db

BOTH = ("boost:read", "openid")


@pytest.fixture
def told(monkeypatch):
    """What other rooms are told, in order."""
    heard = []
    monkeypatch.setattr(connections, "_connected", [])
    monkeypatch.setattr(connections, "_disconnected", [])
    on_connected(lambda *, connection, subject, now: heard.append(("connected", subject, connection.ended_because)))
    on_disconnected(
        lambda *, connection, subject, now: heard.append(("disconnected", subject, connection.ended_because))
    )
    return heard


def test_connecting_is_on_record_once_and_other_rooms_are_told(told):
    citizen, app = connectable_citizen(), app_client().application
    first = connect(citizen=citizen, application=app, scopes=BOTH, via="web")
    again = connect(citizen=citizen, application=app, scopes=BOTH, via="app")
    assert first.pk == again.pk
    assert first.public_id.startswith("con_")
    assert told == [("connected", subject_of(citizen, app), "")]
    acts = ConsentEvent.objects.filter(citizen=citizen, purpose=f"app:{app.client_id}").order_by("id")
    assert list(acts.values_list("act", "via", "text_version")) == [
        ("given", "web", "2026-11"),
        ("given", "app", "2026-11"),
    ]
    audited = AuditEvent.objects.filter(object=first.public_id).order_by("id")
    assert list(audited.values_list("action", flat=True)) == ["connection.begin", "connection.renew"]


def test_a_narrower_consent_ends_what_was_given_before():
    citizen, issued = connectable_citizen(), app_client()
    client = connected_app(citizen, issued.application)
    assert client.get("/api/v1/me").status_code == 403  # known, but an app
    connect(citizen=citizen, application=issued.application, scopes=["openid"], via="web")
    assert client.get("/api/v1/me").status_code == 401
    assert Connection.objects.get().scopes == ["openid"]


@pytest.mark.parametrize(
    ("prepare", "refusal"),
    [
        (lambda person: leave(citizen=person), MustEnrol),
        (lambda person: pause_enrolment(citizen=person), EnrolmentPaused),
        (
            lambda person: Enrolment.objects.filter(pk=person.pk).update(person_key=None, document_checked_at=None),
            DocumentNeeded,
        ),
    ],
)
def test_p1_connecting_needs_a_live_enrolment_with_a_document_check(prepare, refusal):
    citizen, app = connectable_citizen(), app_client().application
    prepare(citizen)
    with pytest.raises(refusal):
        connect(citizen=citizen, application=app, scopes=BOTH, via="web")
    assert not Connection.objects.exists()
    assert not ConsentEvent.objects.filter(citizen=citizen, purpose__startswith="app:").exists()


@pytest.mark.parametrize("scopes", [[], ["boost:lookup"], ["openid", "merchant:scan"]])
def test_an_app_is_never_connected_with_scopes_it_may_not_have(scopes):
    citizen, app = connectable_citizen(), app_client().application
    with pytest.raises(ValueError, match="cannot be connected"):
        connect(citizen=citizen, application=app, scopes=scopes, via="web")
    assert not Connection.objects.exists()


def test_nobody_connects_a_server():
    citizen, server = connectable_citizen(), machine_client().application
    with pytest.raises(ValueError, match="cannot be connected"):
        connect(citizen=citizen, application=server, scopes=["merchant:scan"], via="web")
    assert not Connection.objects.exists()


def test_disconnecting_is_true_from_the_next_request_on(told):
    citizen, app, other = connectable_citizen(), app_client().application, app_client(name="B").application
    client, elsewhere = connected_app(citizen, app), connected_app(citizen, other)
    subject = subject_of(citizen, app)
    assert disconnect(citizen=citizen, application=app, via="web") is True
    assert client.get("/api/v1/me").status_code == 401
    assert elsewhere.get("/api/v1/me").status_code == 403  # another app is another consent
    assert told[-1] == ("disconnected", subject, "disconnected")
    last = ConsentEvent.objects.filter(citizen=citizen).latest("id")
    assert (last.act, last.purpose, last.via) == ("withdrawn", f"app:{app.client_id}", "web")
    assert disconnect(citizen=citizen, application=app) is False
    assert len(told) == 3
    # The same app may be connected again, and knows the person as before.
    connect(citizen=citizen, application=app, scopes=BOTH, via="web")
    assert subject_of(citizen, app) == subject


def test_leaving_ends_every_connection_and_forgets_the_names(told):
    citizen, app = connectable_citizen(), app_client().application
    client = connected_app(citizen, app)
    subject = subject_of(citizen, app)
    receipt = leave(citizen=citizen)
    assert client.get("/api/v1/me").status_code == 401
    assert (receipt.erased["connections"], receipt.erased["pairwise_subjects"]) == (1, 1)
    assert not Connection.objects.exists()
    assert not PairwiseSubject.objects.exists()
    assert told[-1] == ("disconnected", subject, "left")


def test_pausing_keeps_the_connection():
    citizen, app = connectable_citizen(), app_client().application
    client = connected_app(citizen, app)
    pause_enrolment(citizen=citizen)
    assert client.get("/api/v1/me").status_code == 403
    assert Connection.objects.running().count() == 1


def test_an_app_that_is_withdrawn_loses_everybody(told):
    citizen, app = connectable_citizen(), app_client().application
    client = connected_app(citizen, app)
    withdraw_client(application=app, by=None)
    assert client.get("/api/v1/me").status_code == 401
    assert told[-1][2] == "app_closed"
    assert Connection.objects.running().count() == 0


def test_the_sweep_ends_what_lapsed_and_what_belongs_to_nobody_any_more(told):
    app = app_client().application
    used, unused, off = (connectable_citizen() for _ in range(3))
    for person in (used, unused, off):
        connect(citizen=person, application=app, scopes=BOTH, via="web")
    now = timezone.now()
    Connection.objects.filter(citizen=unused).update(renewed_at=now - timedelta(days=30))
    Connection.objects.filter(citizen=used).update(renewed_at=now - timedelta(days=29, hours=23))
    off.is_active = False
    off.save()
    assert end_what_lapsed(now) == 2
    assert end_what_lapsed(now) == 0
    assert {row.citizen_id: row.ended_because for row in Connection.objects.all()} == {
        used.pk: "",
        unused.pk: "lapsed",
        off.pk: "switched_off",
    }


def test_subjects_differ_by_sector_and_mean_only_people_connected_now():
    citizen, stranger = connectable_citizen(), CitizenFactory()
    a, b = app_client(owner="mer_a").application, app_client(owner="mer_b").application
    for app in (a, b):
        connect(citizen=citizen, application=app, scopes=BOTH, via="web")
    in_a, in_b = subject_of(citizen, a), subject_of(citizen, b)
    assert in_a != in_b
    assert in_a == subject_of(citizen, a)
    never = subject_of(stranger, a)
    assert citizens_of([in_a, in_b, never, "nobody"], a) == {in_a: citizen.pk}
    suspend_client(application=a, by=None)
    assert citizens_of([in_a], a) == {}
    suspend_client(application=a, suspended=False, by=None)
    disconnect(citizen=citizen, application=a)
    assert citizens_of([in_a], a) == {}


def test_a_server_of_the_same_owner_names_people_as_its_app_does():
    citizen, app = connectable_citizen(), app_client(owner="mer_a").application
    connect(citizen=citizen, application=app, scopes=BOTH, via="web")
    server, foreign = (
        issue_client(name="S", owner_kind="merchant", owner=owner, scopes=["boost:lookup"], by=None, app=app)
        for owner in ("mer_a", "mer_b")
    )
    subject = subject_of(citizen, app)
    assert citizens_of([subject], server.application) == {subject: citizen.pk}
    assert citizens_of([subject], foreign.application) == {}


def test_the_database_lets_one_connection_run_and_one_subject_name():
    citizen, app = connectable_citizen(), app_client().application
    now = timezone.now()
    fields = {"citizen": citizen, "application": app, "scopes": [], "connected_at": now, "renewed_at": now}
    Connection.objects.create(**fields)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Connection.objects.create(**fields)
    assert violated(refused.value) == "connection_one_running_per_app"
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Connection.objects.update(ended_at=now)
    assert violated(refused.value) == "connection_ended_because_iff_ended"
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Connection.objects.update(ended_at=now, ended_because="bored")
    assert violated(refused.value) == "connection_ended_because_is_known"
    PairwiseSubject.objects.create(citizen=citizen, sector="s", subject="x")
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        PairwiseSubject.objects.create(citizen=citizen, sector="s")
    assert violated(refused.value) == "subject_one_per_sector"
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        PairwiseSubject.objects.create(citizen=citizen, sector="t", subject="x")
    assert violated(refused.value) == "subject_names_one_person"


def test_an_app_that_waits_or_was_refused_opens_nothing():
    citizen, issued = connectable_citizen(), app_client(approved=False)
    bearer = {"Authorization": f"Bearer {bearer_for(issued.application, person=citizen)}"}
    assert Client().get("/api/v1/me", headers=bearer).status_code == 401
    assert get_access_token_model().objects.count() == 1
    assert get_refresh_token_model().objects.count() == 0


def test_a_loose_token_and_a_loose_connection_are_found():
    citizen, app = connectable_citizen(), app_client().application
    connected_app(citizen, app)
    assert not any(broken().values())
    Connection.objects.update(ended_at=timezone.now(), ended_because="left")
    token = get_access_token_model().objects.get()
    assert broken()["An app can only call, or renew, for somebody who is connected to it."] == [
        f"accesstoken {token.pk}"
    ]
    Connection.objects.update(ended_at=None, ended_because="")
    Enrolment.objects.update(person_key=None, document_checked_at=None)
    (found,) = broken()["Whoever is connected to an app is enrolled, with a document that was checked (P1)."]
    assert found == f"connection {Connection.objects.get().pk}"


def test_a_connection_outlives_its_access_tokens_and_their_pruning_but_not_a_month_unused():
    citizen, issued = connectable_citizen(), app_client()
    tokens = redeem(issued, code_for(browser_for(citizen), issued)).json()
    now = timezone.now()
    with time_machine.travel(now + timedelta(days=29)):
        call_command("prune")
        assert calls_with(tokens["access_token"]).status_code == 401
        renewed = refresh(issued, tokens["refresh_token"]).json()
        assert calls_with(renewed["access_token"]).status_code == 403
        assert end_what_lapsed(timezone.now()) == 0
    with time_machine.travel(now + timedelta(days=60)):
        assert refresh(issued, renewed["refresh_token"]).json()["error"] == "invalid_grant"
        assert end_what_lapsed(timezone.now()) == 1
        run_due()
        assert not any(broken().values())
    assert [row.event for row in Notification.objects.filter(citizen=citizen)] == ["connection.lapsed"]
    assert Connection.objects.get().ended_because == "lapsed"
