"""One credential per request; unknown, expired, revoked or half signed in is 401, the wrong kind of caller 403."""

from datetime import timedelta

import pyotp
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client
from django.utils import timezone

from citizen_app.accounts.clients import suspend_client
from citizen_app.accounts.sessions import SignedSessionMiddleware
from citizen_app.accounts.sign_in import open_session
from citizen_app.models import Citizen
from tests.citizen_app.rooms import a_client, a_person, bearer_of, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.citizen_app.rooms")]


def refused(response, status, code):
    assert (response.status_code, response.json()["code"]) == (status, code)
    return response


def browser_of(person, settings, **options):
    browser = Client(**options)
    key = open_session(person).session_key
    browser.cookies[settings.SESSION_COOKIE_NAME] = signing.Signer(salt=SignedSessionMiddleware.salt).sign(key)
    return browser


def test_nobody_is_told_which_credentials_there_are(client):
    response = refused(client.get("/api/whoami"), 401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api", X-Session-Token realm="api"'


def test_a_person_s_app_is_known_by_its_token(client):
    ana = a_person()
    assert client.get("/api/whoami", headers=token_of(ana, second_factor=False)).json() == {
        "id": ana.public_id,
        "kind": "session_token",
        "second_factor": False,
    }


def test_a_token_costs_one_query(client, django_assert_num_queries):
    header = token_of(a_person())
    client.get("/api/whoami", headers=header)
    with django_assert_num_queries(1):
        client.get("/api/whoami", headers=header)


@pytest.mark.parametrize("token", ["", "nonsense", "a:b", "x" * 5000])
def test_an_unknown_token_is_401(client, token):
    refused(client.get("/api/whoami", headers={"X-Session-Token": token}), 401, "not_authenticated")


def test_a_bad_token_is_401_on_a_public_address_too(client):
    refused(client.get("/api/echo", headers={"X-Session-Token": "nonsense"}), 401, "not_authenticated")


def test_the_raw_key_of_a_session_opens_nothing(client, settings):
    key = open_session(a_person()).session_key
    refused(client.get("/api/whoami", headers={"X-Session-Token": key}), 401, "not_authenticated")
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    refused(client.get("/api/whoami"), 401, "not_authenticated")


def test_a_token_is_no_cookie_and_a_cookie_no_token(client, settings):
    ana = a_person()
    client.cookies[settings.SESSION_COOKIE_NAME] = token_of(ana)["X-Session-Token"]
    refused(client.get("/api/whoami"), 401, "not_authenticated")
    cookie = browser_of(ana, settings).cookies[settings.SESSION_COOKIE_NAME].value
    refused(Client().get("/api/whoami", headers={"X-Session-Token": cookie}), 401, "not_authenticated")


def test_a_tampered_or_ended_session_is_401(client):
    header = token_of(a_person())
    broken = header["X-Session-Token"][:-1] + ("A" if header["X-Session-Token"][-1] != "A" else "B")
    refused(client.get("/api/whoami", headers={"X-Session-Token": broken}), 401, "not_authenticated")
    Session.objects.all().delete()
    from django.core.cache import cache

    cache.clear()
    refused(client.get("/api/whoami", headers=header), 401, "not_authenticated")


def test_an_expired_session_is_401(client):
    header = token_of(a_person())
    from django.core.cache import cache

    cache.clear()
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    refused(client.get("/api/whoami", headers=header), 401, "not_authenticated")


def test_a_person_who_was_switched_off_is_401(client):
    ana = a_person()
    header = token_of(ana)
    Citizen.objects.update(is_active=False)
    refused(client.get("/api/whoami", headers=header), 401, "not_authenticated")


def test_a_sign_in_that_waits_for_its_second_factor_is_401(client):
    ana = a_person()
    EmailAddress.objects.create(user=ana, email=ana.email, verified=True, primary=True)
    secret = generate_totp_secret()
    TOTP.activate(ana, secret)
    answer = Client().post(
        "/_allauth/app/v1/auth/login",
        {"email": ana.email, "password": "correct horse battery"},
        content_type="application/json",
    )
    assert [flow["id"] for flow in answer.json()["data"]["flows"] if flow.get("is_pending")] == ["mfa_authenticate"]
    half = answer.json()["meta"]["session_token"]
    refused(client.get("/api/whoami", headers={"X-Session-Token": half}), 401, "not_authenticated")

    code = pyotp.TOTP(secret).now()
    whole = Client().post(
        "/_allauth/app/v1/auth/2fa/authenticate",
        {"code": code},
        content_type="application/json",
        headers={"X-Session-Token": half},
    )
    assert whole.status_code == 200
    token = whole.json()["meta"].get("session_token", half)
    assert client.get("/api/whoami", headers={"X-Session-Token": token}).json()["second_factor"] is True


def test_a_sign_up_that_waits_for_its_e_mail_code_is_401(client):
    answer = Client().post(
        "/_allauth/app/v1/auth/signup",
        {"email": "new@example.org", "password": "correct horse battery", "first_name": "New"},
        content_type="application/json",
    )
    assert answer.status_code == 401
    token = answer.json()["meta"]["session_token"]
    refused(client.get("/api/whoami", headers={"X-Session-Token": token}), 401, "not_authenticated")


def test_a_second_factor_is_seen_in_the_session_that_used_it(client):
    ana = a_person()
    before = token_of(ana, second_factor=False)
    Authenticator.objects.create(user=ana, type="totp", data={"secret": "sealed"})
    assert client.get("/api/whoami", headers=before).json()["second_factor"] is False
    assert client.get("/api/whoami", headers=token_of(ana)).json()["second_factor"] is True


def test_a_browser_is_known_by_its_cookie_and_changes_things_with_its_csrf_token(settings):
    browser = browser_of(a_person(), settings, enforce_csrf_checks=True)
    assert browser.get("/api/whoami").json()["kind"] == "browser"
    refused(browser.post("/api/whoami", {}, content_type="application/json"), 403, "csrf_failed")
    browser.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32
    sent = browser.post("/api/whoami", {}, content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert sent.status_code == 200
    wrong = browser.post("/api/whoami", {}, content_type="application/json", headers={"X-CSRFToken": "b" * 32})
    refused(wrong, 403, "csrf_failed")


def test_an_app_s_token_needs_no_csrf_token():
    strict = Client(enforce_csrf_checks=True)
    sent = strict.post("/api/whoami", {}, content_type="application/json", headers=token_of(a_person()))
    assert sent.status_code == 200


def test_a_server_is_known_by_its_access_token_in_one_query(client, django_assert_num_queries):
    header = bearer_of(a_client(), scope="merchant:scan merchant:perks")
    with django_assert_num_queries(1):
        answer = client.get("/api/server", headers=header)
    assert answer.json() == {"client": "Till", "user": None, "scopes": ["merchant:perks", "merchant:scan"]}


def test_an_access_token_from_the_token_address_works(client):
    issued = a_client()
    given = client.post(
        "/o/token/",
        f"grant_type=client_credentials&client_id={issued.client_id}&client_secret={issued.client_secret}",
        content_type="application/x-www-form-urlencoded",
    )
    token = given.json()["access_token"]
    assert client.get("/api/server", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_expired_unknown_and_foreign_schemes_are_401(client):
    issued = a_client()
    for header in (
        bearer_of(issued, seconds=-1),
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer  "},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer a, Bearer b"},
        {"Authorization": "Bearer é\x01"},
    ):
        refused(client.get("/api/server", headers=header), 401, "not_authenticated")
    token = bearer_of(issued)["Authorization"].split()[1]
    refused(client.get(f"/api/server?access_token={token}"), 401, "not_authenticated")


def test_a_suspended_client_is_401_at_once(client):
    issued = a_client()
    header = bearer_of(issued)
    assert client.get("/api/server", headers=header).status_code == 200
    suspend_client(application=issued.application, by=None)
    refused(client.get("/api/server", headers=header), 401, "not_authenticated")


def test_more_than_one_credential_is_refused(client, settings):
    ana = a_person()
    server = bearer_of(a_client())
    refused(client.get("/api/whoami", headers=token_of(ana) | server), 400, "two_credentials")
    browser = browser_of(ana, settings)
    refused(browser.get("/api/whoami", headers=token_of(ana)), 400, "two_credentials")
    refused(browser.get("/api/server", headers=server), 400, "two_credentials")


def test_the_wrong_kind_of_caller_is_403(client, settings):
    ana = a_person()
    server = bearer_of(a_client())
    refused(client.get("/api/whoami", headers=server), 403, "wrong_caller")
    refused(client.get("/api/server", headers=token_of(ana)), 403, "wrong_caller")
    refused(browser_of(ana, settings).get("/api/server"), 403, "wrong_caller")
    refused(client.get("/api/server", headers=bearer_of(a_client(), scope="merchant:perks")), 403, "wrong_caller")


@pytest.mark.parametrize("path", ["/api/closed", "/api/unnamed"])
def test_a_view_that_names_nobody_admits_nobody(client, path):
    refused(client.get(path), 401, "not_authenticated")
    refused(client.get(path, headers=token_of(a_person())), 403, "wrong_caller")
    refused(client.get(path, headers=bearer_of(a_client())), 403, "wrong_caller")
