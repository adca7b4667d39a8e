"""What cannot be a sign-in is refused as a problem, whatever it is, and makes nothing."""

import pytest
from django.test import Client

from citizen_app.models import Citizen
from tests.citizen_app.accounts.app import BASE

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/auth/signup", "/auth/login"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{bad", "malformed_body"),
        (b"[]", "malformed_body"),
        (b'"x"', "malformed_body"),
        (b"\xff", "malformed_body"),
        (b"[" * 100_000, "malformed_body"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "malformed_body"),
        (b'{"email": "a@b.example", "password": NaN}', "malformed_body"),
        (b'{"email": "a\\u0000b@c.example", "password": "correct horse"}', "malformed_body"),
        (b'{"email": "a@b.example\\ud800", "password": "correct horse"}', "malformed_body"),
        (b'{"email": "a@b.example", "email": "c@d.example", "password": "correct horse"}', "malformed_body"),
        (b'{"email": "a@b.example", "password": "correct horse", "first_name": {"a": 1}}', "invalid_input"),
        (b"email=a%40b.example&password=correct+horse", "malformed_body"),
    ],
)
def test_a_body_that_is_no_flat_object_is_a_problem(path, body, code):
    refused = Client().post(BASE + path, body, content_type="application/json")
    assert refused.status_code == 400
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == code
    assert Citizen.objects.count() == 0


def test_a_body_over_a_mebibyte_is_too_large():
    refused = Client().post(BASE + "/auth/login", b'{"email": "' + b"a" * 1024 * 1024, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


def test_pages_are_not_touched():
    assert Client().post("/accounts/login/", b"{bad", content_type="application/json").status_code == 200
