"""Somebody an app asked, and who cannot say yes yet, is led to what is missing and from there back to the question."""

import html
import re

import pytest

from citizen_app.models import Connection
from scores.models import Enrolment
from tests.factories.dating_app import link_of
from tests.factories.people import CitizenFactory, app_client, browser_for
from tests.factories.scores import EnrolmentFactory

pytestmark = pytest.mark.django_db

YES = {"consent_version": "2026-11", "scored": "on", "adult": "on"}
ELSEWHERE = ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", ""]


def way_out(page, words):
    found = re.search(rf'href="([^"]+)">{words}<', page.content.decode())
    assert found, page.content.decode()
    return html.unescape(found[1])


def test_who_is_not_enrolled_is_led_to_enrolling_and_back():
    browser, question = browser_for(CitizenFactory()), link_of(app_client())
    enrolling = way_out(browser.get(question), "Read about enrolling")
    assert enrolling.startswith("/enrol?next=%2Fo%2Fauthorize%2F")
    form = re.search(r'<form class="form mt-4" method="post" action="([^"]+)"', browser.get(enrolling).content.decode())
    done = browser.post(html.unescape(form[1]), YES)
    assert (done.status_code, done.headers["Location"]) == (302, question)
    assert browser.get(enrolling).headers["Location"] == question
    # And the next thing missing is named there, with the way to it.
    assert way_out(browser.get(question), "Have a document checked").startswith("/document-check?next=%2Fo%2F")
    assert Connection.objects.count() == 0


def test_who_has_no_checked_document_is_led_to_the_check_and_back():
    browser, question = browser_for(EnrolmentFactory().citizen), link_of(app_client())
    check = way_out(browser.get(question), "Have a document checked")
    assert way_out(browser.get(check), "Back to what you were asked") == question
    assert "Back to what you were asked" not in browser.get("/document-check").content.decode()


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nobody_is_led_to_an_address_that_is_not_ours(elsewhere):
    browser = browser_for(CitizenFactory())
    assert 'action="/enrol"' in browser.get("/enrol", {"next": elsewhere}).content.decode()
    done = browser.post("/enrol?" + f"next={elsewhere}", YES)
    assert done.headers["Location"] == "/sources"
    assert Enrolment.objects.count() == 1
    page = browser.get("/document-check", {"next": elsewhere}).content.decode()
    assert "Back to what you were asked" not in page
