import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scores.models import Entry, Link, Score, ScoreChange
from tests.factories.people import CitizenFactory, api_client_for
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory
from tests.scores.api.answers import assert_problem

pytestmark = pytest.mark.django_db
PATH = "/api/v1/me/sources"


def states(app):
    return {row["code"]: row["state"] for row in app.get(PATH).json()["results"]}


def test_every_source_is_listed_with_what_it_is_to_the_citizen(app, source):
    SourceFactory(code="city")
    assert states(app) == {"bank": "on", "city": "unlinked", "platform": "off"}
    bank = next(row for row in app.get(PATH).json()["results"] if row["code"] == "bank")
    assert set(bank) >= {"code", "name", "state", "since"}
    assert (bank["name"], bank["since"]) == ("Bank of Tests", "2026-11-23T12:00:00Z")


def test_the_list_costs_the_same_queries_whatever_it_holds(app):
    costs = []
    for more in (0, 9):
        SourceFactory.create_batch(more)
        with CaptureQueriesContext(connection) as queries:
            app.get(PATH)
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_p2_switching_off_takes_effect_in_the_same_answer(app, citizen):
    answer = app.put(f"{PATH}/bank", {"on": False})
    assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (200, "bank", "off")
    assert app.get("/api/v1/me/score").json()["state"] == "thin_file"
    assert app.put(f"{PATH}/bank", {"on": True}).json()["state"] == "on"
    assert app.get("/api/v1/me/score").json()["value"] == 616


@pytest.mark.parametrize("method", ["put", "delete"])
def test_a_preview_tells_before_and_after_and_changes_nothing(app, citizen, method):
    before = [list(model.objects.order_by("pk").values()) for model in (Link, Entry, Score, ScoreChange)]
    body = {"on": False} if method == "put" else None
    answer = getattr(app, method)(f"{PATH}/bank?preview=1", body)
    assert answer.status_code == 200
    assert (answer.json()["before"], answer.json()["after"]) == (616, None)
    assert answer.json()["purposes"]["travel"] == {"before": 616, "after": None}
    assert before == [list(model.objects.order_by("pk").values()) for model in (Link, Entry, Score, ScoreChange)]


def test_ending_a_link_erases_its_entries_and_is_safe_twice(app, citizen):
    for _ in range(2):
        answer = app.delete(f"{PATH}/bank")
        assert (answer.status_code, answer.content) == (204, b"")
    assert states(app)["bank"] == "unlinked"
    assert Entry.objects.count() == 0
    assert app.get("/api/v1/me/score").json()["state"] == "thin_file"


def test_what_is_not_linked_cannot_be_switched(app):
    SourceFactory(code="city")
    assert_problem(app.put(f"{PATH}/city", {"on": True}), 409, "wrong_state")
    assert_problem(app.put(f"{PATH}/city?preview=1", {"on": True}), 409, "wrong_state")
    assert states(app)["city"] == "unlinked"


def test_unknown_sources_are_not_found(app):
    assert_problem(app.put(f"{PATH}/nobody", {"on": True}), 404, "not_found")
    assert_problem(app.delete(f"{PATH}/nobody"), 404, "not_found")
    assert_problem(app.post(f"{PATH}/nobody/link"), 404, "not_found")


@pytest.mark.parametrize("body", [{}, {"on": "yes"}, {"on": 1}, {"on": None}, {"on": True, "off": False}])
def test_a_switch_is_true_or_false(app, body):
    assert_problem(app.put(f"{PATH}/bank", body), 400, "invalid_input")
    assert states(app)["bank"] == "on"


def test_the_platform_switches_and_stays_linked(app):
    assert app.put(f"{PATH}/platform", {"on": True}).json()["state"] == "on"
    assert_problem(app.delete(f"{PATH}/platform"), 409, "wrong_state")
    assert_problem(app.post(f"{PATH}/platform/link"), 409, "wrong_state")
    assert states(app)["platform"] == "on"


def test_a_link_code_is_shown_once_and_kept_by_no_cache(db):
    app = api_client_for(EnrolmentFactory(now=NOW).citizen)
    SourceFactory(code="hotel", redirect_url="https://hotel.example/link")
    answer = app.post(f"{PATH}/hotel/link")
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert len(body["link_code"]) == 8
    assert body["redirect_url"] == "https://hotel.example/link"
    assert body["expires_at"].startswith("2026-11-23T12:15:")
    assert body["consent"]["version"] == "2026-11"
    SourceFactory(code="plain")
    assert "redirect_url" not in app.post(f"{PATH}/plain/link", {}).json()


def test_sources_are_for_the_enrolled(source):
    app = api_client_for(CitizenFactory())
    for answer in (app.put(f"{PATH}/bank", {"on": True}), app.delete(f"{PATH}/bank"), app.post(f"{PATH}/bank/link")):
        assert_problem(answer, 404, "not_enrolled")
    assert Link.objects.count() == 0
