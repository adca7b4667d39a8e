"""The citizen's score pages, as a browser without JavaScript meets them."""

import html
import re
from datetime import date

import pytest
from django.test import Client

from scores.models import Enrolment, Entry, Inquiry, Link, Score, ScoreChange
from scores.services.consents import current_text
from scores.services.rescoring import rescore
from tests.factories.people import CitizenFactory, browser_for
from tests.factories.scores import EnrolmentFactory, SourceFactory, entry_of, link

PAGES = [
    "/score",
    "/score/sum",
    "/score/history",
    "/score/what-if",
    "/records",
    "/sources",
    "/vouches",
    "/who-asked",
    "/pause",
    "/leave",
]


@pytest.fixture
def enrolled(db):
    """Somebody with six payments on time from a source that is switched on."""
    citizen = CitizenFactory(verified=True)
    EnrolmentFactory(citizen=citizen)
    bank = link(citizen, SourceFactory(name="Harbour Bank"))
    for month in range(5, 11):
        entry_of(bank, kind="credit.payment", value=0, occurred_on=date(2026, month, 28), external_id=f"p{month}")
    rescore(citizen_id=citizen.pk, cause=ScoreChange.Cause.ENTRIES)
    return citizen


def text_of(response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


@pytest.mark.parametrize("address", [*PAGES, "/me", "/enrol"])
def test_a_page_asks_who_is_not_signed_in_to_sign_in(address, db):
    response = Client().get(address)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("address", PAGES)
def test_p1_who_is_not_enrolled_is_shown_the_consent_and_nothing_is_made(address, db):
    response = browser_for(CitizenFactory(verified=True)).get(address)
    assert response.status_code == 302
    assert response.headers["Location"] == "/enrol"
    assert not Score.objects.exists()


@pytest.mark.parametrize("address", [*PAGES, "/me"])
def test_every_page_opens_for_its_citizen_and_is_kept_by_nobody(address, enrolled):
    response = browser_for(enrolled).get(address)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"


def test_the_doorway_tells_what_is_scored_and_what_never_is(db):
    said = text_of(Client().get("/"))
    assert "Credit history" in said
    assert "Religion" in said


def test_enrolling_needs_both_boxes_and_starts_at_the_sources(db):
    citizen = CitizenFactory(verified=True)
    browser = browser_for(citizen)
    page = browser.get("/enrol").content.decode()
    assert "checked" not in page
    version = current_text().version
    for half in ({"scored": "on"}, {"adult": "on"}, {}):
        assert browser.post("/enrol", {**half, "consent_version": version}).status_code == 200
        assert not Enrolment.objects.exists()
    response = browser.post("/enrol", {"scored": "on", "adult": "on", "consent_version": version})
    assert response.headers["Location"] == "/sources"
    assert Enrolment.objects.get().consent_version == version


def test_enrolling_against_an_old_text_is_refused_with_a_sentence(db):
    browser = browser_for(CitizenFactory(verified=True))
    response = browser.post("/enrol", {"scored": "on", "adult": "on", "consent_version": "2020-01"}, follow=True)
    assert "This is not the consent text in force." in text_of(response)
    assert not Enrolment.objects.exists()


def test_p6_the_sum_on_the_page_adds_up_to_the_score(enrolled):
    value = Score.objects.get().value
    page = browser_for(enrolled).get("/score/sum").content.decode()
    table = re.search(r"<caption[^>]*>Base and factor points.*?</table>", page, re.S)[0]
    body, foot = table.split("<tfoot>")
    lines = [float(cell.replace("−", "-").replace("+", "")) for cell in re.findall(r">([+−]?\d+\.\d)<", body)]
    assert round(sum(lines), 1) == value
    assert f">{value}<" in foot


def test_switching_a_source_off_on_the_page_changes_the_score_at_once(enrolled):
    bank = Link.objects.exclude(source__code="platform").get().source
    before = Score.objects.get().value
    browser = browser_for(enrolled)
    assert f"Without it: {before} → no score" in text_of(browser.get("/sources"))
    browser.post(f"/sources/{bank.code}/switch", {"on": "false"})
    assert Score.objects.get().value is None
    browser.post(f"/sources/{bank.code}/switch", {"on": "true"})
    assert Score.objects.get().value == before


def test_a_link_code_is_shown_once_and_ending_a_link_erases_its_records(enrolled):
    other = SourceFactory(name="Other Bank")
    browser = browser_for(enrolled)
    shown = browser.post(f"/sources/{other.code}/link")
    code = re.search(r'class="big-code"[^>]*>([0-9A-Z]{8})<', shown.content.decode())[1]
    assert code not in browser.get("/sources").content.decode()
    bank = Link.objects.exclude(source__code="platform").get().source
    browser.post(f"/sources/{bank.code}/link", {"end": "true"})
    assert not Entry.objects.filter(link__source=bank).exists()


def test_what_if_answers_exactly_and_stores_nothing(enrolled):
    browser = browser_for(enrolled)
    before = Score.objects.get().value
    entries = Entry.objects.count()
    response = browser.post("/score/what-if", {"kind": "credit.utilisation", "value": "0.2", "count": "1"})
    assert f"It would be {before + 45}" in text_of(response)
    assert Entry.objects.count() == entries
    assert Score.objects.get().value == before


def test_what_if_says_which_value_a_kind_allows(enrolled):
    response = browser_for(enrolled).post("/score/what-if", {"kind": "credit.payment", "value": "7.5", "count": "1"})
    assert response.status_code == 200
    assert "whole" in text_of(response)


def test_a_strangers_record_is_not_there(enrolled):
    stranger = CitizenFactory(verified=True)
    EnrolmentFactory(citizen=stranger)
    mine = Entry.objects.first()
    assert browser_for(enrolled).get(f"/records/{mine.public_id}").status_code == 200
    theirs = browser_for(stranger).get(f"/records/{mine.public_id}")
    missing = browser_for(stranger).get("/records/ent_0000000000000")
    assert theirs.status_code == missing.status_code == 404


def test_pausing_and_resuming_take_two_taps_and_lose_nothing(enrolled):
    browser = browser_for(enrolled)
    value = Score.objects.get().value
    browser.post("/pause")
    assert Enrolment.objects.get(pk=enrolled.pk).state == "paused"
    assert "You are paused." in text_of(browser.get("/score"))
    browser.post("/resume")
    assert Enrolment.objects.get(pk=enrolled.pk).state == "active"
    assert Score.objects.get().value == value


def test_leaving_asks_to_be_sure_then_erases_and_shows_the_receipt(enrolled):
    browser = browser_for(enrolled)
    assert "Nothing was erased." in text_of(browser.post("/leave"))
    assert Enrolment.objects.filter(pk=enrolled.pk).exists()
    recorded = Entry.objects.count()
    said = text_of(browser.post("/leave", {"sure": "true"}))
    assert "You have left" in said
    assert f"Entries {recorded}" in said
    assert "Seeds" not in said  # of which there were none
    for model in (Enrolment, Score, Entry, Inquiry, Link, ScoreChange):
        assert not model.objects.exists()


def test_the_account_keeps_what_is_written_and_refuses_what_disguises(enrolled):
    browser = browser_for(enrolled)
    browser.post("/me", {"first_name": "Mira", "language": "en", "zone": "Asia/Tehran"})
    enrolled.refresh_from_db()
    assert (enrolled.first_name, enrolled.zone) == ("Mira", "Asia/Tehran")
    response = browser.post("/me", {"first_name": "Mi\u202era", "language": "en", "zone": "Mars/Olympus"})
    assert "2 things to fix" in text_of(response)
    enrolled.refresh_from_db()
    assert (enrolled.first_name, enrolled.zone) == ("Mira", "Asia/Tehran")


def test_a_form_without_its_token_changes_nothing(enrolled):
    response = browser_for(enrolled, enforce_csrf_checks=True).post("/pause")
    assert response.status_code == 403
    assert Enrolment.objects.get(pk=enrolled.pk).state == "active"
