"""`GET /perks` and `GET /perks/{id}`: shapes, filters, cursors and a constant number of queries."""

from datetime import timedelta

import pytest
from django.utils import timezone

from perks.api.citizen.answers import PerkCardSerializer, PerkPageSerializer
from scores.models import Inquiry
from tests.factories.people import CitizenFactory
from tests.factories.perks import (
    BranchFactory,
    MerchantFactory,
    PerkFactory,
    citizen_with,
    open_tier,
    reservation,
    scored_tier,
)
from tests.perks.api.calls import app_of, code_of, key, server_app, take

pytestmark = pytest.mark.django_db


def titles(app, query: str = "") -> list[str]:
    answer = app.get(f"/api/v1/perks{query}")
    assert answer.status_code == 200, answer.json()
    return [perk["title"] for perk in answer.json()["results"]]


def test_a_perk_says_whom_it_opens_for_and_whether_that_is_you():
    perk = PerkFactory(tiers=[scored_tier(600), scored_tier(640, "20 % off")], categories=["hotel"])
    app = app_of(citizen_with(587))
    (card,) = app.get("/api/v1/perks").json()["results"]
    assert set(card) == set(PerkCardSerializer().fields)
    assert card["merchant"] == {
        "id": perk.merchant.public_id,
        "name": perk.merchant.name,
        "standing": {"state": "good", "badge": None, "records": 0},
    }
    assert card["tiers"] == [scored_tier(600), scored_tier(640, "20 % off")]
    answer = card["eligibility"]
    assert {name: answer[name] for name in ("answer", "tier", "purpose", "value", "reasons")} == {
        "answer": "not_eligible",
        "tier": None,
        "purpose": "travel",
        "value": 587,
        "reasons": [{"code": "below_threshold", "detail": "It opens at 600: 13 points to go.", "points_to_go": 13}],
    }
    assert set(answer["factors_used"]) & set(answer["factors_left_out"]) == set()
    assert card["remaining"] == 10
    assert not Inquiry.objects.exists()  # looking at your own perks asks nobody


def test_the_page_of_a_perk_says_all_that_binds():
    perk = PerkFactory(hold_minutes=90)
    branch = BranchFactory(merchant=perk.merchant)
    page = app_of(citizen_with()).get(f"/api/v1/perks/{perk.public_id}").json()
    assert set(page) == set(PerkPageSerializer().fields)
    assert (page["state"], page["version"], page["hold_minutes"]) == ("published", 1, 90)
    assert [one["id"] for one in page["branches"]] == [branch.public_id]
    assert page["eligibility"]["answer"] == "eligible"
    assert page["eligibility"]["tier"] == {"min_score": None, "benefit": {"text": "A coffee"}}


@pytest.mark.parametrize(
    ("who", "answer", "code"),
    [
        (CitizenFactory, "not_assessable", "not_enrolled"),
        (citizen_with, "not_assessable", "thin_file"),
        (lambda: citizen_with(700, purpose="dating"), "not_assessable", "not_enough_records"),
        (lambda: citizen_with(599), "not_eligible", "below_threshold"),
        (lambda: citizen_with(600), "eligible", None),
    ],
)
def test_each_person_has_an_answer_of_their_own(who, answer, code):
    PerkFactory(tiers=[scored_tier(600)])
    (card,) = app_of(who()).get("/api/v1/perks").json()["results"]
    assert card["eligibility"]["answer"] == answer
    assert [reason["code"] for reason in card["eligibility"]["reasons"]] == ([code] if code else [])


def test_only_what_is_shown_is_listed():
    now = timezone.now()
    shown = PerkFactory(title="shown", valid_from_at=now + timedelta(days=1))
    PerkFactory(title="paused", state="paused")
    hidden = [
        PerkFactory(visible_from_at=now + timedelta(days=1)),
        PerkFactory(state="draft"),
        PerkFactory(state="review"),
        PerkFactory(state="approved"),
    ]
    PerkFactory(valid_until_at=now - timedelta(seconds=1))
    PerkFactory(state="ended")
    PerkFactory(merchant=MerchantFactory(state="suspended"))
    app = app_of(citizen_with())
    assert set(titles(app)) == {"shown", "paused"}
    assert app.get(f"/api/v1/perks/{shown.public_id}").status_code == 200
    for perk in hidden:
        assert code_of(app.get(f"/api/v1/perks/{perk.public_id}")) == "not_found"


def test_what_has_ended_says_so():
    perk = PerkFactory(valid_until_at=timezone.now() - timedelta(seconds=1))
    page = app_of(citizen_with()).get(f"/api/v1/perks/{perk.public_id}").json()
    assert page["state"] == "ended"
    assert [reason["code"] for reason in page["eligibility"]["reasons"]] == ["ended"]


def test_the_list_is_narrowed_by_each_filter():
    hotel, shop = MerchantFactory(), MerchantFactory(sector="shop")
    airport = BranchFactory(merchant=hotel, iata="LIS", latitude=38.7813, longitude=-9.1359)
    elsewhere = BranchFactory(merchant=hotel, latitude=52.3, longitude=4.76)
    PerkFactory(merchant=hotel, title="Late check-out", categories=["room"], branches=[airport])
    PerkFactory(merchant=hotel, title="Early check-in", kind="priority", branches=[elsewhere])
    PerkFactory(merchant=shop, title="Ten off", tiers=[scored_tier(600)])
    app = app_of(citizen_with())
    assert titles(app) == ["Ten off", "Early check-in", "Late check-out"]
    assert titles(app, "?kind=priority") == ["Early check-in"]
    assert titles(app, "?category=room") == ["Late check-out"]
    assert titles(app, "?purpose=retail") == ["Ten off"]
    assert titles(app, f"?merchant={shop.public_id}") == ["Ten off"]
    assert titles(app, "?merchant=mer_nobody") == []
    assert titles(app, "?q=CHECK+late") == ["Late check-out"]
    assert titles(app, "?near=LIS") == ["Late check-out"]
    assert titles(app, "?near=38.7,-9.2") == ["Late check-out"]
    assert titles(app, "?near=52.0,4.5") == ["Early check-in"]
    assert titles(app, "?near=0,0") == []
    assert titles(app, "?eligible=true") == ["Early check-in", "Late check-out"]


def test_a_perk_without_branches_is_at_all_of_its_merchants():
    branch = BranchFactory(iata="AMS")
    PerkFactory(merchant=branch.merchant, title="Everywhere")
    assert titles(app_of(citizen_with()), "?near=AMS") == ["Everywhere"]


def test_a_place_is_found_over_the_date_line():
    BranchFactory(latitude=-17.0, longitude=179.9)
    branch = BranchFactory(latitude=-17.0, longitude=-179.9)
    PerkFactory(merchant=branch.merchant, title="Fiji")
    assert titles(app_of(citizen_with()), "?near=-17.0,179.95") == ["Fiji"]


@pytest.mark.parametrize("query", ["?near=Lisbon", "?near=95,0", "?kind=loan", "?eligible=perhaps", "?purpose=credit"])
def test_a_filter_that_means_nothing_is_refused(query):
    assert code_of(app_of(citizen_with()).get(f"/api/v1/perks{query}")) == "invalid_input"


def test_an_unknown_parameter_is_refused():
    assert code_of(app_of(citizen_with()).get("/api/v1/perks?sort=score")) == "unknown_parameter"


def test_pages_follow_one_another():
    for number in range(5):
        PerkFactory(title=f"perk {number}")
    app = app_of(citizen_with())
    first = app.get("/api/v1/perks?limit=2").json()
    second = app.get(first["next"]).json()
    third = app.get(second["next"]).json()
    seen = [perk["title"] for part in (first, second, third) for perk in part["results"]]
    assert seen == [f"perk {number}" for number in (4, 3, 2, 1, 0)]
    assert third["next"] is None
    assert [perk["title"] for perk in app.get(third["previous"]).json()["results"]] == ["perk 2", "perk 1"]


@pytest.mark.parametrize("query", ["?limit=100", "?limit=100&eligible=true"])
def test_a_list_costs_the_same_at_any_size(django_assert_num_queries, query):
    """Lesson 11."""
    citizen = citizen_with(650)
    app = app_of(citizen)
    merchant = MerchantFactory()
    reservation(citizen, PerkFactory(merchant=merchant, limit_per_day=50))
    for number in range(4):
        PerkFactory(merchant=merchant, limit_per_day=5, categories=["a", "b"], title=f"perk {number}")
    app.get(f"/api/v1/perks{query}")
    few = _queries(app, query)
    for number in range(60):
        PerkFactory(limit_per_day=5, categories=["a"], tiers=[open_tier(), scored_tier(600 + number % 2 * 40)])
    assert _queries(app, query) == few
    assert few <= (6 if "eligible" not in query else 9)


def _queries(app, query) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(
        connection,
    ) as ran:
        assert app.get(f"/api/v1/perks{query}").status_code == 200
    return len(ran)


def test_a_list_read_twice_is_sent_once():
    PerkFactory()
    app = app_of(citizen_with())
    first = app.get("/api/v1/perks")
    assert first["Cache-Control"] == "private, no-cache"
    again = app.get("/api/v1/perks", HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")


def test_servers_have_no_catalogue_of_answers():
    perk = PerkFactory()
    server = server_app(perk.merchant)
    for answer in (
        server.get("/api/v1/perks"),
        server.get(f"/api/v1/perks/{perk.public_id}"),
        take(server, perk, **key()),
    ):
        assert (answer.status_code, code_of(answer)) == (403, "wrong_caller")
