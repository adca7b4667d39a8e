"""Disputes by HTTP: a form or JSON in, the whole dispute out, and nothing of anybody else's."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scores.models import Dispute, Entry, Evidence
from tests.factories.disputes import citizen_in_arrears, dispute_of, photograph, rejected
from tests.factories.people import api_client_for, browser_for
from tests.factories.scores import NOW
from tests.scores.api.answers import assert_problem

pytestmark = pytest.mark.django_db
PATH = "/api/v1/me/disputes"
WORDS = {"ground": "wrong_value", "statement": "I paid in time."}


@pytest.fixture
def life(source):
    return citizen_in_arrears(source)


@pytest.fixture
def app(life):
    return api_client_for(life[0])


def opened(app, *entries, **more):
    return app.post(PATH, {"entries": [one.public_id for one in entries], **WORDS, **more}, format="json")


def test_json_without_a_file_opens_a_dispute(app, life):
    answer = opened(app, life[1])
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert set(told) == {
        "id", "state", "source", "source_name", "ground", "statement", "entries", "benefit_of_the_doubt",
        "raised_again", "opened_at", "due_on", "days_left", "answer", "appeal_until", "ended_at", "share_evidence",
        "evidence", "timeline", "effect",
    }  # fmt: skip
    assert (told["state"], told["due_on"], told["days_left"]) == ("received", "2026-12-23", 31)
    assert told["id"].startswith("dsp_")
    assert (told["benefit_of_the_doubt"], told["raised_again"]) == (True, False)
    assert [(one["id"], one["status"], one["value"]) for one in told["entries"]] == [(life[1].public_id, "disputed", 4)]
    first, second = told["timeline"]
    assert (first["what"], first["by"], first["text"]) == ("opened", "citizen", "I paid in time.")
    assert (second["what"], second["by"]) == ("asked", "system")
    assert first["difference"] > 0
    effect = told["effect"]
    assert effect["now"] == effect["if_upheld"] == effect["if_rejected"] + first["difference"]
    assert app.get("/api/v1/me/score").json()["value"] == effect["now"]


def test_a_form_brings_a_file(app, life):
    others = list(Entry.objects.of(life[0].pk).filter(external_id__in=["p1", "p2"]))
    form = {"entries": [one.public_id for one in [life[1], *others]], **WORDS, "share_evidence": "true"}
    answer = app.post(PATH, {**form, "evidence": photograph()}, format="multipart")
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (len(told["entries"]), told["share_evidence"]) == (3, True)
    (evidence,) = told["evidence"]
    assert (evidence["content_type"], evidence["size"]) == ("image/jpeg", Evidence.objects.get().size)
    assert Evidence.objects.get().name not in answer.content.decode()


def test_a_form_with_one_record_and_no_file_is_fine(app, life):
    answer = app.post(PATH, {"entries": life[1].public_id, **WORDS}, format="multipart")
    assert answer.status_code == 201, answer.content


def test_a_form_may_name_its_records_in_json(app, life):
    answer = app.post(
        PATH, {"entries": f'["{life[1].public_id}"]', **WORDS, "evidence": photograph()}, format="multipart"
    )
    assert answer.status_code == 201, answer.content
    assert [one["id"] for one in answer.json()["entries"]] == [life[1].public_id]


def test_a_browser_s_form_is_read_the_same_way(life):
    browser = browser_for(life[0], enforce_csrf_checks=True)
    browser.get("/records")
    token = browser.cookies["csrf"].value
    form = {"entries": [life[1].public_id], **WORDS, "evidence": photograph()}
    assert_problem(browser.post(PATH, form), 403, "csrf_failed")
    answer = browser.post(PATH, form | {"evidence": photograph()}, headers={"X-CSRFToken": token})
    assert answer.status_code == 201, answer.content
    assert len(answer.json()["evidence"]) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"entries": []}, "/entries"),
        ({"entries": "ent_x"}, "/entries"),
        ({"entries": ["ent_0000000000000"]}, "/entries/0"),
        ({"ground": "envy"}, "/ground"),
        ({"statement": " "}, "/statement"),
        ({"statement": "x" * 2001}, "/statement"),
        ({"evidence": "a text"}, "/evidence"),
        ({"share_evidence": "yes"}, "/share_evidence"),
        ({"score": 900}, "/score"),
    ],
)
def test_what_is_wrong_is_named(app, life, change, pointer):
    body = {"entries": [life[1].public_id], **WORDS, **change}
    problem = assert_problem(app.post(PATH, body, format="json"), 400, "invalid_input")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert not Dispute.objects.exists()


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "invalid_input"),
        (b"GIF89a and more", 400, "file_not_accepted"),
        (b"\xff\xd8\xff broken", 400, "file_unreadable"),
        (b"%PDF-1.7 no end", 400, "file_unreadable"),
        (b"%PDF-1.7" + b"x" * (5 * 1024 * 1024), 413, "too_large"),
    ],
    ids=["empty", "gif", "broken", "half a pdf", "over 5 MiB"],
)
def test_a_file_that_is_not_taken_says_why(app, life, content, status, code):
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile("a.jpg", content, content_type="image/jpeg")
    form = {"entries": [life[1].public_id], **WORDS, "evidence": file}
    answer = app.post(PATH, form, format="multipart")
    if content:
        assert_problem(answer, status, code)
    else:
        assert 400 <= answer.status_code < 500
    assert not Dispute.objects.exists()
    assert Entry.objects.get(pk=life[1].pk).status == "active"


def test_more_than_twelve_mebibytes_are_not_read(app, life):
    body = b"--x\r\n" + b"a" * (12 * 1024 * 1024)
    answer = app.generic("POST", PATH, body, content_type="multipart/form-data; boundary=x")
    assert_problem(answer, 413, "too_large")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"--y\r\n\r\n",
        b'--x\r\nContent-Disposition: form-data; name="statement"\r\n\r\na\x00b\r\n--x--\r\n',
    ],
)
def test_a_form_that_cannot_be_read_is_no_500(app, life, body):
    answer = app.generic("POST", PATH, body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code in (400, 415), answer.content
    assert answer.json()["code"] in ("malformed_body", "invalid_input", "unsupported_media_type")
    assert not Dispute.objects.exists()


def test_fields_sent_twice_are_refused_and_two_files_too(app, life):
    form = {"entries": [life[1].public_id], **WORDS, "ground": ["other", "lapsed"]}
    assert_problem(app.post(PATH, form, format="multipart"), 400, "invalid_input")
    form = {"entries": [life[1].public_id], **WORDS, "evidence": [photograph(1), photograph(2)]}
    assert_problem(app.post(PATH, form, format="multipart"), 400, "invalid_input")
    assert not Dispute.objects.exists()


def test_refusals_have_their_codes(app, life, stranger):
    opened(app, life[1])
    problem = assert_problem(opened(app, life[1]), 409, "already_disputed")
    assert problem["entries"] == [life[1].public_id]
    app.post(f"{PATH}/{Dispute.objects.get().public_id}/withdraw")
    assert_problem(opened(app, life[1]), 409, "evidence_needed")
    Entry.objects.filter(pk=life[1].pk).strike(why="retracted", now=NOW)
    assert_problem(opened(app, life[1]), 409, "entry_struck")
    assert_problem(opened(stranger, life[1]), 404, "not_enrolled")
    assert Dispute.objects.count() == 1


def test_the_list_is_paged_latest_first_and_costs_the_same_for_many(app, life):
    citizen, late = life
    for name in ("p1", "p2", "p3", "p4"):
        dispute_of(citizen, Entry.objects.of(citizen.pk).get(external_id=name))
    dispute_of(citizen, late, evidence=photograph(), now=NOW + timedelta(minutes=1))
    with CaptureQueriesContext(connection) as one:
        page = app.get(f"{PATH}?limit=1").json()
    with CaptureQueriesContext(connection) as many:
        whole = app.get(f"{PATH}?limit=5").json()
    assert len(many) == len(one)
    assert len(many) <= 12
    assert page["results"][0]["entries"][0]["id"] == late.public_id
    assert len(whole["results"]) == 5
    assert "effect" not in whole["results"][0]
    following = app.get(page["next"]).json()["results"]
    assert following == [whole["results"][1]]


def test_withdrawing_answers_with_what_it_did(app, life):
    told = opened(app, life[1]).json()
    answer = app.post(f"{PATH}/{told['id']}/withdraw")
    assert answer.status_code == 200
    after = answer.json()
    assert (after["state"], after["effect"], after["days_left"]) == ("withdrawn", None, None)
    assert after["timeline"][-1]["difference"] == -told["timeline"][0]["difference"]
    assert_problem(app.post(f"{PATH}/{told['id']}/withdraw"), 409, "wrong_state")


def test_an_appeal_is_a_form_or_nothing(app, life):
    dispute = rejected(dispute_of(life[0], life[1]))
    with time_machine.travel(NOW + timedelta(days=3)):
        app = api_client_for(life[0])
        told = app.get(f"{PATH}/{dispute.public_id}").json()
        assert told["appeal_until"] == "2026-12-25T12:00:00Z"
        form = {"statement": "Look again.", "evidence": photograph()}
        answer = app.post(f"{PATH}/{dispute.public_id}/appeal", form, format="multipart")
        assert answer.status_code == 200, answer.content
        assert (answer.json()["state"], answer.json()["appeal_until"]) == ("appealed", None)
        assert len(answer.json()["evidence"]) == 1
        assert_problem(app.post(f"{PATH}/{dispute.public_id}/appeal", {}), 409, "wrong_state")


def test_a_stranger_s_dispute_is_like_a_missing_one(app, source):
    other = citizen_in_arrears()
    theirs = dispute_of(*other)
    for path in ("", "/withdraw", "/appeal"):
        method = app.post if path else app.get
        assert_problem(method(f"{PATH}/{theirs.public_id}{path}"), 404, "not_found")
    assert Dispute.objects.get().state == "received"
    assert json.loads(app.get(PATH).content)["results"] == []
