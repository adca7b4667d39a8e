"""The consent centre's pages; and that each consent is asked for by itself, with nothing ticked before."""

import html
import re

import pytest
from django.utils.html import escape

from citizen_app.accounts.connections import connect
from citizen_app.models import ConsentEvent, ConsentText
from scores.models import Enrolment, Link, Source
from scores.services.enrolment import enrol_citizen
from scores.services.linking import switch_source
from tests.factories.people import CitizenFactory, app_client, browser_for
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, link

pytestmark = pytest.mark.django_db


def html_text(drawn):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", drawn)).split())


def text_of(response):
    return html_text(response.content.decode())


@pytest.fixture
def citizen():
    citizen = CitizenFactory(verified=True)
    enrol_citizen(citizen=citizen, consent_version="2026-11", adult=True, via="web", now=NOW)
    link(citizen, SourceFactory(code="bank", name="Harbour Bank"), now=NOW)
    return citizen


def test_the_centre_shows_what_stands_how_to_end_it_and_every_act(citizen):
    browser = browser_for(citizen)
    page = browser.get("/consents")
    told = text_of(page)
    for name, way in (("Being scored", "/leave"), ("Harbour Bank", "/sources")):
        assert f"{name} " in told
        assert f'href="{way}">End it' in page.content.decode()
    switch_source(citizen=citizen, source_code="bank", on=False, via="web", now=NOW)
    page = browser.get("/consents")
    assert 'href="/sources">End it' not in page.content.decode()
    assert "Harbour Bank" in text_of(page)  # among the acts
    assert "Withdrawn" in text_of(page)
    assert 'href="/consents"' in browser.get("/me").content.decode()


def test_the_very_text_is_read_again_and_its_receipt_is_for_a_machine(citizen):
    browser = browser_for(citizen)
    event = ConsentEvent.objects.get(purpose="source:bank")
    page = browser.get(f"/consents/{event.public_id}").content.decode()
    text = ConsentText.objects.get(purpose="source")
    assert escape(text.text) in page
    assert text.sha256 in page
    (where,) = re.findall(r'href="(/api/v1/me/consents/\w+)"', page)
    assert browser.get(where).json()["record_id"] == event.public_id


def test_what_was_ticked_for_an_app_is_shown_with_each_act_and_which_of_them_was_replaced(citizen):
    name, boost = "Know you by a name that no other app has", "Read whether you have a boost there"
    browser, app = browser_for(citizen), app_client(name="Harbour Hearts").application
    Enrolment.objects.filter(pk=citizen.pk).update(person_key="a key", document_checked_at=NOW)
    for scopes in (["openid", "boost:read"], ["boost:read"]):
        connect(citizen=citizen, application=app, scopes=scopes, via="web", now=NOW)
    first, second = ConsentEvent.objects.filter(purpose__startswith="app:").order_by("id")
    told = text_of(browser.get("/consents"))
    assert told.count("Given, then replaced") == 1
    assert (told.count(name), told.count(boost)) == (1, 3)  # among the acts, and what stands
    told = text_of(browser.get(f"/consents/{first.public_id}"))
    assert name in told
    assert boost in told
    assert "what you ticked then took the place of this." in told
    told = text_of(browser.get(f"/consents/{second.public_id}"))
    assert name not in told
    assert boost in told
    assert "It is in force." in told


def test_somebody_elses_act_is_not_there(citizen):
    event = ConsentEvent.objects.filter(citizen=citizen).first()
    browser = browser_for(CitizenFactory(verified=True))
    assert browser.get(f"/consents/{event.public_id}").status_code == 404
    assert "Nothing is agreed to" in text_of(browser.get("/consents"))


def test_another_room_adds_what_it_asks_for(citizen):
    shown = text_of(browser_for(citizen).get("/consents"))
    assert "Notifications By e-mail Gift cards, Account On your browsers Nothing" in shown


# -- Nothing is ticked before, nothing is bundled --------------------------------------------------------------------


def test_p1_enrolling_asks_for_each_yes_by_itself_and_ticks_none():
    browser = browser_for(CitizenFactory(verified=True))
    page = browser.get("/enrol").content.decode()
    boxes = re.findall(r'<input type="checkbox"[^>]*>', page)
    assert [re.search(r'name="(\w+)"', box)[1] for box in boxes] == ["scored", "adult"]
    assert not [box for box in boxes if "checked" in box]
    assert escape(ConsentText.objects.get(purpose="scoring").text) in page


@pytest.mark.parametrize("ticked", [{}, {"scored": "on"}, {"adult": "on"}])
def test_p1_one_yes_does_not_stand_for_the_other(ticked):
    browser = browser_for(CitizenFactory(verified=True))
    assert browser.post("/enrol", {"consent_version": "2026-11"} | ticked).status_code == 200
    assert (Enrolment.objects.count(), ConsentEvent.objects.count()) == (0, 0)


def test_p2_enrolling_agrees_to_being_scored_and_to_nothing_else():
    citizen = CitizenFactory(verified=True)
    SourceFactory(code="bank")
    browser_for(citizen).post("/enrol", {"consent_version": "2026-11", "scored": "on", "adult": "on"})
    assert list(ConsentEvent.objects.values_list("purpose", "act")) == [("scoring", "given")]
    assert not Link.objects.filter(is_on=True).exists()


def test_p2_a_source_is_asked_for_by_itself_with_its_text_in_sight_and_nothing_ticked():
    citizen = EnrolmentFactory(citizen=CitizenFactory(verified=True)).citizen
    browser = browser_for(citizen)
    for code in ("bank", "bureau"):
        SourceFactory(code=code)
    before = ConsentEvent.objects.count()
    page = browser.post("/sources/bank/link").content.decode()
    _, _, told = page.partition('id="lc"')
    told, _, _ = told.partition('<ul class="list')
    lines = ConsentText.objects.get(purpose="source").text.splitlines()
    assert " ".join(" ".join(line.removeprefix("- ") for line in lines).split()) in html_text(told)
    assert told.count("<li>") == sum(line.startswith("- ") for line in lines) == 4
    assert "<details" not in told
    assert "checkbox" not in browser.get("/sources").content.decode()
    assert ConsentEvent.objects.count() == before  # to be shown a code agrees to nothing

    for code in ("bank", "bureau"):
        link(citizen, Source.objects.get(code=code))
        switch_source(citizen=citizen, source_code=code, on=False)
    before = set(ConsentEvent.objects.values_list("pk", flat=True))
    browser.post("/sources/bank/switch", {"on": "true"})
    given = ConsentEvent.objects.exclude(pk__in=before).values_list("purpose", "act", "via")
    assert list(given) == [("source:bank", "given", "web")]
    assert not Link.objects.get(source__code="bureau").is_on
