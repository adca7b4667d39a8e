import hashlib

import pytest

from citizen_app.models import ConsentEvent
from scores.models import Enrolment, Score
from tests.factories.people import CitizenFactory, api_client_for
from tests.factories.scores import EnrolmentFactory
from tests.scores.api.answers import assert_problem

pytestmark = pytest.mark.django_db
PATH = "/api/v1/me/enrolment"
BODY = {"consent_version": "2026-11", "adult": True}
READS = (
    "/api/v1/me/enrolment",
    "/api/v1/me/score",
    "/api/v1/me/score/history",
    "/api/v1/me/score/explanation",
    "/api/v1/me/entries",
    "/api/v1/me/entries/ent_0000000000000",
    "/api/v1/me/sources",
    "/api/v1/me/inquiries",
)


def test_the_consent_text_in_force_is_public_and_its_hash_is_of_its_bytes(client):
    answer = client.get("/api/v1/consent-texts/current").json()
    assert set(answer) == {"version", "language", "text", "sha256"}
    assert (answer["version"], answer["language"]) == ("2026-11", "en")
    assert hashlib.sha256(answer["text"].encode()).hexdigest() == answer["sha256"]


def test_p1_enrolling_answers_201_and_again_200(stranger):
    first = stranger.post(PATH, BODY)
    assert first.status_code == 201
    assert first.json() == {
        "state": "active",
        "enrolled_at": "2026-11-23T12:00:00Z",
        "consent_version": "2026-11",
        "paused_at": None,
        "document_checked_at": None,
    } | {"enrolled_at": first.json()["enrolled_at"]}
    assert first.json()["enrolled_at"].startswith("2026-11-23T12:00:")
    again = stranger.post(PATH, BODY | {"language": "en"})
    assert (again.status_code, again.json()) == (200, first.json())
    assert stranger.get(PATH).json() == first.json()
    assert ConsentEvent.objects.get(purpose="scoring").via == "app"


@pytest.mark.parametrize("body", [{"consent_version": "2026-11"}, BODY | {"adult": False}])
def test_p1_without_being_of_age_nobody_is_enrolled(stranger, body):
    assert_problem(stranger.post(PATH, body), 403, "adult_required")
    assert Enrolment.objects.count() == 0


def test_p1_an_old_consent_text_is_refused(stranger):
    body = assert_problem(stranger.post(PATH, BODY | {"consent_version": "2020-01"}), 409, "consent_outdated")
    assert body["current_version"] == "2026-11"
    assert Enrolment.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (BODY | {"adult": "true"}, "/adult", "invalid"),
        (BODY | {"adult": 1}, "/adult", "invalid"),
        ({"adult": True}, "/consent_version", "required"),
        (BODY | {"consent_version": None}, "/consent_version", "null"),
        (BODY | {"score": 900}, "/score", "unknown_field"),
        (BODY | {"language": "x" * 13}, "/language", "too_long"),
    ],
)
def test_a_body_that_is_not_as_agreed_is_refused_at_its_place(stranger, body, pointer, code):
    problem = assert_problem(stranger.post(PATH, body), 400, "invalid_input")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]
    assert Enrolment.objects.count() == 0


@pytest.mark.parametrize("path", READS)
def test_p1_before_enrolling_every_read_is_not_enrolled(stranger, path):
    assert_problem(stranger.get(path), 404, "not_enrolled")


@pytest.mark.parametrize("path", READS)
def test_after_leaving_every_read_is_not_enrolled(app, path):
    assert app.delete(PATH).status_code == 200
    assert_problem(app.get(path), 404, "not_enrolled")


def test_pausing_keeps_the_score_as_it_is_and_says_so(app):
    before = app.get("/api/v1/me/score").json()
    for _ in range(2):
        paused = app.post(f"{PATH}/pause")
        assert (paused.status_code, paused.json()["state"]) == (200, "paused")
    during = app.get("/api/v1/me/score").json()
    assert during == before | {"state": "paused"}
    for _ in range(2):
        assert app.post(f"{PATH}/resume", {}).json()["state"] == "active"
    assert app.get("/api/v1/me/score").json() == before


def test_pausing_takes_no_body(app, citizen):
    assert_problem(app.post(f"{PATH}/pause", {"until": "tomorrow"}), 400, "invalid_input")
    assert Enrolment.objects.get(pk=citizen.pk).state == "active"


def test_leaving_returns_the_receipt_and_again_an_empty_one(app, citizen):
    receipt = app.delete(PATH).json()
    assert set(receipt) == {"at", "erased", "kept"}
    assert receipt["erased"]["entries"] == 6
    assert receipt["erased"]["scores"] == 1
    assert all(set(kept) == {"what", "why", "until"} for kept in receipt["kept"])
    assert not Score.objects.filter(pk=citizen.pk).exists()
    again = app.delete(PATH)
    assert again.status_code == 200
    assert set(again.json()["erased"].values()) == {0}


def test_another_person_is_not_touched(app, citizen):
    other = EnrolmentFactory().citizen
    app.delete(PATH)
    assert Enrolment.objects.filter(pk=other.pk).exists()


def test_nobody_and_servers_do_not_enrol(client, server):
    assert_problem(client.get(PATH), 401, "not_authenticated")
    assert_problem(client.post(PATH, BODY, content_type="application/json"), 401, "not_authenticated")
    assert_problem(server.post(PATH, BODY), 403, "wrong_caller")
    assert_problem(server.get("/api/v1/me/score"), 403, "wrong_caller")


def test_unknown_parameters_are_refused():
    app = api_client_for(CitizenFactory())
    assert_problem(app.get(f"{PATH}?verbose=1"), 400, "unknown_parameter")
