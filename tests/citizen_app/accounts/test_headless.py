"""Signing up and in from the app: allauth's own API, end to end."""

import time

import pytest
from allauth.account.internal.flows import manage_email
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.test import Client

from citizen_app.accounts.set_up import set_up_authenticator
from citizen_app.models import Citizen
from tests.citizen_app.accounts.app import App, mails, newest_code, pending
from tests.factories.people import PASSWORD, CitizenFactory

pytestmark = pytest.mark.django_db

NEW = {"email": "ana@example.org", "password": PASSWORD, "first_name": "Ana"}


@pytest.fixture
def ana():
    return CitizenFactory(email="ana@example.org", first_name="Ana", verified=True, password=True)


def totp(secret: str, steps: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def test_signing_up_goes_through_a_mailed_code_to_a_session_that_opens_the_api():
    app = App()
    asked = app.post("/auth/signup", **NEW)
    assert asked.status_code == 401
    assert pending(asked) == ["verify_email"]
    assert not asked.cookies
    waiting = app.token
    assert app.me().status_code == 401

    verified = app.post("/auth/email/verify", key=newest_code())
    assert verified.status_code == 200
    assert verified.json()["meta"]["is_authenticated"] is True
    assert app.token != waiting
    assert verified.json()["data"]["user"] == {
        "id": Citizen.objects.get().public_id,
        "display": "Ana",
        "email": "ana@example.org",
        "has_usable_password": True,
    }
    me = app.me()
    assert me.status_code == 200
    citizen = Citizen.objects.get()
    assert me.json() == {
        "id": citizen.public_id,
        "email": "ana@example.org",
        "first_name": "Ana",
        "language": "en",
        "zone": settings.DEFAULT_ZONE,
    }
    app.token = waiting
    assert app.me().status_code == 401


def test_the_first_name_is_optional_and_clean():
    app = App()
    assert app.post("/auth/signup", email="b@example.org", password=PASSWORD).status_code == 401
    assert Citizen.objects.get().first_name == ""
    refused = app.post("/auth/signup", email="c@example.org", password=PASSWORD, first_name="A\u202eB")
    assert refused.status_code == 400
    assert [error["param"] for error in refused.json()["errors"]] == ["first_name"]
    assert Citizen.objects.count() == 1


def test_a_wrong_code_opens_nothing_and_few_may_be_tried():
    app = App()
    app.post("/auth/signup", **NEW)
    code = newest_code()
    for _ in range(2):
        refused = app.post("/auth/email/verify", key="BBBB-BBBB")
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["code"] == "incorrect_code"
    app.post("/auth/email/verify", key="BBBB-BBBB")
    assert app.post("/auth/email/verify", key=code).status_code == 409
    assert app.me().status_code == 401


def test_logging_out_ends_the_session_everywhere(ana):
    app = App()
    assert app.post("/auth/login", email=ana.email, password=PASSWORD).status_code == 200
    assert app.me().status_code == 200
    assert app.delete("/auth/session").status_code == 401
    assert app.me().status_code == 401
    assert app.get("/auth/session").status_code == 410


def test_a_wrong_password_says_the_same_for_known_and_unknown_addresses(ana):
    known = App().post("/auth/login", email=ana.email, password="not it at all")
    unknown = App().post("/auth/login", email="nobody@example.org", password="not it at all")
    assert known.status_code == unknown.status_code == 400
    assert known.json() == unknown.json()


def test_an_unverified_account_cannot_sign_in_without_the_code():
    citizen = CitizenFactory(password=True)
    app = App()
    asked = app.post("/auth/login", email=citizen.email, password=PASSWORD)
    assert (asked.status_code, pending(asked)) == (401, ["verify_email"])
    assert app.me().status_code == 401
    assert app.post("/auth/email/verify", key=newest_code()).status_code == 200
    assert app.me().status_code == 200


def test_a_second_factor_is_asked_for_and_half_a_session_opens_nothing(ana):
    secret, _ = set_up_authenticator(ana)
    app = App()
    asked = app.post("/auth/login", email=ana.email, password=PASSWORD)
    assert (asked.status_code, pending(asked)) == (401, ["mfa_authenticate"])
    half = app.me()
    assert (half.status_code, half.json()["code"]) == (401, "not_authenticated")

    wrong = app.post("/auth/2fa/authenticate", code="000000")
    assert wrong.status_code == 400
    code = totp(secret)
    assert app.post("/auth/2fa/authenticate", code=code).status_code == 200
    assert app.me().status_code == 200

    again = App()
    again.post("/auth/login", email=ana.email, password=PASSWORD)
    assert again.post("/auth/2fa/authenticate", code=code).status_code == 400  # a code works once
    assert again.me().status_code == 401


def test_signing_in_by_mailed_code_needs_no_password(ana):
    app = App()
    asked = app.post("/auth/code/request", email=ana.email)
    assert (asked.status_code, pending(asked)) == (401, ["login_by_code"])
    assert app.post("/auth/code/confirm", code=newest_code()).status_code == 200
    assert app.me().status_code == 200


def test_a_forgotten_password_is_set_anew_by_mailed_code_and_ends_other_sessions(ana):
    elsewhere = App()
    elsewhere.post("/auth/login", email=ana.email, password=PASSWORD)
    app = App()
    assert app.post("/auth/password/request", email=ana.email).status_code == 401
    assert app.post("/auth/password/reset", key=newest_code(), password="a wholly new phrase").status_code == 401
    assert elsewhere.me().status_code == 401
    assert App().post("/auth/login", email=ana.email, password=PASSWORD).status_code == 400
    assert App().post("/auth/login", email=ana.email, password="a wholly new phrase").status_code == 200


def test_somebody_switched_off_has_no_session_left(ana):
    app = App()
    app.post("/auth/login", email=ana.email, password=PASSWORD)
    Citizen.objects.filter(pk=ana.pk).update(is_active=False)
    assert app.me().status_code == 401
    app = App()
    assert app.post("/auth/login", email=ana.email, password=PASSWORD).status_code == 401
    assert app.me().status_code == 401


def test_signing_up_with_a_taken_address_looks_the_same_and_writes_to_its_owner(ana):
    taken, free = App(), App()
    first = taken.post("/auth/signup", **NEW)
    second = free.post("/auth/signup", **{**NEW, "email": "free@example.org"})
    assert first.status_code == second.status_code == 401
    answers = [response.json() for response in (first, second)]
    for answer in answers:
        assert answer["meta"].pop("session_token")
    assert answers[0] == answers[1]
    notice, code = mails()
    assert (notice.to, code.to) == (["ana@example.org"], ["free@example.org"])
    assert "code is" not in notice.body
    assert Citizen.objects.count() == 2
    assert ana.check_password(PASSWORD)


def test_an_address_taken_in_the_same_moment_looks_the_same_too(monkeypatch):
    CitizenFactory(email="ana@example.org")
    # What the check saw just before the other one's account was stored.
    monkeypatch.setattr(manage_email, "assess_unique_email", lambda email, user=None: True)
    asked = App().post("/auth/signup", **NEW)
    assert (asked.status_code, pending(asked)) == (401, ["verify_email"])
    assert Citizen.objects.count() == 1
    assert "already" in mails()[0].body


def test_guessing_a_password_is_stopped_with_a_time_to_wait(ana):
    for _ in range(5):
        assert App().post("/auth/login", email=ana.email, password="not it at all").status_code == 400
    stopped = App().post("/auth/login", email=ana.email, password=PASSWORD)
    assert stopped.status_code == 429
    assert stopped["Content-Type"] == "application/problem+json"
    assert stopped.json()["code"] == "rate_limited"
    assert stopped["Retry-After"] == "300"
    # The owner is not locked out: the way by mailed code stays open.
    app = App()
    app.post("/auth/code/request", email=ana.email)
    assert app.post("/auth/code/confirm", code=newest_code()).status_code == 200


def test_asking_for_code_after_code_is_stopped_with_a_time_to_wait(ana):
    answers = [App().post("/auth/code/request", email=ana.email) for _ in range(4)]
    assert [answer.status_code for answer in answers[:3]] == [401, 401, 401]
    assert (answers[3].status_code, answers[3]["Retry-After"]) == (429, "300")
    assert len(mails()) == 3


def test_many_sign_ups_from_one_address_are_stopped():
    answers = [App().post("/auth/signup", **{**NEW, "email": f"n{n}@example.org"}) for n in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {401}
    assert answers[20].status_code == 429
    assert answers[20].json()["status"] == 429
    assert int(answers[20]["Retry-After"]) > 0


def test_a_forged_forwarded_address_does_not_escape_the_limit():
    for n in range(20):
        client = Client(headers={"X-Forwarded-For": f"198.51.100.{n}"})
        client.post("/_allauth/app/v1/auth/signup", {"email": f"n{n}@example.org"}, content_type="application/json")
    last = Client(headers={"X-Forwarded-For": "198.51.100.99"}).post(
        "/_allauth/app/v1/auth/signup", {"email": "last@example.org"}, content_type="application/json"
    )
    assert last.status_code == 429
