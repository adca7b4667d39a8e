"""The pages of sources: what a switch would change is told before it changes it; who furnishes is public."""

import html
import re

import pytest
from django.test import Client

from citizen_app.models import OAuthApplication
from scores.models import Furnisher, Link, Score, Source
from scores.services.rescoring import rescore
from tests.factories.people import CitizenFactory, browser_for, operator_with
from tests.factories.scores import EnrolmentFactory, FurnisherFactory, SourceFactory, entry_of, link, scored_citizen

pytestmark = pytest.mark.django_db


def text_of(response):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


@pytest.fixture
def citizen():
    """Six payments on time from a bank, and a city with volunteering that is off."""
    citizen = scored_citizen(SourceFactory(code="bank", name="Harbour Bank"))
    city = link(citizen, SourceFactory(code="city", name="City Hall", kinds=["conduct.volunteering"]))
    for number in range(3):
        entry_of(city, kind="conduct.volunteering", value=20, external_id=f"v{number}")
    Link.objects.filter(pk=city.pk).update(is_on=False)
    rescore(citizen_id=citizen.pk, cause="source")
    return citizen


def test_a_switch_first_says_what_it_would_change_for_each_purpose(citizen):
    browser, before = browser_for(citizen), Score.objects.values().get()
    shown = text_of(browser.get("/sources/city/switch"))
    value = before["value"]
    assert "Switch on? City Hall What would change today" in shown
    assert f"Your score {value} {value + 15} +15" in shown
    assert f"Travel {value} {value + 15} +15" in shown
    assert re.search(r"Shopping none 5\d\d", shown)
    assert "Dating none none" in shown
    assert Score.objects.values().get() == before
    assert not Link.objects.get(source__code="city").is_on


def test_switching_off_and_ending_say_what_is_lost(citizen):
    browser, value = browser_for(citizen), Score.objects.get().value
    off, end = text_of(browser.get("/sources/bank/switch")), text_of(browser.get("/sources/bank/link"))
    for shown in (off, end):
        assert f"Your score {value} none" in shown
    assert "Switch off? Harbour Bank" in off
    assert "6 records from it are erased" in end
    assert Link.objects.filter(source__code="bank", is_on=True).exists()


def test_a_switch_that_changes_nothing_says_so(citizen):
    shown = text_of(browser_for(citizen).get("/sources/platform/switch"))
    assert "Nothing would change today" in shown


def test_what_is_not_linked_has_nothing_to_switch_and_the_platform_no_end(citizen):
    browser = browser_for(citizen)
    SourceFactory(code="other")
    assert browser.get("/sources/other/switch").headers["Location"] == "/sources"
    assert browser.get("/sources/other/link").headers["Location"] == "/sources"
    assert browser.get("/sources/nowhere/switch").status_code == 404
    assert "linked for as long as you are enrolled" in text_of(browser.get("/sources/platform/link", follow=True))


def test_the_list_of_sources_costs_the_same_however_many_there_are(citizen, django_assert_max_num_queries):
    browser = browser_for(citizen)

    def cost():
        with django_assert_max_num_queries(60) as queries:
            assert browser.get("/sources").status_code == 200
        return len(queries)

    first = cost()
    for _ in range(4):
        entry_of(link(citizen, SourceFactory()))
    assert cost() == first


def test_each_source_leads_to_its_furnishers_public_record(citizen):
    bank = Source.objects.get(code="bank").furnisher
    page = browser_for(citizen).get("/sources").content.decode()
    assert f'href="/furnishers/{bank.public_id}"' in page
    for person in (Client(), browser_for(citizen)):
        assert "Records taken fewer than 20" in text_of(person.get(f"/furnishers/{bank.public_id}"))
        assert bank.name in text_of(person.get("/furnishers"))
    assert Client().get("/furnishers/fur_x").status_code == 404


# -- The operators' page -------------------------------------------------------------------------------------------

ADDRESS = "/operator/sources"
ASKED = {
    "code": "bins",
    "name": "Bins",
    "furnisher_name": "Lisbon",
    "furnishes_as": ["city"],
    "kinds": ["conduct.recycling"],
    "redirect_url": "https://lisbon.example/link",
}


def test_an_operator_registers_a_source_and_sees_its_secret_once():
    browser = browser_for(operator_with("scoring"))
    page = text_of(browser.post(ADDRESS, ASKED))
    source = Source.objects.get(code="bins")
    assert (source.name, source.kinds, source.redirect_url) == ("Bins", ["conduct.recycling"], ASKED["redirect_url"])
    assert (source.furnisher.name, source.furnisher.furnishes_as) == ("Lisbon", ["city"])
    assert source.application.client_id in page
    secret = re.search(r"Client secret (\S+)", page)[1]
    assert secret not in text_of(browser.get(ADDRESS))
    again = {**ASKED, "code": "works", "furnisher": source.furnisher.public_id, "kinds": ["conduct.volunteering"]}
    browser.post(ADDRESS, again)
    assert Source.objects.get(code="works").furnisher == source.furnisher


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kinds": ["conduct.tax"]}, "A furnisher of this sort may not furnish such records."),
        ({"furnishes_as": []}, "Say what the new furnisher is."),
        ({"furnishes_as": ["platform"]}, "Select a valid choice."),
        ({"kinds": ["identity.mfa"]}, "Select a valid choice."),
        ({"kinds": ["speech.opinion"]}, "Select a valid choice."),
        ({"code": "Bins!"}, "A code is 2 to 40"),
        ({"code": "platform"}, "There is a source platform already."),
        ({"furnisher": "fur_x"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_is_refused_on_the_page_and_makes_nothing(changes, said):
    browser = browser_for(operator_with("scoring"))
    counts = [model.objects.count() for model in (Source, Furnisher, OAuthApplication)]
    assert said in text_of(browser.post(ADDRESS, ASKED | changes))
    assert counts == [model.objects.count() for model in (Source, Furnisher, OAuthApplication)]


def test_the_platform_itself_gets_no_second_channel():
    platform = Source.objects.get(code="platform").furnisher
    FurnisherFactory(name="Somebody")
    page = browser_for(operator_with("scoring")).get(ADDRESS).content.decode()
    assert f'<option value="{platform.public_id}"' not in page
    assert ">Somebody</option>" in page


@pytest.mark.parametrize(("role", "status"), [("scoring", 200), ("support", 403), ("merchants", 403)])
def test_only_the_scoring_role_registers(role, status):
    browser = browser_for(operator_with(role))
    assert browser.get(ADDRESS).status_code == status
    assert browser.post(ADDRESS, ASKED).status_code == status
    assert Source.objects.filter(code="bins").exists() == (status == 200)


def test_whoever_is_not_enrolled_has_no_switch():
    EnrolmentFactory()
    SourceFactory(code="bank")
    browser = browser_for(CitizenFactory(verified=True))
    for path in ("/sources/bank/switch", "/sources/bank/link", "/document-check"):
        assert browser.get(path).headers["Location"] == "/enrol"
