"""Gift cards over HTTP: as their citizen, their merchant's till and its manager see them."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from perks.api.citizen.answers import GiftCardLineSerializer, GiftCardSerializer, RedemptionSerializer
from perks.api.merchant.answers import (
    GiftCardToldSerializer,
    LiabilityRowSerializer,
    MerchantRedemptionSerializer,
    RefundSerializer,
)
from perks.models import GiftCard, GiftCardPosting
from tests.factories.gift_cards import balance_of, card_perk, charge, taken_card
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, citizen_with, person_of
from tests.perks.api.calls import app_of, code_of, key, members_of, scan, server_app, take, team_app

pytestmark = pytest.mark.django_db


def euros(amount):
    return {"amount": amount, "currency": "EUR"}


def path(card, what="refund"):
    return f"/api/v1/merchant/gift-cards/{card.public_id}/{what}"


def refund(app, card, charge_id, amount, **headers):
    body = {"amount": euros(amount), "charge": charge_id}
    return app.post(path(card), body, format="json", **(headers or key()))


def test_a_card_is_used_when_taken_and_its_code_is_shown_until_nothing_is_left():
    citizen, perk = citizen_with(document=True), card_perk(2500)
    app = app_of(citizen)
    taken = take(app, perk)
    said = taken.json()
    assert taken.status_code == 201
    assert set(said) == set(RedemptionSerializer().fields)
    assert (said["state"], said["gift_card"]["state"]) == ("redeemed", "open")
    assert said["code"]
    assert said["pass"]
    assert said["seed"]
    assert said["qr"]
    card = GiftCard.objects.get()
    page = app.get(f"/api/v1/me/gift-cards/{card.public_id}")
    assert page["Cache-Control"] == "no-store"
    shown = page.json()
    assert set(shown) == set(GiftCardSerializer().fields)
    assert shown["code"] == said["code"]
    assert shown["expires_at"] == said["expires_at"]
    assert app.get(f"/api/v1/me/redemptions/{said['id']}/qr.svg").status_code == 200
    charge(card, 2500)
    spent = app.get(f"/api/v1/me/gift-cards/{card.public_id}").json()
    assert (spent["state"], spent["code"], spent["pass"], spent["seed"], spent["qr"]) == ("spent", *[None] * 4)
    assert app.get(f"/api/v1/me/redemptions/{said['id']}").json()["code"] is None
    assert app.get(f"/api/v1/me/redemptions/{said['id']}/qr.svg").status_code == 404


def test_taking_again_with_the_same_key_issues_one_card():
    citizen, perk, headers = citizen_with(document=True), card_perk(2500), key()
    first, again = (take(app_of(citizen), perk, **headers) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert GiftCard.objects.count() == GiftCardPosting.objects.count() == 1


def test_the_statement_says_what_when_where_how_much_and_what_was_left():
    merchant = MerchantFactory()
    branch = BranchFactory(merchant=merchant, name="At the river")
    card = taken_card(2500, merchant=merchant)
    taken = charge(card, 1000, branch=branch)
    till = team_app(merchant)
    refund(till, card, taken.public_id, 400)
    rows = app_of(card.citizen).get(f"/api/v1/me/gift-cards/{card.public_id}").json()["statement"]
    assert [(row["what"], row["where"], row["amount"], row["balance"]) for row in rows] == [
        ("refund", "At the river", euros(400), euros(1900)),
        ("charge", "At the river", euros(-1000), euros(1500)),
        ("issue", None, euros(2500), euros(2500)),
    ]


def test_the_list_has_no_code_and_costs_the_same_at_any_size(django_assert_max_num_queries):
    citizen = citizen_with(document=True)
    for _ in range(3):
        taken_card(citizen=citizen)
    app = app_of(citizen)
    with django_assert_max_num_queries(6):
        answer = app.get("/api/v1/me/gift-cards")
    rows = answer.json()["results"]
    assert (len(rows), set(rows[0])) == (3, set(GiftCardLineSerializer().fields))
    assert not members_of(rows) & {"code", "pass", "seed"}
    again = app.get("/api/v1/me/gift-cards", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert again.status_code == 304


def test_a_till_charges_and_is_told_the_balance():
    card = taken_card(2500)
    code = app_of(card.citizen).get(f"/api/v1/me/gift-cards/{card.public_id}").json()["code"]
    till = server_app(card.merchant, "merchant:scan")
    answer = scan(till, code=code, amount=euros(700))
    assert answer.status_code == 201
    told = answer.json()["gift_card"]
    assert set(told) == set(GiftCardToldSerializer().fields)
    assert (told["id"], told["amount"], told["balance"]) == (card.public_id, euros(700), euros(1800))
    assert refund(till, card, told["charge"], 700).status_code == 200
    assert balance_of(card) == 2500


def test_a_pass_charges_like_a_code():
    card = taken_card(2500)
    shown = app_of(card.citizen).get(f"/api/v1/me/gift-cards/{card.public_id}").json()
    from perks.passes import digits_at, shown_pass

    whole = shown_pass(shown["pass"], digits_at(shown["seed"], timezone.now()))
    answer = scan(team_app(card.merchant, "cashier"), **{"pass": whole, "amount": euros(1)})
    assert (answer.json()["outcome"], answer.json()["typed"], balance_of(card)) == ("accepted", False, 2499)


@pytest.mark.parametrize(
    ("amount", "pointer"),
    [
        (None, "/amount"),
        ({"amount": 0, "currency": "EUR"}, "/amount/amount"),
        ({"amount": -1, "currency": "EUR"}, "/amount/amount"),
        ({"amount": 10**13, "currency": "EUR"}, "/amount/amount"),
        ({"amount": "5", "currency": "EUR"}, "/amount/amount"),
        ({"amount": 5, "currency": "USD"}, "/amount/currency"),
        ({"amount": 5}, "/amount/currency"),
    ],
)
def test_a_charge_names_an_amount_of_money(amount, pointer):
    card = taken_card(2500)
    code = app_of(card.citizen).get(f"/api/v1/me/gift-cards/{card.public_id}").json()["code"]
    body = {"code": code} if amount is None else {"code": code, "amount": amount}
    answer = scan(team_app(card.merchant, "cashier"), **body)
    assert (answer.status_code, code_of(answer)) == (400, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert balance_of(card) == 2500


def test_the_same_nonce_again_is_200_and_the_same_bytes_after_more_was_charged():
    card = taken_card(2500)
    code = app_of(card.citizen).get(f"/api/v1/me/gift-cards/{card.public_id}").json()["code"]
    till = team_app(card.merchant, "cashier")
    first = scan(till, "nonce-0001", code=code, amount=euros(500))
    scan(till, code=code, amount=euros(500))
    again = scan(till, "nonce-0001", code=code, amount=euros(500))
    assert (first.status_code, again.status_code, first.content == again.content) == (201, 200, True)
    other = scan(till, "nonce-0001", code=code, amount=euros(501))
    assert (other.status_code, code_of(other), balance_of(card)) == (409, "nonce_reused", 1500)


def test_a_refund_is_made_once_by_its_key_and_bounded_by_its_charge():
    card = taken_card(2500)
    taken, app, headers = charge(card, 1000), team_app(card.merchant, "manager"), key()
    first, again = (refund(app, card, taken.public_id, 400, **headers) for _ in range(2))
    assert (first.status_code, set(first.json())) == (200, set(RefundSerializer().fields))
    assert (first.json()["left"], first.json()["gift_card"]["balance"]) == (euros(600), euros(1900))
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    above = refund(app, card, taken.public_id, 601)
    assert (above.status_code, code_of(above), above.json()["left"]) == (409, "refund_above_charge", euros(600))
    stranger = refund(app, card, charge(taken_card(), 5).public_id, 1)
    assert (stranger.status_code, stranger.json()["errors"][0]["pointer"]) == (400, "/charge")
    assert code_of(app.post(path(card), {}, format="json")) == "idempotency_key_missing"
    assert balance_of(card) == 1900


def test_who_may_refund():
    card = taken_card(2500)
    taken = charge(card, 1000)
    refused = refund(team_app(card.merchant, "cashier"), card, taken.public_id, 1)
    assert (refused.status_code, code_of(refused)) == (403, "role_required")
    assert refund(server_app(card.merchant, "merchant:perks"), card, taken.public_id, 1).status_code == 403
    assert refund(team_app(MerchantFactory()), card, taken.public_id, 1).status_code == 404
    assert balance_of(card) == 1500


def test_an_undo_and_a_reversal_over_http():
    card = taken_card(2500)
    cashier, manager = team_app(card.merchant, "cashier"), team_app(card.merchant, "manager")
    code = app_of(card.citizen).get(f"/api/v1/me/gift-cards/{card.public_id}").json()["code"]
    scan(cashier, code=code, amount=euros(500))
    address = f"/api/v1/merchant/redemptions/{card.redemption.public_id}/reverse"
    undone = cashier.post(address, {}, format="json", **key())
    assert undone.status_code == 200
    assert set(undone.json()) == set(MerchantRedemptionSerializer().fields)
    assert (undone.json()["state"], undone.json()["gift_card"]["balance"]) == ("redeemed", euros(2500))
    assert undone.json()["gift_card"]["charges"][0]["left"] == euros(0)
    assert code_of(cashier.post(address, {}, format="json", **key())) == "role_required"
    charge(card, 100)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        in_use = manager.post(address, {"reason": "A mistake."}, format="json", **key())
    assert (in_use.status_code, code_of(in_use)) == (409, "gift_card_in_use")
    assert balance_of(card) == 2400


def test_the_liability_adds_up_and_a_card_past_its_end_is_owed_no_more():
    merchant = MerchantFactory()
    owner = person_of(merchant)
    perks = [card_perk(2500, merchant=merchant, months=months) for months in (1, 24)]
    soon, late = (taken_card(perk=perk) for perk in perks)
    taken = charge(late, 1000)
    refund(app_of(owner), late, taken.public_id, 300)
    taken_card(900)  # another merchant's

    def liability():
        answer = app_of(owner).get("/api/v1/merchant/gift-cards/liability")
        assert answer.status_code == 200
        (row,) = answer.json()["currencies"]
        assert set(row) == set(LiabilityRowSerializer().fields)
        amount = {name: one["amount"] for name, one in row["totals"].items()}
        owed = amount["issued"] - amount["charged"] + amount["refunded"] - amount["expired"] - amount["reversed"]
        assert row["outstanding"]["amount"] == owed
        return row

    row = liability()
    assert (row["outstanding"], row["open_cards"]) == (euros(2500 + 1800), 2)
    assert row["expiring_90_days"] == euros(2500)
    with time_machine.travel(soon.expires_at + timedelta(seconds=1)):
        row = liability()
    assert (row["outstanding"], row["totals"]["expired"], row["expiring_30_days"]) == (
        euros(1800),
        euros(2500),
        euros(0),
    )
    server = server_app(merchant, "merchant:perks")
    assert server.get("/api/v1/merchant/gift-cards/liability").status_code == 200
    fresh = app_of(person_of(MerchantFactory())).get("/api/v1/merchant/gift-cards/liability")
    assert fresh.json()["currencies"] == []


def test_what_other_perks_show_has_no_card():
    app = app_of(citizen_with())
    said = take(app, PerkFactory()).json()
    assert said["gift_card"] is None
