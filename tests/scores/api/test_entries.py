import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scores.models import Entry
from scores.services.rescoring import rescore
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, entry_of, link
from tests.scores.api.answers import assert_problem

pytestmark = pytest.mark.django_db
PATH = "/api/v1/me/entries"


@pytest.fixture
def city(citizen):
    """A second source: some recycling, a payment that was struck."""
    city = SourceFactory(code="city", kinds=["conduct.recycling", "credit.payment"])
    linked = link(citizen, city)
    entry_of(linked, kind="conduct.recycling", value="12.5", external_id="glass")
    struck = entry_of(linked, value=3, external_id="wrong")
    Entry.objects.filter(pk=struck.pk).strike(why="retracted", now=NOW)
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    return city


def test_entries_have_exactly_the_promised_shape(app, city):
    rows = app.get(PATH).json()["results"]
    assert len(rows) == 8
    struck, glass, *payments = rows
    assert set(glass) >= {
        "id", "source", "kind", "title", "occurred_on", "value", "status", "lapses_on", "points", "recorded_at",
    }  # fmt: skip
    assert (glass["source"], glass["kind"], glass["title"]) == ("city", "conduct.recycling", "Recycling")
    assert (glass["value"], glass["status"], glass["points"]) == (12.5, "active", "1.000000")
    assert (glass["occurred_on"], glass["lapses_on"]) == ("2026-10-31", "2031-10-01")
    assert (struck["status"], struck["points"], struck["value"]) == ("struck", "0.000000", 3)
    # One payment is also the latest: 6 + 30.
    assert sorted(entry["points"] for entry in payments) == ["36.000000", *["6.000000"] * 5]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("kind=credit.payment", 7),
        ("kind=conduct.recycling", 1),
        ("factor=credit_history", 7),
        ("factor=conduct", 1),
        ("factor=vouches", 0),
        ("source=city", 2),
        ("source=nobody", 0),
        ("status=struck", 1),
        ("status=active&source=city", 1),
    ],
)
def test_filters_narrow_the_list(app, city, query, count):
    assert len(app.get(f"{PATH}?{query}").json()["results"]) == count


@pytest.mark.parametrize("query", ["kind=speech.opinion", "factor=luck", "status=gone", "limit=0", "limit=101"])
def test_a_filter_that_cannot_be_is_refused(app, query):
    assert_problem(app.get(f"{PATH}?{query}"), 400, "invalid_input")


def test_an_unknown_filter_and_a_foreign_cursor_are_refused(app):
    assert_problem(app.get(f"{PATH}?value=0"), 400, "unknown_parameter")
    assert_problem(app.get(f"{PATH}?cursor=nonsense"), 400, "invalid_cursor")


def test_pages_cost_the_same_queries_whatever_they_hold(app, city):
    costs = []
    for limit in (1, 100):
        with CaptureQueriesContext(connection) as queries:
            app.get(f"{PATH}?limit={limit}")
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_pages_follow_each_other_without_a_gap(app, city):
    seen, following = [], f"{PATH}?limit=3"
    while following:
        answer = app.get(following).json()
        seen += [row["id"] for row in answer["results"]]
        following = answer["next"]
    assert seen == [entry.public_id for entry in Entry.objects.order_by("-id")]


def test_one_entry_is_the_row_of_the_list(app):
    row = app.get(PATH).json()["results"][0]
    assert app.get(f"{PATH}/{row['id']}").json() == row


def test_a_strangers_entry_is_like_one_that_is_not_there(app):
    theirs = entry_of(link(EnrolmentFactory().citizen, SourceFactory()))
    foreign = app.get(f"{PATH}/{theirs.public_id}")
    missing = app.get(f"{PATH}/ent_zzzzzzzzzzzzz")
    assert_problem(foreign, 404, "not_found")
    assert foreign.content.replace(theirs.public_id.encode(), b"ID") == missing.content.replace(
        b"ent_zzzzzzzzzzzzz", b"ID"
    )
    assert_problem(app.get(f"{PATH}/{theirs.pk}"), 404, "not_found")
