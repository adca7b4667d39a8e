"""The endpoints of deposit agreements, from taking to the settlement, for both parties."""

import json
from datetime import timedelta

import pytest
import time_machine

from citizen_app.models import AuditEvent
from perks.models import DepositAgreement, Redemption
from perks.services.deposits import move_on_deposits
from tests.factories.deposits import (
    DEPOSIT,
    accepted,
    active,
    claimed,
    contested,
    money,
    offered,
    rental,
    returned,
    somebody,
    waiver_perk,
)
from tests.factories.disputes import photograph
from tests.factories.perks import BranchFactory, person_of
from tests.factories.scores import NOW
from tests.perks.api.calls import PERK, app_of, code_of, key, members_of, scan, server_app, take, team_app

pytestmark = pytest.mark.django_db
DOLLAR = {"amount": 1, "currency": "USD"}
ITEMS = [{"text": "A scratch", "amount": money(12_000)}]


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


def mine(agreement, step, body=None, **headers):
    app = app_of(agreement.citizen)
    return app.post(
        f"/api/v1/me/deposits/{agreement.public_id}/{step}", body or {}, format="json", **(headers or key())
    )


def desk(agreement, step, body=None, *, role="cashier", format="json", **headers):
    address = f"/api/v1/merchant/deposits/{agreement.public_id}/{step}"
    return team_app(agreement.merchant, role).post(address, body or {}, format=format, **(headers or key()))


def state_of(agreement):
    return DepositAgreement.objects.get(pk=agreement.pk).state


def test_a_rental_from_taking_to_the_end():
    perk, citizen = waiver_perk(), somebody()
    app, branch = app_of(citizen), perk.merchant.branches.get()
    body = {"date": "2026-11-23", "until": "2026-11-26", "branch": branch.public_id, "class": "compact"}
    taken = take(app, perk, body | {"booking_reference": "R-17"})
    assert taken.status_code == 201
    deposit = taken.json()["deposit"]
    assert deposit.pop("id").startswith("dep_")
    assert deposit == {
        "state": "offered",
        "until": "2026-11-26",
        "class": "compact",
        "full": money(50_000),
        "waived": money(50_000),
        "waived_percent": 100,
        "remainder": money(0),
        "remainder_items": [],
        "claim_cap": money(30_000),
    }
    assert taken.json()["code"]
    agreement = DepositAgreement.objects.get()
    assert mine(agreement, "accept").json()["state"] == "accepted"
    scanned = scan(team_app(perk.merchant, "cashier"), code=taken.json()["code"], branch=branch.public_id).json()
    assert (scanned["outcome"], scanned["redemption"]["benefit"]) == ("accepted", {"waived_percent": 100})
    assert scanned["deposit"]["id"] == agreement.public_id
    assert {name: scanned["deposit"][name] for name in ("class", "until", "waived", "claim_cap")} == {
        name: taken.json()["deposit"][name] for name in ("class", "until", "waived", "claim_cap")
    }
    assert desk(agreement, "return").json()["state"] == "returned"
    answer = desk(agreement, "claim", {"items": ITEMS}, role="manager")
    assert (answer.status_code, answer.json()["state"]) == (200, "claimed")
    read = app.get(f"/api/v1/me/deposits/{agreement.public_id}").json()
    assert read["claim"]["items"] == ITEMS
    assert read["contest_until"] == "2026-11-26T12:00:00Z"
    assert mine(agreement, "contest", {"statement": "It was there before."}).json()["state"] == "contested"
    (listed,) = app.get("/api/v1/me/deposits?state=contested").json()["results"]
    assert listed["id"] == agreement.public_id
    assert listed["settled"] is None


def test_the_page_of_a_perk_says_its_deposit_before_it_is_taken():
    perk = waiver_perk()
    page = app_of(somebody()).get(f"/api/v1/perks/{perk.public_id}").json()
    assert page["deposit"] == DEPOSIT
    assert any("class" in learnt for learnt in page["desk_learns"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/date"),
        ({"date": "2026-11-23", "until": "2026-11-24", "class": "compact"}, "/branch"),
        ({"date": "2026-11-23", "until": "2026-11-24", "branch": "{branch}"}, "/class"),
        ({"date": "2026-11-23", "until": "2026-11-24", "branch": "{branch}", "class": "yacht"}, "/class"),
        ({"date": "2026-11-23", "until": "2026-11-22", "branch": "{branch}", "class": "van"}, "/until"),
    ],
)
def test_taking_says_what_is_wrong(body, pointer):
    perk = waiver_perk()
    branch = perk.merchant.branches.get().public_id
    answer = take(app_of(somebody()), perk, {name: text.replace("{branch}", branch) for name, text in body.items()})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
    assert not Redemption.objects.exists()


def test_moving_needs_a_key_and_a_retry_is_the_same_answer():
    agreement = offered()
    assert code_of(mine(agreement, "accept", HTTP_X_REQUEST_ID="x")) == "idempotency_key_missing"
    one = key()
    first, again = mine(agreement, "accept", **one), mine(agreement, "accept", **one)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert code_of(mine(agreement, "accept")) == "wrong_state"
    for step in ("pick-up", "return", "claim"):
        assert code_of(desk(agreement, step, role="manager", HTTP_X_REQUEST_ID="x")) == "idempotency_key_missing", step


def test_the_merchant_sees_what_was_accepted_and_a_cashier_what_waits():
    merchant = rental()
    perk = waiver_perk(merchant)
    offered(perk=perk)
    waiting, out, back, done = accepted(perk=perk), active(perk=perk), returned(perk=perk), claimed(perk=perk)
    manager = team_app(merchant, "manager").get("/api/v1/merchant/deposits").json()["results"]
    assert {one["id"] for one in manager} == {one.public_id for one in (done, back, out, waiting)}
    cashier = team_app(merchant, "cashier").get("/api/v1/merchant/deposits").json()["results"]
    assert {one["id"] for one in cashier} == {one.public_id for one in (back, out, waiting)}
    names = {one["id"]: one["first_name"] for one in manager}
    assert (names[waiting.public_id], names[out.public_id]) == (None, out.citizen.first_name)
    assert not members_of(manager) & {"score", "value", "min_score", "email", "tiers", "factors_used", "points_to_go"}


def test_a_pick_up_from_the_list_is_undone_by_its_redemption():
    agreement = accepted()
    person = person_of(agreement.merchant, "cashier")
    address = f"/api/v1/merchant/deposits/{agreement.public_id}/pick-up"
    assert app_of(person).post(address, {}, format="json", **key()).json()["state"] == "active"
    redemption = agreement.redemption.public_id
    undone = app_of(person).post(f"/api/v1/merchant/redemptions/{redemption}/reverse", {}, format="json", **key())
    assert (undone.status_code, undone.json()["state"]) == (200, "reserved")
    assert state_of(agreement) == "accepted"


def test_a_server_hands_over_and_takes_back_but_claims_nothing():
    agreement = accepted()
    till = server_app(agreement.merchant, "merchant:scan")
    for step, state in (("pick-up", "active"), ("return", "returned")):
        answer = till.post(f"/api/v1/merchant/deposits/{agreement.public_id}/{step}", {}, format="json", **key())
        assert answer.json()["state"] == state
    answer = till.post(
        f"/api/v1/merchant/deposits/{agreement.public_id}/claim", {"items": ITEMS}, format="json", **key()
    )
    assert code_of(answer) == "wrong_caller"
    assert state_of(agreement) == "returned"


def test_a_claim_is_a_form_with_photographs_which_both_parties_may_open():
    agreement = returned()
    one = key()
    form = {"items": json.dumps(ITEMS), "photographs": [photograph(1), photograph(2)]}
    answer = desk(agreement, "claim", form, role="manager", format="multipart", **one)
    assert answer.status_code == 200, answer.json()
    photographs = answer.json()["claim"]["photographs"]
    assert len(photographs) == 2
    for app in (team_app(agreement.merchant, "owner"), app_of(agreement.citizen)):
        own = app.credentials and photographs[0]["url"].replace("merchant/", "me/")
        address = own if app.get(photographs[0]["url"]).status_code in (403, 404) else photographs[0]["url"]
        given = app.get(address)
        assert (given.status_code, given.headers["Content-Type"]) == (200, "image/jpeg")
        assert given.headers["Content-Disposition"].startswith("attachment")
        assert b"secret comment" not in given.content
    assert app_of(somebody()).get(photographs[0]["url"].replace("merchant/", "me/")).status_code == 404


def test_a_retried_form_is_one_claim_and_another_picture_under_its_key_is_refused():
    agreement = returned()
    person, one = person_of(agreement.merchant, "manager"), key()
    address = f"/api/v1/merchant/deposits/{agreement.public_id}/claim"

    def send(colour):
        form = {"items": json.dumps(ITEMS), "photographs": [photograph(colour)]}
        return app_of(person).post(address, form, format="multipart", **one)

    first, again, other = send(1), send(1), send(2)
    assert (first.status_code, again.status_code, first.content) == (200, 200, again.content)
    assert code_of(other) == "idempotency_key_reused"
    assert AuditEvent.objects.filter(action="deposit.claim").count() == 1


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "invalid_input", "/items"),
        ({"items": "x"}, "invalid_input", "/items"),
        ({"items": "[" * 3000}, "invalid_input", "/items"),
        ({"items": []}, "invalid_input", "/items"),
        ({"items": [{"text": "x"}]}, "invalid_input", "/items/0/amount"),
        ({"items": [{"text": "x", "amount": DOLLAR}]}, "invalid_input", "/items/0/amount/currency"),
        ({"items": [{"text": "x", "amount": money(0)}]}, "invalid_input", "/items/0/amount/amount"),
        ({"items": [{"text": "a\u202eb", "amount": money(1)}]}, "invalid_input", "/items/0/text"),
        ({"items": [{"text": "x", "amount": money(30_001)}]}, "claim_above_cap", None),
    ],
)  # fmt: skip
def test_a_claim_that_is_none_changes_nothing(body, code, pointer):
    agreement = returned()
    answer = desk(agreement, "claim", body, role="manager")
    assert code_of(answer) == code
    if pointer:
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert state_of(agreement) == "returned"


def test_a_contest_may_carry_evidence():
    agreement = claimed()
    app = app_of(agreement.citizen)
    address = f"/api/v1/me/deposits/{agreement.public_id}/contest"
    form = {"statement": "Look.", "evidence": [photograph(3)]}
    answer = app.post(address, form, format="multipart", **key())
    (evidence,) = answer.json()["contest"]["evidence"]
    assert app.get(evidence["url"]).status_code == 200


def test_steps_out_of_their_turn_are_wrong_state_and_change_nothing():
    for made, step, body in (
        (active, "pick-up", {}),
        (accepted, "return", {}),
        (active, "claim", {"items": ITEMS}),
        (contested, "claim", {"items": ITEMS}),
    ):
        agreement = made()
        before = state_of(agreement)
        assert code_of(desk(agreement, step, body, role="manager")) == "wrong_state", step
        assert state_of(agreement) == before


def test_what_the_clock_did_is_read_before_it_is_filed():
    agreement = claimed()
    with time_machine.travel(NOW + timedelta(days=4), tick=False):
        read = app_of(agreement.citizen).get(f"/api/v1/me/deposits/{agreement.public_id}").json()
        assert (read["state"], read["settled"]) == ("settled", money(12_000))
        assert state_of(agreement) == "claimed"
        (found,) = app_of(agreement.citizen).get("/api/v1/me/deposits?state=settled").json()["results"]
        assert app_of(agreement.citizen).get("/api/v1/me/deposits?state=claimed").json()["results"] == []
        move_on_deposits()
        filed = app_of(agreement.citizen).get(f"/api/v1/me/deposits/{agreement.public_id}").json()
        assert found["settled"] == filed["settled"]


def test_a_list_costs_the_same_however_long(django_assert_max_num_queries):
    perk, citizen = waiver_perk(), somebody()
    for _ in range(4):
        returned(citizen, perk)
    app = app_of(citizen)
    with django_assert_max_num_queries(12):
        assert len(app.get("/api/v1/me/deposits").json()["results"]) == 4


def test_a_waiver_is_written_and_published_by_its_merchant():
    merchant = rental()
    BranchFactory(merchant=merchant)
    owner = team_app(merchant)
    body = PERK | {
        "kind": "deposit_waiver",
        "tiers": [{"min_score": 600, "benefit": {"waived_percent": 100}}],
        "deposit": DEPOSIT,
    }
    made = owner.post("/api/v1/merchant/perks", body, format="json")
    assert (made.status_code, made.json()["deposit"]) == (201, DEPOSIT)
    wrong = owner.post("/api/v1/merchant/perks", body | {"deposit": {"classes": []}}, format="json")
    assert wrong.json()["errors"][0]["pointer"] == "/deposit/classes"
    assert owner.post(f"/api/v1/merchant/perks/{made.json()['id']}/submit", {}, format="json").status_code == 200
