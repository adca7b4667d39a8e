"""The operators' pages of scorecards: written with each fault beside its field, tried out, published by two."""

import html
import json
import re

import pytest
import time_machine
from django.test import Client

from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due
from scores.models import Score, Scorecard, ScorecardDraft, ShadowRun
from scores.scorecard import load_scorecard
from scores.services.publication import publish_draft, submit_draft
from tests.factories.people import browser_for, operator_with
from tests.factories.scorecards import NOTE, a_draft, a_population, changed, run_of
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


# -- The form --------------------------------------------------------------------------------------------------

WRONG = {
    "version": ("version", "", "The version is 1 to 32"),
    "a published version": ("version", "2026-11", "This version is published"),
    "the base": ("base", "9000", "The base must be inside the range."),
    "the range": ("range.min", "-1", "The range must not go below 0."),
    "entries": ("thin_file.min_entries", "0", "This must be a whole number from 1"),
    "a band": ("bands[2].from", "500", "Bands must rise"),
    "a factor": ("factors[3].min", "-5", "conduct may only help"),
    "a factor's code": ("factors[1].code", "credit_history", "credit_history stands here twice."),
    "a need": ("purposes.dating.needs[0].entries", "none", "There must be a plain decimal number here"),
    "a purpose's factors": ("purposes.dating.factors", [], "There must be a list with at least one item here."),
    "a rule's kind": ("rules[0].kind", "speech.opinion", "is not a known kind"),
    "a rule's life": ("rules[0].lapses_after_months", "85", "An entry of credit.payment lives 84 months at most."),
    "a rule's limit": ("rules[4].max_per_source", "-1", "This must be more than 0."),
    "a bin's bound": ("rules[0].bins[1].up_to", "-3", "Bins must rise"),
    "a bin's points": ("rules[2].bins[0].points", "six", "There must be a plain decimal number here"),
    "the last bin": ("rules[0].bins[2].up_to", "9", "The last bin takes every other value"),
}


@pytest.mark.parametrize(("name", "value", "message"), WRONG.values(), ids=WRONG.keys())
def test_each_fault_stands_beside_its_field_saved_checked_and_live(browser, writer, name, value, message):
    draft = a_draft(writer)
    fields = fields_of(draft.document, revision=draft.revision) | {name: value}
    checked = browser.post(page_of(draft, "edit"), fields | {"do": "check"})
    assert name in faults_on(checked)
    assert message in faults_on(checked)[name]
    draft.refresh_from_db()
    assert draft.revision == 2  # checking keeps nothing
    live = browser.post(page_of(draft, "check"), fields).json()
    assert {at: " ".join(said) for at, said in live["faults"].items()} == faults_on(checked)
    saved = browser.post(page_of(draft, "edit"), fields | {"do": "save"}, follow=True)
    assert saved.redirect_chain[-1][0] == page_of(draft, "edit")
    assert faults_on(saved) == faults_on(checked)
    assert f'id="f-{name}"' in saved.content.decode() or isinstance(value, list)


def test_warnings_stand_beside_their_field_and_forbid_nothing(browser, writer):
    draft = a_draft(writer)
    fields = fields_of(draft.document, revision=2) | {"rules[0].max": "5000"}
    told = browser.post(page_of(draft, "check"), fields).json()
    assert told["count"] == 0
    assert list(told["warnings"]) == ["rules[0].max"]
    page = browser.post(page_of(draft, "edit"), fields | {"do": "save"}, follow=True)
    assert page.redirect_chain[-1][0] == page_of(draft)
    assert "Worth a second look" in text_of(page)


def test_rules_and_bins_are_added_and_removed_without_the_script(browser, writer):
    draft = a_draft(writer)
    fields = fields_of(draft.document, revision=2)
    for act, expected in (
        ("add:rules", len(draft.document["rules"]) + 1),
        ("remove:rules[0]", len(draft.document["rules"]) - 1),
        ("add:nothing", len(draft.document["rules"])),
    ):
        page = browser.post(page_of(draft, "edit"), fields | {"do": act}).content.decode()
        assert len(re.findall(r'name="rules\[\d+\]\.code"', page)) == expected
        assert ", not saved" in page
    page = browser.post(page_of(draft, "edit"), fields | {"do": "add:rules[0].bins"})
    assert {name for name in faults_on(page) if name} == {"rules[0].bins[2].points", "rules[0].bins[2].up_to"}
    draft.refresh_from_db()
    assert draft.revision == 2


def test_what_somebody_else_saved_meanwhile_is_said_and_nothing_is_lost(browser, writer, second):
    draft = a_draft(writer)
    theirs = fields_of(draft.document, revision=2, do="save") | {"base": "560"}
    browser_for(second).post(page_of(draft, "edit"), theirs)
    ours = fields_of(draft.document, revision=2, do="save", note="Ours") | {"base": "555"}
    page = browser.post(page_of(draft, "edit"), ours)
    assert "Somebody changed this draft after you read it." in text_of(page)
    assert 'name="base" value="555"' in page.content.decode()
    draft.refresh_from_db()
    assert (draft.document["base"], draft.note) == ("560", NOTE)


def test_what_is_typed_is_shown_as_text(browser, writer):
    draft = a_draft(writer, note="<script>alert(1)</script>")
    fields = fields_of(draft.document, revision=2, do="save", note='"><script>') | {"rules[0].code": '"><script>x'}
    page = browser.post(page_of(draft, "edit"), fields, follow=True).content.decode()
    assert "<script>x" not in page
    assert "<script>alert" not in browser.get(page_of(draft)).content.decode()


# -- YAML ------------------------------------------------------------------------------------------------------


def test_the_document_is_written_as_yaml_too(browser, writer):
    draft = a_draft(writer)
    text = html.unescape(
        re.search(r"<textarea[^>]*>(.*?)</textarea>", browser.get(page_of(draft, "yaml")).content.decode(), re.S)[1]
    )
    better = text.replace("points: 6.5", "points: 7", 1)
    page = browser.post(page_of(draft, "yaml"), {"text": better, "revision": 2, "do": "save"}, follow=True)
    assert "Saved." in text_of(page)
    draft.refresh_from_db()
    assert (draft.document["rules"][0]["bins"][1]["points"], draft.note) == ("7", NOTE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There must be one document"),
        ("rules: [", "This is not YAML"),
        ("version: 2026-12", "The version must stand in quotes"),
        ("a: &x 1\nb: *x", "an alias is not read"),
        ("\x00", "There must be one document"),
    ],
)
def test_yaml_with_faults_is_not_kept(browser, writer, text, said):
    draft = a_draft(writer)
    page = browser.post(page_of(draft, "yaml"), {"text": text, "revision": 2, "do": "save"})
    assert "Not saved:" in text_of(page)
    assert said in text_of(page)
    draft.refresh_from_db()
    assert draft.revision == 2


# -- Trying out, submitting, publishing ------------------------------------------------------------------------


def test_the_run_is_told_in_totals_with_a_table_beside_the_drawing(browser, writer):
    a_population(60, late=25)
    draft = a_draft(writer, rules__0__bins__1__points="8", rules__2__bins__1__points="-23")
    run_of(draft, writer)
    page = browser.get(page_of(draft, "run"))
    told = text_of(page)
    assert "would move about" in told
    assert "Nothing has changed for anyone." in told
    assert "Fairness, keeping what one has" in told
    assert '<svg class="chart"' in page.content.decode()
    numbers = [int(text.replace(",", "")) for text in re.findall(r'class="n">([\d,]+)<', page.content.decode())]
    assert numbers
    assert min(numbers) >= 20


def test_a_run_is_stopped_and_begun_again(browser, writer):
    draft = a_draft(writer)
    browser.post(page_of(draft, "run"))
    assert "under way" in text_of(browser.post(page_of(draft, "run"), follow=True))
    assert ShadowRun.objects.count() == 1
    page = browser.post(page_of(draft, "run", "cancel"), follow=True)
    assert "Try it out on everybody" in text_of(page)
    assert browser.get(page_of(draft, "run", "state")).json()["is_over"] is True
    browser.post(page_of(draft, "run"))
    assert ShadowRun.objects.filter(state="running").count() == 1


def test_a_shut_gate_is_said_and_nothing_can_be_submitted(browser, writer):
    draft = a_draft(writer)
    run = run_of(draft, writer)
    lowest = {"factor": "credit_history", "side": "with", "people": 1900, "ratio": "0.77"}
    shut = run.result | {"fairness": {"passed": False, "measured": True, "lowest": lowest}}
    ShadowRun.objects.filter(pk=run.pk).update(result=shut)
    for page in (browser.get(page_of(draft)), browser.get(page_of(draft, "run"))):
        told = text_of(page)
        assert "Publishing is stopped. Lowest: people with points for credit history, about 1,900; gate 0.80" in told
        assert "nobody can override this gate" in told
        assert f'action="{page_of(draft, "submit")}"' not in page.content.decode()
    page = browser.post(page_of(draft, "submit"), {"revision": 2}, follow=True)
    assert "nobody can override it" in text_of(page)
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_a_second_operator_sends_it_back_with_a_reason(browser, writer, second):
    draft = a_draft(writer)
    run_of(draft, writer)
    browser.post(page_of(draft, "submit"), {"revision": 2})
    others = browser_for(second)
    assert "Say why" in text_of(others.post(page_of(draft, "refuse"), {"reason": " "}, follow=True))
    draft.refresh_from_db()
    assert draft.state == "submitted"
    others.post(page_of(draft, "refuse"), {"reason": "Bookings matter more."})
    assert "Bookings matter more." in text_of(browser.get(page_of(draft)))
    assert browser.get(page_of(draft, "edit")).status_code == 200


def test_what_is_decided_is_not_edited(browser, writer):
    draft = a_draft(writer)
    browser.post(page_of(draft, "withdraw"))
    assert browser.get(page_of(draft, "edit")).headers["Location"] == page_of(draft)
    fields = fields_of(draft.document, revision=2, do="save") | {"base": "555"}
    assert "This draft is withdrawn." in text_of(browser.post(page_of(draft, "edit"), fields))
    assert "readonly" in browser.get(page_of(draft, "yaml")).content.decode()
    draft.refresh_from_db()
    assert draft.document["base"] == "550"


@pytest.mark.parametrize("role", ["support", "merchants", "disputes"])
def test_only_operators_for_scoring_come_here(role, writer):
    draft = a_draft(writer)
    other = browser_for(operator_with(role))
    for method, address in (
        ("get", LIST),
        ("post", LIST),
        ("get", page_of(draft)),
        ("post", page_of(draft, "publish")),
    ):
        assert getattr(other, method)(address).status_code == 403
    assert "Scorecards" not in text_of(other.get("/operator"))


# -- For everybody ---------------------------------------------------------------------------------------------


def publish_one(writer, second, **at):
    draft = a_draft(writer, **at)
    run_of(draft, writer)
    submit_draft(draft=draft, revision=draft.revision, by=writer, now=NOW)
    return publish_draft(draft=draft, by=second, now=NOW)


def test_the_change_log_tells_everybody_what_changed_and_why(writer, second):
    publish_one(writer, second)
    page = text_of(Client().get("/scorecards"))
    assert page.index("2026-11.2") < page.index("The first scorecard.")
    assert NOTE in page
    assert "What it changed of 2026-11: 1 part" in page
    one = text_of(Client().get("/scorecards/2026-11.2"))
    assert "Payments on time Reads: Credit payment. " in one
    assert "−1 to 0 +6 +6.5 (changes)" in one
    assert writer.email not in page + one
    assert writer.first_name not in page + one


def test_the_documents_are_for_programs_too(writer, second):
    row = publish_one(writer, second)
    yaml = Client().get("/scorecards/2026-11.2/document.yaml")
    assert yaml.headers["Content-Type"] == "application/yaml; charset=utf-8"
    assert load_scorecard(yaml.content.decode()).document == row.document
    assert Client().get("/scorecards/2026-11.2/document.json").json() == row.document


@pytest.mark.parametrize("version", ["2027-01", "x" * 300, "%00", "..", "2026-11.2"])
def test_a_version_nobody_published_is_not_there(version, writer):
    a_draft(writer)
    for end in ("", "/document.yaml", "/document.json"):
        assert Client().get(f"/scorecards/{version}{end}").status_code == 404


def test_the_log_reads_each_document_once(writer, second, django_assert_num_queries):
    publish_one(writer, second)
    Client().get("/scorecards")
    with django_assert_num_queries(1):
        Client().get("/scorecards")


def test_a_citizen_finds_the_scorecard_behind_their_score():
    citizen = scored_citizen()
    for address in ("/score/sum", "/score/history"):
        assert 'href="/scorecards/2026-11"' in browser_for(citizen).get(address).content.decode()


# -- P4 --------------------------------------------------------------------------------------------------------


def test_p4_no_page_of_scorecards_tells_of_anybody(browser, writer):
    a_population(4)
    citizen = scored_citizen()
    value = Score.objects.get(pk=citizen.pk).value
    draft = a_draft(writer)
    run_of(draft, writer)
    for address in (LIST, page_of(draft), page_of(draft, "run"), page_of(draft, "run", "state"), "/scorecards"):
        told = browser.get(address).content.decode()
        assert citizen.public_id not in told
        assert citizen.email not in told
        assert not re.search(rf"\b{value}\b", re.sub(r"<[^>]+>", " ", told)), address
