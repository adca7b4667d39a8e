"""Calls decided before they are made: whatever happens to the answer, what was decided happens once."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.utils import timezone

from citizen_app.leases import ATTEMPTS
from citizen_app.models import InboxMessage, OutboxMessage
from citizen_app.outbox import run_due
from perks.errors import BillingUnavailable
from perks.models import StripeCall
from perks.payments.client import KeptFailure, Rejected, Transient
from perks.services import stripe_calls
from perks.services.stripe_calls import OLDEST, call_now, decide, performs
from tests.factories.people import browser_for, operator_with

pytestmark = pytest.mark.django_db


class Remote:
    """The other side: answers with what is next in line, and remembers under which keys it was asked."""

    def __init__(self):
        self.line, self.keys, self.applied, self.refused, self.found = [], [], [], [], None

    def perform(self, call):
        self.keys.append(call.sent_key)
        answer = self.line.pop(0) if self.line else SimpleNamespace(id="obj_1")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def register(self, monkeypatch, **options):
        monkeypatch.setattr(stripe_calls, "_operations", {})
        if "reread" in options:
            options["reread"] = lambda call: self.found
        if "refuse" in options:
            options["refuse"] = lambda call, error: self.refused.append((call.key, error.code))
        performs("ring", apply=lambda call, result: self.applied.append(result), **options)(self.perform)


@pytest.fixture
def remote():
    return Remote()


def ring(key="ring:1"):
    with transaction.atomic():
        return decide(key=key, operation="ring", bell="front")


def state(key="ring:1"):
    call = StripeCall.objects.get(key=key)
    return call.state, call.error_code


def run(**later):
    return run_due(now=timezone.now() + timedelta(**later))


def test_a_call_is_decided_once_and_made_by_the_outbox(remote, monkeypatch):
    remote.register(monkeypatch)
    assert ring() == ring()
    assert OutboxMessage.objects.filter(topic="stripe_call").count() == 1
    assert run() == 1
    call = StripeCall.objects.get()
    assert (call.state, call.result_id, call.arguments) == ("done", "obj_1", {"bell": "front"})
    assert (remote.keys, len(remote.applied)) == (["ring:1"], 1)


def test_nothing_is_decided_that_its_cause_takes_back(remote, monkeypatch):
    remote.register(monkeypatch)
    with transaction.atomic():
        ring()
        transaction.set_rollback(True)
    assert run() == 0
    assert remote.keys == []


def test_each_try_has_the_same_key(remote, monkeypatch):
    remote.register(monkeypatch)
    remote.line = [Transient("away"), Transient("away")]
    ring()
    for hours in (0, 1, 2):
        run(hours=hours)
    assert remote.keys == ["ring:1"] * 3
    assert state() == ("done", "")


def test_an_old_call_is_not_made_again_and_waits_for_a_person(remote, monkeypatch):
    remote.register(monkeypatch)
    remote.line = [Transient("away")]
    ring()
    run()
    StripeCall.objects.update(first_sent_at=timezone.now() - OLDEST - timedelta(seconds=1))
    run(hours=1)
    assert remote.keys == ["ring:1"]
    assert state() == ("stuck", "too_old_to_send_again")
    assert OutboxMessage.objects.get(topic="stripe_call").dead_at is not None


def test_a_call_that_was_never_sent_has_no_age(remote, monkeypatch):
    remote.register(monkeypatch)
    ring()
    StripeCall.objects.update(decided_at=timezone.now() - timedelta(days=9))
    run()
    assert state() == ("done", "")


def test_what_stripe_takes_by_a_name_of_its_own_does_not_age(remote, monkeypatch):
    remote.register(monkeypatch, ages=False)
    ring()
    StripeCall.objects.update(first_sent_at=timezone.now() - timedelta(days=9))
    run()
    assert state() == ("done", "")


def test_a_kept_failure_is_looked_behind_before_the_key_has_a_successor(remote, monkeypatch):
    remote.register(monkeypatch, reread=True)
    remote.line = [KeptFailure("500")]
    ring()
    run()
    assert state() == ("pending", "")
    run(hours=1)
    assert remote.keys == ["ring:1", "ring:1:2"]
    assert state() == ("done", "")


def test_a_kept_failure_of_something_that_was_made_is_no_failure(remote, monkeypatch):
    remote.register(monkeypatch, reread=True)
    remote.line, remote.found = [KeptFailure("500")], SimpleNamespace(id="obj_7")
    ring()
    run()
    assert remote.keys == ["ring:1"]
    assert (state(), StripeCall.objects.get().result_id) == (("done", ""), "obj_7")


def test_a_kept_failure_of_what_cannot_be_looked_for_waits_for_a_person(remote, monkeypatch):
    remote.register(monkeypatch)
    remote.line = [KeptFailure("500")]
    ring()
    run()
    assert state() == ("stuck", "failed_at_stripe_and_not_found_there")


def test_what_is_so_already_is_read_and_applied(remote, monkeypatch):
    remote.register(monkeypatch, reread=True, benign={"already_rung"})
    remote.line, remote.found = [Rejected("already_rung", "It rings.")], SimpleNamespace(id="obj_7")
    ring()
    run()
    assert state() == ("done", "")
    assert remote.applied == [remote.found]


def test_a_refusal_is_told_to_who_asked_for_it_or_waits_for_a_person(remote, monkeypatch):
    remote.register(monkeypatch, refuse=True)
    remote.line = [Rejected("card_declined", "No.")]
    ring()
    run()
    assert (state(), remote.refused) == (("refused", "card_declined"), [("ring:1", "card_declined")])
    remote.register(monkeypatch)
    remote.line = [Rejected("card_declined", "No.")]
    ring("ring:2")
    run()
    assert state("ring:2") == ("stuck", "card_declined")


def test_two_who_make_one_call_apply_it_once(remote, monkeypatch):
    call, inner = ring(), iter([True])
    ask = remote.perform

    def perform(call):
        if next(inner, False):
            stripe_calls.make_call(call_id=call.pk)  # the outbox, while a door waits for its answer
        return ask(call)

    remote.perform = perform
    remote.register(monkeypatch)
    call_now(call)
    assert (remote.keys, len(remote.applied)) == (["ring:1"] * 2, 1)


def test_a_door_is_told_at_once_or_that_stripe_is_away(remote, monkeypatch):
    remote.register(monkeypatch, reread=True)
    remote.line = [Transient("away")]
    call = ring()
    with pytest.raises(BillingUnavailable):
        call_now(call)
    assert state() == ("pending", "")
    assert call_now(call).result.id == "obj_1"
    remote.found = SimpleNamespace(id="obj_1", fresh=True)
    assert call_now(call).result is remote.found  # it was made before: read as it is now
    assert remote.keys == ["ring:1"] * 2


def said_to_operators():
    return browser_for(operator_with("support")).get("/operator/messages").content.decode()


def test_operators_read_where_to_look_for_a_stuck_call_and_what_to_do_then(remote, monkeypatch):
    remote.register(monkeypatch)
    remote.line = [Rejected("card_declined", "No.")]
    with transaction.atomic():
        decide(key="ring:1", operation="ring", account="acct_1", bell="front door")
    run()
    page = said_to_operators()
    assert "1 failed message" in page
    assert "card_declined" in page
    assert "“ring”: look for the key ring:1 in Stripe’s log of account acct_1." in page
    assert "do it there by hand: its event brings it here. Then give this up." in page
    assert "front door" not in page


def test_operators_let_a_call_try_again_that_stripe_did_not_answer(remote, monkeypatch):
    remote.register(monkeypatch)
    remote.line = [Transient("away")] * ATTEMPTS
    ring()
    for hours in range(ATTEMPTS):
        run(hours=hours)
        OutboxMessage.objects.filter(dead_at=None).update(due_at=timezone.now())
    assert "Once it does, try again: the same key never does it twice." in said_to_operators()
    call_now(StripeCall.objects.get())
    assert "It was finished in another way meanwhile: give it up." in said_to_operators()


def test_operators_read_where_to_look_for_an_event_that_failed():
    told = {"id": "evt_1", "type": "refund.failed", "object_id": "re_1", "account": "acct_1"}
    uses = {"id": "evt_2", "type": "v1.billing.meter.error_report_triggered", "object_id": "mtr_1", "account": ""}
    now = timezone.now()
    for payload, error in ((told, "builtins.KeyError"), (uses, "uses_not_counted")):
        InboxMessage.objects.create(
            source="stripe", message_id=payload["id"], topic="stripe_event", payload=payload,
            received_at=now, due_at=now, dead_at=now, last_error=error,
        )  # fmt: skip
    page = said_to_operators()
    assert "“refund.failed”, event evt_1 in Stripe’s list of account acct_1. Once what stopped us is mended" in page
    assert "event evt_2 in Stripe’s list of the platform’s account. Its meter took some uses" in page


def test_no_call_is_made_inside_of_a_transaction(remote, monkeypatch):
    remote.register(monkeypatch)
    call = ring()
    with transaction.atomic(), pytest.raises(transaction.TransactionManagementError):
        call_now(call)
    assert remote.keys == []
