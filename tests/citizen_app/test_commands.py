"""The set-up commands: one JSON object on stdout, nothing half-made, and not on a real deployment."""

import json
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from citizen_app.models import AuditEvent, Citizen, OperatorRole
from tests.citizen_app.accounts.app import App
from tests.citizen_app.accounts.test_headless import totp
from tests.factories.people import PASSWORD

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    (line,) = out.getvalue().splitlines()
    return json.loads(line)


def me(token):
    return Client().get("/api/v1/me", headers={"X-Session-Token": token})


def test_a_citizen_can_sign_in_at_once():
    made = run("create_citizen", "Ana@Example.org", "--password", PASSWORD, "--first-name", "Ana")
    assert made == {"id": Citizen.objects.get().public_id, "email": "ana@example.org", "created": True}
    app = App()
    assert app.post("/auth/login", email="ana@example.org", password=PASSWORD).status_code == 200
    assert app.me().json()["first_name"] == "Ana"


def test_a_session_token_opens_the_api():
    made = run("create_citizen", "ana@example.org", "--password", PASSWORD, "--session")
    assert me(made["session_token"]).json()["id"] == made["id"]


def test_again_completes_the_same_account_and_keeps_its_sessions():
    first = run("create_citizen", "ana@example.org", "--password", PASSWORD, "--first-name", "Ana", "--session")
    again = run("create_citizen", "ana@example.org", "--password", PASSWORD)
    assert (again["id"], again["created"]) == (first["id"], False)
    assert me(first["session_token"]).json()["first_name"] == "Ana"
    assert Citizen.objects.count() == 1


def test_enrolling_and_the_document_check_come_with_it():
    for _ in range(2):
        made = run("create_citizen", "ana@example.org", "--password", PASSWORD, "--enrol", "--document", "--session")
        assert (made["enrolment"], made["document_checked"]) == ("active", True)
    score = Client().get("/api/v1/me/score", headers={"X-Session-Token": made["session_token"]})
    assert score.status_code == 200
    assert score.json()["state"] == "thin_file"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create_citizen", "not an address"], "valid email"),
        (["create_citizen", "ana@example.org", "--first-name", "A\u202eB"], "invisible"),
        (["create_citizen", "ana@example.org", "--document"], "not_enrolled"),
        (["create_operator", "op@example.org", "--roles", "support,god"], "god"),
        (["create_operator", "op@example.org", "--roles", ","], "--roles"),
        (["create_operator", "op@example.org"], "--roles"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_kept(arguments, said):
    with pytest.raises(CommandError, match=said):
        run(*arguments)
    assert Citizen.objects.count() == 0
    assert OperatorRole.objects.count() == 0


def test_an_operator_comes_with_roles_a_factor_and_a_full_session():
    made = run("create_operator", "op@example.org", "--roles", "merchants,support", "--password", PASSWORD, "--session")
    operator = Citizen.objects.get()
    assert (made["id"], made["roles"], operator.is_staff) == (operator.public_id, ["merchants", "support"], True)
    assert not operator.is_superuser
    assert Authenticator.objects.filter(user=operator).count() == 2
    assert made["totp_secret"] not in str(list(Authenticator.objects.values_list("data")))
    assert me(made["session_token"]).status_code == 200

    app = App()
    app.post("/auth/login", email="op@example.org", password=PASSWORD)
    assert app.me().status_code == 401
    assert app.post("/auth/2fa/authenticate", code=totp(made["totp_secret"])).status_code == 200

    again = run("create_operator", "op@example.org", "--roles", "scoring")
    assert (again["created"], again["roles"]) == (False, ["merchants", "scoring", "support"])
    assert again["totp_secret"] == made["totp_secret"]


def test_on_a_real_deployment_only_operators_are_made_and_a_factor_is_shown_once(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="PRODUCTION"):
        run("create_citizen", "ana@example.org")
    with pytest.raises(CommandError, match="session"):
        run("create_operator", "op@example.org", "--roles", "support", "--session")
    with pytest.raises(CommandError, match="too common"):
        run("create_operator", "op@example.org", "--roles", "support", "--password", "password12")
    assert Citizen.objects.count() == 0
    made = run("create_operator", "op@example.org", "--roles", "support")
    assert made["totp_secret"]
    assert run("create_operator", "op@example.org", "--roles", "support")["totp_secret"] is None
    assert not Citizen.objects.get().has_usable_password()
    assert "operator.grant" in AuditEvent.objects.values_list("action", flat=True)
