"""Passkeys on our pages: the forms as a browser sends them, with a phone in software beside them."""

import json
import re
from html import unescape

import pytest
from allauth.mfa.models import Authenticator

from citizen_app.models import Citizen
from tests.citizen_app.accounts.app import newest_code
from tests.citizen_app.accounts.authenticator import Phone
from tests.citizen_app.accounts.test_passkeys import sign_up
from tests.citizen_app.accounts.test_web import confirm_password, sign_in
from tests.factories.people import PASSWORD, CitizenFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana():
    return CitizenFactory(email="ana@example.org", first_name="Ana", verified=True, password=True)


def options_in(page) -> dict:
    """What the page's script would read."""
    found = re.search(r'data-options="([^"]+)"', page.content.decode())
    assert found, page.content.decode()
    return json.loads(unescape(found[1]))


def credential(made: dict) -> str:
    return json.dumps(made)


def test_an_account_is_made_with_a_passkey_on_the_pages(client):
    page = client.get("/accounts/signup/")
    assert "/accounts/signup/passkey/" in page.content.decode()
    asked = client.post("/accounts/signup/passkey/", {"email": "ana@example.org", "first_name": "Ana"})
    assert (asked.status_code, asked.url) == (302, "/accounts/confirm-email/")
    verified = client.post(asked.url, {"code": newest_code()})
    assert (verified.status_code, verified.url) == (302, "/accounts/2fa/webauthn/signup/")
    phone = Phone()
    options = options_in(client.get(verified.url))
    assert options["publicKey"]["authenticatorSelection"]["residentKey"] == "required"
    made = client.post(verified.url, {"name": "", "credential": credential(phone.make(options))})
    assert (made.status_code, made.url) == (302, "/accounts/2fa/recovery-codes/?next=%2F")
    assert client.get("/api/v1/me").json()["first_name"] == "Ana"
    assert Authenticator.objects.get(type="webauthn").data["name"] == "Passkey"
    assert not Citizen.objects.get().has_usable_password()
    codes = codes_on(client.get(made.url))
    assert len(set(codes)) == 10
    again = client.get(made.url).content.decode()
    assert not any(code in again for code in codes)
    assert '<a class="btn btn-1 btn-w" href="/">' in again


def test_who_lost_the_passkey_comes_in_by_mailed_code_and_recovery_code_and_takes_it_off(client):
    client.post("/accounts/signup/passkey/", {"email": "ana@example.org"})
    client.post("/accounts/confirm-email/", {"code": newest_code()})
    page = client.get("/accounts/2fa/webauthn/signup/")
    assert "ten recovery codes" in page.content.decode()
    made = {"credential": credential(Phone().make(options_in(page)))}
    codes = codes_on(client.get(client.post("/accounts/2fa/webauthn/signup/", made).url))
    client.logout()

    client.post("/accounts/login/code/", {"email": "ana@example.org"})
    typed = client.post("/accounts/login/code/confirm/", {"code": newest_code()})
    assert (typed.status_code, typed.url) == (302, "/accounts/2fa/authenticate/")
    assert client.get("/api/v1/me").status_code == 401
    asked = client.get(typed.url).content.decode()
    assert "type one of your recovery codes" in asked
    assert "I have lost all of these" in asked
    assert client.post(typed.url, {"code": codes[0]}).url == "/"
    assert client.get("/api/v1/me").status_code == 200

    remove = f"/accounts/2fa/webauthn/keys/{Authenticator.objects.get(type='webauthn').pk}/remove/"
    led = client.get(remove)
    assert led.url.startswith("/accounts/2fa/webauthn/reauthenticate/")  # a code is spent, a passkey is not
    assert "Use a recovery code" in client.get(led.url).content.decode()
    assert client.post("/accounts/2fa/reauthenticate/", {"code": codes[1]}).status_code == 302
    assert client.post(remove).status_code == 302
    assert not Authenticator.objects.exists()


def codes_on(page) -> list[str]:
    """The recovery codes the page shows."""
    return re.findall(r'<li class="secret" translate="no">(\w+)</li>', page.content.decode())


def test_a_passkey_signs_in_on_the_page_and_goes_where_it_was_meant_to(client):
    phone = Phone()
    sign_up(phone)
    for then, ends in (("/perks", "/perks"), ("https://evil.example/", "/")):
        options = client.get("/accounts/2fa/webauthn/login/").json()["request_options"]
        form = {"credential": credential(phone.show(options)), "next": then}
        answer = client.post("/accounts/2fa/webauthn/login/", form)
        assert (answer.status_code, answer.url) == (302, ends)
        assert client.get("/api/v1/me").status_code == 200
        client.logout()


def test_a_wrong_passkey_goes_back_to_signing_in_with_a_sentence(client):
    phone = Phone(origin="https://evil.example")
    good = Phone()
    sign_up(good)
    phone.keys = good.keys
    options = client.get("/accounts/2fa/webauthn/login/").json()["request_options"]
    refused = client.post("/accounts/2fa/webauthn/login/", {"credential": credential(phone.show(options))}, follow=True)
    assert refused.redirect_chain == [("/accounts/login/", 302)]
    assert "Incorrect code" in refused.content.decode()
    assert client.get("/api/v1/me").status_code == 401


def test_a_passkey_is_added_renamed_used_to_confirm_and_taken_off(client, ana):
    phone = Phone()
    sign_in(client)
    assert client.get("/accounts/2fa/webauthn/add/").url.startswith("/accounts/reauthenticate/")
    confirm_password(client)
    added = client.post(
        "/accounts/2fa/webauthn/add/",
        {
            "name": "Blue phone",
            "credential": credential(phone.make(options_in(client.get("/accounts/2fa/webauthn/add/")))),
        },
    )
    assert (added.status_code, added.url) == (302, "/accounts/2fa/recovery-codes/")
    assert "Blue phone" in client.get("/accounts/2fa/webauthn/").content.decode()
    key = Authenticator.objects.get(type="webauthn")

    options = options_in(client.get("/accounts/2fa/webauthn/reauthenticate/"))
    confirmed = client.post("/accounts/2fa/webauthn/reauthenticate/", {"credential": credential(phone.show(options))})
    assert confirmed.status_code == 302

    edit = f"/accounts/2fa/webauthn/keys/{key.pk}/edit/"
    assert client.get(edit).status_code == 200
    client.post(edit, {"name": "Old phone"})
    assert "Old phone" in client.get("/accounts/2fa/webauthn/").content.decode()
    remove = f"/accounts/2fa/webauthn/keys/{key.pk}/remove/"
    assert "Old phone" in client.get(remove).content.decode()
    assert client.post(remove).status_code == 302
    assert not Authenticator.objects.exists()


def test_nobody_sees_or_takes_off_another_persons_passkey(client, ana):
    sign_up(Phone(), "eve@example.org")
    key = Authenticator.objects.get(type="webauthn")
    sign_in(client)
    confirm_password(client)
    for path in ("edit", "remove"):
        assert client.get(f"/accounts/2fa/webauthn/keys/{key.pk}/{path}/").status_code == 404
        assert client.post(f"/accounts/2fa/webauthn/keys/{key.pk}/{path}/", {"name": "mine"}).status_code == 404
    key.refresh_from_db()
    assert key.data["name"] == "Phone"


def test_a_passkey_is_a_second_factor_on_the_page_that_asks_for_one(client, ana):
    phone = Phone()
    sign_in(client)
    confirm_password(client)
    options = options_in(client.get("/accounts/2fa/webauthn/add/"))
    client.post("/accounts/2fa/webauthn/add/", {"credential": credential(phone.make(options))})
    client.logout()
    assert sign_in(client, password=PASSWORD).url == "/accounts/2fa/authenticate/"
    options = options_in(client.get("/accounts/2fa/authenticate/"))
    shown = client.post("/accounts/2fa/authenticate/", {"credential": credential(phone.show(options))})
    assert (shown.status_code, shown.url) == (302, "/")
    assert client.get("/api/v1/me").status_code == 200


def test_the_pages_of_passkeys_carry_no_inline_script_and_the_strict_policy(client, ana):
    pages = [client.get("/accounts/login/"), client.get("/accounts/signup/passkey/")]
    sign_in(client)
    confirm_password(client)
    names = ("2fa/", "2fa/webauthn/", "2fa/webauthn/add/")
    pages += [client.get(f"/accounts/{name}") for name in names]
    for page in pages:
        assert page.status_code == 200
        text = page.content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=", text)
        assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "js/passkeys.js" in pages[0].content.decode()
