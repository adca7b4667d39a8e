"""Held money under threads: one page, one hold, one charge, and never more given back than was charged."""

from datetime import timedelta
from threading import Barrier

import pytest
import time_machine

from citizen_app.invariants import broken
from citizen_app.outbox import run_due
from perks.models import DepositAgreement, DepositHold, HoldMovement, HoldRefund, StripeCall
from perks.models.holds import HoldQuerySet
from perks.services.deposit_claims import decide_claim
from perks.services.deposits import move_on_deposits
from perks.services.hold_refunds import refund_hold
from perks.services.hold_renewals import renew_holds
from perks.services.hold_steps import sync_intent
from perks.services.holds import page_of, request_hold
from tests.factories.deposits import money
from tests.factories.holds import HALF, Both, half_waived, run_outbox
from tests.factories.people import operator_with
from tests.factories.perks import person_of
from tests.factories.scores import NOW
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
BACK = "https://citizen.example/deposits"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def both(standin, deliver):
    return Both(half_waived(standin), standin, deliver)


def told(both):
    both.deliver()
    run_outbox(3)


def claimed(both, amount=12_000):
    both.pay()
    told(both)
    both.desk("pick-up")
    both.desk("return")
    both.desk("claim", {"items": [{"text": "A scratch", "amount": money(amount)}]})
    both.agreement.refresh_from_db()
    assert both.agreement.state == "claimed"


def charged(both, clock):
    claimed(both)
    clock.shift(timedelta(hours=73))
    move_on_deposits()
    told(both)
    assert both.hold().captured_amount == 12_000


def received(both):
    return [intent["amount_received"] for intent in both.standin.all("payment_intent")]


def test_two_who_ask_for_a_page_at_once_are_given_the_same(both):
    def ask():
        agreement = DepositAgreement.objects.get(pk=both.agreement.pk)
        return page_of(request_hold(agreement=agreement, by=both.citizen, return_url=BACK))

    pages = at_once(ask, ask, ask)
    # Who asks while the call is being made is told to come back; whoever is answered has the one page.
    assert len({page for page in pages if page != "billing_unavailable"}) == 1
    assert (DepositHold.objects.count(), len(both.standin.all("checkout.session"))) == (1, 1)


def test_two_workers_on_one_hold_write_each_movement_once(both):
    both.pay()
    account = both.agreement.merchant.stripe_account_id
    intent = both.standin.all("payment_intent")[0]["id"]
    both.deliver()
    at_once(*[lambda: sync_intent(account, intent)] * 3, *[lambda: run_due(limit=500)] * 2)
    assert both.hold().state == "held"
    assert list(HoldMovement.objects.values_list("number", "kind", "amount")) == [(1, "held", HALF)]


def test_a_claim_settled_twice_at_once_is_charged_once(both):
    claimed(both)
    both.mine("contest", {"statement": "It was there before."})
    operators = [operator_with("disputes"), operator_with("disputes")]

    def settle(operator, amount):
        agreement = DepositAgreement.objects.select_related("merchant", "citizen", "redemption").get()
        decide_claim(agreement=agreement, by=operator, amount=amount, reason="As the pictures show.")
        return amount

    answers = at_once(*[lambda by=by, of=of: settle(by, of) for by, of in zip(operators, (7_000, 9_000), strict=True)])
    assert sorted(map(str, answers))[1] == "wrong_state"
    at_once(*[lambda: run_due(limit=500)] * 3)
    run_outbox(2)
    (amount,) = (answer for answer in answers if answer != "wrong_state")
    assert (both.hold().state, both.hold().captured_amount, received(both)) == ("captured", amount, [amount])
    assert StripeCall.objects.filter(operation="capture_hold").count() == 1


def test_two_renewals_at_once_hold_once(both, clock):
    claimed(both)
    both.mine("contest", {"statement": "It was there before."})
    clock.shift(timedelta(days=5))
    now = NOW + timedelta(days=5)
    assert sorted(at_once(*[lambda: renew_holds(now=now)] * 3)) == [0, 0, 1]
    at_once(*[lambda: run_due(limit=500)] * 2)
    run_outbox(2)
    assert [hold.state for hold in DepositHold.objects.order_by("number")] == ["released", "held"]
    assert len(both.standin.all("payment_intent", status="requires_capture")) == 1


def refunds_at_once(both):
    by = person_of(both.agreement.merchant, "manager")

    def refund():
        refund_hold(agreement=both.agreement, by=by, amount=8_000, currency="EUR", reason="Sorry.")
        return "given back"

    return at_once(refund, refund)


def test_two_refunds_at_once_never_give_back_more_than_was_charged(both, clock):
    charged(both, clock)
    assert sorted(refunds_at_once(both)) == ["given back", "invalid_input"]
    told(both)
    assert (both.hold().refunded_amount, HoldRefund.objects.count()) == (8_000, 1)
    assert [refund["amount"] for refund in both.standin.all("refund")] == [8_000]


@pytest.mark.usefixtures("postgresql")
def test_without_the_lock_two_refunds_would_give_back_more_than_was_charged(both, clock, monkeypatch):
    charged(both, clock)
    have_read, create = Barrier(2), HoldRefund.objects.create

    def slowly(**facts):
        have_read.wait(20)
        return create(**facts)

    monkeypatch.setattr(HoldQuerySet, "select_for_update", lambda rows, *_, **__: rows.all())
    monkeypatch.setattr(HoldRefund.objects, "create", slowly)
    assert refunds_at_once(both) == ["given back"] * 2
    assert sum(refund.amount for refund in HoldRefund.objects.all()) == 16_000 > both.hold().captured_amount
    (wrong,) = [sentence for sentence, facts in broken().items() if facts]
    assert wrong == "What is given back of a hold are its refunds that did not fail."
