"""Signing up and in with a browser: allauth's own pages, no script needed."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.urls import reverse

from citizen_app.accounts.set_up import set_up_authenticator
from citizen_app.models import Citizen
from tests.citizen_app.accounts.app import App, mails, newest_code
from tests.citizen_app.accounts.test_headless import totp
from tests.factories.people import PASSWORD, CitizenFactory, browser_for, session_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana():
    return CitizenFactory(email="ana@example.org", first_name="Ana", verified=True, password=True)


def sign_in(client, email="ana@example.org", password=PASSWORD, **query):
    return client.post(reverse("account_login", query=query or None), {"login": email, "password": password})


def confirm_password(client):
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_signing_up_asks_for_the_mailed_code_and_ends_at_the_start_page(client):
    page = client.get("/accounts/signup/")
    assert page.status_code == 200
    assert b"first_name" in page.content
    answer = client.post("/accounts/signup/", {"email": "Ana@Example.org", "password1": PASSWORD, "first_name": "Ana"})
    assert (answer.status_code, answer.url) == (302, "/accounts/confirm-email/")
    assert client.get(answer.url).status_code == 200
    assert client.get("/api/v1/me").status_code == 401
    done = client.post(answer.url, {"code": newest_code()})
    assert (done.status_code, done.url) == (302, "/")
    me = client.get("/api/v1/me")
    assert (me.status_code, me.json()["email"], me.json()["first_name"]) == (200, "ana@example.org", "Ana")


def test_signing_in_ends_where_it_was_meant_to_and_never_on_another_site(client, ana):
    assert sign_in(client).url == "/"
    client.logout()
    assert sign_in(client, next="/perks").url == "/perks"
    client.logout()
    assert sign_in(client, next="https://evil.example/").url == "/"


def test_a_wrong_password_shows_the_form_again(client, ana):
    page = sign_in(client, password="not it at all")
    assert page.status_code == 200
    assert client.get("/api/v1/me").status_code == 401


def test_guessing_is_stopped_beside_the_form(client, ana):
    for _ in range(5):
        sign_in(client, password="not it at all")
    stopped = sign_in(client)
    assert (stopped.status_code, stopped["Retry-After"]) == (429, "300")
    assert "Too many failed login attempts" in stopped.content.decode()
    assert client.get("/api/v1/me").status_code == 401


def test_a_second_factor_is_asked_for_on_a_page_of_its_own(client, ana):
    secret, _ = set_up_authenticator(ana)
    assert sign_in(client).url == "/accounts/2fa/authenticate/"
    assert client.get("/accounts/2fa/authenticate/").status_code == 200
    assert client.get("/api/v1/me").status_code == 401
    assert client.post("/accounts/2fa/authenticate/", {"code": totp(secret)}).url == "/"
    assert client.get("/api/v1/me").status_code == 200


def test_setting_up_an_authenticator_shows_its_codes_once_and_stores_nothing_readable(client, ana):
    sign_in(client)
    assert client.get("/accounts/2fa/totp/activate/").url.startswith("/accounts/reauthenticate/")
    confirm_password(client)
    page = client.get("/accounts/2fa/totp/activate/")
    assert page.status_code == 200
    secret = session_in(client)["mfa.totp.secret"]
    assert secret in page.content.decode()
    assert "data:image/svg+xml;base64," in page.content.decode()
    answer = client.post("/accounts/2fa/totp/activate/", {"code": totp(secret)})
    assert (answer.status_code, answer.url) == (302, "/accounts/2fa/recovery-codes/")
    shown = client.get(answer.url).content.decode()
    codes = re.findall(r"\b\d{8}\b", shown)
    assert len(codes) == 10
    assert not re.findall(r"\b\d{8}\b", client.get(answer.url).content.decode())

    rows = {row.type: row.data for row in Authenticator.objects.filter(user=ana)}
    assert set(rows) == {"totp", "recovery_codes"}
    assert secret not in str(rows)
    assert rows["totp"]["secret"].startswith("gAAAA")
    assert rows["recovery_codes"]["seed"].startswith("gAAAA")
    assert "mfa.totp.secret" not in session_in(client)

    client.logout()
    sign_in(client)
    assert client.post("/accounts/2fa/authenticate/", {"code": codes[0]}).url == "/"
    client.logout()
    sign_in(client)
    assert client.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == 200  # used up


def test_limits_on_pages_say_429_with_a_time_to_wait(client):
    for n in range(20):
        client.post("/accounts/signup/", {"email": f"n{n}@example.org"})
    stopped = client.post("/accounts/signup/", {"email": "last@example.org"})
    assert (stopped.status_code, stopped["Retry-After"]) == (429, "60")
    assert "Wait a moment" in stopped.content.decode()


@pytest.mark.parametrize(
    "name",
    [
        "account_email",
        "account_change_password",
        "mfa_index",
        "mfa_activate_totp",
        "usersessions_list",
        "account_logout",
    ],
)
def test_the_pages_of_an_account_open_for_its_owner_only(client, ana, name):
    page = reverse(name)
    turned_away = client.get(page)
    assert (turned_away.status_code, turned_away.url.split("?")[0]) in [(302, "/accounts/login/"), (302, "/")]
    sign_in(client)
    confirm_password(client)
    assert client.get(page).status_code == 200


def test_a_new_address_counts_when_its_code_was_typed(client, ana):
    sign_in(client)
    confirm_password(client)
    client.post("/accounts/email/", {"email": "new@example.org", "action_add": ""})
    assert Citizen.objects.get().email == "ana@example.org"
    assert client.post("/accounts/confirm-email/", {"code": newest_code()}).status_code == 302
    client.post("/accounts/email/", {"email": "new@example.org", "action_primary": ""})
    assert client.get("/api/v1/me").json()["email"] == "new@example.org"


def test_a_password_is_changed_with_a_notice_and_other_sessions_end(client, ana):
    app = App()
    app.post("/auth/login", email=ana.email, password=PASSWORD)
    sign_in(client)
    form = {"oldpassword": PASSWORD, "password1": "a wholly new phrase", "password2": "a wholly new phrase"}
    assert client.post("/accounts/password/change/", form).status_code == 302
    assert client.get("/api/v1/me").status_code == 200
    assert app.me().status_code == 401
    assert "password" in mails()[-1].subject.lower()


def test_pages_of_signing_in_carry_no_inline_script_and_the_strict_policy(client):
    for name in ("account_login", "account_signup", "account_reset_password", "account_request_login_code"):
        page = client.get(reverse(name))
        assert page.status_code == 200
        assert not re.search(r"<script(?![^>]*\bsrc=)", page.content.decode())
        assert "script-src 'self'" in page["Content-Security-Policy"]
        assert page["X-Frame-Options"] == "DENY"
    assert settings.SESSION_COOKIE_HTTPONLY


def test_the_pages_speak_as_the_rest_of_the_product_does(client, ana):
    login = client.get("/accounts/login/").content.decode()
    assert "Keep me signed in on this device" in login
    assert "Remember Me" not in login
    ana.set_unusable_password()
    ana.save()
    client = browser_for(ana)
    page = client.get("/accounts/password/set/")
    assert page.status_code == 200
    assert "<h1>Set a password</h1>" in page.content.decode()
    assert client.post("/accounts/password/set/", {"password1": PASSWORD, "password2": PASSWORD}).status_code == 302
    ana.refresh_from_db()
    assert ana.check_password(PASSWORD)


def test_a_mail_about_an_authenticator_app_says_so_in_our_words(client, ana, django_capture_on_commit_callbacks):
    sign_in(client)
    confirm_password(client)
    secret = re.search(r'translate="no">(\w{32})<', client.get("/accounts/2fa/totp/activate/").content.decode())[1]
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/2fa/totp/activate/", {"code": totp(secret)})
    assert mails()[-1].subject == "An authenticator app was added"
