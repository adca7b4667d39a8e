"""The pages of what is held: the button and the way to Stripe for the guest, the refund form for the desk."""

from datetime import timedelta

import pytest
import time_machine

from perks.models import DepositHold, HoldRefund
from perks.services.deposits import move_on_deposits
from perks.web.deposit_words import charged_words
from tests.factories.deposits import money
from tests.factories.holds import Both, half_waived, run_outbox
from tests.factories.people import browser_for
from tests.factories.perks import MerchantFactory, person_of
from tests.factories.scores import NOW
from tests.perks.web.merchant.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def both(standin, deliver):
    return Both(half_waived(standin), standin, deliver)


@pytest.fixture
def page(both):
    return f"/deposits/{both.agreement.public_id}"


@pytest.fixture
def desk(both):
    return f"/merchant/deposits/{both.agreement.public_id}"


def told(both):
    both.deliver()
    run_outbox(2)


def charged(both, clock):
    both.pay()
    told(both)
    both.desk("pick-up")
    both.desk("return")
    both.desk("claim", {"items": [{"text": "A scratch", "amount": money(12_000)}]})
    clock.shift(timedelta(hours=73))
    move_on_deposits()
    told(both)
    told(both)


def test_the_guest_goes_on_to_stripe_by_a_page_and_reads_what_is_held_until_when(both, page):
    browser = browser_for(both.citizen)
    said = text_of(browser.get(page))
    assert "Hold on your card" in said
    assert ("Not held yet" in said, "Ready to pick up" in said) == (True, False)
    on = browser.post(f"{page}/hold")
    (session,) = both.standin.all("checkout.session")
    assert on.content.decode().count(session["url"]) == 2
    assert session["success_url"] == f"http://testserver{page}?from_stripe"
    assert "form-action 'self'" in on["Content-Security-Policy"]
    both.standin.pay_checkout(session["id"])
    told(both)
    said = text_of(browser.get(page))
    assert "250.00" in said
    assert "It is kept aside on your card, not charged." in said
    assert both.agreement.merchant.name in said
    assert "Hold on your card" not in said


def test_the_guest_reads_what_was_charged_and_what_came_back(both, page, clock):
    charged(both, clock)
    both.desk("refund", {"amount": money(5_000), "reason": "It was smaller."})
    told(both)
    said = text_of(browser_for(both.citizen).get(page))
    assert "It was charged to the card." in said
    assert "was given back to your card. “It was smaller.”" in said


@pytest.mark.parametrize(
    ("hold", "settled", "said"),
    [
        (None, 12_000, "It is on record; no card was charged here."),
        ({"state": "expired"}, 12_000, "It is on record; no card was charged here."),
        ({"state": "released"}, 0, "It is on record; no card was charged here."),
        ({"state": "held"}, 12_000, "It is being charged to the card, as far as it is held there."),
        ({"state": "capturing"}, 12_000, "It is being charged to the card, as far as it is held there."),
        ({"state": "captured", "captured": money(12_000)}, 12_000, "It was charged to the card."),
        (
            {"state": "captured", "captured": money(25_000)},
            30_000,
            "250.00\u00a0EUR was charged to the card; the rest is on record, and nobody charges it here.",
        ),
    ],
)
def test_a_settled_claim_says_what_was_charged_and_what_stays_between_the_two(hold, settled, said):
    assert charged_words({"hold": hold, "settled": money(settled)}) == said


def test_both_sides_read_that_the_card_was_charged(both, page, desk, clock):
    charged(both, clock)
    for browser, address in (
        (browser_for(both.citizen), page),
        (browser_for(person_of(both.agreement.merchant, "manager")), desk),
    ):
        said = text_of(browser.get(address))
        assert "It was charged to the card." in said
        assert "no card was charged" not in said


def test_a_manager_refunds_by_the_page_once_however_often_it_is_sent(both, desk, clock):
    charged(both, clock)
    browser = browser_for(person_of(both.agreement.merchant, "manager"))
    assert "Give some of it back" in text_of(browser.get(desk))
    form = {"amount": "50.00", "reason": "It was smaller.", "idempotency_key": "one-key"}
    for _ in range(2):
        assert "on its way" in text_of(browser.post(f"{desk}/refund", form, follow=True))
    assert [refund.amount for refund in HoldRefund.objects.all()] == [5_000]
    said = text_of(browser.post(f"{desk}/refund", form | {"amount": "70.01", "idempotency_key": "two"}))
    assert "From 1 to 7000" in said
    assert DepositHold.objects.get().refunded_amount == 5_000


def test_a_disputed_charge_is_shown_until_when_it_is_to_be_answered_and_not_refunded(both, desk, clock):
    charged(both, clock)
    both.standin.open_dispute(both.hold().payment_intent_id)
    told(both)
    browser = browser_for(person_of(both.agreement.merchant, "manager"))
    said = text_of(browser.get(desk))
    assert "Answer it at Stripe, until Thursday 3 December" in said
    assert "Give some of it back" not in said
    form = {"amount": "50.00", "reason": "Sorry.", "idempotency_key": "one-key"}
    assert "disputes this charge" in text_of(browser.post(f"{desk}/refund", form, follow=True))
    assert not HoldRefund.objects.exists()


def test_a_cashier_sees_what_is_held_and_no_refund(both, desk, clock):
    browser = browser_for(person_of(both.agreement.merchant, "cashier"))
    assert "250.00 EUR is not held on the guest’s card yet." in text_of(browser.get(desk))
    both.pay()
    told(both)
    said = text_of(browser.get(desk))
    assert "kept aside on the guest’s card" in said
    assert "Give some of it back" not in said


def test_an_owner_connects_an_account_under_billing(standin, deliver):
    merchant = MerchantFactory()
    browser = browser_for(person_of(merchant, "owner"))
    assert "Connect an account at Stripe" in text_of(browser.get("/merchant/billing"))
    on = browser.post("/merchant/billing/onboarding").content.decode()
    merchant.refresh_from_db()
    assert f"{standin.base_url}/setup/c/" in on
    assert "Go on at Stripe" in text_of(browser.get("/merchant/billing"))
    standin.complete_onboarding(merchant.stripe_account_id)
    deliver()
    run_outbox(1)
    assert "Your details at Stripe" in text_of(browser.get("/merchant/billing"))
