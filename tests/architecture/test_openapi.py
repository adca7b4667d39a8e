"""The description of the API is valid, committed, and says of every endpoint what it is."""

import re
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command
from drf_spectacular.drainage import GENERATOR_STATS
from openapi_spec_validator import OpenAPIV31SpecValidator

from citizen_app.api.codes import catalogue
from citizen_app.api.schema import described
from tests.architecture.test_house import endpoints

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
PROBLEM = "#/components/schemas/Problem"
KEPT_NOWHERE = {  # codes, passes and files
    "me/redemptions/{redemption_id}",
    "me/redemptions/{redemption_id}/qr.svg",
    "me/redemptions/{redemption_id}/qr.png",
    "me/gift-cards/{card_id}",
    "me/deposits/{deposit_id}/files/{file_id}",
    "me/exports/{export_id}",
    "me/exports/{export_id}/download",
}
NEED_ENROLMENT = (
    *("score", "score/history", "score/explanation", "entries", "disputes", "sources", "inquiries", "vouches"),
    *("enrolment", "badge"),
)


@pytest.fixture(scope="module")
def text():
    return described()


@pytest.fixture(scope="module")
def schema(text):
    return yaml.safe_load(text)


def operations(schema):
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def test_the_committed_description_is_the_one_the_views_give(text):
    assert COMMITTED.read_text() == text, "run manage.py export_openapi"


def test_the_command_writes_it_and_notices_when_it_is_behind(text, tmp_path, monkeypatch):
    # That the views give this text each time is said by the tests beside this one; to make it takes a second and more.
    monkeypatch.setattr("citizen_app.management.commands.export_openapi.described", lambda: text)
    file = tmp_path / "openapi.yaml"
    with pytest.raises(CommandError, match="behind"):
        call_command("export_openapi", check=True, file=file)
    call_command("export_openapi", file=file)
    assert file.read_text() == text
    call_command("export_openapi", check=True, file=file)
    file.write_text(text + "\n")
    with pytest.raises(CommandError, match="behind"):
        call_command("export_openapi", check=True, file=file)


def test_it_is_valid_openapi_3_1(schema):
    assert schema["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(schema).validate()


def test_nothing_had_to_be_guessed():
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        described()
    said = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    assert said == []


def test_it_is_the_same_each_time(text):
    assert described() == text


def test_it_describes_every_endpoint_and_no_other(schema):
    routes = {"/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path) for path, _ in endpoints()}
    assert set(schema["paths"]) == routes


def test_every_method_of_every_view_is_described(schema):
    for path, view in endpoints():
        described_methods = set(schema["paths"]["/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)])
        methods = {name for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
        assert methods == described_methods - {"parameters"}, path


def test_every_operation_says_who_may_call_it(schema):
    schemes = set(schema["components"]["securitySchemes"])
    for name, operation in operations(schema):
        assert operation["security"], name
        for requirement in operation["security"]:
            assert set(requirement) <= schemes, name


def test_every_operation_can_be_refused_with_a_problem(schema):
    for name, operation in operations(schema):
        for status in ("400", "429", "500", "503"):
            assert operation["responses"][status] == {"$ref": f"#/components/responses/Problem{status}"}, name
    for response in schema["components"]["responses"].values():
        assert response["content"] == {"application/problem+json": {"schema": {"$ref": PROBLEM}}}


def test_every_operation_has_a_success_and_a_sentence(schema):
    for name, operation in operations(schema):
        assert any(status.startswith("2") for status in operation["responses"]), name
        assert operation.get("description") or operation.get("summary"), name


def test_retries_are_described_where_they_are_safe(schema):
    for path, view in endpoints():
        post = getattr(view, "post", None)
        needed = getattr(post, "is_idempotent", False)
        if needed or getattr(post, "takes_key", False):
            operation = schema["paths"]["/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)]["post"]
            header = next(each for each in operation["parameters"] if each["name"] == "Idempotency-Key")
            assert (header["in"], header.get("required", False)) == ("header", needed)
            assert "422" in operation["responses"]


def test_a_merchant_s_change_names_the_version_it_was_made_on(schema):
    changes = [path for path in schema["paths"] if "/merchant/" in path and "patch" in schema["paths"][path]]
    assert len(changes) >= 3
    for path in changes:
        operation = schema["paths"][path]["patch"]
        header = next(each for each in operation["parameters"] if each["name"] == "If-Match")
        assert (header["in"], header["required"]) == ("header", True), path
        assert {"412", "428"} <= set(operation["responses"]), path


def test_every_read_of_a_citizen_may_be_known_already_but_for_what_nobody_keeps(schema):
    reads = {
        path.removeprefix("/api/v1/"): methods["get"]["responses"]
        for path, methods in schema["paths"].items()
        if "get" in methods and path.removeprefix("/api/v1/").split("/")[0] in ("me", "perks")
    }
    assert {path for path, responses in reads.items() if "304" not in responses} == KEPT_NOWHERE
    assert "304" in schema["paths"]["/api/v1/merchant/arrivals"]["get"]["responses"]


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        *((f"GET /api/v1/me/{read}", "404") for read in NEED_ENROLMENT),
        ("POST /api/v1/sources/links", "404"),
        ("POST /api/v1/sources/entries", "422"),
        ("POST /api/v1/devices/pair", "404"),
        ("GET /api/v1/merchant/reach", "409"),
        ("GET /api/v1/merchant/perks", "404"),  # X-Merchant
        ("GET /api/v1/merchants/{merchant_id}", "401"),
    ],
)
def test_a_refusal_of_its_own_is_described(schema, operation, status):
    assert status in dict(operations(schema))[operation]["responses"]


def test_the_problem_lists_every_code(schema):
    problem = schema["components"]["schemas"]["Problem"]
    assert problem["properties"]["code"]["enum"] == sorted({code.code for code in catalogue()})
    assert problem["required"] == ["type", "title", "status", "detail", "code", "instance"]
