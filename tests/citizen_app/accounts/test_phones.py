"""A phone number is added by the code sent to it, belongs to one account, and opens nothing."""

import re
from contextlib import contextmanager

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from citizen_app.accounts.erasure import erase_traces
from citizen_app.accounts.phones import PhoneTaken, keep_phone, take_off_phone
from citizen_app.api import throttles
from citizen_app.models import AuditEvent, OutboxMessage, Phone
from citizen_app.outbox import run_due
from scores.services.files import open_file_of
from tests.citizen_app.accounts.app import App, mails
from tests.factories.people import PASSWORD, CitizenFactory, api_client_for, browser_for, operator_with
from tests.factories.scores import EnrolmentFactory

pytestmark = pytest.mark.django_db
NUMBER, OTHER = "+351912345678", "+351912345679"
SENT: list[tuple[str, str]] = []


class Kept:
    """A gateway that keeps what it was given."""

    def send(self, number: str, text: str) -> None:
        SENT.append((number, text))


@pytest.fixture(autouse=True)
def _gateway(settings):
    settings.SMS_BACKEND = f"{__name__}.Kept"
    settings.SMS_COUNTRIES = ["PT", "GB"]
    SENT.clear()


@pytest.fixture
def ana():
    return CitizenFactory(email="ana@example.org", first_name="Ana", verified=True, password=True)


def fresh(email: str = "ana@example.org") -> App:
    """An app that has just shown again who holds it."""
    app = App()
    app.post("/auth/login", email=email, password=PASSWORD)
    assert app.post("/auth/reauthenticate", password=PASSWORD).status_code == 200
    return app


def newest_code() -> str:
    run_due()
    return re.match(r"\S+", SENT[-1][1])[0]


@contextmanager
def minutes_apart():
    """A clock that goes on by two minutes each time it is asked to: allauth lets one number a minute be tried."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield lambda: clock.shift(120)


def test_a_number_is_added_by_the_code_sent_to_it(ana):
    app = fresh()
    asked = app.post("/account/phone", phone=NUMBER)
    assert (asked.status_code, asked.json()["data"]) == (202, [{"phone": NUMBER, "verified": False}])
    assert not Phone.objects.exists()
    code = newest_code()
    assert [number for number, _ in SENT] == [NUMBER]
    wrong = app.post("/auth/phone/verify", code="BBBBBB")
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (400, "incorrect_code")
    assert app.post("/auth/phone/verify", code=code).status_code == 200
    assert app.get("/account/phone").json()["data"] == [{"phone": NUMBER, "verified": True}]
    assert Phone.objects.get().number == NUMBER
    assert "phone number" in mails()[-1].subject
    assert re.search(r"on \w+ \d+ \w+, \d\d:\d\d, Lisbon time:\nUnknown device\n", mails()[-1].body)
    assert AuditEvent.objects.filter(action="phone.keep", object=ana.public_id).count() == 1
    assert NUMBER not in str(list(AuditEvent.objects.values_list("facts", flat=True)))


def test_few_codes_may_be_tried(ana):
    app = fresh()
    app.post("/account/phone", phone=NUMBER)
    code = newest_code()
    for _ in range(3):
        assert app.post("/auth/phone/verify", code="BBBBBB").status_code == 400
    assert app.post("/auth/phone/verify", code=code).status_code == 409
    assert not Phone.objects.exists()


def test_nobody_adds_a_number_without_showing_again_who_they_are(ana):
    app = App()
    app.post("/auth/login", email=ana.email, password=PASSWORD)
    assert app.post("/account/phone", phone=NUMBER).status_code == 401
    run_due()
    assert SENT == []


def test_a_message_on_its_way_is_sealed_and_its_row_is_emptied(ana):
    fresh().post("/account/phone", phone=NUMBER)
    row = OutboxMessage.objects.get(topic="sms")
    assert "912345678" not in str(row.payload)
    run_due()
    row.refresh_from_db()
    assert (row.payload, row.done_at is not None, len(SENT)) == ({"row": row.pk}, True, 1)


def test_a_message_that_is_late_is_not_sent(ana):
    fresh().post("/account/phone", phone=NUMBER)
    with time_machine.travel(timezone.now() + timezone.timedelta(minutes=16)):
        run_due()
    assert SENT == []
    assert OutboxMessage.objects.get(topic="sms").payload.keys() == {"row"}


def test_the_console_writes_it_where_the_product_was_started(ana, settings, capsys):
    settings.SMS_BACKEND = "citizen_app.accounts.sms.Console"
    fresh().post("/account/phone", phone=NUMBER)
    run_due()
    assert re.search(rf"^SMS to \{NUMBER}: \S+ is your Citizen App code", capsys.readouterr().out, re.M)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("912345678", "invalid_phone"),
        ("+351 912 345 678", "invalid_phone"),
        ("+35191234567", "invalid_phone"),
        ("+351999999999", "invalid_phone"),
        ("+351213456789", "not_mobile"),
        ("+4474001234567890", "invalid_phone"),
        ("+12015550123", "country_not_served"),
        ("+18765550123", "country_not_served"),
        ("+99999999999", "invalid_phone"),
    ],
)
def test_only_mobile_numbers_of_the_countries_served_are_taken(ana, number, code):
    refused = fresh().post("/account/phone", phone=number)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, code), number
    run_due()
    assert SENT == []


def test_where_nobody_carries_messages_no_number_is_taken(ana, settings):
    settings.SMS_BACKEND = ""
    refused = fresh().post("/account/phone", phone=NUMBER)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "not_offered")
    assert "No numbers are taken here" in browser_for(ana).get("/me/phone").content.decode()


def test_a_number_of_another_account_is_said_so_only_to_whoever_holds_the_phone(ana):
    keep_phone(citizen=CitizenFactory(), number=NUMBER)
    app = fresh()
    asked = app.post("/account/phone", phone=NUMBER)
    assert (asked.status_code, asked.json()["data"]) == (202, [{"phone": NUMBER, "verified": False}])
    refused = app.post("/auth/phone/verify", code=newest_code())
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "phone_taken")
    assert Phone.objects.get().citizen_id != ana.pk


def test_two_who_prove_it_in_the_same_moment_do_not_both_get_it(ana, monkeypatch):
    from allauth.account import forms

    keep_phone(citizen=CitizenFactory(), number=NUMBER)
    app = fresh()
    app.post("/account/phone", phone=NUMBER)
    # What the check saw just before the other one's was stored.
    monkeypatch.setattr(forms, "phone_already_exists", lambda *args, **options: False)
    refused = app.post("/auth/phone/verify", code=newest_code())
    assert (refused.status_code, refused.json()["code"]) == (409, "phone_taken")
    with pytest.raises(PhoneTaken):
        keep_phone(citizen=ana, number=NUMBER)
    assert Phone.objects.count() == 1


def test_the_database_takes_nothing_but_e164_and_each_number_once(ana):
    with pytest.raises(IntegrityError, match="phone_is_e164"), transaction.atomic():
        Phone.objects.create(citizen=ana, number="912345678")
    Phone.objects.create(citizen=ana, number=NUMBER)
    with pytest.raises(IntegrityError), transaction.atomic():
        Phone.objects.create(citizen=CitizenFactory(), number=NUMBER)


def test_a_number_is_changed_and_taken_off_in_the_app_and_when_leaving(ana):
    keep_phone(citizen=ana, number=NUMBER)
    keep_phone(citizen=ana, number=OTHER)
    assert Phone.objects.get().number == OTHER
    api = api_client_for(ana)
    assert [api.delete("/api/v1/me/phone").status_code for _ in range(2)] == [204, 204]
    assert not Phone.objects.exists()
    assert take_off_phone(citizen=ana) is False
    keep_phone(citizen=ana, number=NUMBER)
    with transaction.atomic():
        assert erase_traces(citizen=ana, now=timezone.now()).erased["phone"] == 1
    assert not Phone.objects.exists()


def test_a_number_is_added_and_taken_off_on_its_page(ana):
    browser = browser_for(ana)
    refused = browser.post("/me/phone", {"act": "send", "phone": "+12015550123"})
    assert "We send no messages to this country." in refused.content.decode()
    assert browser.post("/me/phone", {"act": "send", "phone": NUMBER}).url == "/me/phone"
    assert NUMBER in browser.get("/me/phone").content.decode()
    wrong = browser.post("/me/phone", {"act": "confirm", "code": "BBBBBB"})
    assert (wrong.status_code, Phone.objects.count()) == (200, 0)
    assert browser.post("/me/phone", {"act": "confirm", "code": newest_code()}).url == "/me/phone"
    assert Phone.objects.get().citizen_id == ana.pk
    assert browser.post("/me/phone", {"act": "take_off"}).url == "/me/phone"
    assert not Phone.objects.exists()


def test_the_page_promises_to_be_found_only_to_whoever_is_enrolled(ana):
    page = browser_for(ana).get("/me/phone").content.decode()
    assert "Optional. While you are enrolled, support finds your account by it." in page
    operator = operator_with("support")
    keep_phone(citizen=ana, number=NUMBER)
    asked = {"by": operator, "role": "support", "reason": "asked", "note": "They wrote that it fails."}
    assert open_file_of(person=NUMBER, **asked) is None
    EnrolmentFactory(citizen=ana)
    assert open_file_of(person=NUMBER, **asked) is not None


def test_a_number_typed_long_after_signing_in_is_kept_and_sent_once_it_is_confirmed_who_is_there(ana):
    browser = browser_for(ana)
    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=301)):
        asked = browser.post("/me/phone", {"act": "send", "phone": NUMBER})
        assert (asked.status_code, asked.url) == (302, "/accounts/reauthenticate/?next=%2Fme%2Fphone")
        wrong = browser.post("/accounts/reauthenticate/", {"password": "not it", "next": "/me/phone"})
        assert wrong.status_code == 200
        run_due()
        assert SENT == []
        back = browser.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/me/phone"})
        assert (back.status_code, back.url) == (302, "/me/phone")
        code = newest_code()
        assert [number for number, _ in SENT] == [NUMBER]
        assert NUMBER in browser.get("/me/phone").content.decode()
        browser.post("/me/phone", {"act": "confirm", "code": code})
    assert Phone.objects.get().number == NUMBER


def test_a_number_that_was_left_there_is_not_sent_by_confirming_for_something_else(ana):
    browser = browser_for(ana)
    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=301)):
        browser.post("/me/phone", {"act": "send", "phone": NUMBER})
        browser.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/me/data"})
        browser.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/me/phone"})
        run_due()
    assert SENT == []


# -- Threat 17: pumping and stolen numbers -----------------------------------------------------------------------
def test_threat_17_a_person_gets_five_messages_a_day(ana):
    with minutes_apart() as go_on:
        app = fresh()
        for n in range(5):
            assert app.post("/account/phone", phone=f"+35191234567{n}").status_code == 202
            go_on()
            app.post("/auth/reauthenticate", password=PASSWORD)
        stopped = app.post("/account/phone", phone=OTHER)
        assert (stopped.status_code, stopped.json()["code"]) == (429, "rate_limited")
        assert 23 * 3600 < int(stopped["Retry-After"]) <= 24 * 3600
        run_due()
    assert len(SENT) == 5


def test_threat_17_a_number_gets_five_messages_a_day_whoever_asks():
    with minutes_apart() as go_on:
        for n in range(6):
            citizen = CitizenFactory(email=f"n{n}@example.org", verified=True, password=True)
            last = fresh(citizen.email).post("/account/phone", phone=NUMBER)
            go_on()
        assert (last.status_code, last.json()["code"]) == (429, "rate_limited")
        run_due()
    assert len(SENT) == 5


def test_threat_17_a_country_gets_so_many_a_day_and_another_one_its_own(ana, monkeypatch):
    monkeypatch.setitem(throttles.LIMITS, "sms_country", "2/day")
    with minutes_apart() as go_on:
        app = fresh()
        for n in range(2):
            assert app.post("/account/phone", phone=f"+35191234567{n}").status_code == 202
            go_on()
            app.post("/auth/reauthenticate", password=PASSWORD)
        stopped = app.post("/account/phone", phone=OTHER)
        assert (stopped.status_code, "Retry-After" in stopped) == (429, True)
        go_on()
        assert app.post("/account/phone", phone="+447400123456").status_code == 202
        run_due()
    assert len(SENT) == 3


def test_threat_17_whoever_has_stolen_the_number_has_no_way_in(ana):
    keep_phone(citizen=ana, number=NUMBER)
    for path, body in (
        ("/auth/code/request", {"phone": NUMBER}),
        ("/auth/code/request", {"email": NUMBER}),
        ("/auth/login", {"phone": NUMBER, "password": PASSWORD}),
        ("/auth/login", {"username": NUMBER, "password": PASSWORD}),
        ("/auth/password/request", {"phone": NUMBER}),
        ("/auth/password/request", {"email": NUMBER}),
        ("/auth/signup", {"phone": NUMBER, "password": PASSWORD}),
    ):
        thief = App()
        assert thief.post(path, **body).status_code == 400, (path, body)
        assert thief.me().status_code == 401
    run_due()
    assert SENT == []
    assert mails() == []
