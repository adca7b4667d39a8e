"""`/api/v1/me`: a person's own account, read and changed by themselves only."""

import pytest
from django.test import Client

from citizen_app.models import AuditEvent, Citizen
from tests.factories.people import CitizenFactory, api_client_for, api_client_of, machine_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana():
    return CitizenFactory(email="ana@example.org", first_name="Ana", zone="Europe/Lisbon")


@pytest.fixture
def app(ana):
    return api_client_for(ana)


def test_it_is_exactly_this(app, ana):
    assert app.get("/api/v1/me").json() == {
        "id": ana.public_id,
        "email": "ana@example.org",
        "first_name": "Ana",
        "language": "en",
        "zone": "Europe/Lisbon",
    }


def test_what_has_not_changed_is_not_sent_again(app):
    first = app.get("/api/v1/me")
    assert first["Cache-Control"] == "private, no-cache"
    again = app.get("/api/v1/me", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    app.patch("/api/v1/me", {"first_name": "Anna"}, format="json")
    changed = app.get("/api/v1/me", headers={"If-None-Match": first["ETag"]})
    assert (changed.status_code, changed.json()["first_name"]) == (200, "Anna")


def test_name_language_and_zone_are_the_persons_to_change(app, ana):
    changed = app.patch(
        "/api/v1/me", {"first_name": " Zoe\u0308 ", "zone": "Asia/Tehran", "language": "en"}, format="json"
    )
    assert changed.status_code == 200
    assert changed.json() == app.get("/api/v1/me").json()
    ana.refresh_from_db()
    assert (ana.first_name, ana.zone, ana.language) == ("Zo\u00eb", "Asia/Tehran", "en")
    event = AuditEvent.objects.get()
    assert (event.action, event.facts) == ("profile.change", {"fields": ["first_name", "zone"]})
    assert app.patch("/api/v1/me", {"first_name": ""}, format="json").json()["first_name"] == ""


def test_nothing_sent_changes_nothing(app):
    assert app.patch("/api/v1/me", {}, format="json").status_code == 200
    assert AuditEvent.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"email": "eve@example.org"}, "/email", "unknown_field"),
        ({"id": "cit_x"}, "/id", "unknown_field"),
        ({"is_staff": True}, "/is_staff", "unknown_field"),
        ({"first_name": "x" * 61}, "/first_name", "too_long"),
        ({"first_name": "A\u0007"}, "/first_name", "invalid"),
        ({"first_name": "A\nB"}, "/first_name", "invalid"),
        ({"first_name": "A\u202eB"}, "/first_name", "invalid"),
        ({"first_name": "A\u200bB"}, "/first_name", "invalid"),
        ({"first_name": 7}, "/first_name", "invalid"),
        ({"first_name": None}, "/first_name", "null"),
        ({"language": "tlh"}, "/language", "invalid"),
        ({"zone": "Mars/Olympus"}, "/zone", "invalid"),
        ({"zone": "../../etc/passwd"}, "/zone", "invalid"),
        ({"zone": ""}, "/zone", "invalid"),
        ([], "", "invalid"),
    ],
)
def test_what_is_not_a_change_is_refused_and_nothing_is_stored(app, body, pointer, code):
    before = Citizen.objects.values().get()
    refused = app.patch("/api/v1/me", body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_input")
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [(pointer, code)]
    assert Citizen.objects.values().get() == before
    assert AuditEvent.objects.count() == 0


def test_one_wrong_field_spoils_the_whole_change(app, ana):
    assert app.patch("/api/v1/me", {"first_name": "Eve", "zone": "Nowhere"}, format="json").status_code == 400
    ana.refresh_from_db()
    assert ana.first_name == "Ana"


def test_it_is_for_people_only(ana):
    assert Client().get("/api/v1/me").status_code == 401
    refused = api_client_of(machine_client().application).get("/api/v1/me")
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_caller")


@pytest.mark.parametrize("method", ["post", "put"])
def test_other_methods_are_not_there(app, method):
    refused = getattr(app, method)("/api/v1/me", {}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")


def test_an_unknown_parameter_is_refused(app):
    refused = app.get("/api/v1/me?id=2")
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_parameter")
