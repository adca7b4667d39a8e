"""The operators' pages of scorecards: written with each fault beside its field, tried out, published by two."""

import html
import json
import re

import pytest
import time_machine
from django.test import Client

from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due
from scores.models import Score, Scorecard, ScorecardDraft
from tests.factories.people import browser_for, operator_with
from tests.factories.scorecards import NOTE, changed
from tests.factories.scores import NOW, scored_citizen
from tests.scores.web.scorecard_fields import fields_of

pytestmark = pytest.mark.django_db
LIST = "/operator/scorecards"


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def writer(db):
    return operator_with("scoring", first_name="Inês")


@pytest.fixture
def browser(writer):
    return browser_for(writer)


@pytest.fixture
def second(db):
    return operator_with("scoring", first_name="Duarte")


def text_of(response):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def page_of(draft, *parts):
    return "/".join((LIST, draft.public_id, *parts))


def faults_on(page):
    """The fields that have a fault beside them, with its words."""
    lists = re.findall(r'<ul class="err" id="e-[^"]*" data-faults="([^"]*)">(.*?)</ul>', page.content.decode(), re.S)
    return {name: html.unescape(" ".join(re.findall(r"<li>(.*?)</li>", said))) for name, said in lists}


def test_from_a_draft_to_everybodys_score(browser, writer, second):
    citizen = scored_citizen()
    page = browser.post(LIST, follow=True)
    draft = ScorecardDraft.objects.get()
    assert page.redirect_chain[-1][0] == page_of(draft, "edit")
    assert (draft.document["version"], faults_on(page)) == ("2026-11.2", {})
    document = changed(draft.document, rules__0__bins__1__points="7")
    page = browser.post(page_of(draft, "edit"), fields_of(document, do="save"), follow=True)
    assert page.redirect_chain[-1][0] == page_of(draft)
    assert "Payments on time" in text_of(page)
    page = browser.post(page_of(draft, "run"), follow=True)
    assert "The shadow run is under way" in text_of(page)
    assert json.loads(browser.get(page_of(draft, "run", "state")).content)["is_over"] is False
    while run_due():
        pass
    assert json.loads(browser.get(page_of(draft, "run", "state")).content)["is_over"] is True
    page = browser.get(page_of(draft, "run"))
    assert "Too few people to tell anything" in text_of(page)
    page = browser.post(page_of(draft, "submit"), {"revision": 2}, follow=True)
    assert "It waits for another operator" in text_of(page)
    page = browser.post(page_of(draft, "publish"), follow=True)
    assert "Publishing takes two operators" in text_of(page)
    assert Scorecard.objects.get(is_current=True).version == "2026-11"
    page = browser_for(second).post(page_of(draft, "publish"), follow=True)
    assert "2026-11.2 is in force" in text_of(page)
    assert "0 of 1" in text_of(page)
    while run_due():
        pass
    assert "All scores are made with 2026-11.2" in text_of(browser.get(LIST))
    assert Score.objects.get(pk=citizen.pk).scorecard.version == "2026-11.2"
    assert AuditEvent.objects.get(action="scorecard.publish").facts["submitted_by"] == f"person:{writer.pk}"
    for address in (LIST, page_of(draft), page_of(draft, "yaml"), page_of(draft, "run")):
        assert browser.get(address).status_code == 200
    his = text_of(browser_for(citizen).get("/score/history"))
    assert NOTE in his
    assert "What scorecard 2026-11.2 changed" in his
    log = text_of(Client().get("/scorecards"))
    assert NOTE in log
