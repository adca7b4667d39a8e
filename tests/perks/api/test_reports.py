"""Reports and reach over HTTP."""

import csv
import io
from datetime import timedelta

import pytest
import time_machine

from citizen_app.models import AuditEvent
from scores.models import Reach
from scores.services import reach
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory
from tests.factories.reports import happened, people, refused
from tests.factories.scores import NOW
from tests.perks.api.calls import code_of, members_of, server_app, team_app

pytestmark = pytest.mark.django_db
REPORTS = "/api/v1/merchant/reports"
REACH = "/api/v1/merchant/reach"


@pytest.fixture(autouse=True)
def _at_noon():
    reach._table.cache_clear()
    with time_machine.travel(NOW):
        yield
    reach._table.cache_clear()


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def app(merchant):
    return team_app(merchant, "manager")


def pointers(answer):
    return [error["pointer"] for error in answer.json()["errors"]]


def test_a_report_says_what_it_counts_and_why_something_is_null(merchant, app):
    perk = PerkFactory(merchant=merchant, stock=40, taken_count=13)
    happened(perk, people(13), NOW - timedelta(weeks=1))
    refused(perk, people(11), NOW - timedelta(weeks=1), "sold_out")
    told = app.get(f"{REPORTS}?from=2026-11-16&to=2026-11-22&by=perk").json()
    assert (told["from"], told["to"], told["by"], told["rounded_to"], told["least_people"]) == (
        "2026-11-16",
        "2026-11-22",
        "perk",
        5,
        10,
    )
    (row,) = told["rows"]
    assert row["perk"] == {"id": perk.public_id, "title": "Late check-out", "state": "published"}
    assert {name: row[name] for name in ("taken", "redeemed", "expired", "cancelled", "reversed")} == {
        "taken": 15,
        "redeemed": 15,
        "expired": None,
        "cancelled": None,
        "reversed": None,
    }
    assert row["refused"] == {"full": 10, "closed": None, "limit": None}
    assert row["limits"]["stock"] == {"limit": 40, "used": 13, "left": 27}
    assert told["total"]["taken"] == 15
    assert "fewer than ten people" in told["suppressed"]


@pytest.mark.parametrize("by", ["perk", "branch", "week"])
def test_no_answer_names_a_person_a_score_or_who_does_not_reach(merchant, app, by):
    BranchFactory(merchant=merchant)
    perk = PerkFactory(merchant=merchant)
    crowd = people(12)
    happened(perk, crowd, NOW - timedelta(weeks=1))
    refused(perk, crowd, NOW - timedelta(weeks=1), "below_threshold")
    answer = app.get(f"{REPORTS}?by={by}")
    told = answer.content.decode()
    assert not any(one.public_id in told or one.email in told for one in crowd)
    assert "below" not in told
    assert not members_of(answer.json()) & {"citizen", "score", "value", "min_score", "first_name", "points_to_go"}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?by=person", "/by"),
        ("?from=yesterday", "/from"),
        ("?from=2026-11-17&to=2026-11-21", "/to"),
        ("?from=2026-11-20&to=2026-11-10", "/to"),
        ("?from=2001-01-01", "/from"),
        ("?from=0001-01-01", "/from"),
        ("?from=9999-12-31", "/from"),
        ("?to=0001-01-01", "/to"),
        ("?to=9999-12-31", "/to"),
        ("?from=2026-11-16&to=9999-12-31", "/to"),
    ],
)
def test_what_is_wrong_with_a_query_is_named(app, query, pointer):
    answer = app.get(f"{REPORTS}{query}")
    assert (code_of(answer), pointers(answer)) == ("invalid_input", [pointer])


def test_an_unknown_parameter_is_refused(app):
    assert code_of(app.get(f"{REPORTS}?min_score=600")) == "unknown_parameter"


def test_the_file_is_safe_to_open_streamed_kept_nowhere_and_on_record(merchant, app):
    perk = PerkFactory(merchant=merchant, title='=HYPERLINK("http://x.example","Late")')
    happened(perk, people(13), NOW - timedelta(weeks=1))
    file = app.get(f"{REPORTS}.csv?by=perk")
    assert file.streaming
    assert (file["Content-Type"], file["Cache-Control"]) == ("text/csv; charset=utf-8", "no-store")
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode(), newline="")))
    assert (rows[0]["name"], rows[0]["taken"], rows[0]["expired"]) == (f"'{perk.version_in_force.title}", "15", "")
    assert rows[-1]["id"] == "total"
    assert AuditEvent.objects.get(action="report.download").object == merchant.public_id


@pytest.mark.parametrize(("role", "status"), [("cashier", 403), ("manager", 200), ("owner", 200)])
def test_a_cashier_reads_no_report_and_no_file(merchant, role, status):
    app = team_app(merchant, role)
    assert [app.get(path).status_code for path in (REPORTS, f"{REPORTS}.csv")] == [status] * 2


def test_a_server_of_the_merchant_reads_them_too(merchant):
    assert server_app(merchant, "merchant:perks").get(REPORTS).status_code == 200


def know(**percents):
    Reach.objects.create(counted_on=NOW.date(), percents=percents)


def test_about_how_many_reach_a_threshold(merchant, app):
    know(travel={"600": 35, "900": 0, "350": 100}, dating={"600": 80})
    answer = app.get(f"{REACH}?purpose=travel&min_score=600")
    assert answer.json() == {
        "purpose": "travel",
        "min_score": 600,
        "percent": 35,
        "text": "about 35 % of members",
        "counted_on": NOW.date().isoformat(),
    }
    assert app.get(f"{REACH}?purpose=travel&min_score=900").json()["text"] == "fewer than 5 % of members"
    assert app.get(f"{REACH}?purpose=travel&min_score=350").json()["text"] == "nearly all members"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("purpose=dating&min_score=600", "/purpose"),
        ("purpose=everything&min_score=600", "/purpose"),
        ("purpose=travel&min_score=601", "/min_score"),
        ("purpose=travel&min_score=605", "/min_score"),
        ("purpose=travel&min_score=9990", "/min_score"),
        ("purpose=travel&min_score=-600", "/min_score"),
        ("purpose=travel", "/min_score"),
    ],
)
def test_only_thresholds_of_the_merchant_s_own_purpose_are_answered(app, query, pointer):
    know(travel={"600": 35}, dating={"600": 80})
    answer = app.get(f"{REACH}?{query}")
    assert (code_of(answer), pointers(answer)) == ("invalid_input", [pointer])


@pytest.mark.parametrize("percents", [None, {}])
def test_with_too_few_members_it_is_not_known(app, percents):
    if percents is not None:
        know(**percents)
    answer = app.get(f"{REACH}?purpose=travel&min_score=600")
    assert (answer.status_code, code_of(answer)) == (409, "reach_unknown")
