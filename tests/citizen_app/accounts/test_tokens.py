"""Access tokens for servers: what is given, to whom, for how long, and everything that is refused."""

import base64
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from citizen_app.accounts.clients import issue_client, suspend_client, withdraw_client
from citizen_app.models import AuditEvent, OAuthApplication
from tests.factories.people import CitizenFactory, api_client_of, bearer_for, machine_client

pytestmark = pytest.mark.django_db

AccessToken = get_access_token_model()
FORM = "application/x-www-form-urlencoded"


def basic(client_id, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def post(body, path="/o/token/", content_type=FORM, **headers):
    return Client().post(path, body, content_type=content_type, headers=headers)


def token_of(issued, **form):
    return post(_form(issued, **form)).json()["access_token"]


def _form(issued, **form):
    return urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": issued.client_id,
            "client_secret": issued.client_secret,
            **form,
        }
    )


def test_a_server_gets_ten_minutes_for_its_own_scopes():
    issued = machine_client()
    answer = post("grant_type=client_credentials", **basic(issued.client_id, issued.client_secret))
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"access_token", "expires_in", "token_type", "scope"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert set(body["scope"].split()) == {"merchant:scan", "merchant:perks"}
    row = AccessToken.objects.get()
    assert timedelta(seconds=590) < row.expires - timezone.now() <= timedelta(seconds=600)
    assert row.user is None


def test_neither_token_nor_secret_is_stored_readable():
    issued = machine_client()
    token = token_of(issued)
    row = AccessToken.objects.get()
    assert row.token == ""
    assert token not in row.token_checksum
    stored = OAuthApplication.objects.get().client_secret
    assert issued.client_secret not in stored
    assert "$" in stored
    assert issued.client_secret not in repr(issued)


def test_a_narrower_scope_may_be_asked_for_and_a_foreign_one_not():
    issued = machine_client(scopes=("merchant:scan",))
    assert post(_form(issued, scope="merchant:scan")).json()["scope"] == "merchant:scan"
    for foreign in ("merchant:perks", "source:write", "openid", "merchant:scan source:write"):
        refused = post(_form(issued, scope=foreign))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    assert AccessToken.objects.count() == 1


def test_a_wrong_secret_or_client_is_refused_alike_in_the_basic_scheme():
    issued = machine_client()
    wrong = post("grant_type=client_credentials", **basic(issued.client_id, "wrong"))
    unknown = post("grant_type=client_credentials", **basic("nobody", "wrong"))
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json() == {"error": "invalid_client"}
    assert wrong["WWW-Authenticate"].startswith("Basic ")
    assert AccessToken.objects.count() == 0


@pytest.mark.parametrize("grant", ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", ""])
def test_no_other_grant_is_offered(grant):
    issued = machine_client()
    refused = post(_form(issued, grant_type=grant, username="x", password="y", code="z", refresh_token="r"))
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")
    assert AccessToken.objects.count() == 0


def test_what_is_not_a_plain_form_is_refused():
    issued = machine_client()
    form = _form(issued)
    in_query = Client().post(f"/o/token/?{form}", "", content_type=FORM)
    twice = post(form + "&client_id=other")
    nul = post(form + "&scope=a%00b")
    as_json = post({"grant_type": "client_credentials"}, content_type="application/json")
    for refused in (in_query, twice, nul, as_json):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert AccessToken.objects.count() == 0
    assert Client().get("/o/token/").status_code == 405
    for basic_value in ("Basic", "Basic %%%", "Basic " + base64.b64encode(b"\xff:\xff").decode(), "Bearer x"):
        assert post("grant_type=client_credentials", Authorization=basic_value).status_code == 401


def test_guessing_secrets_is_stopped_per_client_and_address():
    issued = machine_client()
    for _ in range(30):
        assert post("grant_type=client_credentials", **basic(issued.client_id, "wrong")).status_code == 401
    stopped = post("grant_type=client_credentials", **basic(issued.client_id, issued.client_secret))
    assert stopped.status_code == 429
    assert 0 < int(stopped["Retry-After"]) <= 60
    assert stopped.json()["error"] == "temporarily_unavailable"
    assert AccessToken.objects.count() == 0
    # Somebody who knows a client's id cannot use up the tries of its owner.
    owner = Client(REMOTE_ADDR="198.51.100.7").post(
        "/o/token/",
        "grant_type=client_credentials",
        content_type=FORM,
        headers=basic(issued.client_id, issued.client_secret),
    )
    assert owner.status_code == 200


def test_a_suspended_client_gets_nothing_and_its_tokens_stop_at_once():
    issued = machine_client()
    operator = CitizenFactory()
    client = api_client_of(issued.application)
    assert client.get("/api/v1/me").status_code == 403  # known, but not a person
    suspend_client(application=issued.application, by=operator)
    assert client.get("/api/v1/me").status_code == 401
    assert post(_form(issued)).json() == {"error": "invalid_client"}
    suspend_client(application=issued.application, suspended=False, by=operator)
    assert client.get("/api/v1/me").status_code == 403
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
        "client.issue",
        "client.suspend",
        "client.resume",
    ]


def test_a_withdrawn_client_is_over():
    issued = machine_client()
    client = api_client_of(issued.application)
    withdraw_client(application=issued.application, by=None)
    assert client.get("/api/v1/me").status_code == 401
    for secret in (issued.client_secret, ""):
        assert post("grant_type=client_credentials", **basic(issued.client_id, secret)).status_code == 401


def test_a_token_expires():
    issued = machine_client()
    client = api_client_of(issued.application)
    AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    refused = client.get("/api/v1/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    assert "Bearer" in refused["WWW-Authenticate"]


def test_a_token_is_ended_by_its_own_client_only():
    issued, other = machine_client(), machine_client(name="Other")
    token = bearer_for(issued.application)

    def revoke(client, value):
        form = f"token={value}&client_id={client.client_id}&client_secret={client.client_secret}"
        return post(form, path="/o/revoke_token/").status_code

    assert revoke(other, token) == 200
    assert AccessToken.objects.count() == 1
    assert revoke(issued, "unknown") == 200
    assert revoke(issued, token) == 200
    assert AccessToken.objects.count() == 0
    assert post(f"token={token}", path="/o/revoke_token/").status_code == 401


def test_a_signed_id_token_is_no_credential():
    jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwiYXVkIjoieCJ9."
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {jwt}"}).status_code == 401


def test_a_delegated_token_of_somebody_switched_off_opens_nothing():
    issued = machine_client()
    bearer = {"Authorization": f"Bearer {bearer_for(issued.application)}"}
    person = CitizenFactory()
    AccessToken.objects.update(user=person)
    assert Client().get("/api/v1/me", headers=bearer).status_code == 403
    person.is_active = False
    person.save()
    assert Client().get("/api/v1/me", headers=bearer).status_code == 401


@pytest.mark.parametrize("path", ["introspect/", "applications/", "device-authorization/", "register/"])
def test_what_is_not_offered_is_not_there(path):
    assert Client().get(f"/o/{path}").status_code == 404
    assert Client().post(f"/o/{path}").status_code == 404


@pytest.mark.parametrize("scopes", [[], ["source:write"], ["merchant:scan", "boost:read"]])
def test_an_owner_gets_only_scopes_of_its_kind(scopes):
    with pytest.raises(ValueError, match="may have only"):
        issue_client(name="x", owner_kind="merchant", owner="mer_x", scopes=scopes, by=None)
    assert OAuthApplication.objects.count() == 0


def test_knowing_a_server_costs_one_query(django_assert_num_queries):
    client = api_client_of(machine_client().application)
    with django_assert_num_queries(1):
        assert client.get("/api/v1/me").status_code == 403
