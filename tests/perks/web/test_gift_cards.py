"""Gift cards on pages: the citizen's list, card and code; the desk's amount; the merchant's refund and what it owes."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from perks.models import GiftCardPosting, Perk, Scan
from perks.services.showing import secrets_of
from tests.factories.gift_cards import balance_of, card_perk, charge, taken_card
from tests.factories.people import browser_for
from tests.factories.perks import MerchantFactory, citizen_with, person_of
from tests.perks.web.merchant.pages import errors_of, hidden, problem_of, text_of, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def card():
    return taken_card(2500)


def test_a_card_is_listed_shown_and_its_statement_read(card):
    charge(card, 1000)
    browser = browser_for(card.citizen)
    assert "Your gift cards, and what is on them" in text_of(browser.get("/codes"))
    listed = text_of(browser.get("/gift-cards"))
    assert "15.00 EUR" in listed
    assert "Ready to spend" in listed
    page = text_of(browser.get(f"/gift-cards/{card.public_id}"))
    assert "15.00 EUR of 25.00 EUR" in page
    assert "Paid" in page
    assert "−10.00 EUR" in page
    code = browser.get(f"/codes/{card.redemption.public_id}")
    assert secrets_of(card.redemption).code in code.content.decode().replace("‑", "-")
    assert "On the card 15.00 EUR" in text_of(code)
    assert code["Cache-Control"].startswith("no-store") or "no-store" in code["Cache-Control"]


def test_the_page_of_a_code_watches_what_moves_and_has_no_code_once_it_is_spent(card):
    browser = browser_for(card.citizen)
    address = f"/codes/{card.redemption.public_id}"
    standing = browser.get(f"{address}/state").json()["state"]
    assert f'data-standing="{standing}"' in browser.get(address).content.decode()
    charge(card, 2500)
    assert browser.get(f"{address}/state").json()["state"] != standing
    page = browser.get(address)
    assert "Spent" in text_of(page)
    assert secrets_of(card.redemption).code not in page.content.decode()
    assert browser.get(f"{address}/qr.svg").status_code == 404


def test_taking_one_on_its_page_shows_its_code():
    citizen, perk = citizen_with(document=True), card_perk(2500)
    browser = browser_for(citizen)
    page = browser.get(f"/perks/{perk.public_id}")
    assert "25.00 EUR to spend within 24 months" in text_of(page)
    key = {"idempotency_key": hidden(page, "idempotency_key")}
    answer = browser.post(f"/perks/{perk.public_id}/take", key, follow=True)
    assert "On the card 25.00 EUR" in text_of(answer)


def test_somebody_else_s_card_is_not_there(card):
    assert browser_for(citizen_with()).get(f"/gift-cards/{card.public_id}").status_code == 404


def scan(browser, **said):
    page = browser.get("/merchant/scan")
    return browser.post("/merchant/scan", {"nonce": hidden(page, "nonce"), **said})


def test_the_desk_is_asked_the_amount_charges_and_undoes(card):
    cashier = person_of(card.merchant, "cashier")
    browser, code = browser_for(cashier), secrets_of(card.redemption).code
    asked = scan(browser, code=code)
    assert errors_of(asked) == {"amount": "This is a gift card: say how much to charge."}
    assert not Scan.objects.exists()
    done = scan(browser, code=code, amount="10.50")
    said = text_of(done)
    assert "Accepted" in said
    assert "Charged 10.50 EUR" in said
    assert "Left on it 14.50 EUR" in said
    assert balance_of(card) == 1450
    too_much = text_of(scan(browser, code=code, amount="20"))
    assert "Not enough on it" in too_much
    assert "Left on it 14.50 EUR" in too_much
    undo = {"scan": hidden(done, "scan")}
    address = f"/merchant/scan/{card.redemption.public_id}/undo"
    assert "The money is back on the card." in text_of(browser.post(address, undo, follow=True))
    assert "back on the card" not in text_of(browser.post(address, undo, follow=True))
    assert balance_of(card) == 2500


def test_a_desk_without_gift_cards_is_not_asked_an_amount():
    merchant = MerchantFactory()
    assert "Amount" not in text_of(browser_for(person_of(merchant)).get("/merchant/scan"))


def test_a_manager_refunds_on_the_page_of_the_redemption_and_twice_is_once(card):
    taken = charge(card, 1000)
    browser = browser_for(person_of(card.merchant, "manager"))
    address = f"/merchant/redemptions/{card.redemption.public_id}"
    page = browser.get(address)
    assert "10.00 EUR left" in text_of(page)
    said = {"charge": taken.public_id, "amount": "4", "key": hidden(page, "key")}
    for _ in range(2):
        assert browser.post(f"{address}/refund", said).status_code == 302
    assert balance_of(card) == 1900
    above = browser.post(f"{address}/refund", said | {"amount": "6.01", "key": "another-key"})
    assert "6.00 EUR of this charge is left" in problem_of(above)
    wrong = browser.post(f"{address}/refund", said | {"amount": "0", "key": "a-third-key"})
    assert "amount" in errors_of(wrong)
    assert balance_of(card) == 1900
    assert GiftCardPosting.objects.filter(kind="refund").count() == 1


def test_a_cashier_sees_no_refund_and_cannot_send_one(card):
    cashier = person_of(card.merchant, "cashier")
    charge(card, 1000, by=cashier)
    browser = browser_for(cashier)
    address = f"/merchant/redemptions/{card.redemption.public_id}"
    assert "Refund a charge" not in text_of(browser.get(address))
    assert browser.post(f"{address}/refund", {}).status_code == 403
    assert balance_of(card) == 1500


def test_a_card_in_use_is_not_offered_to_be_taken_back(card):
    browser = browser_for(person_of(card.merchant))
    address = f"/merchant/redemptions/{card.redemption.public_id}"
    assert "Take the card back" in text_of(browser.get(address))
    charge(card, 1000)
    assert "Undo the last charge" in text_of(browser.get(address))
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        said = text_of(browser.get(address))
    assert "Take the card back" not in said
    assert "Undo the last charge" not in said


def test_what_is_owed_is_a_page(card):
    charge(card, 1000)
    said = text_of(browser_for(person_of(card.merchant)).get("/merchant/gift-cards"))
    assert "15.00 EUR on 1 card that can be spent" in said
    assert "No gift card yet" in text_of(browser_for(person_of(MerchantFactory())).get("/merchant/gift-cards"))


def test_a_gift_card_perk_is_written_on_its_page():
    merchant = MerchantFactory()
    browser = browser_for(person_of(merchant, "manager"))
    tiers = {"tiers-0-min_score": "590", "tiers-0-text": "", "tiers-0-amount": "10", "tiers-0-months": "12"}
    tiers |= {"tiers-1-min_score": "640", "tiers-1-text": "", "tiers-1-amount": "25"}
    write(browser, kind="gift_card", budget="500", **tiers)
    perk = Perk.objects.get()
    assert (perk.kind, perk.budget_amount) == ("gift_card", 50_000)
    assert [tier["benefit"] for tier in perk.pending.tiers] == [
        {"face": {"amount": 1000, "currency": "EUR"}, "lives_months": 12},
        {"face": {"amount": 2500, "currency": "EUR"}, "lives_months": 24},
    ]
    again = browser.get(f"/merchant/perks/{perk.public_id}/edit").content.decode()
    assert 'name="tiers-0-amount" value="10.00"' in again
    assert 'name="tiers-0-months" value="12"' in again


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"tiers-0-amount": ""}, "tiers-0-amount"),
        ({"tiers-0-months": "121"}, "tiers-0-months"),
        ({"tiers-0-text": "A card"}, "tiers-0-text"),
        ({"tiers-0-percent": "5"}, "tiers-0-percent"),
    ],
)
def test_what_is_wrong_with_a_gift_card_is_said_beside_its_field(wrong, field):
    merchant = MerchantFactory()
    browser = browser_for(person_of(merchant, "manager"))
    right = {"tiers-0-min_score": "590", "tiers-0-text": "", "tiers-0-amount": "10", "tiers-0-months": "12"}
    answer = write(browser, kind="gift_card", **right | wrong)
    assert set(errors_of(answer)) == {field}
    assert not Perk.objects.exists()
