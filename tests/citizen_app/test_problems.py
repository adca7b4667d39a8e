"""Every error leaves as RFC 9457 problem+json: the code, the sentence, the pointer, and never a traceback."""

import json
import re

import pytest
from django.db import OperationalError
from rest_framework.exceptions import ErrorDetail

from citizen_app.api.codes import catalogue
from citizen_app.api.problems import field_errors, is_passing
from tests.citizen_app.rooms import a_person, token_of

pytestmark = pytest.mark.urls("tests.citizen_app.rooms")
MEMBERS = ["type", "title", "status", "detail", "code", "instance"]


def problem_of(response, status, code):
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert list(body)[:6] == MEMBERS
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/docs/errors#{code}")
    assert body["instance"] == response.request["PATH_INFO"]
    assert body["title"]
    assert response.headers["X-Request-ID"]
    return body


def test_a_refusal_carries_its_facts_beside_the_standard_members(client):
    body = problem_of(client.get("/api/failing/refused"), 409, "out_of_biscuits")
    assert body["title"] == "None are left."
    assert body["detail"] == "Come back at ten."
    assert (body["left"], body["at"]) == (0, "10:00")


def test_a_refusal_without_a_detail_says_what_would_change_it(client):
    body = problem_of(client.get("/api/failing/plain"), 409, "wrong_state")
    assert body["detail"] == "Read it again: its `state` says what is possible now."


def test_an_unknown_address_a_missing_object_and_a_stranger_s_are_one_answer(client):
    answers = []
    for path in ("/api/nowhere", "/api/failing/missing", "/api/failing/not-found"):
        response = client.get(path)
        problem_of(response, 404, "not_found")
        answers.append(response.content.replace(path.encode(), b""))
    assert len(set(answers)) == 1


def test_nested_mistakes_become_pointers_with_the_closed_list_of_codes(client):
    body = problem_of(client.get("/api/failing/field"), 400, "invalid_input")
    assert body["errors"] == [
        {"pointer": "/a~1b", "code": "invalid", "detail": "wrong"},
        {"pointer": "/rows/1/name", "code": "too_long", "detail": "long"},
        {"pointer": "/tags/1", "code": "null", "detail": "null"},
        {"pointer": "", "code": "invalid", "detail": "together wrong"},
    ]


def test_a_model_s_own_refusal_becomes_pointers_too(client):
    body = problem_of(client.get("/api/failing/model"), 400, "invalid_input")
    assert body["errors"] == [
        {"pointer": "/title", "code": "too_long", "detail": "too long"},
        {"pointer": "", "code": "invalid", "detail": "both"},
    ]


def test_limits_say_how_long_to_wait(client):
    limited = client.get("/api/failing/limited")
    assert problem_of(limited, 429, "rate_limited")["retry_after"] == 7
    assert limited.headers["Retry-After"] == "7"
    assert client.get("/api/failing/throttled").headers["Retry-After"] == "4"


def test_a_database_that_is_busy_is_503_and_says_when_to_try_again(client):
    response = client.get("/api/failing/locked")
    problem_of(response, 503, "busy")
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize("name", ["bug", "data", "table"])
def test_a_bug_is_a_bare_500(client, name):
    client.raise_request_exception = False
    response = client.get(f"/api/failing/{name}")
    problem_of(response, 500, "server_error")
    assert b"secret" not in response.content
    assert b"Traceback" not in response.content


def test_a_bug_is_announced_so_that_tests_and_trackers_see_it(client):
    with pytest.raises(RuntimeError, match="secret"):
        client.get("/api/failing/bug")


@pytest.mark.parametrize("debug", [True, False])
def test_an_answer_that_cannot_be_written_is_a_bare_500_even_while_debugging(client, settings, debug):
    settings.DEBUG = debug
    client.raise_request_exception = False
    problem_of(client.get("/api/unrenderable"), 500, "server_error")


def test_a_method_that_is_not_known_is_405_and_names_those_that_are(client):
    response = client.put("/api/echo", {}, content_type="application/json")
    problem_of(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, POST, HEAD"
    problem_of(client.options("/api/echo"), 405, "method_not_allowed")


def test_a_form_that_cannot_be_given_is_406(client):
    problem_of(client.get("/api/echo", headers={"Accept": "text/html"}), 406, "not_acceptable")
    assert client.get("/api/echo", headers={"Accept": "text/html, */*;q=0.1"}).status_code == 200


def test_a_body_that_is_not_json_is_415(client):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense"):
        problem_of(client.post("/api/echo", b"a=1", content_type=kind), 415, "unsupported_media_type")


def test_a_body_in_chunks_is_refused_rather_than_overlooked(client):
    chunked = client.post(
        "/api/echo", b"", content_type="application/json", headers={"Transfer-Encoding": "chunked"}, CONTENT_LENGTH=""
    )
    problem_of(chunked, 400, "malformed_body")


def test_an_unknown_parameter_is_named(client):
    body = problem_of(client.get("/api/echo?said=1&format=json"), 400, "unknown_parameter")
    assert body["parameters"] == ["format", "said"]


def test_a_wrong_host_is_a_problem_under_the_api_and_a_page_elsewhere(client):
    problem_of(client.get("/api/echo", headers={"Host": "evil.example"}), 400, "invalid_input")
    page = client.get("/", headers={"Host": "evil.example"})
    assert page.status_code == 400
    assert page.headers["Content-Type"].startswith("text/html")


def test_no_answer_of_the_api_may_be_kept_unless_it_says_so(client):
    assert client.get("/api/echo").headers["Cache-Control"] == "no-store"
    assert client.get("/api/nowhere").headers["Cache-Control"] == "no-store"


def test_a_safe_request_id_is_repeated_and_another_is_replaced(client):
    assert client.get("/api/echo", headers={"X-Request-ID": "till-7.42"}).headers["X-Request-ID"] == "till-7.42"
    for unsafe in ("", "a" * 65, "a b", "é", 'a"b', "a\tb"):
        made = client.get("/api/echo", headers={"X-Request-ID": unsafe}).headers["X-Request-ID"]
        assert re.fullmatch("[0-9a-f]{32}", made)


@pytest.mark.django_db
def test_a_browser_s_post_without_its_token_is_csrf_failed(client, settings):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.cookies[settings.SESSION_COOKIE_NAME] = _cookie_of(a_person())
    assert browser.get("/api/whoami").status_code == 200
    problem_of(browser.post("/api/whoami", {}, content_type="application/json"), 403, "csrf_failed")


@pytest.mark.django_db
def test_an_accepted_request_names_no_stack(client):
    response = client.get("/api/whoami", headers=token_of(a_person()))
    assert "Server" not in response.headers
    assert "X-Powered-By" not in response.headers


def test_deep_list_errors_keep_their_index():
    nested = {"entries": {3: {"hours": [{}, {"day": [ErrorDetail("1 to 7", "max_value")]}]}}}
    assert [error.as_dict() for error in field_errors(nested)] == [
        {"pointer": "/entries/3/hours/1/day", "code": "out_of_range", "detail": "1 to 7"}
    ]


def test_only_a_passing_state_of_the_database_counts_as_busy():
    class Cause(Exception):
        sqlstate = "55P03"

    def raised_from(cause):
        error = OperationalError("canceling statement due to lock timeout")
        error.__cause__ = cause
        return error

    assert is_passing(raised_from(Cause()))
    Cause.sqlstate = "08006"
    assert is_passing(raised_from(Cause()))
    Cause.sqlstate = None
    assert is_passing(raised_from(Cause()))
    Cause.sqlstate = "42P01"
    assert not is_passing(raised_from(Cause()))
    assert not is_passing(OperationalError("no such table: x"))
    assert not is_passing(RuntimeError("database is locked"))


def test_the_catalogue_holds_the_contract_s_codes():
    promised = {
        *("malformed_body", "invalid_input", "unknown_parameter", "invalid_cursor", "two_credentials"),
        *("idempotency_key_missing", "idempotency_key_invalid", "not_authenticated", "wrong_caller", "csrf_failed"),
        *("not_found", "method_not_allowed", "not_acceptable", "wrong_state", "precondition_failed", "too_large"),
        *("unsupported_media_type", "idempotency_key_reused", "precondition_required", "rate_limited"),
        *("server_error", "busy"),
    }
    status_of = {code.code: code.status for code in catalogue()}
    assert promised <= set(status_of)
    assert "out_of_biscuits" not in status_of
    assert (status_of["idempotency_key_reused"], status_of["precondition_required"]) == (422, 428)
    assert all(code.title and code.remedy for code in catalogue())


def _cookie_of(person):
    from django.core import signing

    from citizen_app.accounts.sessions import SignedSessionMiddleware
    from citizen_app.accounts.sign_in import open_session

    return signing.Signer(salt=SignedSessionMiddleware.salt).sign(open_session(person).session_key)
