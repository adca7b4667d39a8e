"""A perk in several languages: what binds waits like the original, and people read a whole one or the original."""

import pytest

from citizen_app.errors import InvalidInput
from perks.models import PerkVersion
from perks.services import catalogue
from perks.translations import check_translations, read_in
from tests.factories.people import browser_for, operator_with
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, person_of
from tests.perks.api.calls import app_of, code_of, team_app
from tests.perks.services.lives import draft, published
from tests.perks.web.merchant.pages import text_of, write

pytestmark = pytest.mark.django_db

GERMAN = {
    "title": "Später auschecken",
    "description": "",
    "terms": "Bis 14 Uhr.",
    "fair_terms": "An der Rezeption fragen, für 15 Euro.",
}


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def owner(merchant):
    return person_of(merchant)


@pytest.fixture
def operator():
    return operator_with("merchants")


def card_in(accepted: str, **headers):
    answer = app_of(citizen_with()).get("/api/v1/perks", HTTP_ACCEPT_LANGUAGE=accepted, **headers)
    (card,) = answer.json()["results"]
    return card["language"], card["title"], card["fair_terms"]


ENGLISH = ("en", "Late check-out", "Ask at the desk, for 15 euros.")
IN_GERMAN = ("de", GERMAN["title"], GERMAN["fair_terms"])


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("de", IN_GERMAN),
        ("de-AT,en;q=0.5", IN_GERMAN),
        ("fr,de;q=0.5", IN_GERMAN),
        ("en,de;q=0.9", ENGLISH),
        ("en-GB,de;q=0.9", ENGLISH),
        ("fr", ENGLISH),
        ("*", ENGLISH),
        ("", ENGLISH),
        ("de;q=0", ENGLISH),
        ("x" * 5000, ENGLISH),
    ],
)
def test_people_read_a_perk_in_the_first_language_they_accept(merchant, owner, operator, accepted, expected):
    published(merchant, owner, operator, translations={"de": GERMAN})
    assert card_in(accepted) == expected


def test_an_account_s_language_comes_after_the_device_s(merchant, owner, operator):
    perk = published(merchant, owner, operator, translations={"de": GERMAN})
    citizen = citizen_with()
    type(citizen).objects.filter(pk=citizen.pk).update(language="de")
    citizen.refresh_from_db()
    app = app_of(citizen)
    assert app.get(f"/api/v1/perks/{perk.public_id}").json()["terms"] == "Bis 14 Uhr."
    page = app.get(f"/api/v1/perks/{perk.public_id}", HTTP_ACCEPT_LANGUAGE="en").json()
    assert (page["terms"], page["languages"]) == ("Until 14:00.", ["de", "en"])


def test_the_pages_speak_it_and_say_which_language_it_is(merchant, owner, operator):
    perk = published(merchant, owner, operator, translations={"de": GERMAN})
    browser = browser_for(citizen_with())
    page = browser.get(f"/perks/{perk.public_id}", headers={"Accept-Language": "de"})
    assert "Bis 14 Uhr." in text_of(page)
    assert '<h1 lang="de">Später auschecken</h1>' in page.content.decode()
    assert '<h3 lang="de">' in browser.get("/perks", headers={"Accept-Language": "de"}).content.decode()
    assert 'lang="de"' not in browser.get("/perks").content.decode()


def test_what_binds_in_another_language_waits_and_its_title_does_not(merchant, owner, operator):
    perk = published(merchant, owner, operator, translations={"de": GERMAN})
    new = GERMAN | {"title": "Spät auschecken", "terms": "Bis 15 Uhr."}
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"translations": {"de": new}})
    assert perk.in_force.translations["de"] == GERMAN | {"title": "Spät auschecken"}
    assert perk.pending.translations["de"] == new
    assert card_in("de")[1] == "Spät auschecken"
    perk = catalogue.approve_perk(perk=perk, by=operator)
    assert (perk.in_force.translations, perk.pending) == ({"de": new}, None)


def test_a_new_language_is_read_once_what_binds_in_it_is_approved(merchant, owner, operator):
    perk = published(merchant, owner, operator)
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"translations": {"de": GERMAN}})
    assert perk.in_force.translations["de"]["title"] == GERMAN["title"]
    assert perk.in_force.translations["de"]["terms"] == ""
    assert card_in("de") == ENGLISH
    catalogue.approve_perk(perk=perk, by=operator)
    assert card_in("de") == IN_GERMAN


def test_a_language_that_is_taken_away_stays_until_an_operator_agrees(merchant, owner, operator):
    perk = published(merchant, owner, operator, translations={"de": GERMAN})
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"translations": {}})
    assert card_in("de") == IN_GERMAN
    assert perk.pending.translations == {}
    perk = catalogue.refuse_perk(perk=perk, by=operator, reason="People agreed to it.")
    assert (card_in("de"), perk.pending) == (IN_GERMAN, None)
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"translations": {}})
    catalogue.approve_perk(perk=perk, by=operator)
    assert card_in("de") == ENGLISH


def test_a_change_of_the_original_leaves_translations_whole(merchant, owner, operator):
    perk = published(merchant, owner, operator, translations={"de": GERMAN})
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"title": "Late start"})
    assert perk.pending is None
    assert perk.in_force.translations == {"de": GERMAN}
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"terms": "Until 13:00."})
    assert perk.pending.translations == {"de": GERMAN}
    assert PerkVersion.objects.filter(perk=perk).count() == 3


def test_the_language_of_the_original_binds(merchant, owner, operator):
    perk = published(merchant, owner, operator)
    perk = catalogue.edit_perk(perk=perk, by=owner, body={"language": "fr"})
    assert (perk.in_force.language, perk.pending.language) == ("en", "fr")


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"translations": {"xx": {"title": "x"}}}, [("/translations/xx", "unknown_field")]),
        ({"translations": {"en": {"title": "x"}}}, [("/translations/en", "invalid")]),
        ({"translations": {"de": {}}}, [("/translations/de/title", "required")]),
        ({"translations": {"de": {"title": "  "}}}, [("/translations/de/title", "required")]),
        ({"translations": {"de": "x"}}, [("/translations/de", "invalid")]),
        ({"translations": {"de": {"title": "x" * 121}}}, [("/translations/de/title", "too_long")]),
        ({"translations": {"de": {"title": "x", "terms": 7}}}, [("/translations/de/terms", "invalid")]),
        ({"translations": {"de": {"title": "x", "tiers": "y"}}}, [("/translations/de/tiers", "unknown_field")]),
        ({"language": "xx"}, [("/language", "invalid")]),
    ],
)
def test_what_cannot_be_a_translation_is_refused_at_its_place(merchant, said, wrong):
    perk = draft(merchant, person_of(merchant))
    url = f"/api/v1/merchant/perks/{perk.public_id}"
    answer = team_app(merchant).patch(url, said, format="json", HTTP_IF_MATCH="*")
    assert code_of(answer) == "invalid_input"
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == wrong
    perk.refresh_from_db()
    assert (perk.pending.translations, perk.pending.language) == ({}, "en")


def test_any_json_is_judged_without_failing():
    for raw in (None, [], "x", 7, {"de": None}, {"de": {"title": None}}, {"": {}}):
        assert list(check_translations(raw, language="en", known=("en", "de"))), raw
    with pytest.raises(InvalidInput):
        draft(MerchantFactory(), None, translations=[])


def test_a_translation_lacking_what_binds_is_not_read():
    original = {"title": "A", "description": "", "terms": "T", "fair_terms": "F"}
    whole = {"title": "B", "description": "", "terms": "U", "fair_terms": "G"}
    for missing in ("title", "terms", "fair_terms"):
        assert read_in(original, "en", {"de": whole | {missing: ""}}, ["de"]) == ("en", original)
    assert read_in(original, "en", {"de": whole}, ["de"]) == ("de", whole)


def test_the_console_writes_reads_and_refuses_translations(merchant, owner):
    browser = browser_for(owner)
    rows = {"translations-TOTAL_FORMS": "2", "translations-INITIAL_FORMS": "0"}
    said = {f"translations-0-{name}": text for name, text in ({"language": "de"} | GERMAN).items()}
    assert write(browser, **rows, **said).status_code == 302
    perk = merchant.perks.get()
    assert perk.pending.translations == {"de": GERMAN}
    page = browser.get(f"/merchant/perks/{perk.public_id}/edit")
    assert "Später auschecken" in page.content.decode()
    assert "German" in text_of(browser.get(f"/merchant/perks/{perk.public_id}"))
    twice = said | {"translations-1-language": "de", "translations-1-title": "Nochmal"}
    refused = write(browser, **rows, **twice)
    assert "This language is there twice." in text_of(refused)
    assert "Choose the language these words are in." in text_of(
        write(browser, **rows, **(said | {"translations-0-language": ""}))
    )
    assert merchant.perks.count() == 1


def test_an_operator_sees_the_languages_of_a_change(merchant, owner, operator):
    perk = published(merchant, owner, operator, translations={"de": GERMAN})
    catalogue.edit_perk(perk=perk, by=owner, body={"translations": {"de": GERMAN | {"terms": "Bis 15 Uhr."}}})
    said = text_of(browser_for(operator).get("/operator"))
    assert "What changes: translations ." in said
    assert said.index("Bis 14 Uhr.") < said.index("Bis 15 Uhr.")


def test_an_untranslated_perk_reads_as_before():
    PerkFactory()
    assert card_in("de")[0] == "en"
