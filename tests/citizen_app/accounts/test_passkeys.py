"""Passkeys from the app: an account without a password, and what a stranger may send in place of a credential."""

import copy

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured

from citizen_app.accounts.passkeys import android_apps, is_our_origin
from citizen_app.models import Citizen
from tests.citizen_app.accounts.app import BASE, App, mails, newest_code, pending
from tests.citizen_app.accounts.authenticator import Phone, b64
from tests.factories.people import PASSWORD, CitizenFactory

pytestmark = pytest.mark.django_db

FINGERPRINT = ":".join(["AB", "CD"] * 16)


def sign_up(phone: Phone, email: str = "ana@example.org") -> App:
    """Make an account with a passkey of this phone, and return the app that is signed in to it."""
    app = App()
    asked = app.post("/auth/webauthn/signup", email=email, first_name="Ana")
    assert (asked.status_code, pending(asked)) == (401, ["verify_email"])
    verified = app.post("/auth/email/verify", key=newest_code())
    assert (verified.status_code, pending(verified)) == (401, ["mfa_signup_webauthn"])
    options = app.get("/auth/webauthn/signup").json()["data"]["creation_options"]
    made = app.call(
        "PUT", "/_allauth/app/v1/auth/webauthn/signup", {"name": "Phone", "credential": phone.make(options)}
    )
    assert made.status_code == 200, made.content
    return app


def challenge(app: App) -> dict:
    return app.get("/auth/webauthn/login").json()["data"]["request_options"]


def sign_in(phone: Phone) -> App:
    app = App()
    answer = app.post("/auth/webauthn/login", credential=phone.show(challenge(app)))
    assert answer.status_code == 200, answer.content
    return app


def add_passkey(app: App, phone: Phone):
    options = app.get("/account/authenticators/webauthn?passwordless").json()["data"]["creation_options"]
    return app.post("/account/authenticators/webauthn", name="Phone", credential=phone.make(options))


def test_an_account_is_made_and_opened_with_a_passkey_and_no_password():
    phone = Phone()
    app = sign_up(phone)
    ana = Citizen.objects.get()
    assert (ana.email, ana.first_name, ana.has_usable_password()) == ("ana@example.org", "Ana", False)
    assert app.me().json()["id"] == ana.public_id
    assert [key.rp_id for key in phone.keys] == ["localhost"]

    again = sign_in(phone)
    assert again.me().json()["id"] == ana.public_id
    used = Authenticator.objects.get(type="webauthn")
    assert (used.data["name"], used.last_used_at is not None) == ("Phone", True)
    codes, key = sorted(again.get("/account/authenticators").json()["data"], key=lambda one: one["type"])
    assert (codes["type"], codes["unused_code_count"]) == ("recovery_codes", 10)
    assert (key["type"], key["name"], key["is_passwordless"]) == ("webauthn", "Phone", True)


def test_an_account_by_passkey_has_recovery_codes_which_the_app_shows_once_without_asking_again():
    phone = Phone()
    app = sign_up(phone)
    shown = app.get("/account/authenticators/recovery-codes")
    assert (shown.status_code, len(set(shown.json()["data"]["unused_codes"]))) == (200, 10)
    assert "unused_codes" not in app.get("/account/authenticators/recovery-codes").json()["data"]
    # Whoever holds another session of it shows first who they are.
    assert sign_in(phone).get("/account/authenticators/recovery-codes").status_code == 401


def test_a_lost_passkey_is_replaced_by_a_mailed_code_and_a_recovery_code_together():
    lost, new = Phone(), Phone()
    codes = sign_up(lost).get("/account/authenticators/recovery-codes").json()["data"]["unused_codes"]
    app = App()
    app.post("/auth/code/request", email="ana@example.org")
    asked = app.post("/auth/code/confirm", code=newest_code())
    # The mailed code alone opens nothing, nor does a guess beside it.
    assert (asked.status_code, pending(asked)) == (401, ["mfa_authenticate"])
    assert app.me().status_code == 401
    assert app.post("/auth/2fa/authenticate", code="00000000").status_code == 400
    assert app.me().status_code == 401
    assert app.post("/auth/2fa/authenticate", code=codes[0]).status_code == 200
    assert app.me().json()["email"] == "ana@example.org"
    assert app.post("/auth/2fa/reauthenticate", code=codes[1]).status_code == 200
    old = Authenticator.objects.get(type="webauthn")
    assert add_passkey(app, new).status_code == 200
    assert (
        app.call("DELETE", f"{BASE}/account/authenticators/webauthn", {"authenticators": [old.pk]}).status_code == 200
    )
    assert sign_in(new).me().status_code == 200
    other = App()
    assert other.post("/auth/webauthn/login", credential=lost.show(challenge(other))).status_code == 400


def test_a_recovery_code_lets_in_once():
    codes = sign_up(Phone()).get("/account/authenticators/recovery-codes").json()["data"]["unused_codes"]
    answers = []
    for _ in range(2):
        app = App()
        app.post("/auth/code/request", email="ana@example.org")
        app.post("/auth/code/confirm", code=newest_code())
        answers.append(app.post("/auth/2fa/authenticate", code=codes[0]).status_code)
    assert answers == [200, 400]
    assert app.me().status_code == 401


def test_a_passkey_must_look_at_who_holds_it():
    phone = Phone()
    sign_up(phone)
    app, phone.verifies = App(), False
    options = challenge(app)
    assert options["publicKey"]["userVerification"] == "required"
    assert app.post("/auth/webauthn/login", credential=phone.show(options)).status_code == 400
    assert app.me().status_code == 401


def test_a_passkey_is_a_second_factor_beside_a_password_and_re_authentication_comes_first():
    CitizenFactory(email="ana@example.org", verified=True, password=True)
    app, phone = App(), Phone()
    app.post("/auth/login", email="ana@example.org", password=PASSWORD)
    asked = app.get("/account/authenticators/webauthn?passwordless")
    assert (asked.status_code, asked.json()["data"]["flows"][0]) == (401, {"id": "reauthenticate"})
    assert "creation_options" not in asked.json()["data"]
    assert app.post("/auth/reauthenticate", password=PASSWORD).status_code == 200
    added = add_passkey(app, phone)
    assert (added.status_code, added.json()["meta"]["recovery_codes_generated"]) == (200, True)
    assert "passkey" in mails()[-1].subject.lower()

    other = App()
    asked = other.post("/auth/login", email="ana@example.org", password=PASSWORD)
    assert (asked.status_code, pending(asked)) == (401, ["mfa_authenticate"])
    assert other.me().status_code == 401
    options = other.get("/auth/webauthn/authenticate").json()["data"]["request_options"]
    assert other.post("/auth/webauthn/authenticate", credential=phone.show(options)).status_code == 200
    assert other.me().status_code == 200


def test_an_answer_to_a_challenge_works_once_and_in_its_own_session_only():
    phone = Phone()
    sign_up(phone)
    app, other = App(), App()
    credential = phone.show(challenge(app))
    challenge(other)
    assert other.post("/auth/webauthn/login", credential=credential).status_code == 400
    assert app.post("/auth/webauthn/login", credential=credential).status_code == 200
    assert other.post("/auth/webauthn/login", credential=credential).status_code == 400
    assert other.me().status_code == 401


def test_somebody_elses_key_does_not_open_an_account():
    phone, other = Phone(), Phone()
    sign_up(phone)
    sign_up(other, "eve@example.org")
    # Eve's key, told to be Ana's.
    other.keys[0].user_handle = phone.keys[0].user_handle
    app = App()
    assert app.post("/auth/webauthn/login", credential=other.show(challenge(app))).status_code == 400
    assert app.me().status_code == 401


def test_a_person_who_is_switched_off_has_no_way_in_by_passkey():
    phone = Phone()
    open_one = sign_up(phone)
    Citizen.objects.update(is_active=False)
    assert open_one.me().status_code == 401
    app = App()
    assert app.post("/auth/webauthn/login", credential=phone.show(challenge(app))).status_code == 401
    assert app.me().status_code == 401


WRECKS = {
    "no object": lambda c: "credential",
    "a list": lambda c: [c],
    "nothing": lambda c: {},
    "no response": lambda c: {**c, "response": None},
    "a text for a response": lambda c: {**c, "response": "x"},
    "no client data": lambda c: _with(c, clientDataJSON=""),
    "client data that is no JSON": lambda c: _with(c, clientDataJSON=b64(b"{")),
    "client data that is a list": lambda c: _with(c, clientDataJSON=b64(b"[]")),
    "client data without an origin": lambda c: _with(c, clientDataJSON=b64(b'{"type":"webauthn.get"}')),
    "no base64": lambda c: _with(c, authenticatorData="=", attestationObject="="),
    "short authenticator data": lambda c: _with(c, authenticatorData=b64(b"x"), attestationObject=b64(b"\xa0")),
    "cut off CBOR": lambda c: _with(c, authenticatorData=b64(b"x" * 37), attestationObject=b64(b"\xa3\x63fmt")),
    "deep CBOR": lambda c: _with(c, authenticatorData="", attestationObject=b64(b"\x81" * 5000)),
    "a number for an id": lambda c: {**c, "rawId": 7, "id": 7},
    "no user": lambda c: _with(c, userHandle=None),
    "a user that is a number": lambda c: _with(c, userHandle=7),
    "a user that is no text": lambda c: _with(c, userHandle=b64(b"\xff\xfe")),
    "a user past every number": lambda c: _with(c, userHandle=b64(b"9" * 60)),
    "too large": lambda c: {**c, "more": "x" * 20_000},
}


def _with(credential: dict, **members) -> dict:
    wrecked = copy.deepcopy(credential)
    wrecked["response"] |= members
    return wrecked


@pytest.mark.parametrize("wreck", WRECKS)
def test_what_is_no_credential_is_refused_and_never_an_error_of_ours(wreck):
    phone = Phone()
    sign_up(phone)
    app = App()
    shown = WRECKS[wreck](phone.show(challenge(app)))
    assert app.post("/auth/webauthn/login", credential=shown).status_code == 400

    new = App()
    new.post("/auth/webauthn/signup", email="new@example.org")
    new.post("/auth/email/verify", key=newest_code())
    options = new.get("/auth/webauthn/signup").json()["data"]["creation_options"]
    body = {"credential": WRECKS[wreck](phone.make(options))}
    refused = new.call("PUT", "/_allauth/app/v1/auth/webauthn/signup", body)
    if "user" in wreck:  # whose a new key is, its maker does not say
        assert refused.status_code == 200
    else:
        assert refused.status_code == 400, refused.content
        assert Authenticator.objects.filter(type="webauthn").count() == 1
        assert new.me().status_code == 401


def test_a_key_of_a_kind_that_cannot_be_checked_is_not_stored():
    from fido2 import cbor

    phone, app = Phone(), App()
    app.post("/auth/webauthn/signup", email="ana@example.org")
    app.post("/auth/email/verify", key=newest_code())
    credential = phone.make(app.get("/auth/webauthn/signup").json()["data"]["creation_options"])
    key = phone.keys[0]
    data = phone._data("localhost", 0x40) + bytes(16) + b"\x00\x20" + key.id + cbor.encode({1: 2, 3: -999})
    credential["response"]["attestationObject"] = b64(cbor.encode({"fmt": "none", "attStmt": {}, "authData": data}))
    assert app.call("PUT", "/_allauth/app/v1/auth/webauthn/signup", {"credential": credential}).status_code == 400
    assert not Authenticator.objects.exists()


def test_taking_a_passkey_off_ends_what_it_opened_and_nothing_else():
    CitizenFactory(email="ana@example.org", verified=True, password=True)
    keeper, lost = App(), Phone()
    keeper.post("/auth/login", email="ana@example.org", password=PASSWORD)
    by_password = App()
    by_password.post("/auth/login", email="ana@example.org", password=PASSWORD)
    keeper.post("/auth/reauthenticate", password=PASSWORD)
    assert add_passkey(keeper, lost).status_code == 200
    thief = sign_in(lost)
    assert thief.me().status_code == 200
    key = Authenticator.objects.get(type="webauthn")
    removed = keeper.call("DELETE", "/_allauth/app/v1/account/authenticators/webauthn", {"authenticators": [key.pk]})
    assert removed.status_code == 200
    assert thief.me().status_code == 401
    assert (keeper.me().status_code, by_password.me().status_code) == (200, 200)
    app = App()
    assert app.post("/auth/webauthn/login", credential=lost.show(challenge(app))).status_code == 400


def test_the_session_of_a_challenge_is_short_until_somebody_signs_in_with_it(settings):
    phone = Phone()
    sign_up(phone)
    app = App()
    before = set(Session.objects.values_list("pk", flat=True))
    credential = phone.show(challenge(app))
    (waiting,) = Session.objects.exclude(pk__in=before)
    left = (waiting.expire_date - waiting.expire_date.now(tz=waiting.expire_date.tzinfo)).total_seconds()
    assert 14 * 60 < left <= 15 * 60
    assert app.post("/auth/webauthn/login", credential=credential).status_code == 200
    (opened,) = Session.objects.exclude(pk__in=before)
    left = (opened.expire_date - opened.expire_date.now(tz=opened.expire_date.tzinfo)).total_seconds()
    assert left > settings.SESSION_COOKIE_AGE - 60

    # Who is signed in already and asks for a challenge keeps a session of full length.
    challenge(app)
    opened.refresh_from_db()
    assert (opened.expire_date - opened.expire_date.now(tz=opened.expire_date.tzinfo)).total_seconds() > 20 * 60


def test_the_apps_on_phones_are_named_where_their_systems_look(client, settings):
    assert client.get("/.well-known/assetlinks.json").json() == []
    settings.PASSKEY_ANDROID_APPS = [f"org.example.citizen:{FINGERPRINT}"]
    settings.PASSKEY_IOS_APPS = ["TEAM123456.org.example.citizen"]
    (statement,) = client.get("/.well-known/assetlinks.json").json()
    assert statement["relation"][0] == "delegate_permission/common.get_login_creds"
    assert statement["target"] == {
        "namespace": "android_app",
        "package_name": "org.example.citizen",
        "sha256_cert_fingerprints": [FINGERPRINT],
    }
    answer = client.get("/.well-known/apple-app-site-association")
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {"webcredentials": {"apps": ["TEAM123456.org.example.citizen"]}}
    assert "sid" not in answer.cookies


def test_an_app_that_is_written_wrongly_is_named(settings):
    settings.PASSKEY_ANDROID_APPS = ["org.example.citizen"]
    with pytest.raises(ImproperlyConfigured, match="PASSKEY_ANDROID_APPS"):
        android_apps()


def test_any_port_of_this_machine_is_ours_outside_production_only(settings):
    settings.PASSKEY_ORIGINS = ["https://id.example.org"]
    outside = [is_our_origin(f"http://localhost{port}") for port in ("", ":8000", ":8000/", ".evil.example")]
    assert outside == [True, True, False, False]
    settings.PRODUCTION = True
    assert [is_our_origin(one) for one in ("http://localhost:8000", "https://id.example.org")] == [False, True]
