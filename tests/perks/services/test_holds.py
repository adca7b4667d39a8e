"""Holds through the product's own doors, against Stripe's stand-in: from the card to the last cent back."""

import random
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction

from citizen_app.db import violated
from citizen_app.invariants import broken
from citizen_app.models import AuditEvent, OutboxMessage
from perks.models import DepositHold, HoldDispute, HoldMovement, StripeCall
from perks.payments.client import client
from perks.payments.standin.checkout import expire_session
from perks.payments.standin.fake import Fault
from perks.payments.standin.refusals import Refusal
from perks.services.deposit_claims import decide_claim
from perks.services.deposits import move_on_deposits, warn_of_holds
from perks.services.hold_events import expire_holds, sweep_holds
from perks.services.hold_renewals import renew_holds
from perks.services.redemptions import cancel_redemption
from perks.services.stripe_events import receive_event
from tests.factories.deposits import money
from tests.factories.holds import HALF, Both, half_waived, onboarded, page_of, run_outbox
from tests.factories.people import operator_with
from tests.factories.scores import NOW
from tests.stripe_standin import over_http

pytestmark = pytest.mark.django_db
DECLINED = "pm_card_chargeDeclinedInsufficientFunds"
CLAIM = {"items": [{"text": "A scratch", "amount": money(12_000)}]}


@pytest.fixture
def standin(standin, settings, monkeypatch):
    """Stripe is spoken to over HTTP."""
    yield from over_http(standin, settings, monkeypatch)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def both(standin, deliver):
    return Both(half_waived(standin), standin, deliver)


def told(both):
    """Stripe's events arrive, and all that is promised is done."""
    both.deliver()
    run_outbox()


def held(both):
    both.pay()
    told(both)
    assert both.hold().state == "held"


def returned(both):
    held(both)
    assert both.desk("pick-up").status_code == 200
    assert both.desk("return").status_code == 200


def settled(both, clock, amount=12_000):
    returned(both)
    claim = {"items": [{"text": "A scratch", "amount": money(amount)}]}
    assert both.desk("claim", claim).status_code == 200
    clock.shift(timedelta(hours=73))
    assert move_on_deposits() == 1


def captured(both, clock, amount=12_000):
    settled(both, clock, amount)
    told(both)


def broken_sentences():
    return [sentence for sentence, lines in broken().items() if lines]


def test_what_is_left_is_held_by_the_merchants_own_account(both):
    answer = both.mine("hold")
    session = both.standin.get(page_of(answer))
    assert session["_account"] == both.agreement.merchant.stripe_account_id
    assert both.shown()["hold"] == {
        "state": "requested",
        "amount": money(HALF),
        "captured": money(0),
        "refunded": money(0),
        "capture_before": None,
        "renews_itself": False,
    }
    both.standin.pay_checkout(session["id"])
    told(both)
    shown = both.shown()
    until = "2026-11-30T12:00:00Z"
    hold = shown["hold"]
    assert (hold["state"], hold["capture_before"], shown["hold_expires_at"]) == ("held", until, until)
    assert shown["may_hold"] is False
    assert both.intent()["metadata"] == {"hold": both.hold().public_id}
    assert both.mine("hold").json()["code"] == "wrong_state"


def test_asking_again_returns_the_same_page(both):
    first, replay, second = both.mine("hold", key="one"), both.mine("hold", key="one"), both.mine("hold", key="two")
    assert page_of(first) == page_of(replay) == page_of(second)
    assert DepositHold.objects.count() == 1


def test_a_declined_card_leaves_the_page_open_for_another(both):
    session = page_of(both.mine("hold"))
    with pytest.raises(Refusal):
        both.standin.pay_checkout(session, DECLINED)
    told(both)
    assert both.hold().state == "requested"
    assert page_of(both.mine("hold")) == session
    both.standin.pay_checkout(session)
    told(both)
    assert (both.hold().state, both.hold().number) == ("held", 1)


def test_a_page_that_closed_is_followed_by_a_new_attempt(both, clock):
    session = page_of(both.mine("hold"))
    with both.standin.acting_for(both.agreement.merchant.stripe_account_id):
        expire_session(both.standin, session, {})
    assert both.mine("hold").json()["code"] == "hold_page_over"  # no event has said so yet
    assert both.hold().state == "failed"
    assert page_of(both.mine("hold")) != session
    assert both.hold().number == 2


def test_nothing_is_handed_over_before_it_is_held(both):
    refused = both.desk("pick-up")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_accepted")
    both.agreement.refresh_from_db()
    assert both.agreement.state == "accepted"
    held(both)
    assert both.desk("pick-up").status_code == 200


def test_a_hold_that_ran_out_hands_nothing_over(both):
    held(both)
    both.standin.expire_hold(both.hold().payment_intent_id)
    told(both)
    assert both.hold().state == "expired"
    refused = both.desk("pick-up")
    assert (refused.status_code, refused.json()["code"]) == (409, "hold_expired")
    held(both)  # anew
    assert both.desk("pick-up").status_code == 200


def test_a_return_without_a_claim_lets_go_of_all_of_it(both, clock):
    returned(both)
    clock.shift(timedelta(hours=73))
    assert move_on_deposits() == 1
    assert both.hold().state == "releasing"
    told(both)
    assert (both.hold().state, both.intent()["status"], both.hold().captured_amount) == ("released", "canceled", 0)


def test_a_settled_claim_is_captured_and_the_rest_let_go(both, clock):
    captured(both, clock)
    hold = both.hold()
    assert (hold.state, hold.captured_amount) == ("captured", 12_000)
    assert both.intent()["amount_received"] == 12_000
    assert both.shown()["hold"]["captured"] == money(12_000)


def test_never_more_is_captured_than_was_held(both, clock):
    captured(both, clock, amount=30_000)  # the cap; 25,000 are held
    assert (both.hold().captured_amount, both.shown()["settled"]) == (HALF, money(30_000))


def test_a_hold_that_ran_out_before_the_settlement_is_not_captured(both, clock):
    returned(both)
    assert both.desk("claim", CLAIM).status_code == 200
    clock.shift(timedelta(days=7))
    assert expire_holds(now=NOW + timedelta(days=7)) == 1
    assert move_on_deposits() == 1
    told(both)
    assert (both.hold().state, both.hold().captured_amount) == ("expired", 0)
    assert StripeCall.objects.filter(operation="capture_hold").count() == 0


def test_a_cancelled_reservation_closes_the_page(both):
    session = page_of(both.mine("hold"))
    cancel_redemption(redemption=both.agreement.redemption)
    assert both.hold().state == "releasing"
    told(both)
    assert (both.hold().state, both.standin.get(session)["status"]) == ("released", "expired")


def test_a_card_named_at_the_moment_of_the_cancellation_is_let_go_of(both):
    session = page_of(both.mine("hold"))
    cancel_redemption(redemption=both.agreement.redemption)
    both.standin.pay_checkout(session)
    told(both)
    assert (both.hold().state, both.intent()["status"]) == ("released", "canceled")


def test_a_hold_is_renewed_on_the_saved_card_before_it_ends(both, clock):
    returned(both)
    first = both.hold()
    assert (first.renews_itself, both.shown()["hold"]["renews_itself"], both.shown()["may_hold"]) == (True, True, False)
    assert renew_holds(now=NOW + timedelta(days=4)) == 0
    assert both.desk("claim", CLAIM).status_code == 200
    assert both.mine("contest", {"statement": "It was there before."}).status_code == 200
    clock.shift(timedelta(days=5))
    assert (renew_holds(now=NOW + timedelta(days=5)), renew_holds(now=NOW + timedelta(days=5))) == (1, 0)
    run_outbox()
    second = both.hold()
    first.refresh_from_db()
    assert (first.state, second.state, second.renews) == ("released", "held", first)
    assert second.capture_before == NOW + timedelta(days=12)
    assert both.standin.get(first.payment_intent_id)["status"] == "canceled"
    kept_aside = both.standin.all("payment_intent", status="requires_capture")
    assert [intent["id"] for intent in kept_aside] == [second.payment_intent_id]


def test_a_card_that_is_not_held_again_is_warned_of_in_time_and_another_can_be_named(standin, deliver, clock):
    both = Both(half_waived(standin, days=10), standin, deliver)
    held(both)
    assert both.desk("pick-up").status_code == 200
    assert warn_of_holds(now=NOW) == 0  # it renews itself
    standin.get(both.hold().payment_method_id)["_card"] = DECLINED
    clock.shift(timedelta(days=5))
    assert renew_holds(now=NOW + timedelta(days=5)) == 1
    run_outbox(1)
    first, second = DepositHold.objects.order_by("number")
    assert (first.state, first.renews_itself, second.state) == ("held", False, "failed")
    assert both.shown()["may_hold"] is True
    assert warn_of_holds(now=NOW + timedelta(days=5)) == 1
    held(both)
    first.refresh_from_db()
    assert (first.state, both.hold().number, both.hold().state) == ("released", 3, "held")
    assert standin.get(first.payment_intent_id)["status"] == "canceled"


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "stored", "stored_after", "status"])
def test_a_renewal_whose_answer_is_lost_holds_once(both, clock, kind):
    returned(both)
    both.standin.faults = [Fault("POST /v1/payment_intents$", kind, status=429 if kind == "status" else 500, times=2)]
    assert both.desk("claim", CLAIM).status_code == 200
    assert both.mine("contest", {"statement": "It was there before."}).status_code == 200
    clock.shift(timedelta(days=5))
    assert renew_holds(now=NOW + timedelta(days=5)) == 1
    run_outbox()
    assert [hold.state for hold in DepositHold.objects.order_by("number")] == ["released", "held"]
    assert len(both.standin.all("payment_intent", status="requires_capture")) == 1


def test_a_renewal_under_way_when_the_claim_is_settled_is_let_go_of(both, clock):
    returned(both)
    assert both.desk("claim", CLAIM).status_code == 200
    assert both.mine("contest", {"statement": "It was there before."}).status_code == 200
    clock.shift(timedelta(days=5))
    assert renew_holds(now=NOW + timedelta(days=5)) == 1
    both.agreement.refresh_from_db()
    decide_claim(agreement=both.agreement, by=operator_with("disputes"), amount=9_000, reason="As it looks.")
    told(both)
    assert [hold.state for hold in DepositHold.objects.order_by("number")] == ["captured", "released"]
    assert both.standin.all("payment_intent", status="requires_capture") == []
    assert sum(intent["amount_received"] for intent in both.standin.all("payment_intent")) == 9_000


def test_what_the_bank_let_go_of_before_the_capture_has_run_out_and_is_not_called_captured(both, clock):
    settled(both, clock)
    both.standin.expire_hold(both.hold().payment_intent_id)
    run_outbox()  # the capture is refused: it is read again
    assert (both.hold().state, both.hold().captured_amount) == ("expired", 0)
    assert both.shown()["settled"] == money(12_000)  # what is owed stays on record
    assert both.standin.all("payment_intent")[0]["amount_received"] == 0


def test_the_card_is_forgotten_once_the_rental_is_settled(both, clock):
    captured(both, clock)
    run_outbox()
    assert (both.hold().payment_method_id, both.hold().customer_id, both.hold().renews_itself) == ("", "", False)
    assert [card["customer"] for card in both.standin.all("payment_method")] == [None]


@pytest.mark.parametrize("seed", range(8))
def test_events_doubled_and_in_any_order_end_the_same(both, clock, seed):
    """At each stage everything that was ever told is told again, twice and shuffled."""
    seen = []

    def everything_again(expected):
        nonlocal seen
        told(both)
        twice = [event for event in both.standin.events if "account" in event] * 2
        random.Random(f"{seed} {len(seen)}").shuffle(twice)
        for place, event in enumerate(twice):
            receive_event(
                event_id=f"evt_{len(seen)}_{place}",
                event_type=event["type"],
                object_id=event["data"]["object"]["id"],
                account=event["account"],
            )
        run_outbox(1)
        hold = both.hold()
        sums = (hold.state, hold.captured_amount, hold.refunded_amount, hold.taken_back_amount)
        assert sums == expected
        moved = HoldMovement.objects.filter(hold=hold).order_by("number").values_list("kind", "amount")
        assert list(moved)[: len(seen)] == seen  # and nothing was written twice
        seen = list(moved)

    both.pay()
    told(both)
    assert both.desk("pick-up").status_code == both.desk("return").status_code == 200
    assert both.desk("claim", CLAIM).status_code == 200
    clock.shift(timedelta(hours=73))
    move_on_deposits()
    everything_again(("captured", 12_000, 0, 0))
    both.desk("refund", {"amount": money(5_000), "reason": "Sorry."})
    told(both)
    both.standin.fail_refund(both.hold().refunds.get().refund_id)
    everything_again(("captured", 12_000, 0, 0))
    dispute = both.standin.open_dispute(both.hold().payment_intent_id)
    told(both)
    both.standin.close_dispute(dispute["id"], won=True)
    everything_again(("captured", 12_000, 0, 0))
    assert seen == [
        ("held", HALF),
        ("captured", 12_000),
        ("let_go", HALF - 12_000),
        ("given_back", 5_000),
        ("given_back", -5_000),
        ("taken_back", 12_000),
        ("taken_back", -12_000),
    ]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "stored", "stored_after", "status"])
@pytest.mark.parametrize("call", ["/v1/checkout/sessions$", "/capture$"])
def test_a_lost_answer_costs_nothing(both, clock, kind, call):
    both.standin.faults = [Fault(f"POST .*{call}", kind, status=429 if kind == "status" else 500, times=2)]
    for _ in range(3):
        answer = both.mine("hold")
        if answer.status_code == 200:
            break
        assert answer.json()["code"] == "billing_unavailable"
    both.standin.pay_checkout(page_of(answer))
    told(both)
    assert both.desk("pick-up").status_code == both.desk("return").status_code == 200
    assert both.desk("claim", CLAIM).status_code == 200
    clock.shift(timedelta(hours=73))
    move_on_deposits()
    told(both)
    assert (both.hold().state, both.hold().captured_amount) == ("captured", 12_000)
    received = [intent["amount_received"] for intent in both.standin.all("payment_intent")]
    assert sum(received) == 12_000


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "stored", "stored_after", "status"])
def test_letting_go_is_tried_until_it_is_done(both, clock, kind):
    returned(both)
    both.standin.faults = [Fault("POST .*/cancel$", kind, status=429 if kind == "status" else 500, times=2)]
    clock.shift(timedelta(hours=73))
    move_on_deposits()
    told(both)
    assert (both.hold().state, both.intent()["status"]) == ("released", "canceled")


def test_an_event_of_a_foreign_account_moves_nothing(both, standin):
    other = onboarded(standin)
    both.pay()
    hold = both.hold()
    intent = standin.all("payment_intent")[0]["id"]
    for account in (other.stripe_account_id, "acct_nobody"):
        receive_event(event_id="evt_1", event_type="payment_intent.succeeded", object_id=intent, account=account)
    run_outbox(1)
    hold.refresh_from_db()
    assert hold.state == "requested"


def test_a_refund_goes_back_within_what_was_captured(both, clock):
    captured(both, clock)
    body = {"amount": money(5_000), "reason": "It was smaller than we thought."}
    assert both.desk("refund", body, role="cashier").status_code == 403
    assert both.desk("refund", body).status_code == 200
    told(both)
    shown = both.shown()
    assert (shown["hold"]["refunded"], shown["refunds"][0]["state"]) == (money(5_000), "succeeded")
    too_much = both.desk("refund", body | {"amount": money(7_001)})
    assert (too_much.status_code, too_much.json()["errors"][0]["pointer"]) == (400, "/amount/amount")
    assert both.hold().refunded_amount == 5_000
    assert AuditEvent.objects.filter(action="deposit.refund").count() == 1


def test_a_refund_the_bank_sends_back_is_not_given_back(both, clock):
    captured(both, clock)
    both.desk("refund", {"amount": money(5_000), "reason": "Sorry."})
    told(both)
    both.standin.fail_refund(both.hold().refunds.get().refund_id)
    told(both)
    assert (both.hold().refunded_amount, both.hold().refunds.get().state) == (0, "failed")


def test_a_refund_made_at_stripe_counts_too(both, clock):
    captured(both, clock)
    account = both.agreement.merchant.stripe_account_id
    client().v1.refunds.create(
        {"payment_intent": both.hold().payment_intent_id, "amount": 2_000}, {"stripe_account": account}
    )
    told(both)
    assert both.hold().refunded_amount == 2_000


def test_a_disputed_charge_is_not_refunded(both, clock):
    captured(both, clock)
    dispute = both.standin.open_dispute(both.hold().payment_intent_id)
    told(both)
    refused = both.desk("refund", {"amount": money(1), "reason": "Sorry."})
    assert (refused.status_code, refused.json()["code"]) == (409, "charge_disputed")
    (shown,) = both.shown_to_merchant()["disputes"]
    assert (shown["status"], shown["amount"]) == ("needs_response", money(12_000))
    assert shown["due_by"] is not None
    both.standin.close_dispute(dispute["id"], won=False)
    told(both)
    assert HoldDispute.objects.get().status == "lost"
    assert (both.hold().refunded_amount, both.hold().taken_back_amount) == (0, 12_000)
    events = OutboxMessage.objects.filter(topic="webhook", payload__type="deposit.disputed")
    assert [event.payload["object"]["id"] for event in events] == [both.agreement.public_id] * 2


def test_a_charge_of_the_merchant_s_own_is_disputed_while_the_thing_is_still_out(both):
    both.pay()
    told(both)
    assert both.desk("pick-up").status_code == 200
    hold = both.hold()
    client().v1.payment_intents.capture(hold.payment_intent_id, {}, {"stripe_account": hold.account_id})
    both.standin.open_dispute(hold.payment_intent_id)
    told(both)
    assert both.hold().state == "captured"
    (disputed,) = OutboxMessage.objects.filter(topic="webhook", payload__type="deposit.disputed")
    assert disputed.payload["object"]["state"] == "active"


def test_the_daily_look_finds_what_no_event_told(both, clock):
    both.pay()
    clock.shift(timedelta(days=1, minutes=1))
    assert sweep_holds(now=NOW + timedelta(days=1, minutes=1)) == 1
    assert both.hold().state == "held"


def test_every_invariant_holds_and_notices(both, clock):
    captured(both, clock)
    both.desk("refund", {"amount": money(5_000), "reason": "Sorry."})
    told(both)
    assert broken_sentences() == []
    for wrong, sentence in (
        ({"refunded_amount": 4_999}, "What is given back of a hold are its refunds"),
        ({"captured_amount": 12_001}, "What a hold says was held, captured"),
        ({"account_id": ""}, "A citizen's card is held and charged on a merchant's own account"),
        ({"to_capture": 12_001}, "A hold is of what is left of its agreement"),
        ({"currency": "USD"}, "A hold is of what is left of its agreement"),
    ):
        before = transaction.savepoint()
        DepositHold.objects.update(**wrong)
        assert any(one.startswith(sentence) for one in broken_sentences()), wrong
        transaction.savepoint_rollback(before)


def test_what_moved_of_held_money_is_never_changed_nor_deleted(both):
    held(both)
    for change in (lambda rows: rows.update(amount=1), lambda rows: rows.delete()):
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            change(HoldMovement.objects.all())
        assert violated(refusal.value) == "hold_movement_is_kept"
    assert HoldMovement.objects.get().amount == HALF
