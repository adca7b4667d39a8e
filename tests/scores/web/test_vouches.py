"""The pages of vouches and seeds, as a browser without JavaScript meets them."""

import html
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from scores.models import Seed, Vouch
from tests.factories.people import CitizenFactory, browser_for, operator_with
from tests.factories.scores import EnrolmentFactory
from tests.factories.vouches import giver, vouch

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def here_for_long(**fields):
    return giver(now=timezone.now() - timedelta(days=200), **fields)


@pytest.fixture
def ana():
    return EnrolmentFactory(citizen=CitizenFactory(first_name="Ana")).citizen


@pytest.fixture
def rui():
    return here_for_long(citizen=CitizenFactory(first_name="Rui"))


def ask(browser):
    told = browser.post("/vouches").content.decode()
    return re.search(r'value="http://testserver(/vouch-requests/[\w-]+)"', told)[1]


def test_from_a_link_to_a_vouch_and_its_end(ana, rui):
    mine, theirs = browser_for(ana), browser_for(rui)
    address = ask(mine)
    assert address not in mine.get("/vouches").content.decode()  # shown once
    assert "You have 1 open now." in text_of(mine.get("/vouches"))
    page = text_of(theirs.get(address))
    assert "Vouch for Ana?" in page
    assert "They read your first name and the day." in page
    assert not Vouch.objects.exists()  # looking gives nothing
    given = theirs.post(address, follow=True)
    assert "You vouch for Ana now." in text_of(given)
    assert "Rui" in text_of(mine.get("/vouches"))
    ended = theirs.post(f"/vouches/{Vouch.objects.get().public_id}/end", follow=True)
    assert "Ended. Nobody is told" in text_of(ended)
    assert "Ended: goes" in text_of(ended)
    assert "Ended" not in text_of(mine.get("/vouches"))


def test_a_link_that_is_no_use_is_one_page(ana, rui):
    mine, theirs = browser_for(ana), browser_for(rui)
    used, own = ask(mine), ask(theirs)
    theirs.post(used, follow=True)
    said = set()
    for address in (used, own, "/vouch-requests/never-was-one"):
        for answer in (theirs.get(address), theirs.post(address)):
            assert answer.status_code == 404
            said.add(text_of(answer).replace(address, ""))
    assert len(said) == 1
    assert "This link asks for nothing" in said.pop()
    assert Vouch.objects.count() == 1


def test_a_refusal_is_said_on_the_page_with_what_would_change_it(ana):
    mine = browser_for(ana)
    for citizen, said in (
        (here_for_long(document=False), "This needs a document check. Have a document checked by an operator, once."),
        (giver(now=timezone.now()), "You have not been enrolled for long enough to vouch for somebody. It is possible"),
    ):
        browser, address = browser_for(citizen), ask(mine)
        answer = browser.post(address)
        assert answer.status_code == 200
        assert said in text_of(answer)
    assert not Vouch.objects.exists()


def test_who_is_not_enrolled_is_shown_the_consent_first(ana):
    address = ask(browser_for(ana))
    answer = browser_for(CitizenFactory(verified=True)).get(address)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/enrol")


def test_a_stranger_s_vouch_is_not_there(ana, rui):
    vouch(rui, ana, now=timezone.now())
    answer = browser_for(here_for_long()).post(f"/vouches/{Vouch.objects.get().public_id}/end")
    assert answer.status_code == 404
    assert Vouch.objects.get().withdrawn_at is None


@pytest.mark.parametrize("address", ["/sources", "/score/sum", "/me"])
def test_other_pages_lead_here(address, ana):
    assert 'href="/vouches"' in browser_for(ana).get(address).content.decode()


# -- Seeds -----------------------------------------------------------------------------------------------------------


def test_two_operators_make_a_seed_on_the_page(rui):
    one, other = operator_with("scoring", first_name="Odete"), operator_with("scoring", first_name="Olga")
    sent = {"email": rui.email, "reason": "Our team"}
    told = text_of(browser_for(one).post("/operator/seeds", sent, follow=True))
    assert "Proposed. Another operator confirms it; the citizen sees that you did." in told
    assert "Waits for another operator" in told
    seed = Seed.objects.get()
    assert f"/operator/seeds/{seed.public_id}/confirm" not in told
    refused = browser_for(one).post(f"/operator/seeds/{seed.public_id}/confirm", follow=True)
    assert "This takes another operator than the first." in text_of(refused)
    told = text_of(browser_for(other).post(f"/operator/seeds/{seed.public_id}/confirm", follow=True))
    assert "Trusted" in told
    assert "by Odete" in told
    assert "by Olga" in told
    assert rui.email not in told
    told = text_of(browser_for(one).post(f"/operator/seeds/{seed.public_id}/remove", follow=True))
    assert "There is no seed yet" in told
    asked = text_of(browser_for(rui).get("/who-asked"))
    assert "Proposed as a person trust begins with “Our team”" in asked


def test_an_address_nobody_enrolled_has_and_a_missing_document_are_said(ana):
    browser = browser_for(operator_with("scoring"))
    told = text_of(browser.post("/operator/seeds", {"email": "nobody@example.org", "reason": "Our team"}))
    assert "Nobody enrolled has this address." in told
    told = text_of(browser.post("/operator/seeds", {"email": ana.email, "reason": "Our team"}))
    assert "This needs a document check. Have their document checked first." in told
    assert "This field is required." in text_of(browser.post("/operator/seeds", {"email": ana.email}))
    assert not Seed.objects.exists()


@pytest.mark.parametrize("role", ["support", "merchants", "disputes"])
def test_only_scoring_operators_see_seeds(role):
    assert browser_for(operator_with(role)).get("/operator/seeds").status_code == 403
