"""The pages of a person's file: what each role is shown, what is masked, and who is sent away (P4, P9)."""

import html
import re

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citizen_app.accounts.operators import withdraw_role
from scores.models import FileAllowance, FileDay, FileOpening, FileUnmasking, Inquiry
from tests.factories.files import WHY, somebody
from tests.factories.people import CitizenFactory, browser_for, operator_with
from tests.factories.perks import PerkFactory, reservation
from tests.factories.scores import NOW, SourceFactory, link

pytestmark = pytest.mark.django_db

FILES = "/operator/files"


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def operator():
    return operator_with("support")


@pytest.fixture
def browser(operator):
    return browser_for(operator)


@pytest.fixture
def ines():
    return somebody(email="ines@example.org", first_name="Ines")


def text_of(response):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def opened(browser, **changes):
    return browser.post(FILES, {"person": "ines@example.org"} | WHY | changes, follow=True)


def address():
    return f"{FILES}/{FileOpening.objects.get(closed_at=None).public_id}"


def test_p9_a_file_is_opened_with_a_reason_and_read_by_its_citizen_at_once(browser, ines):
    link(ines, SourceFactory(name="Harbour Bank"))
    taken = reservation(ines, PerkFactory(title="The suite for the very few"))
    page = opened(browser)
    told = text_of(page)
    assert page.redirect_chain == [(address(), 302)]
    assert "Open until 12:30, for support." in told
    assert "You asked for help: You wrote that a code fails." in told
    assert "Harbour Bank On since" in told
    assert taken.public_id in told
    for secret in ("Ines", "ines@example.org", "The suite for the very few"):
        assert secret not in told
    read = text_of(browser_for(ines).get("/who-asked"))
    assert "Citizen App, support 12:00 Your file “You asked for help: You wrote that a code fails.”" in read
    assert "You agreed to be scored." in read


def test_a_masked_field_is_shown_by_asking_and_the_citizen_reads_it(browser, ines):
    opened(browser)
    told = text_of(browser.post(f"{address()}/show", {"field": "email"}, follow=True))
    assert "ines@example.org" in told
    assert "Ines" not in told
    assert "Your e-mail address, shown in full" in text_of(browser_for(ines).get("/who-asked"))
    assert browser.post(f"{address()}/show", {"field": "score"}).status_code == 404
    assert FileUnmasking.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"person": ""}, "person"),
        ({"person": "nobody@example.org"}, "person"),
        ({"person": "ines"}, "person"),
        ({"role": "disputes"}, "role"),
        ({"reason": ""}, "reason"),
        ({"reason": "curious"}, "reason"),
        ({"note": ""}, "note"),
        ({"note": "too short"}, "note"),
    ],
)
def test_without_a_name_a_role_and_a_reason_no_file_opens(browser, ines, changes, wrong):
    page = opened(browser, **changes)
    assert re.findall(r'<ul class="err" id="id_(\w+)_error">', page.content.decode()) == [wrong]
    assert (FileOpening.objects.count(), Inquiry.objects.count()) == (0, 0)


def test_threat_16_the_answer_for_an_account_that_is_not_enrolled_is_that_for_none(browser, operator, ines):
    CitizenFactory(email="nuno@example.org")
    told = [text_of(opened(browser, person=one)) for one in ("nuno@example.org", "none@example.org")]
    said = [re.sub(r"nuno|none|\d of 30", "", one) for one in told]
    assert "Nobody enrolled has exactly this address or id." in said[0]
    assert said[0] == said[1]
    assert FileDay.objects.get().count == 2


@pytest.mark.parametrize(
    ("role", "status"), [("support", 200), ("disputes", 200), ("merchants", 200), ("scoring", 403)]
)
def test_publishing_scorecards_opens_nobodys_file(role, status):
    assert browser_for(operator_with(role)).get(FILES).status_code == status


def test_a_role_that_is_taken_away_refuses_the_next_request(browser, operator, ines):
    opened(browser)
    withdraw_role(citizen=operator, role="support", by=None)
    for ask in (browser.get, browser.post):
        assert ask(address()).status_code == 403
    assert browser.post(f"{address()}/show", {"field": "name"}).status_code == 403
    assert FileUnmasking.objects.count() == 0


def test_a_role_that_is_taken_away_closes_its_file_also_for_who_keeps_another(ines):
    operator = operator_with("support", "disputes")
    browser = browser_for(operator)
    opened(browser)
    withdraw_role(citizen=operator, role="support", by=None)
    told = text_of(browser.get(address(), follow=True))
    assert "Your role does not include this." in told
    assert "Harbour" not in told
    assert browser.post(f"{address()}/show", {"field": "name"}).status_code == 302
    assert FileUnmasking.objects.count() == 0


def test_after_half_an_hour_the_file_is_shut_and_nothing_is_read_from_it(browser, ines):
    opened(browser)
    where = address()
    with time_machine.travel(NOW.replace(minute=30), tick=False):
        page = browser.get(where, follow=True)
        assert page.redirect_chain == [(FILES, 302)]
        assert "This file is closed." in text_of(page)


def test_a_file_of_another_operator_is_not_there(browser, ines):
    opened(browser)
    stranger = browser_for(operator_with("support"))
    assert stranger.get(address()).status_code == 404
    assert stranger.post(f"{address()}/close").status_code == 404
    assert FileOpening.objects.filter(closed_at=None).count() == 1


def test_closing_closes(browser, ines):
    opened(browser)
    assert "Closed." in text_of(browser.post(f"{address()}/close", follow=True))
    assert not FileOpening.objects.filter(closed_at=None).exists()


def test_more_than_30_a_day_take_another_operator(browser, operator, ines):
    FileDay.objects.create(operator=operator, day=NOW.date(), count=30)
    assert "as many people today as you may alone" in text_of(opened(browser))
    assert "Asked." in text_of(browser.post(f"{FILES}/more", {"why": "Many wrote to us today."}, follow=True))
    asked = FileAllowance.objects.get()
    assert asked.public_id not in browser.get(FILES).content.decode()
    browser.post(f"{FILES}/more/{asked.public_id}", {"decision": "allow"})
    assert FileDay.objects.get().limit == 30
    colleague = browser_for(operator_with("merchants"))
    assert "Many wrote to us today." in text_of(colleague.get(FILES))
    colleague.post(f"{FILES}/more/{asked.public_id}", {"decision": "allow"})
    assert "30 of 40 look-ups used." in text_of(browser.get(FILES))
    assert opened(browser).redirect_chain


def test_a_file_costs_the_same_for_much_as_for_little(browser, ines):
    def cost():
        opened(browser)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address()).status_code == 200
        return len(captured)

    link(ines, SourceFactory())
    reservation(ines)
    few = cost()
    for _ in range(3):
        link(ines, SourceFactory())
        reservation(ines)
    assert cost() == few <= 20
