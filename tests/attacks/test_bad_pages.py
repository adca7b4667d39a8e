"""Addresses and forms of pages: what means nothing is a page that says so, never a 500, and nothing is stored."""

import pytest
from django.test import Client

from tests.attacks.stored import changed, everything
from tests.factories.people import browser_for
from tests.test_access import PAGES, PEOPLE, rows_of

pytestmark = pytest.mark.django_db

WRONG = ["x", "%00", "%ff", "ent_" + "z" * 13, "a" * 2000]
ODD = {
    "NUL": dict.fromkeys(("on", "title", "code", "email", "kind", "role", "name", "next", "date", "branch"), "\x00"),
    "long": dict.fromkeys(("on", "title", "code", "email", "kind", "role", "name", "zone", "stock"), "x" * 20_000),
    "negative": dict.fromkeys(("on", "stock", "min_score", "count", "limit_per_citizen", "date", "valid_until"), "-1"),
}


@pytest.fixture(scope="module")
def browsers(town, django_db_blocker):
    with django_db_blocker.unblock():
        return {one: Client() if one == "nobody" else browser_for(town.people[one]) for one in PEOPLE}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda text: text[:12])
def test_an_address_of_nothing_is_no_500(world, browsers, wrong):
    before = everything()
    for row in rows_of(PAGES):
        if "{" not in row.path:
            continue
        path = "/" + row.path.format(**dict.fromkeys(world.ids, wrong))
        for person in ("citizen", "owner", "full_operator"):
            answer = browsers[person].generic(row.method, path)
            assert answer.status_code in (302, 403, 404, 405), (row.method, path, person, answer.status_code)
    assert changed(before) == []


@pytest.mark.parametrize("form", ODD.values(), ids=ODD.keys())
def test_a_form_of_nothing_is_no_500(world, browsers, form):
    for row in rows_of(PAGES):
        if row.method != "POST":
            continue
        for person in ("citizen", "newcomer", "owner", "full_operator"):
            answer = browsers[person].post("/" + row.path.format(**world.ids).removeprefix("/"), form)
            assert answer.status_code < 500, (row.path, person)


QUERIES = {
    "words": "cursor=x&limit=-1&kind=x&state=x&near=0,0,0&a=1",
    "NUL": "cursor=%00&q=%00&kind=%00&near=%00",
    "too long": "cursor=" + "A" * 5000,
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_a_query_of_nothing_is_no_500(world, browsers, query):
    before = everything()
    for row in rows_of(PAGES):
        if row.method == "GET":
            for person in ("citizen", "owner", "full_operator"):
                path = "/" + row.path.format(**world.ids).removeprefix("/")
                answer = browsers[person].get(f"{path}?{query}")
                assert answer.status_code < 500, (path, query, person)
    # But for what is there to be written: that an operator opened somebody's dispute (P9).
    # Who looked is written down, and promised to be told.
    assert set(changed(before)) <= {"scores_inquiry", "citizen_app_auditevent", "citizen_app_outboxmessage"}
