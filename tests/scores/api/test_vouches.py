"""Vouches by HTTP: a link that is no use is one answer, and a side's end is its own affair."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scores.models import Vouch, VouchMark, VouchRequest
from scores.services.vouching import ask_for_vouch
from tests.factories.people import CitizenFactory, api_client_for
from tests.factories.scores import NOW, EnrolmentFactory
from tests.factories.vouches import giver
from tests.scores.api.answers import assert_problem

pytestmark = pytest.mark.django_db

V1 = "/api/v1"


@pytest.fixture
def ana():
    return EnrolmentFactory(citizen=CitizenFactory(first_name="Ana"), now=NOW).citizen


@pytest.fixture
def rui():
    return giver(citizen=CitizenFactory(first_name="Rui"))


def give(app, token):
    return app.post(f"{V1}/vouch-requests/{token}/give")


def ask(app):
    answer = app.post(f"{V1}/me/vouch-requests")
    assert answer.status_code == 201, answer.content
    return answer.json()["link"].rpartition("/")[2]


def vouches(app):
    return app.get(f"{V1}/me/vouches").json()["results"]


def test_a_link_is_made_and_shown_once(ana):
    app = api_client_for(ana)
    answer = app.post(f"{V1}/me/vouch-requests")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    told = answer.json()
    assert set(told) == {"id", "link", "expires_at"}
    assert told["id"].startswith("vrq_")
    assert told["expires_at"].startswith("2026-11-30T12:00:0")
    assert told["link"].startswith("http://testserver/vouch-requests/")
    request = VouchRequest.objects.get()
    assert told["link"].rpartition("/")[2] not in request.token_hash


def test_giving_is_told_to_both_sides_by_first_name(ana, rui):
    app, other = api_client_for(ana), api_client_for(rui)
    answer = give(other, ask(app))
    assert answer.status_code == 201
    given = answer.json()
    assert given == {
        "id": given["id"],
        "direction": "given",
        "first_name": "Ana",
        "given_at": given["given_at"],
        "counts_from": "2026-12-23",
        "state": "waiting",
        "counts_until": None,
    }
    assert vouches(other) == [given]
    assert vouches(app) == [given | {"direction": "received", "first_name": "Rui"}]


def test_every_link_that_is_no_use_is_answered_byte_for_byte_alike(ana, rui):
    app, other = api_client_for(ana), api_client_for(rui)
    used, own, late = ask(app), ask(other), ask_for_vouch(citizen=ana, now=NOW - timedelta(days=7)).token
    left = ask_for_vouch(citizen=(gone := EnrolmentFactory().citizen)).token
    api_client_for(gone).delete(f"{V1}/me/enrolment")
    assert give(api_client_for(giver()), used).status_code == 201
    before = Vouch.objects.count(), VouchMark.objects.count()
    told = set()
    for token in (used, own, late, left, "never-was-one", "A" * 32, "vrq_x"):
        answer = give(other, token)
        assert_problem(answer, 404, "not_found")
        headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
        headers.pop("Content-Length")
        told.add((answer.content.replace(token.encode(), b"TOKEN"), str(sorted(headers.items()))))
    assert len(told) == 1
    assert before == (Vouch.objects.count(), VouchMark.objects.count())


def test_the_refusals_of_a_link_that_is_good(ana):
    app = api_client_for(ana)
    for citizen, status, code in (
        (giver(document=False), 403, "document_needed"),
        (giver(now=NOW - timedelta(days=179)), 403, "enrolled_too_recently"),
        (CitizenFactory(), 404, "not_enrolled"),
    ):
        body = assert_problem(give(api_client_for(citizen), ask(app)), status, code)
        assert ("on" in body) == (code == "enrolled_too_recently")
    assert not Vouch.objects.exists()
    assert not VouchRequest.objects.exclude(used_at=None).exists()


def test_a_fourth_is_refused_and_ending_one_makes_room(rui):
    app, people = api_client_for(rui), [api_client_for(EnrolmentFactory().citizen) for _ in range(4)]
    for other in people[:3]:
        assert give(app, ask(other)).status_code == 201
    assert assert_problem(give(app, ask(people[3])), 409, "vouch_limit_reached")["limit"] == 3
    first = vouches(app)[0]["id"]
    assert app.delete(f"{V1}/me/vouches/{first}").status_code == 204
    assert app.delete(f"{V1}/me/vouches/{first}").status_code == 204
    assert give(app, ask(people[3])).status_code == 201
    assert {one["state"] for one in vouches(app) if one["id"] == first} == {"ended"}


@pytest.mark.parametrize("by", ["rui", "ana"])
def test_the_other_side_s_answers_do_not_change_by_a_byte_until_the_month_turns(ana, rui, by):
    app, other = api_client_for(ana), api_client_for(rui)
    give(other, ask(app))
    ends, stays = (other, app) if by == "rui" else (app, other)
    before = [stays.get(f"{V1}/me/{path}").content for path in ("vouches", "score", "entries", "inquiries")]
    (mine,) = vouches(ends)
    assert ends.delete(f"{V1}/me/vouches/{mine['id']}").status_code == 204
    assert vouches(ends) == [mine | {"state": "ended", "counts_until": "2026-12-01"}]
    assert [stays.get(f"{V1}/me/{path}").content for path in ("vouches", "score", "entries", "inquiries")] == before
    with time_machine.travel(NOW.replace(month=12, day=1, hour=0)):
        for citizen in (ana, rui):
            assert vouches(api_client_for(citizen)) == []
        assert_problem(api_client_for(ana).delete(f"{V1}/me/vouches/{mine['id']}"), 404, "not_found")


def test_ten_links_are_open_at_once(ana):
    app = api_client_for(ana)
    for _ in range(10):
        ask(app)
    assert assert_problem(app.post(f"{V1}/me/vouch-requests"), 409, "too_many_vouch_requests")["limit"] == 10


def test_the_list_costs_the_same_for_any_number_of_vouches(ana):
    app = api_client_for(ana)
    for _ in range(5):
        give(api_client_for(giver()), ask(app))
    with CaptureQueriesContext(connection) as five:
        assert len(vouches(app)) == 5
    give(api_client_for(giver()), ask(app))
    with CaptureQueriesContext(connection) as six:
        assert len(vouches(app)) == 6
    assert len(five) == len(six) <= 5


def test_the_list_is_a_citizen_s_read_with_an_etag(ana):
    app = api_client_for(ana)
    answer = app.get(f"{V1}/me/vouches")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert app.get(f"{V1}/me/vouches", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert_problem(app.get(f"{V1}/me/vouches?by=score"), 400, "unknown_parameter")
