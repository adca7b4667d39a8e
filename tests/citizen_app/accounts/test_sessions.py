"""What is stored about a session opens nothing by itself, and each kind of proof works in its own place only."""

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client

from citizen_app.models import Citizen
from tests.citizen_app.accounts.app import App
from tests.citizen_app.accounts.test_web import sign_in
from tests.factories.people import PASSWORD, CitizenFactory, api_client_for, browser_for, session_token_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana():
    return CitizenFactory(email="ana@example.org", verified=True, password=True)


def with_cookie(value):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = value
    return client.get("/api/v1/me").status_code


def with_token(value):
    return Client().get("/api/v1/me", headers={"X-Session-Token": value}).status_code


def test_the_keys_in_the_database_are_neither_token_nor_cookie(client, ana):
    app = App()
    app.post("/auth/login", email=ana.email, password=PASSWORD)
    sign_in(client)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert (with_token(app.token), with_cookie(cookie)) == (200, 200)

    keys = set(Session.objects.values_list("session_key", flat=True))
    keys |= set(UserSession.objects.values_list("session_key", flat=True))
    assert len(keys) == 2
    for key in keys:
        assert (with_token(key), with_cookie(key)) == (401, 401)


def test_a_cookie_is_no_token_and_a_token_no_cookie(client, ana):
    sign_in(client)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert with_token(cookie) == 401
    assert with_cookie(session_token_for(ana)) == 401


def test_an_altered_token_or_cookie_is_nobody(client, ana):
    token = session_token_for(ana)
    assert with_token(token[:-1] + ("A" if token[-1] != "A" else "B")) == 401
    assert with_token("") == 401
    sign_in(client)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert with_cookie(cookie[:-1] + ("A" if cookie[-1] != "A" else "B")) == 401


def test_a_token_lives_through_a_change_of_the_signing_key(ana, settings):
    token = session_token_for(ana)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another key of fifty characters, for this test only"
    assert with_token(token) == 401
    settings.SECRET_KEY_FALLBACKS = [old]
    assert signing.Signer(salt="app.session.token").unsign(token)


def test_a_session_ended_from_the_list_of_devices_is_over(ana):
    lost, kept = App(), App()
    lost.post("/auth/login", email=ana.email, password=PASSWORD)
    kept.post("/auth/login", email=ana.email, password=PASSWORD)
    listed = kept.get("/auth/sessions").json()["data"]
    other = next(session["id"] for session in listed if not session["is_current"])
    assert kept.call("DELETE", "/_allauth/app/v1/auth/sessions", {"sessions": [other]}).status_code == 200
    assert (lost.me().status_code, kept.me().status_code) == (401, 200)


def test_a_device_is_listed_in_a_few_words(ana):
    browser = browser_for(ana)
    said = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"
    UserSession.objects.update(user_agent=said)
    page = browser.get("/accounts/sessions/", headers={"User-Agent": said}).content.decode()
    assert "Chrome on Android" in page
    assert "AppleWebKit" not in page


def test_one_device_is_signed_out_from_the_page_that_lists_them(ana):
    lost, kept = browser_for(ana), browser_for(ana)
    first, second = UserSession.objects.order_by("pk")
    page = kept.get("/accounts/sessions/").content.decode()
    assert f"/me/devices/{first.pk}/end" in page
    assert f"/me/devices/{second.pk}/end" not in page
    ended = kept.post(f"/me/devices/{first.pk}/end")
    assert (ended.status_code, ended.url) == (302, "/accounts/sessions/")
    assert (lost.get("/api/v1/me").status_code, kept.get("/api/v1/me").status_code) == (401, 200)
    assert kept.post(f"/me/devices/{first.pk}/end").status_code == 404
    assert kept.post(f"/me/devices/{second.pk}/end").url == "/accounts/logout/"
    assert kept.get("/api/v1/me").status_code == 200


def test_nobody_signs_another_persons_device_out(ana):
    browser, eve = browser_for(ana), browser_for(CitizenFactory())
    assert eve.post(f"/me/devices/{UserSession.objects.get(user=ana).pk}/end").status_code == 404
    assert browser.get("/api/v1/me").status_code == 200


def test_a_set_up_session_opens_the_api_and_ends_with_the_password(ana):
    client = api_client_for(ana)
    assert client.get("/api/v1/me").json()["id"] == ana.public_id
    ana.set_password("a wholly new phrase")
    ana.save()
    assert client.get("/api/v1/me").status_code == 401


def test_knowing_who_calls_costs_two_queries_and_one_once_it_is_cached(ana, django_assert_num_queries):
    client = api_client_for(ana)
    client.get("/api/v1/me")
    with django_assert_num_queries(1):
        client.get("/api/v1/me")


def test_two_credentials_are_refused(client, ana):
    sign_in(client)
    refused = client.get("/api/v1/me", headers={"X-Session-Token": session_token_for(ana)})
    assert (refused.status_code, refused.json()["code"]) == (400, "two_credentials")


def test_a_browser_needs_its_csrf_token_to_change_anything(ana):
    client = browser_for(ana, enforce_csrf_checks=True)
    assert client.get("/api/v1/me").status_code == 200
    refused = client.patch("/api/v1/me", {"first_name": "Eve"}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    assert Citizen.objects.get().first_name == ana.first_name
