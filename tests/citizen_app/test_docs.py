"""Pages and answers outside of the API: errors as pages, the catalogue of codes, the description."""

import pytest
import yaml

from citizen_app.api.codes import catalogue

pytestmark = pytest.mark.django_db


def test_every_code_has_an_anchor_a_sentence_and_a_remedy(client):
    page = client.get("/docs/errors").content.decode()
    for code in catalogue():
        assert page.count(f'id="{code.code}"') == 1


def test_the_description_is_served_to_anybody(client):
    answer = client.get("/api/v1/schema")
    assert answer.status_code == 200
    assert yaml.safe_load(answer.content)["openapi"] == "3.1.1"
    assert answer.headers["Content-Type"] == "application/yaml"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "application/yaml"),
        ("text/html", "application/yaml"),
        ("application/json", "application/json"),
        ("application/vnd.oai.openapi+json;q=0.9, */*;q=0.1", "application/json"),
        ("application/yaml, application/json;q=0.5", "application/yaml"),
    ],
)
def test_the_description_is_given_in_the_form_that_is_accepted(client, accept, form):
    answer = client.get("/api/v1/schema", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, form)
    assert "Accept" in answer.headers["Vary"]
    read = answer.json() if form == "application/json" else yaml.safe_load(answer.content)
    assert read == yaml.safe_load(client.get("/api/v1/schema").content)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("get", "/api/v1/schema?format=json", "unknown_parameter"),
        ("post", "/api/v1/schema", "method_not_allowed"),
    ],
)
def test_the_description_refuses_like_any_endpoint(client, method, path, code):
    answer = getattr(client, method)(path, headers={"Accept": "application/yaml"})
    assert answer.json()["code"] == code
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_description_can_be_tried_out_without_an_outside_host_or_inline_script(client):
    page = client.get("/api/docs").content.decode()
    assert 'data-schema="/api/v1/schema"' in page
    assert "//" not in page.replace("<!doctype html>", "")
    assert "<script>" not in page
    assert "<style" not in page


def test_an_unknown_page_is_a_page(client):
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_an_unknown_address_of_oauth_stays_oauth_s(client):
    answer = client.get("/o/applications/")
    assert (answer.status_code, answer.json()) == (404, {"error": "not_found"})


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/api/", "/_allauth/app/v1/nowhere"])
def test_an_unknown_address_of_a_program_is_a_problem(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    ["/api/v1/me/", "/api/v1/ME", "/api/v1/me.json", "/api/v1//me", "/api/v1/me%2F", "/o/authorize", "/metrics"],
)
def test_near_misses_are_not_found(client, path):
    assert client.get(path).status_code == 404


def test_what_breaks_a_page_shows_a_page_without_the_reason(client, monkeypatch):
    from citizen_app.web import docs

    def broken(*args):
        raise RuntimeError("secret")

    monkeypatch.setattr(docs, "catalogue", broken)
    client.raise_request_exception = False
    answer = client.get("/docs/errors")
    assert answer.status_code == 500
    assert b"secret" not in answer.content
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_form_without_its_token_is_a_page():
    from django.test import Client

    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a"})
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("text/html")
