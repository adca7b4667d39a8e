"""The consent centre over the API: each act, what stands, and a receipt with the very text that was read."""

import hashlib
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citizen_app.accounts.connections import connect, disconnect
from citizen_app.models import ConsentEvent, ConsentText
from scores.models import Enrolment
from scores.services.consents import record_consent
from scores.services.enrolment import enrol_citizen, leave
from scores.services.linking import switch_source
from tests.factories.people import CitizenFactory, api_client_for, app_client
from tests.factories.scores import NOW, SourceFactory, link
from tests.scores.api.answers import assert_problem

pytestmark = pytest.mark.django_db

PATH = "/api/v1/me/consents"
BANK = {"code": "source:bank", "kind": "source", "id": "bank", "name": "Harbour Bank"}


@pytest.fixture
def citizen():
    citizen = CitizenFactory(verified=True)
    enrol_citizen(citizen=citizen, consent_version="2026-11", adult=True, via="web", now=NOW)
    return citizen


@pytest.fixture
def ours(citizen):
    return api_client_for(citizen)


def sha256_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


def rows(client):
    return client.get(PATH).json()["results"]


def switched(citizen, *turns):
    """A bank that is linked, which is a consent of its own, and then switched so."""
    bank = link(citizen, SourceFactory(code="bank", name="Harbour Bank"), now=NOW)
    for on in turns:
        switch_source(citizen=citizen, source_code="bank", on=on, via="app", now=NOW)
    return bank


def test_each_act_is_told_latest_first_with_what_stands(ours, citizen):
    """Lesson 19."""
    switched(citizen, False, True)
    text = ConsentText.objects.get(purpose="source")
    told = rows(ours)
    assert [(one["purpose"]["code"], one["act"], one["is_in_force"], one["via"]) for one in told] == [
        ("source:bank", "given", True, "app"),
        ("source:bank", "withdrawn", False, "app"),
        ("source:bank", "given", False, "command"),
        ("scoring", "given", True, "web"),
    ]
    assert told[0] == {
        "id": told[0]["id"],
        "at": "2026-11-23T12:00:00Z",
        "act": "given",
        "is_in_force": True,
        "purpose": BANK,
        "text": {"version": "2026-11", "language": "en", "sha256": text.sha256},
        "scopes": [],
        "via": "app",
        "replaced_at": None,
    }
    assert told[3]["purpose"] == {"code": "scoring", "kind": "scoring", "id": None, "name": "Being scored"}


def test_to_refuse_when_asked_again_takes_nothing_back(ours, citizen):
    """Lesson 19: a refusal is an act of its own."""
    switched(citizen)
    text = ConsentText.objects.get(purpose="source")
    refused = ConsentEvent.Act.REFUSED
    record_consent(citizen=citizen, act=refused, purpose="source:bank", text=text, via="app", now=NOW)
    assert [(one["act"], one["is_in_force"]) for one in rows(ours)] == [
        ("refused", False),
        ("given", True),
        ("given", True),
    ]


def test_a_receipt_holds_the_very_text_and_how_to_take_it_back(ours, citizen):
    switched(citizen)
    text = ConsentText.objects.get(purpose="source")
    given = rows(ours)[0]["id"]
    receipt = ours.get(f"{PATH}/{given}").json()
    assert receipt == {
        "schema_version": "1",
        "record_id": given,
        "pii_principal_id": citizen.public_id,
        "parties": [
            {"party_id": "platform", "party_name": "Citizen App", "party_role": "controller"},
            {"party_id": "bank", "party_name": "Harbour Bank", "party_role": "data_source"},
        ],
        "purpose": BANK
        | {
            "description": "To let this source send records about you, and let them count",
            "lawful_basis": "consent",
        },
        "privacy_notice": {"version": "2026-11", "language": "en", "sha256": text.sha256, "text": text.text},
        "event": {"event_type": "given", "event_time": "2026-11-23T12:00:00Z", "scopes": [], "via": "command"},
        "is_in_force": True,
        "replaced_at": None,
        "withdrawn_at": None,
        "withdrawn_via": None,
        "withdrawal_method": {"method": "DELETE", "path": "/api/v1/me/sources/bank"},
    }
    notice = receipt["privacy_notice"]
    assert sha256_of(notice["text"]) == notice["sha256"]
    assert ours.delete(receipt["withdrawal_method"]["path"]).status_code == 204
    after = ours.get(f"{PATH}/{given}").json()
    assert (after["is_in_force"], after["withdrawn_at"] is None) == (False, False)


def test_the_text_of_an_earlier_number_stays_readable(ours, citizen):
    words = "What was said before."
    old = ConsentText.objects.create(
        purpose="source",
        version="2025-01",
        language="en",
        text=words,
        sha256=sha256_of(words),
    )
    SourceFactory(code="bank", name="Harbour Bank")
    given = ConsentEvent.Act.GIVEN
    event = record_consent(citizen=citizen, act=given, purpose="source:bank", text=old, via="web", now=NOW)
    assert ours.get(f"{PATH}/{event.public_id}").json()["privacy_notice"]["text"] == words


def test_a_text_that_was_changed_since_is_not_shown_for_the_one_that_was_read(ours, citizen):
    event = ConsentEvent.objects.get()
    ConsentText.objects.filter(purpose="scoring").update(sha256="0" * 64, text="Other words.")
    receipt = ours.get(f"{PATH}/{event.public_id}").json()
    assert receipt["privacy_notice"]["text"] is None


def test_p10_leaving_takes_back_everything_that_stood_and_the_acts_stay_readable(ours, citizen):
    switched(citizen)
    leave(citizen=citizen, via="web", now=NOW)
    told = rows(ours)
    assert [(one["purpose"]["code"], one["act"]) for one in told] == [
        ("source:bank", "withdrawn"),
        ("scoring", "withdrawn"),
        ("source:bank", "given"),
        ("scoring", "given"),
    ]
    assert not any(one["is_in_force"] for one in told)
    assert ours.get(f"{PATH}/{told[3]['id']}").json()["privacy_notice"]["text"]


def test_somebody_elses_act_is_like_one_that_never_was(citizen):
    stranger = api_client_for(CitizenFactory(verified=True))
    assert stranger.get(PATH).json() == {"next": None, "previous": None, "results": []}
    foreign = ConsentEvent.objects.get().public_id
    for name in (foreign, "cns_0000000000000", "cns_", "scoring"):
        assert_problem(stranger.get(f"{PATH}/{name}"), 404, "not_found")


def test_a_list_costs_the_same_for_one_act_as_for_many(ours, citizen):
    def cost():
        with CaptureQueriesContext(connection) as captured:
            ours.get(PATH)
        return len(captured)

    switched(citizen)
    few = cost()
    switch_source(citizen=citizen, source_code="bank", on=False, now=NOW)
    for code in ("bureau", "city", "transit"):
        link(citizen, SourceFactory(code=code), now=NOW)
    assert len(rows(ours)) == 6
    assert cost() == few


def test_an_apps_receipt_names_the_app_and_the_connection_to_end(ours, citizen):
    app = app_client(name="Harbour Hearts").application
    Enrolment.objects.filter(pk=citizen.pk).update(person_key="a key", document_checked_at=NOW)
    connection = connect(citizen=citizen, application=app, scopes=["boost:read"], via="app", now=NOW)
    (given,) = [one for one in rows(ours) if one["purpose"]["kind"] == "app"]
    assert given["purpose"]["name"] == "Harbour Hearts"
    receipt = ours.get(f"{PATH}/{given['id']}").json()
    assert receipt["parties"][1] == {
        "party_id": app.client_id,
        "party_name": "Harbour Hearts",
        "party_role": "recipient",
    }
    path = f"/api/v1/me/connections/{connection.public_id}"
    assert receipt["withdrawal_method"] == {"method": "DELETE", "path": path}
    disconnect(citizen=citizen, application=app, via="app", now=NOW)
    after = ours.get(f"{PATH}/{given['id']}").json()
    assert (after["is_in_force"], after["withdrawal_method"]) == (False, None)


def test_a_receipt_of_an_app_tells_what_was_ticked_and_what_was_ticked_instead_later(ours, citizen):
    app = app_client(name="Harbour Hearts").application
    Enrolment.objects.filter(pk=citizen.pk).update(person_key="a key", document_checked_at=NOW)
    for minute, scopes in enumerate((["openid", "boost:read"], ["boost:read"])):
        connect(citizen=citizen, application=app, scopes=scopes, via="app", now=NOW + timedelta(minutes=minute))
    told = [(one["act"], one["scopes"], one["is_in_force"], one["replaced_at"]) for one in rows(ours)[:2]]
    assert told == [
        ("given", ["boost:read"], True, None),
        ("given", ["boost:read", "openid"], False, "2026-11-23T12:01:00Z"),
    ]
    for one in rows(ours)[:2]:
        receipt = ours.get(f"{PATH}/{one['id']}").json()
        assert (receipt["event"]["scopes"], receipt["replaced_at"]) == (one["scopes"], one["replaced_at"])
    disconnect(citizen=citizen, application=app, via="app", now=NOW + timedelta(minutes=2))
    connect(citizen=citizen, application=app, scopes=["openid"], via="app", now=NOW + timedelta(minutes=3))
    told = [(one["act"], one["scopes"], one["replaced_at"]) for one in rows(ours)[:3]]
    assert told == [
        ("given", ["openid"], None),
        ("withdrawn", ["boost:read"], None),
        ("given", ["boost:read"], None),  # taken back, not replaced
    ]
