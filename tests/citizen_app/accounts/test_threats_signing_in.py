"""Threats to signing in, by the numbers of the threat list, each as an attack that fails.

Tested elsewhere: 18 (the token endpoint's limits) in `test_tokens.py`, 21 (a cache per process) in
`tests/citizen_app/test_checks.py` and `tests/architecture/test_environment.py`.
"""

import re
import time
from statistics import median
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import decrypt
from allauth.usersessions.models import UserSession
from django.conf import settings as django_settings
from django.contrib.auth.hashers import get_hasher
from django.contrib.sessions.models import Session
from django.core.checks import run_checks
from django.test import Client, RequestFactory

from citizen_app.accounts.operators import withdraw_role
from citizen_app.accounts.passkeys import AndroidApp
from citizen_app.accounts.set_up import set_up_authenticator
from citizen_app.api.throttles import LIMITS, address_of
from citizen_app.models import Citizen, OutboxMessage
from tests.citizen_app.accounts.app import App, mails, newest_code, pending
from tests.citizen_app.accounts.authenticator import Phone
from tests.citizen_app.accounts.test_headless import totp
from tests.citizen_app.accounts.test_passkeys import FINGERPRINT, add_passkey, challenge, sign_in, sign_up
from tests.factories.people import PASSWORD, CitizenFactory, browser_for, operator_with

pytestmark = pytest.mark.django_db
HOSTILE = {"HTTP_HOST": "evil.example"}


@pytest.fixture
def ana():
    return CitizenFactory(email="ana@example.org", first_name="Ana", verified=True, password=True)


def signed_in(email: str = "ana@example.org", password: str = PASSWORD) -> App:
    app = App()
    assert app.post("/auth/login", email=email, password=password).status_code == 200
    return app


# -- 11: theft from the database or from logs --------------------------------------------------------------------
def test_threat_11_what_the_session_tables_hold_opens_nothing(ana):
    app, browser = signed_in(), browser_for(ana)
    assert (app.me().status_code, browser.get("/api/v1/me").status_code) == (200, 200)
    keys = {*Session.objects.values_list("pk", flat=True), *UserSession.objects.values_list("session_key", flat=True)}
    assert len(keys) == 2
    for key in keys:
        stolen = App()
        stolen.token = key
        assert stolen.me().status_code == 401
        assert stolen.get("/auth/session").status_code == 410
        web = Client()
        web.cookies[django_settings.SESSION_COOKIE_NAME] = key
        assert web.get("/api/v1/me").status_code == 401
        assert web.get("/accounts/email/").status_code == 302


def test_threat_11_a_token_is_written_to_no_log_and_a_mail_on_its_way_is_sealed(ana, caplog):
    app = App()
    app.post("/auth/login", email=ana.email, password="not it at all")
    app.post("/auth/code/request", email=ana.email)
    on_its_way = [str(message.payload) for message in OutboxMessage.objects.all()]
    code = newest_code()
    app.post("/auth/code/confirm", code=code)
    assert app.me().status_code == 200
    said = caplog.text
    assert app.token not in said
    assert app.token.partition(":")[0] not in said
    assert code not in said
    assert "not it at all" not in said
    assert len(on_its_way) == 1
    assert code not in on_its_way[0]
    assert ana.email not in on_its_way[0]


# -- 12: a lost or stolen phone ----------------------------------------------------------------------------------
def test_threat_12_a_lost_phone_is_ended_from_the_list_and_its_next_request_is_refused(ana):
    lost, kept = signed_in(), signed_in()
    listed = kept.get("/auth/sessions").json()["data"]
    assert len(listed) == 2
    other = next(session["id"] for session in listed if not session["is_current"])
    assert kept.call("DELETE", "/_allauth/app/v1/auth/sessions", {"sessions": [other]}).status_code == 200
    assert (lost.me().status_code, kept.me().status_code) == (401, 200)
    assert lost.get("/auth/session").status_code == 410


def test_threat_12_nobody_ends_another_persons_session(ana):
    eve = CitizenFactory(email="eve@example.org", verified=True, password=True)
    of_ana, of_eve = signed_in(), signed_in(eve.email)
    target = UserSession.objects.get(user=ana).pk
    assert of_eve.call("DELETE", "/_allauth/app/v1/auth/sessions", {"sessions": [target]}).status_code == 400
    assert of_ana.me().status_code == 200
    assert target not in {session["id"] for session in of_eve.get("/auth/sessions").json()["data"]}


def test_threat_12_a_passkey_on_a_lost_phone_is_taken_off_with_all_it_opened(ana):
    kept, lost = signed_in(), Phone()
    assert kept.get("/account/authenticators/webauthn?passwordless").status_code == 401  # not without showing again
    kept.post("/auth/reauthenticate", password=PASSWORD)
    add_passkey(kept, lost)
    finder = sign_in(lost)
    key = Authenticator.objects.get(type="webauthn").pk
    kept.call("DELETE", "/_allauth/app/v1/account/authenticators/webauthn", {"authenticators": [key]})
    assert (finder.me().status_code, kept.me().status_code) == (401, 200)
    app = App()
    assert app.post("/auth/webauthn/login", credential=lost.show(challenge(app))).status_code == 400


def test_threat_12_whoever_holds_an_open_phone_cannot_take_the_account_over(ana):
    open_phone = signed_in()
    secret = open_phone.get("/account/authenticators/totp").json()["meta"]["secret"]
    for method, path, body in (
        ("POST", "/account/email", {"email": "thief@example.org"}),
        ("POST", "/account/authenticators/totp", {"code": totp(secret)}),
        ("GET", "/account/authenticators/webauthn", None),
        ("POST", "/account/authenticators/webauthn", {"credential": {}}),
        ("POST", "/account/authenticators/recovery-codes", {}),
    ):
        answer = open_phone.call(method, "/_allauth/app/v1" + path, body)
        # Nothing is changed before the person has shown again who they are.
        assert answer.status_code in (400, 401), path
    assert mails() == []
    changed = open_phone.post("/account/password/change", current_password="not it", new_password="a wholly new phrase")
    assert changed.status_code == 400
    ana.refresh_from_db()
    assert (ana.email, ana.check_password(PASSWORD)) == ("ana@example.org", True)
    assert not Authenticator.objects.exists()


def test_threat_12_a_changed_password_ends_every_other_session(ana):
    lost, kept = signed_in(), signed_in()
    browser = browser_for(ana)
    changed = kept.post("/account/password/change", current_password=PASSWORD, new_password="a wholly new phrase")
    assert changed.status_code == 200
    assert (lost.me().status_code, browser.get("/api/v1/me").status_code, kept.me().status_code) == (401, 401, 200)


# -- 13: deactivated, deleted, or no longer in the role ----------------------------------------------------------
def test_threat_13_who_is_switched_off_or_deleted_is_refused_on_the_next_request(ana):
    app, browser = signed_in(), browser_for(ana)
    assert (app.me().status_code, browser.get("/api/v1/me").status_code) == (200, 200)
    Citizen.objects.filter(pk=ana.pk).update(is_active=False)
    assert (app.me().status_code, browser.get("/api/v1/me").status_code) == (401, 401)
    Citizen.objects.filter(pk=ana.pk).update(is_active=True)
    assert app.me().status_code == 200
    Citizen.objects.filter(pk=ana.pk).delete()
    assert (app.me().status_code, browser.get("/api/v1/me").status_code) == (401, 401)


def test_threat_13_an_operator_whose_role_is_withdrawn_is_refused_on_the_next_request():
    operator = operator_with("merchants")
    browser = browser_for(operator)
    assert browser.get("/operator/merchants").status_code == 200
    withdraw_role(citizen=operator, role="merchants", by=None)
    assert browser.get("/operator/merchants").status_code == 403


# -- 14 to 16: stuffing, locking out, finding out ----------------------------------------------------------------
def test_threat_14_the_sixth_password_is_refused_even_when_right(ana):
    tries = [App().post("/auth/login", email=ana.email, password=f"guess number {n}") for n in range(5)]
    assert {answer.status_code for answer in tries} == {400}
    stopped = App().post("/auth/login", email=ana.email, password=PASSWORD)
    assert (stopped.status_code, stopped["Retry-After"]) == (429, "300")
    assert stopped.json()["code"] == "rate_limited"


def test_threat_14_the_page_says_429_too_and_still_offers_the_other_ways(client, ana):
    for n in range(5):
        client.post("/accounts/login/", {"login": ana.email, "password": f"guess number {n}"})
    stopped = client.post("/accounts/login/", {"login": ana.email, "password": PASSWORD})
    assert (stopped.status_code, stopped["Retry-After"]) == (429, "300")
    assert "Send me a code instead" in stopped.content.decode()
    assert client.get("/api/v1/me").status_code == 401


def test_threat_14_a_common_password_is_not_taken():
    refused = App().post("/auth/signup", email="ana@example.org", password="qwertyuiop")
    assert (refused.status_code, refused.json()["errors"][0]["param"]) == (400, "password")
    assert not Citizen.objects.exists()


def test_threat_14_codes_of_a_second_factor_cannot_be_guessed_either(ana):
    secret, _ = set_up_authenticator(ana)
    app = App()
    app.post("/auth/login", email=ana.email, password=PASSWORD)
    for n in range(5):
        assert app.post("/auth/2fa/authenticate", code=f"00000{n}").status_code == 400
    stopped = app.post("/auth/2fa/authenticate", code=totp(secret))
    assert (stopped.status_code, stopped["Retry-After"]) == (429, "300")
    assert app.me().status_code == 401


def test_threat_15_a_locked_password_leaves_passkey_and_mailed_code_open(ana):
    app, phone = signed_in(), Phone()
    app.post("/auth/reauthenticate", password=PASSWORD)
    add_passkey(app, phone)
    for n in range(5):
        App().post("/auth/login", email=ana.email, password=f"guess number {n}")
    assert App().post("/auth/login", email=ana.email, password=PASSWORD).status_code == 429
    assert sign_in(phone).me().status_code == 200
    by_code = App()
    by_code.post("/auth/code/request", email=ana.email)
    answer = by_code.post("/auth/code/confirm", code=newest_code())
    assert (answer.status_code, pending(answer)) == (401, ["mfa_authenticate"])  # the factor is asked for, not refused
    options = by_code.get("/auth/webauthn/authenticate").json()["data"]["request_options"]
    assert by_code.post("/auth/webauthn/authenticate", credential=phone.show(options)).status_code == 200


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/auth/signup", {"password": PASSWORD}),
        ("/auth/webauthn/signup", {}),
        ("/auth/code/request", {}),
        ("/auth/password/request", {}),
        ("/auth/login", {"password": "not it at all"}),
    ],
)
def test_threat_16_known_and_unknown_addresses_get_the_same_answer(ana, path, more):
    answers = []
    for email in (ana.email, "nobody@example.org"):
        answer = App().post(path, email=email, **more)
        body = answer.json()
        (body.get("meta") or {}).pop("session_token", None)
        answers.append((answer.status_code, body))
    assert answers[0] == answers[1]


def test_threat_16_known_and_unknown_addresses_take_the_same_time(ana, settings):
    settings.RATE_LIMITS, settings.ACCOUNT_RATE_LIMITS = False, False
    settings.PASSWORD_HASHERS = ["citizen_app.accounts.passwords.Argon2"]
    ana.set_password(PASSWORD)
    ana.save()

    def seconds(email: str) -> float:
        begun = time.perf_counter()
        assert App().post("/auth/login", email=email, password="not it at all").status_code == 400
        return time.perf_counter() - begun

    pairs = [(seconds(ana.email), seconds(f"nobody{n}@example.org")) for n in range(7)]
    known, unknown = (median(times) for times in zip(*pairs, strict=True))
    # One password is hashed for either: without that a stranger's address would take a small part of the time.
    assert 0.5 < known / unknown < 2


# -- 18 to 20: exhausting, flooding, pretending ------------------------------------------------------------------
def test_threat_18_a_password_costs_little_memory_and_few_may_be_tried():
    # The first of the settings; tests put a quick one before it.
    assert django_settings.PASSWORD_HASHERS[1] == "citizen_app.accounts.passwords.Argon2"
    hasher = get_hasher("argon2")
    assert (hasher.memory_cost, hasher.time_cost, hasher.parallelism) == (19456, 2, 1)
    answers = [App().post("/auth/login", email=f"n{n}@example.org", password="not it at all") for n in range(31)]
    assert [answer.status_code for answer in answers[:10]] == [400] * 10
    assert (answers[30].status_code, int(answers[30]["Retry-After"]) > 0) == (429, True)


def test_threat_19_asking_for_challenges_stops_making_sessions():
    allowed = int(LIMITS["passkey_challenges"].partition("/")[0])
    for n in range(allowed // 2):
        assert App().get("/auth/webauthn/login").status_code == 200, n
        assert Client().get("/accounts/2fa/webauthn/login/").status_code == 200
    rows = Session.objects.count()
    for refused in (App().get("/auth/webauthn/login"), Client().get("/accounts/2fa/webauthn/login/")):
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 60
    assert Session.objects.count() == rows <= allowed


def test_threat_20_a_forged_address_escapes_no_limit(settings):
    def stopped(address: str, **headers: str) -> int:
        return Client(REMOTE_ADDR=address, headers=headers).get("/_allauth/app/v1/auth/webauthn/login").status_code

    codes = {stopped("192.0.2.1", **{"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(30)}
    assert codes == {200}
    assert stopped("192.0.2.1", **{"X-Forwarded-For": "198.51.100.99"}) == 429
    assert stopped("192.0.2.2") == 200

    # Behind our own proxy its word counts, and only the part that the proxy itself wrote.
    settings.TRUSTED_PROXIES = 1
    asked = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.9")
    assert address_of(asked) == "203.0.113.9"


def test_threat_21_a_deployment_whose_processes_count_apart_is_refused(settings):
    settings.PRODUCTION = True
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert "citizen_app.E001" in {message.id for message in run_checks(tags=["security"])}


# -- 22: passkeys shown to somebody else -------------------------------------------------------------------------
def test_threat_22_a_passkey_shown_at_another_origin_is_refused():
    phone = Phone()
    sign_up(phone)
    for origin in (
        "https://evil.example",
        "https://localhost.evil.example",
        "http://localhost:8000@evil.example",
        "https://evil.localhost",
        "http://localhost.evil.example:8000",
        "null",
        "",
        "ios:bundle-id:org.example.citizen",
    ):
        app, phone.origin = App(), origin
        refused = app.post("/auth/webauthn/login", credential=phone.show(challenge(app)))
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "incorrect_code"), origin
        assert app.me().status_code == 401


def test_threat_22_only_the_listed_android_app_may_show_one(settings):
    ours, other = AndroidApp("org.example.citizen", FINGERPRINT), AndroidApp("org.evil", "AA:" * 31 + "AA")
    settings.PASSKEY_ANDROID_APPS = [f"{ours.package}:{ours.fingerprint}"]
    phone = Phone(origin=ours.origin)
    sign_up(phone)
    assert sign_in(phone).me().status_code == 200
    app, phone.origin = App(), other.origin
    assert app.post("/auth/webauthn/login", credential=phone.show(challenge(app))).status_code == 400
    settings.PASSKEY_ANDROID_APPS = []
    app, phone.origin = App(), ours.origin
    assert app.post("/auth/webauthn/login", credential=phone.show(challenge(app))).status_code == 400
    assert not getattr(django_settings, "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN", False)


def test_threat_22_a_key_for_another_site_or_in_a_frame_is_refused():
    phone = Phone()
    sign_up(phone)
    key = phone.keys[0]
    app, key.rp_id = App(), "evil.example"
    assert app.post("/auth/webauthn/login", credential=phone.show(challenge(app), key)).status_code == 400
    app, key.rp_id, phone.framed = App(), "localhost", True
    assert app.post("/auth/webauthn/login", credential=phone.show(challenge(app))).status_code == 400
    phone.framed = False
    assert sign_in(phone).me().status_code == 200


# -- 23: secrets of second factors -------------------------------------------------------------------------------
def test_threat_23_secrets_of_second_factors_are_unreadable_in_the_database(ana, settings):
    secret, _ = set_up_authenticator(ana)
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    rows = {row.type: row.data for row in Authenticator.objects.all()}
    assert not re.fullmatch(r"[A-Z2-7]+=*", rows["totp"]["secret"])
    stored = str(rows)
    assert secret not in stored
    assert len(codes) == 10
    assert not [code for code in codes if code in stored]
    assert decrypt(rows["totp"]["secret"]) == secret
    # Without this deployment's key the row is worth nothing.
    settings.SERVER_KEY, settings.SERVER_KEY_PREVIOUS = "another key of the same length as a real one, made up", ""
    with pytest.raises(Exception, match="second factor"):
        TOTP(Authenticator.objects.get(type="totp")).validate_code(totp(secret))


def test_threat_23_recovery_codes_are_shown_once_to_the_app_too_and_work_once(ana):
    app = signed_in()
    app.post("/auth/reauthenticate", password=PASSWORD)
    secret = app.get("/account/authenticators/totp").json()["meta"]["secret"]
    assert app.post("/account/authenticators/totp", code=totp(secret)).status_code == 200
    codes = app.get("/account/authenticators/recovery-codes").json()["data"]["unused_codes"]
    assert len(codes) == 10
    again = app.get("/account/authenticators/recovery-codes").json()["data"]
    assert ("unused_codes" in again, again["unused_code_count"]) == (False, 10)

    first, second = App(), App()
    for one in (first, second):
        one.post("/auth/login", email=ana.email, password=PASSWORD)
    assert first.post("/auth/2fa/authenticate", code=codes[0]).status_code == 200
    assert second.post("/auth/2fa/authenticate", code=codes[0]).status_code == 400
    assert (first.me().status_code, second.me().status_code) == (200, 401)


# -- 28: another host's name -------------------------------------------------------------------------------------
def test_threat_28_another_hosts_name_is_refused_everywhere(ana):
    client = Client()
    for path in ("/", "/accounts/login/", "/_allauth/app/v1/config", "/api/v1/perks", "/.well-known/assetlinks.json"):
        assert client.get(path, **HOSTILE).status_code == 400, path
    body = {"email": ana.email}
    for path in ("/auth/code/request", "/auth/password/request"):
        sent = client.post("/_allauth/app/v1" + path, body, content_type="application/json", **HOSTILE)
        assert sent.status_code == 400
    assert mails() == []


def test_threat_28_a_passkeys_site_is_fixed_whatever_allowed_host_is_named(settings):
    settings.ALLOWED_HOSTS = ["localhost", "also.example.org"]
    for host in ("localhost:8000", "also.example.org"):
        answer = Client().get("/_allauth/app/v1/auth/webauthn/login", HTTP_HOST=host)
        assert answer.json()["data"]["request_options"]["publicKey"]["rpId"] == "localhost"


def test_threat_28_no_mail_about_an_account_carries_a_link(ana):
    App().post("/auth/code/request", email=ana.email)
    App().post("/auth/password/request", email=ana.email)
    App().post("/auth/signup", email="new@example.org", password=PASSWORD)
    sent = mails()
    assert len(sent) == 3
    for mail in sent:
        assert [link for link in re.findall(r"https?://\S+", mail.body) if urlsplit(link).path not in ("", "/")] == []
