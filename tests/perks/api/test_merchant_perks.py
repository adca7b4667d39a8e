"""A merchant's perks over HTTP: the body, its mistakes, its versions, its states."""

import pytest

from perks.api.merchant.answers import MerchantPerkSerializer
from perks.models import Perk
from perks.services.catalogue import approve_perk
from tests.factories.people import operator_with
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, reservation, scored_tier
from tests.perks.api.calls import PERK, code_of, team_app

pytestmark = pytest.mark.django_db
PATH = "/api/v1/merchant/perks"
CARD = {"min_score": None, "benefit": {"face": {"amount": 100, "currency": "EUR"}}}


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def app(merchant):
    return team_app(merchant)


def draft(app, **changes):
    return app.post(PATH, PERK | changes, format="json")


def patch(app, path, body, etag=None):
    headers = {} if etag is None else {"HTTP_IF_MATCH": etag}
    return app.patch(path, body, format="json", **headers)


def test_a_perk_is_written_as_the_contract_says_and_read_back(merchant, app):
    branch = BranchFactory(merchant=merchant)
    body = PERK | {
        "description": "One more quiet morning.",
        "categories": ["hotel", "room"],
        "branches": [branch.public_id],
        "zone": "Atlantic/Azores",
        "visible_from": "2026-11-01",
        "valid_from": "2026-12-01T09:30",
        "valid_until": "2026-12-31",
        "hours": [{"day": 1, "from": "22:00", "to": "02:00"}],
        "stock": 30,
        "limits": {
            "per_citizen": None,
            "per_citizen_day": 1,
            "per_citizen_week": 2,
            "per_citizen_month": 4,
            "per_day": 9,
        },
        "hold_minutes": 60,
        "release": {"on_cancel": "stock", "on_expiry": "nothing", "on_reversal": "all"},
        "offline": "refuse",
        "budget": None,
        "deposit": None,
    }
    answer = app.post(PATH, body, format="json")
    perk = answer.json()
    assert answer.status_code == 201
    assert set(perk) == set(MerchantPerkSerializer().fields)
    assert {name: perk[name] for name in body} == body
    assert (perk["state"], perk["version"], perk["pending_version"], perk["purpose"]) == ("draft", 1, None, "travel")
    assert perk["counts"] == {"reserved": 0, "redeemed": 0, "remaining": 30}
    again = app.get(f"{PATH}/{perk['id']}")
    assert again.json() == perk
    # Sent back as it was read, nothing moves.
    kept = {name: perk[name] for name in body}
    assert patch(app, f"{PATH}/{perk['id']}", kept, again["ETag"]).json() == perk
    stored = Perk.objects.get()
    assert stored.valid_until_at.isoformat() == "2027-01-01T01:00:00+00:00"


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"kind": "loan"}, "/kind", "invalid"),
        ({"title": None}, "/title", "null"),
        ({"title": "x" * 121}, "/title", "too_long"),
        ({"zone": "Lisbon"}, "/zone", "invalid"),
        ({"hold_minutes": 0}, "/hold_minutes", "out_of_range"),
        ({"hold_minutes": 43201}, "/hold_minutes", "out_of_range"),
        ({"stock": True}, "/stock", "invalid"),
        ({"stock": 10**12}, "/stock", "out_of_range"),
        ({"limits": {"per_year": 1}}, "/limits/per_year", "unknown_field"),
        ({"release": {"on_cancel": "half"}}, "/release/on_cancel", "invalid"),
        ({"tiers": [scored_tier(600), scored_tier(620)]}, "/tiers/1/min_score", "out_of_range"),
        ({"tiers": "all"}, "/tiers", "invalid"),
        ({"categories": ["Bad Category"]}, "/categories/0", "invalid"),
        ({"state": "published"}, "/state", "unknown_field"),
        ({"id": "perk_x"}, "/id", "unknown_field"),
        ({"merchant": "mer_x"}, "/merchant", "unknown_field"),
        ({"terms": "a\u202eb"}, "/terms", "invalid"),
    ],
)
def test_a_mistake_is_named_by_its_pointer_and_nothing_is_kept(app, changes, pointer, code):
    answer = draft(app, **changes)
    assert (answer.status_code, code_of(answer)) == (400, "invalid_input")
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert not Perk.objects.exists()


def test_a_change_names_the_version_it_was_made_on(app):
    perk = draft(app)
    path = f"{PATH}/{perk.json()['id']}"
    assert code_of(patch(app, path, {"stock": 5})) == "precondition_required"
    changed = patch(app, path, {"stock": 5}, perk["ETag"])
    assert (changed.status_code, changed.json()["stock"]) == (200, 5)
    late = patch(app, path, {"stock": 6}, perk["ETag"])
    assert (late.status_code, code_of(late)) == (412, "precondition_failed")
    assert Perk.objects.get().stock == 5


def test_a_perk_is_published_step_by_step(app):
    perk = draft(app).json()
    path = f"{PATH}/{perk['id']}"
    assert code_of(app.post(f"{path}/publish")) == "not_approved"
    assert app.post(f"{path}/submit").json()["state"] == "review"
    assert code_of(app.post(f"{path}/submit")) == "wrong_state"
    assert code_of(app.post(f"{path}/publish")) == "not_approved"
    approve_perk(perk=Perk.objects.get(), by=operator_with("merchants"))
    assert app.post(f"{path}/publish").json()["state"] == "published"
    assert app.post(f"{path}/pause").json()["state"] == "paused"
    assert app.post(f"{path}/resume").json()["state"] == "published"
    assert app.post(f"{path}/end").json()["state"] == "ended"
    for action in ("submit", "publish", "pause", "resume", "end"):
        refused = app.post(f"{path}/{action}")
        assert (refused.status_code, code_of(refused)) == (409, "wrong_state")
    assert code_of(app.post(f"{path}/submit", {"now": True}, format="json")) == "invalid_input"


@pytest.mark.parametrize("budget", [{}, {"amount": 500}, {"currency": "EUR"}])
def test_a_change_of_half_a_budget_is_refused_and_changes_nothing(app, budget):
    made = draft(app, kind="gift_card", tiers=[CARD], budget={"amount": 100, "currency": "EUR"}).json()
    answer = patch(app, f"{PATH}/{made['id']}", {"budget": budget}, etag="*")
    assert (answer.status_code, code_of(answer)) == (400, "invalid_input")
    missing = sorted({"amount", "currency"} - set(budget))
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        (f"/budget/{name}", "required") for name in missing
    ]
    assert app.get(f"{PATH}/{made['id']}").json() == made


def test_a_category_is_a_text(app):
    answer = draft(app, categories=["food", 5])
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [("/categories/1", "invalid")]
    assert not Perk.objects.exists()


def test_a_change_of_what_binds_waits_and_shows(app, merchant):
    perk = PerkFactory(merchant=merchant)
    path = f"{PATH}/{perk.public_id}"
    etag = app.get(path)["ETag"]
    answer = patch(app, path, {"fair_terms": "Ask, for 20 euros.", "stock": 99}, etag).json()
    assert (answer["version"], answer["pending_version"], answer["stock"]) == (1, 2, 99)
    assert answer["fair_terms"] == "Everybody may ask at the desk, for 15 euros."
    assert answer["pending"]["fair_terms"] == "Ask, for 20 euros."


def test_the_list_costs_the_same_at_any_size(app, merchant, django_assert_num_queries):
    """Lesson 11."""
    for number in range(3):
        PerkFactory(merchant=merchant, title=f"perk {number}", categories=["a"])
    reservation(perk=Perk.objects.first())
    PerkFactory()
    listed = app.get(f"{PATH}?limit=100").json()["results"]
    assert [perk["title"] for perk in listed] == ["perk 2", "perk 1", "perk 0"]
    assert sum(perk["counts"]["reserved"] for perk in listed) == 1
    with django_assert_num_queries(6):
        app.get(f"{PATH}?limit=100")
    for _ in range(20):
        PerkFactory(merchant=merchant, categories=["a", "b"])
    with django_assert_num_queries(6):
        assert len(app.get(f"{PATH}?limit=100").json()["results"]) == 23
    assert app.get(f"{PATH}?state=draft").json()["results"] == []


def test_the_probing_rule_answers_with_the_other_perk(app, merchant):
    other = PerkFactory(merchant=merchant, title="Old", tiers=[scored_tier(600)])
    perk = PerkFactory(merchant=merchant, state="approved", tiers=[scored_tier(620)])
    refused = app.post(f"{PATH}/{perk.public_id}/publish")
    assert (refused.status_code, code_of(refused)) == (409, "thresholds_too_close")
    assert refused.json()["other"] == {"id": other.public_id, "title": "Old", "min_score": 600}
    perk.refresh_from_db()
    assert perk.state == "approved"
