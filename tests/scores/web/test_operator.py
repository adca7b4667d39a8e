"""The document check on its page: exact address, a reason the citizen reads, and nothing of the document stored."""

import html
import re

import pytest
from django.apps import apps
from django.test import Client

from citizen_app.models import AuditEvent
from scores.models import Enrolment, Entry, Inquiry
from scores.services.identity import person_key_of
from tests.factories.people import CitizenFactory, browser_for, operator_with
from tests.factories.scores import EnrolmentFactory

pytestmark = pytest.mark.django_db

ADDRESS = "/operator/document-check"


@pytest.fixture
def operator(db):
    return operator_with("support", first_name="Odete")


@pytest.fixture
def browser(operator):
    return browser_for(operator)


@pytest.fixture
def citizen(db):
    enrolment = EnrolmentFactory(citizen=CitizenFactory(email="ines@example.org"))
    return enrolment.citizen


def check(browser, **changes):
    sent = {"email": "ines@example.org", "reason": "At the Lisbon desk", "reference": "PT-123", "over_18": "on"}
    return browser.post(ADDRESS, {name: value for name, value in (sent | changes).items() if value}, follow=True)


def text_of(response):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


@pytest.mark.parametrize(
    ("role", "status"), [("support", 200), ("scoring", 200), ("merchants", 403), ("disputes", 403)]
)
def test_only_support_and_scoring_check_documents(role, status, citizen):
    browser = browser_for(operator_with(role))
    assert browser.get(ADDRESS).status_code == status
    assert check(browser).status_code == status
    assert Enrolment.objects.filter(person_key__isnull=False).count() == (status == 200)


def test_strangers_and_citizens_have_no_door_here(citizen):
    assert Client().get(ADDRESS).headers["Location"].startswith("/accounts/login/")
    assert browser_for(citizen).get(ADDRESS).status_code == 403


def test_p9_a_check_is_recorded_and_the_citizen_reads_who_and_why(operator, browser, citizen):
    page = check(browser, email="Ines@Example.org")
    assert "Recorded for Ines@Example.org. They see that you did." in text_of(page)
    assert Enrolment.objects.get(pk=citizen.pk).person_key == person_key_of("PT-123")
    assert Entry.objects.of(citizen.pk).filter(external_id="identity.document.1").exists()
    inquiry = Inquiry.objects.get()
    assert (inquiry.asker_kind, inquiry.asker_id, inquiry.what) == ("operator", operator.public_id, "file_opened")
    assert (inquiry.about, inquiry.reason, inquiry.count) == ("Document check", "At the Lisbon desk", 1)
    assert inquiry.asker_name == "Citizen App, support"
    assert "At the Lisbon desk" in text_of(browser_for(citizen).get("/who-asked"))
    assert AuditEvent.objects.get(action="document.check").actor == f"person:{operator.pk}"


def test_the_reference_is_stored_nowhere(browser, citizen):
    check(browser, reference="PT-9988776655")
    for model in apps.get_models():
        for row in model._default_manager.values():
            assert "9988776655" not in str(row), model


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"email": ""}, "email"),
        ({"email": "ines"}, "email"),
        ({"email": "nobody@example.org"}, "email"),
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 151}, "reason"),
        ({"reference": " "}, "reference"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_is_recorded(browser, citizen, changes, wrong):
    page = check(browser, **changes)
    assert re.findall(r'<ul class="err" id="id_(\w+)_error">', page.content.decode()) == [wrong]
    assert Enrolment.objects.get(pk=citizen.pk).person_key is None
    assert not Inquiry.objects.exists()


def test_an_account_that_is_not_enrolled_is_answered_like_none(browser, citizen):
    CitizenFactory(email="nuno@example.org")
    sent = [check(browser, email=address) for address in ("nuno@example.org", "nobody@example.org")]
    said = [text_of(page).replace("nuno", "nobody") for page in sent]
    assert "Nobody enrolled has this address." in said[0]
    assert said[0] == said[1]


def test_p9_a_check_that_says_no_is_an_inquiry_all_the_same(browser, citizen):
    page = check(browser, over_18="")
    assert "did not say that you are of age" in text_of(page)
    assert Enrolment.objects.get(pk=citizen.pk).person_key is None
    assert Inquiry.objects.get().reason == "At the Lisbon desk"


def test_p1_the_same_document_with_another_account_is_refused(browser, citizen):
    EnrolmentFactory(citizen=CitizenFactory(email="twin@example.org"))
    check(browser)
    page = check(browser, email="twin@example.org")
    assert "The person of this document is enrolled with another account." in text_of(page)
    assert Enrolment.objects.filter(person_key__isnull=False).count() == 1


def test_nobody_checks_their_own_document(operator, browser):
    EnrolmentFactory(citizen=operator)
    page = check(browser, email=operator.email)
    assert "Nobody checks their own document." in text_of(page)
    assert Enrolment.objects.get(pk=operator.pk).person_key is None
