"""GET /me/make-goods and POST /me/make-goods/{id}/take."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from perks.models import MakeGood, Merchant, Perk, Redemption
from tests.factories.people import api_client_for
from tests.factories.perks import BranchFactory, PerkFactory, citizen_with, make_good_for, scored_tier
from tests.factories.scores import NOW
from tests.factories.wronged import make_good_of, refused, win, wronged

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=4)


@pytest.fixture(autouse=True)
def _later():
    with time_machine.travel(LATER):
        yield


def take(client, make_good, body=None, key="k1"):
    path = f"/api/v1/me/make-goods/{make_good.public_id}/take"
    return client.post(path, body or {}, headers={"Idempotency-Key": key})


def test_from_the_wrong_record_to_the_code_in_the_hand():
    citizen, wrong = wronged()
    perk = PerkFactory(tiers=[scored_tier(600, "10 % off")], title="Late check-out")
    attempt = refused(citizen, perk, now=NOW)
    win(wrong, now=LATER, dispute="dsp_won")
    client = api_client_for(citizen)
    answer = client.get("/api/v1/me/make-goods")
    (line,) = answer.json()["results"]
    make_good = make_good_of(citizen)
    assert line == {
        "id": make_good.public_id,
        "state": "offered",
        "perk": {
            "id": perk.public_id,
            "title": "Late check-out",
            "kind": "discount",
            "purpose": "travel",
            "zone": "Europe/Lisbon",
            "merchant": {
                "id": perk.merchant.public_id,
                "name": perk.merchant.name,
                "standing": {"state": "good", "badge": None, "records": 0},
            },
        },
        "benefit": {"text": "10 % off"},
        "min_score": 600,
        "version": 1,
        "terms": "Until 14:00, on the day you leave.",
        "refused_at": [attempt.at.isoformat().replace("+00:00", "Z")],
        "dispute": "dsp_won",
        "offered_at": "2026-11-27T12:00:00Z",
        "expires_at": "2026-12-27T12:00:00Z",
        "reasons": [],
        "redemption": None,
    }
    assert client.get("/api/v1/me/make-goods", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    taken = take(client, make_good)
    assert taken.status_code == 201
    assert taken.headers["Cache-Control"] == "no-store"
    body = taken.json()
    assert (body["state"], body["benefit"], body["perk"]["id"]) == ("reserved", {"text": "10 % off"}, perk.public_id)
    assert body["code"]
    assert body["pass"]
    again = take(client, make_good)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == body
    assert Redemption.objects.count() == 1
    (line,) = client.get("/api/v1/me/make-goods").json()["results"]
    assert (line["state"], line["redemption"]) == ("taken", body["id"])
    refusal = take(client, make_good, key="k2")
    assert (refusal.status_code, refusal.json()["code"]) == (409, "wrong_state")


def test_a_take_needs_a_key_and_somebody_elses_is_not_there():
    make_good = make_good_for(citizen_with(500), PerkFactory())
    client = api_client_for(make_good.citizen)
    path = f"/api/v1/me/make-goods/{make_good.public_id}/take"
    assert client.post(path, {}).json()["code"] == "idempotency_key_missing"
    stranger = take(api_client_for(citizen_with(900)), make_good)
    assert (stranger.status_code, stranger.json()["code"]) == (404, "not_found")
    assert not Redemption.objects.exists()


def test_a_perk_that_is_not_to_be_had_says_that_its_merchant_is_asked():
    make_good = make_good_for(citizen_with(500), PerkFactory(stock=0))
    client = api_client_for(make_good.citizen)
    assert client.get("/api/v1/me/make-goods").json()["results"][0]["state"] == "needs_merchant"
    refusal = take(client, make_good)
    assert (refusal.status_code, refusal.json()["code"]) == (409, "merchant_must_agree")
    Merchant.objects.update(state="suspended")
    Perk.objects.update(stock=5)
    assert client.get("/api/v1/me/make-goods").json()["results"][0]["state"] == "needs_merchant"
    assert not Redemption.objects.exists()


def test_what_stands_in_the_way_is_said_and_is_never_the_score():
    citizen = citizen_with(400)
    perk = PerkFactory(limit_per_citizen=1, tiers=[scored_tier(600)])
    make_good = make_good_for(citizen, perk)
    client = api_client_for(citizen)
    assert take(client, make_good).status_code == 201
    another = make_good_for(citizen, perk)
    (line, _) = client.get("/api/v1/me/make-goods").json()["results"]
    assert [reason["code"] for reason in line["reasons"]] == ["citizen_limit_reached"]
    refusal = take(client, another, key="k2")
    assert (refusal.status_code, refusal.json()["code"]) == (409, "citizen_limit_reached")


def test_priority_is_taken_for_a_day_and_a_branch():
    perk = PerkFactory(kind="priority", tiers=[scored_tier(600, "Faster")])
    branch = BranchFactory(merchant=perk.merchant)
    make_good = make_good_for(citizen_with(400), perk)
    client = api_client_for(make_good.citizen)
    assert take(client, make_good).json()["errors"][0]["pointer"] == "/date"
    elsewhere = {"date": "2026-12-01", "branch": BranchFactory().public_id}
    assert take(client, make_good, elsewhere).json()["errors"][0]["pointer"] == "/branch"
    right = take(client, make_good, {"date": "2026-12-01", "branch": branch.public_id})
    assert (right.status_code, right.json()["date"]) == (201, "2026-12-01")


def test_a_list_of_any_length_costs_as_many_statements():
    citizen = citizen_with(400)
    client = api_client_for(citizen)

    def asked(count):
        for _ in range(count):
            make_good_for(citizen, PerkFactory(stock=3, limit_per_day=2))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get("/api/v1/me/make-goods").status_code == 200
        return len(queries)

    asked(1)
    assert asked(1) == asked(6)
    assert MakeGood.objects.count() == 8
