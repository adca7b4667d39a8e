"""Tills over HTTP: pairing, shifts, the arrivals list, and what a till's credential opens."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from perks.models import Scan, Till, TillShift
from perks.services.redemptions import cancel_redemption
from perks.services.shifts import set_pin
from perks.services.showing import secrets_of
from tests.factories.people import api_client_for, api_client_with
from tests.factories.perks import BranchFactory, MemberFactory, MerchantFactory, PerkFactory, citizen_with, reservation
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db
PIN = "2580"


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW, tick=False) as travelled:
        yield travelled


@pytest.fixture
def hotel():
    merchant = MerchantFactory()
    merchant.branch = BranchFactory(merchant=merchant)
    merchant.cashier = MemberFactory(merchant=merchant)
    merchant.manager = MemberFactory(merchant=merchant, role="manager")
    set_pin(member=merchant.cashier, pin=PIN)
    return merchant


def paired(hotel, **said) -> dict:
    app = api_client_for(hotel.manager.citizen)
    made = app.post("/api/v1/merchant/devices", {"name": "Desk 1"} | said, format="json")
    assert made.status_code == 201, made.json()
    told = Client().post(
        "/api/v1/devices/pair", {"pairing_code": made.json()["pairing_code"]}, content_type="application/json"
    )
    assert told.status_code == 201
    return told.json()


def at_work(hotel):
    till = api_client_with(paired(hotel)["token"])
    shift = till.post("/api/v1/devices/shift", {"member": hotel.cashier.public_id, "pin": PIN}, format="json").json()
    return till, api_client_with(shift["token"]), shift


def test_a_manager_pairs_a_till_and_sees_it(hotel):
    app = api_client_for(hotel.manager.citizen)
    made = app.post("/api/v1/merchant/devices", {"name": "Desk 1", "shift_minutes": 60}, format="json")
    told = made.json()
    assert made.headers["Cache-Control"] == "no-store"
    assert told["pairing_url"] == f"http://testserver/till#{told['pairing_code']}"
    assert told["expires_at"] == (timezone.now() + timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    assert app.get("/api/v1/merchant/devices").json()["results"] == []
    answer = Client().post(
        "/api/v1/devices/pair",
        {"pairing_code": told["pairing_code"], "name": "The tablet"},
        content_type="application/json",
    )
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert set(answer.json()) == {"device_id", "token"}
    [line] = app.get("/api/v1/merchant/devices").json()["results"]
    assert line == {
        "id": answer.json()["device_id"],
        "name": "The tablet",
        "branch": {"id": hotel.branch.public_id, "name": hotel.branch.name},
        "shift_minutes": 60,
        "paired_at": line["paired_at"],
        "last_seen_at": line["paired_at"],
    }


def test_a_wrong_and_a_used_pairing_code_are_answered_alike(hotel):
    made = api_client_for(hotel.manager.citizen).post("/api/v1/merchant/devices", {"name": "D"}, format="json").json()
    pair = lambda code: Client().post(  # noqa: E731
        "/api/v1/devices/pair", {"pairing_code": code}, content_type="application/json"
    )
    assert pair(made["pairing_code"]).status_code == 201
    used, wrong = pair(made["pairing_code"]), pair("0000-0000")
    assert used.json() == wrong.json()
    assert (used.status_code, used.json()["code"]) == (404, "unknown_pairing_code")
    assert Till.objects.count() == 1


def test_pairing_codes_are_not_guessed(hotel, settings):
    settings.RATE_LIMITS = True
    answers = [
        Client().post("/api/v1/devices/pair", {"pairing_code": f"000{n}"}, content_type="application/json").status_code
        for n in range(11)
    ]
    assert answers == [404] * 10 + [429]


def test_a_till_knows_itself_and_who_can_come_to_work(hotel):
    till, shift, opened = at_work(hotel)
    for client in (till, shift):
        told = client.get("/api/v1/devices/self").json()
        assert told["merchant"]["id"] == hotel.public_id
        cashier = {"id": hotel.cashier.public_id, "first_name": hotel.cashier.citizen.first_name}
        assert told["cashiers"] == [cashier]
        assert told["shift"] == {name: opened[name] for name in ("id", "member", "opened_at", "expires_at")}


def test_a_till_alone_does_not_scan_and_with_a_person_it_does(hotel):
    till, shift, _ = at_work(hotel)
    redemption = reservation(perk=PerkFactory(merchant=hotel))
    body = {"code": secrets_of(redemption).code, "nonce": "till-nonce"}
    alone = till.post("/api/v1/merchant/scans", body, format="json")
    assert (alone.status_code, alone.json()["code"]) == (403, "wrong_caller")
    assert alone.json()["title"] == "Nobody is at work on this till."
    assert not Scan.objects.exists()
    assert shift.post("/api/v1/merchant/scans", body, format="json").json()["outcome"] == "accepted"
    scan = Scan.objects.get()
    assert (scan.scanned_by, scan.branch) == (hotel.cashier.citizen, hotel.branch)
    assert shift.get("/api/v1/merchant/redemptions").json()["results"][0]["id"] == redemption.public_id


@pytest.mark.parametrize("what", ["till", "member"])
def test_what_is_taken_away_ends_at_the_next_request(hotel, what):
    till, shift, _ = at_work(hotel)
    owner = api_client_for(MemberFactory(merchant=hotel, role="owner").citizen)
    gone = f"devices/{Till.objects.get().public_id}" if what == "till" else f"members/{hotel.cashier.public_id}"
    assert owner.delete(f"/api/v1/merchant/{gone}").status_code == 204
    body = {"code": "00000-00000", "nonce": "till-nonce"}
    answer = shift.post("/api/v1/merchant/scans", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert till.get("/api/v1/devices/self").status_code == (401 if what == "till" else 200)
    assert not Scan.objects.exists()


def test_a_till_s_token_is_one_credential_and_no_person_s(hotel):
    token = paired(hotel)["token"]
    client = api_client_for(hotel.manager.citizen)
    both = client.get("/api/v1/devices/self", headers={"Authorization": f"Bearer {token}"})
    assert (both.status_code, both.json()["code"]) == (400, "two_credentials")
    for wrong in (token[:-1], token + "x", "till_", "shift_" + token[5:], "till_" + "0" * 43):
        assert api_client_with(wrong).get("/api/v1/devices/self").status_code == 401
    assert api_client_with(token).get("/api/v1/me").json()["code"] == "wrong_caller"
    named = api_client_with(token).get("/api/v1/merchant/arrivals", headers={"X-Merchant": MerchantFactory().public_id})
    assert named.status_code == 404


def test_on_a_till_a_manager_is_a_cashier(hotel):
    """A shared device opens no more than the desk's work, whoever types their PIN there."""
    set_pin(member=hotel.manager, pin=PIN)
    till = api_client_with(paired(hotel)["token"])
    opened = till.post("/api/v1/devices/shift", {"member": hotel.manager.public_id, "pin": PIN}, format="json").json()
    desk, app = api_client_with(opened["token"]), api_client_for(hotel.manager.citizen)
    mine, other = (reservation(perk=PerkFactory(merchant=hotel), now=NOW) for _ in range(2))
    body = {"code": secrets_of(mine).code, "nonce": "of-the-manager"}
    assert desk.post("/api/v1/merchant/scans", body, format="json").json()["outcome"] == "accepted"
    shown = desk.get("/api/v1/merchant/redemptions").json()["results"]
    assert [one["id"] for one in shown] == [mine.public_id]
    assert len(app.get("/api/v1/merchant/redemptions").json()["results"]) == 2
    path, said = f"/api/v1/merchant/redemptions/{mine.public_id}/reverse", {"reason": "A mistake."}
    with time_machine.travel(NOW + timedelta(minutes=11), tick=False):
        refused = desk.post(path, said, format="json", headers={"Idempotency-Key": "at-the-till"})
        assert (refused.status_code, refused.json()["code"]) == (403, "role_required")
        mine.refresh_from_db()
        assert mine.state == "redeemed"
        done = app.post(path, said, format="json", headers={"Idempotency-Key": "at-the-office"})
        assert (done.status_code, done.json()["state"]) == (200, "reversed")
    other.refresh_from_db()
    assert other.state == "reserved"


def test_a_till_scans_at_its_branch_and_nowhere_else(hotel):
    _, shift, _ = at_work(hotel)
    other = BranchFactory(merchant=hotel)
    body = {"code": "00000-00000", "nonce": "till-nonce", "branch": other.public_id}
    refused = shift.post("/api/v1/merchant/scans", body, format="json")
    assert refused.status_code == 400
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/branch"]
    here = shift.post("/api/v1/merchant/scans", body | {"branch": hotel.branch.public_id}, format="json")
    assert here.status_code == 201
    assert shift.get(f"/api/v1/merchant/arrivals?branch={other.public_id}").status_code == 400


def test_only_a_till_names_a_shift(hotel):
    app = api_client_for(hotel.cashier.citizen)
    body = {"code": "00000-00000", "nonce": "a-nonce-of-one", "shift": "shift_x"}
    assert app.post("/api/v1/merchant/scans", body, format="json").status_code == 400
    assert not Scan.objects.exists()


def test_wrong_pins_are_refused_and_then_locked(hotel, settings):
    settings.RATE_LIMITS = True
    till = api_client_with(paired(hotel)["token"])
    body = {"member": hotel.cashier.public_id, "pin": "1111"}
    answers = [till.post("/api/v1/devices/shift", body, format="json") for _ in range(6)]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "wrong_pin")] * 5 + [
        (429, "rate_limited")
    ]
    assert answers[-1].headers["Retry-After"] == "600"
    assert not TillShift.objects.exists()


def arrival(hotel, *, days=0, **fields):
    perk = PerkFactory(merchant=hotel, kind="priority", zone="Europe/Lisbon", title="Fast check-in")
    day = timezone.localdate() + timedelta(days=days)
    branch = fields.pop("branch", hotel.branch)
    return reservation(citizen_with(), perk, date=day, branch=branch, booking_reference="B-1", **fields)


def test_arrivals_are_who_is_expected_at_the_branch_and_no_more_of_them(hotel):
    listed = arrival(hotel)
    arrival(hotel, days=2)
    arrival(hotel, branch=BranchFactory(merchant=hotel))
    cancel_redemption(redemption=arrival(hotel))
    reservation(perk=PerkFactory(merchant=hotel))
    app = api_client_for(hotel.cashier.citizen)
    answer = app.get(f"/api/v1/merchant/arrivals?branch={hotel.branch.public_id}")
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json()
    assert told["results"] == [
        {
            "id": listed.public_id,
            "pass_id": listed.pk.hex,
            "perk": listed.perk.public_id,
            "kind": "priority",
            "title": "Fast check-in",
            "benefit": {"text": "A coffee"},
            "terms": listed.version.terms,
            "offline": "accept",
            "date": timezone.localdate().isoformat(),
            "expires_at": told["results"][0]["expires_at"],
            "first_name": listed.citizen.first_name,
            "booking_reference": "B-1",
        }
    ]
    assert listed.citizen.email not in answer.content.decode()
    assert "score" not in answer.content.decode()
    same = app.get(
        f"/api/v1/merchant/arrivals?branch={hotel.branch.public_id}", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert (same.status_code, same.content) == (304, b"")
    arrival(hotel)
    changed = app.get(
        f"/api/v1/merchant/arrivals?branch={hotel.branch.public_id}", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert (changed.status_code, len(changed.json()["results"])) == (200, 2)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 2),
        ("from={today}", 2),
        ("from={today}&to={today}", 1),
        ("from={today}&to={tomorrow}", 2),
        ("from={tomorrow}&to={tomorrow}", 1),
        ("from={today}T00:00:00Z&to={after}T00:00:00Z", 2),
        ("from={after}", 0),
    ],
)
def test_arrivals_are_of_the_days_asked_for(hotel, query, expected):
    arrival(hotel)
    arrival(hotel, days=1)
    days = {"today": 0, "tomorrow": 1, "after": 2}
    said = query.format(**{name: timezone.localdate() + timedelta(days=days[name]) for name in days})
    answer = api_client_for(hotel.cashier.citizen).get(f"/api/v1/merchant/arrivals?{said}")
    assert (answer.status_code, len(answer.json()["results"])) == (200, expected)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("from=2026-12-01&to=2026-12-03", "/to"),
        ("from=2026-12-01T00:00:00Z&to=2026-12-03T00:00:01Z", "/to"),
        ("from=2026-12-01&to=2026-11-30", "/to"),
        ("from=yesterday", "/from"),
        ("from=9999-12-31", "/from"),
        ("branch=br_00000000000000000000000000", "/branch"),
    ],
)
def test_at_most_48_hours_of_arrivals_are_told(hotel, query, pointer):
    answer = api_client_for(hotel.cashier.citizen).get(f"/api/v1/merchant/arrivals?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_arrivals_cost_the_same_for_many_as_for_one(hotel, django_assert_max_num_queries):
    app = api_client_with(paired(hotel)["token"])
    for _ in range(12):
        arrival(hotel)
    with django_assert_max_num_queries(6):
        assert len(app.get("/api/v1/merchant/arrivals?limit=100").json()["results"]) == 12
