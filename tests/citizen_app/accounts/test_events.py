"""Other apps hear of a verified address and of a second factor, whichever way it came about."""

import pytest

from citizen_app.accounts import events
from citizen_app.accounts.set_up import make_account, set_up_authenticator
from tests.citizen_app.accounts.app import App, newest_code
from tests.citizen_app.accounts.test_headless import totp
from tests.citizen_app.accounts.test_web import confirm_password, sign_in
from tests.factories.people import PASSWORD, CitizenFactory, session_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard(monkeypatch):
    monkeypatch.setattr(events, "_email_listeners", [])
    monkeypatch.setattr(events, "_mfa_listeners", [])
    heard = []
    events.on_email_verified(lambda *, citizen: heard.append(("email", citizen.email)))
    events.on_mfa_changed(lambda *, citizen, active: heard.append(("mfa", citizen.email, active)))
    return heard


def test_an_address_is_announced_when_its_code_was_typed_and_not_before(heard):
    app = App()
    app.post("/auth/signup", email="ana@example.org", password=PASSWORD)
    assert heard == []
    app.post("/auth/email/verify", key=newest_code())
    assert heard == [("email", "ana@example.org")]


def test_an_authenticator_is_announced_when_set_up_and_when_taken_off(
    heard, client, django_capture_on_commit_callbacks
):
    citizen = CitizenFactory(email="ana@example.org", verified=True, password=True)
    sign_in(client)
    confirm_password(client)
    client.get("/accounts/2fa/totp/activate/")
    code = totp(session_in(client)["mfa.totp.secret"])
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/2fa/totp/activate/", {"code": code})
    assert heard == [("mfa", "ana@example.org", True)]
    assert events.second_factor_is_on(citizen)
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/2fa/totp/deactivate/")
    assert heard == [("mfa", "ana@example.org", True), ("mfa", "ana@example.org", False)]
    assert not events.second_factor_is_on(citizen)


def test_set_up_announces_each_fact_once(heard):
    citizen, is_new = make_account(email="Ana@Example.org", password=PASSWORD, first_name="Ana")
    again, is_new_again = make_account(email="ana@example.org")
    assert (is_new, is_new_again, citizen.pk) == (True, False, again.pk)
    secret, made = set_up_authenticator(citizen)
    assert set_up_authenticator(citizen) == (secret, False)
    assert made is True
    assert heard == [("email", "ana@example.org"), ("mfa", "ana@example.org", True)]
    assert events.email_is_verified(citizen)


def test_a_listener_registered_twice_is_called_once(heard):
    calls = []

    def listener(*, citizen):
        calls.append(citizen)

    events.on_email_verified(listener)
    events.on_email_verified(listener)
    events.announce_email_verified(citizen=CitizenFactory())
    assert len(calls) == 1


def test_what_is_so_now_can_be_asked():
    assert not events.email_is_verified(CitizenFactory())
    assert events.email_is_verified(CitizenFactory(verified=True))
    assert not events.second_factor_is_on(CitizenFactory())
