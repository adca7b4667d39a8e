"""The console's reports: columns and tables of the same numbers, a file, and an honest empty page."""

import csv
import io
from datetime import timedelta

import pytest
import time_machine

from citizen_app.models import AuditEvent
from citizen_app.web.drawings.weeks import weeks_svg
from scores.models import Reach
from scores.services import reach
from tests.factories.people import browser_for
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, person_of, scored_tier
from tests.factories.reports import happened, people, refused
from tests.factories.scores import NOW
from tests.perks.web.merchant.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def browser(merchant):
    return browser_for(person_of(merchant, "manager"))


def test_a_merchant_without_numbers_is_told_so_and_offered_no_file(browser):
    page = browser.get("/merchant/reports")
    assert "Nothing to tell yet" in text_of(page)
    assert b"Download CSV" not in page.content


def test_columns_tables_and_file_say_the_same(merchant, browser):
    perk = PerkFactory(merchant=merchant, title="Late check-out", stock=90, taken_count=13)
    happened(perk, people(13), NOW - timedelta(weeks=1))
    refused(perk, people(12), NOW - timedelta(weeks=1), "sold_out")
    page = browser.get("/merchant/reports?by=perk")
    assert "Late check-out 15 15 – – – 10 – –" in text_of(page)
    assert "All 15 15 – – – 10 – –" in text_of(page)
    assert "77 of 90" in text_of(page)
    assert page.content.count(b'class="w-a"') == 1
    assert "fewer than ten people" in text_of(page)
    file = browser.get("/merchant/reports/file?by=perk")
    rows = list(csv.reader(io.StringIO(file.getvalue().decode(), newline="")))
    assert rows[1][1:9] == ["Late check-out", "15", "15", "", "", "", "10", ""]
    assert (file["Cache-Control"], file["Content-Type"]) == ("no-store", "text/csv; charset=utf-8")
    assert AuditEvent.objects.get(action="report.download").object == merchant.public_id


@pytest.mark.parametrize(
    "query", ["?by=branch", "?by=week", "?by=nonsense&from=x&to=9999-99-99", "?from=2026-11-10&to=2026-11-12"]
)
def test_every_way_to_ask_is_a_page(merchant, browser, query):
    BranchFactory(merchant=merchant, name="At the river")
    happened(PerkFactory(merchant=merchant), people(13), NOW - timedelta(weeks=1))
    page = browser.get(f"/merchant/reports{query}")
    assert page.status_code == 200
    assert "15" in text_of(page)


def test_a_span_without_a_whole_week_says_so_on_the_page(merchant, browser):
    page = browser.get("/merchant/reports?from=2026-11-10&to=2026-11-12")
    assert "There is no whole week" in text_of(page)


def test_the_drawing_shows_no_zero_where_nothing_is_told():
    drawn = weeks_svg([("2 Nov", 10, None), ("<b>", None, None)])
    assert (drawn.count("w-a"), drawn.count("w-b"), drawn.count("w-n")) == (1, 0, 3)
    assert "<b>" not in drawn
    assert weeks_svg([("2 Nov", None, None)]) == ""


def test_the_editor_says_about_how_many_reach_a_threshold(merchant, browser):
    reach._table.cache_clear()
    perk = PerkFactory(merchant=merchant, tiers=[scored_tier(600)])
    assert "of members" not in text_of(browser.get(f"/merchant/perks/{perk.public_id}/edit"))
    Reach.objects.create(
        counted_on=NOW.date(), percents={merchant.purpose: {"590": 40, "600": 35, "610": 35, "620": 0}}
    )
    page = text_of(browser.get(f"/merchant/perks/{perk.public_id}/edit"))
    assert "Reached by about 35 % of members." in page
    assert "590 about 40 % of members 600 about 35 % of members 620 fewer than 5 % of members" in page
    assert "about 40 % of members" in text_of(browser.get("/merchant/perks/new"))
    reach._table.cache_clear()
