"""Scans and redemptions over HTTP, as till, manager and server see them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from perks.api.merchant.answers import MerchantRedemptionSerializer, RedemptionRowSerializer, ScanSerializer
from perks.models import Redemption, Scan
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, citizen_with, person_of, reservation
from tests.perks.api.calls import app_of, code_of, key, scan, server_app, take, team_app

pytestmark = pytest.mark.django_db
PATH = "/api/v1/merchant/redemptions"


@pytest.fixture
def merchant():
    return MerchantFactory()


def open_code(merchant, **fields) -> tuple[Redemption, str]:
    redemption = reservation(perk=PerkFactory(merchant=merchant), **fields)
    return redemption, secrets_of(redemption).code


def test_a_scan_answers_with_what_the_desk_needs_and_nothing_else(merchant):
    redemption, code = open_code(merchant)
    answer = scan(team_app(merchant, "cashier"), code=code)
    said = answer.json()
    assert answer.status_code == 201
    assert set(said) == set(ScanSerializer().fields)
    assert said["outcome"] == "accepted"
    assert said["redemption"] == {
        "id": redemption.public_id,
        "title": "Late check-out",
        "benefit": {"text": "A coffee"},
        "terms": "Until 14:00, on the day you leave.",
        "first_name": redemption.citizen.first_name,
        "state": "redeemed",
    }


def test_the_same_nonce_again_is_200_and_the_same_bytes(merchant):
    _, code = open_code(merchant)
    app = team_app(merchant, "cashier")
    first, again = scan(app, "nonce-0001", code=code), scan(app, "nonce-0001", code=code)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    refused = scan(app, "nonce-0001", code="00000-00000")
    assert (refused.status_code, code_of(refused)) == (409, "nonce_reused")
    assert Scan.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/code"),
        ({"code": "A", "pass": "B"}, "/code"),
        ({"code": "A", "amount": {"amount": 0, "currency": "EUR"}}, "/amount/amount"),
        ({"code": "A", "amount": {"amount": -5, "currency": "EUR"}}, "/amount/amount"),
        ({"code": "A", "amount": {"amount": 5.5, "currency": "EUR"}}, "/amount/amount"),
        ({"code": "A", "amount": {"amount": 5, "currency": "USD"}}, "/amount/currency"),
        ({"code": "A", "amount": 5}, "/amount"),
        ({"code": "A", "scanned_at": "yesterday"}, "/scanned_at"),
        ({"code": "A", "branch": "br_nobody"}, "/branch"),
        ({"code": "A", "score": 1}, "/score"),
        ({"code": 5}, "/code"),
    ],
)
def test_a_scan_that_makes_no_sense_is_refused_and_not_recorded(merchant, body, pointer):
    answer = scan(team_app(merchant, "cashier"), **body)
    assert code_of(answer) == "invalid_input"
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert not Scan.objects.exists()


@pytest.mark.parametrize("nonce", ["short", "x" * 65, "with space", "naïve-nonce"])
def test_a_nonce_is_8_to_64_visible_characters(merchant, nonce):
    assert code_of(scan(team_app(merchant, "cashier"), nonce, code="A")) == "invalid_input"


def test_a_strangers_branch_is_not_ours(merchant):
    answer = scan(team_app(merchant, "cashier"), code="A", branch=BranchFactory().public_id)
    assert answer.json()["errors"][0]["pointer"] == "/branch"


def test_another_merchants_code_is_unknown_byte_for_byte(merchant):
    """Lesson 15."""
    _, code = open_code(MerchantFactory())
    app = team_app(merchant, "cashier")
    theirs, nobodys = scan(app, code=code), scan(app, code="00000-00000")
    ids = theirs.json()["id"], nobodys.json()["id"]
    assert theirs.content.replace(ids[0].encode(), b"") == nobodys.content.replace(ids[1].encode(), b"")
    assert theirs.status_code == nobodys.status_code == 201
    assert sorted(theirs.headers) == sorted(nobodys.headers)


def test_too_many_wrong_codes_are_429_with_a_time(merchant):
    app = team_app(merchant, "cashier")
    for _ in range(5):
        assert scan(app, code="00000-00000").status_code == 201
    refused = scan(app, code="00000-00000")
    assert (refused.status_code, code_of(refused)) == (429, "rate_limited")
    assert 590 <= int(refused["Retry-After"]) <= 600
    assert "pass" in refused.json()["detail"]
    assert Scan.objects.count() == 5


def test_a_cashier_sees_what_they_scanned_and_a_manager_everything(merchant):
    scanned, code = open_code(merchant)
    open_code(merchant)
    cashier, colleague = team_app(merchant, "cashier"), team_app(merchant, "cashier")
    scan(cashier, code=code)
    assert [row["id"] for row in cashier.get(PATH).json()["results"]] == [scanned.public_id]
    assert colleague.get(PATH).json()["results"] == []
    assert code_of(colleague.get(f"{PATH}/{scanned.public_id}")) == "not_found"
    assert len(team_app(merchant, "manager").get(PATH).json()["results"]) == 2
    assert len(server_app(merchant, "merchant:perks").get(PATH).json()["results"]) == 2
    assert server_app(merchant, "merchant:scan").get(PATH).json()["results"] == []


def test_a_first_name_appears_once_a_scan_was_accepted(merchant):
    redemption, code = open_code(merchant)
    app = team_app(merchant)
    (before,) = app.get(PATH).json()["results"]
    assert set(before) == set(RedemptionRowSerializer().fields)
    assert (before["first_name"], before["state"]) == (None, "reserved")
    scan(app, code=code)
    page = app.get(f"{PATH}/{redemption.public_id}").json()
    assert set(page) == set(MerchantRedemptionSerializer().fields)
    assert page["first_name"] == redemption.citizen.first_name
    assert [one["outcome"] for one in page["scans"]] == ["accepted"]
    assert page["undo_until"] is not None


def test_the_list_is_narrowed_and_costs_the_same_at_any_size(merchant, django_assert_num_queries):
    branch = BranchFactory(merchant=merchant)
    perk = PerkFactory(merchant=merchant, kind="priority")
    day = (timezone.now() + timedelta(days=2)).date()
    dated = reservation(perk=perk, date=day, branch=branch, booking_reference="AB-12")
    for _ in range(2):
        open_code(merchant)
    app = team_app(merchant)
    for query, found in (
        (f"?date={day.isoformat()}", 1),
        ("?booking_reference=AB-12", 1),
        (f"?branch={branch.public_id}", 1),
        ("?branch=br_nobody", 0),
        ("?state=reserved", 3),
        ("?state=redeemed", 0),
    ):
        assert len(app.get(f"{PATH}{query}").json()["results"]) == found, query
    assert app.get(f"{PATH}/{dated.public_id}").json()["branch"]["id"] == branch.public_id
    with django_assert_num_queries(4):
        app.get(PATH)
    for _ in range(9):
        open_code(merchant)
    with django_assert_num_queries(4):
        assert len(app.get(PATH).json()["results"]) == 12


def test_an_undo_is_a_retry_safe_step_back(merchant):
    redemption, code = open_code(merchant)
    app, headers = team_app(merchant, "cashier"), key()
    scan(app, code=code)
    path = f"{PATH}/{redemption.public_id}/reverse"
    first, again = app.post(path, {}, format="json", **headers), app.post(path, {}, format="json", **headers)
    assert (first.status_code, first.json()["state"]) == (200, "reserved")
    assert (again["Idempotent-Replayed"], again.json()) == ("true", first.json())
    assert code_of(app.post(path, {}, format="json", **key())) == "wrong_state"
    assert code_of(app.post(path, {}, format="json")) == "idempotency_key_missing"


def test_after_ten_minutes_a_manager_or_a_scanning_server_reverses_with_a_reason(merchant):
    earlier = timezone.now() - timedelta(minutes=11)
    for reverses in (team_app(merchant, "manager"), server_app(merchant, "merchant:scan")):
        redemption, code = open_code(merchant, now=earlier)
        by = person_of(merchant)
        scan_code(merchant=merchant, by=by, shown=Shown(code), nonce=f"n-{redemption.pk}", now=earlier)
        path = f"{PATH}/{redemption.public_id}/reverse"
        if reverses.get(PATH).json()["results"] == []:
            continue  # a server that only scans reverses what it scanned itself
        missing = reverses.post(path, {}, format="json", **key())
        assert missing.json()["errors"][0]["pointer"] == "/reason"
        done = reverses.post(path, {"reason": "The room was not ready."}, format="json", **key())
        assert (done.json()["state"], done.json()["reason"]) == ("reversed", "The room was not ready.")
        seen = app_of(redemption.citizen).get(f"/api/v1/me/redemptions/{redemption.public_id}").json()
        assert seen["reason"] == "The room was not ready."


def test_the_whole_way_over_http(merchant):
    perk = PerkFactory(merchant=merchant)
    citizen = citizen_with()
    phone, till = app_of(citizen), team_app(merchant, "cashier")
    taken = take(phone, perk).json()
    assert scan(till, code=taken["code"]).json()["outcome"] == "accepted"
    assert phone.get(f"/api/v1/me/redemptions/{taken['id']}").json()["state"] == "redeemed"
    (asked,) = phone.get("/api/v1/me/inquiries").json()["results"]
    assert (asked["asked_by"]["name"], asked["what"]) == (merchant.name, "scan")
