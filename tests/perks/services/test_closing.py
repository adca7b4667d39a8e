"""A merchant that closes pays for nothing any more: its plan ends at Stripe, whatever happens to the answer."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from citizen_app.invariants import broken
from citizen_app.outbox import run_due
from perks.models import Merchant, StripeCall, Subscription
from perks.payments.client import client
from perks.payments.standin import Fault
from perks.services.closing import close_merchant
from perks.services.stripe_sweeps import sweep_subscriptions
from perks.services.usage import count_use
from tests.factories.billing import CHECKOUT, scanned, set_up_stripe, subscribe
from tests.factories.people import operator_with
from tests.factories.perks import MerchantFactory, person_of
from tests.perks.api.calls import code_of, team_app
from tests.stripe_standin import over_http

pytestmark = pytest.mark.django_db


@pytest.fixture
def standin(standin, settings, monkeypatch):
    """Stripe is spoken to over HTTP."""
    yield from over_http(standin, settings, monkeypatch)


@pytest.fixture
def merchant():
    return MerchantFactory()


def close(merchant):
    return close_merchant(merchant=merchant, by=operator_with("merchants"), reason="It is gone.")


def calls(operation):
    return list(StripeCall.objects.filter(operation=operation).values_list("state", "error_code"))


def asked(standin, method, path):
    return [call for call in standin.calls if call.method == method and call.path.startswith(path)]


def run(**later):
    return run_due(now=timezone.now() + timedelta(**later))


def is_over(merchant, standin, subscription):
    merchant.refresh_from_db()
    facts = (standin.get(subscription["id"])["status"], Subscription.objects.get().status, merchant.is_billed)
    return facts == ("canceled", "canceled", False) and not any(broken().values())


def test_its_plan_is_ended_after_the_transaction_that_closed_it(standin, deliver, merchant):
    subscription = subscribe(merchant, standin, deliver)
    with transaction.atomic():
        close(merchant)
        assert calls("end_plan") == [("pending", "")]
    assert asked(standin, "DELETE", "/v1/subscriptions") == []
    run()
    assert calls("end_plan") == [("done", "")]
    assert is_over(merchant, standin, subscription)
    deliver()
    run()
    assert is_over(merchant, standin, subscription)
    assert len(asked(standin, "DELETE", "/v1/subscriptions")) == 1


def test_what_was_used_until_then_is_invoiced_and_the_plan_is_not_again(standin, deliver, merchant):
    subscription = subscribe(merchant, standin, deliver)
    now = timezone.now()
    for _ in range(3):
        count_use(redemption=scanned(merchant, person_of(merchant), now=now), now=now + timedelta(minutes=11))
    run()
    before = {invoice["id"] for invoice in standin.all("invoice")}
    price = next(
        item["price"] for item in subscription["items"]["data"] if item["price"]["recurring"]["usage_type"] == "metered"
    )
    close(merchant)
    run()
    (last,) = [invoice for invoice in standin.all("invoice") if invoice["id"] not in before]
    assert last["total"] == 3 * price["unit_amount"] > 0


@pytest.mark.parametrize(
    ("kind", "status"), [("drop_before", 0), ("drop_after", 0), ("status", 429), ("status", 500), ("status", 503)]
)
def test_an_answer_that_is_lost_costs_nothing(standin, deliver, merchant, kind, status):
    subscription = subscribe(merchant, standin, deliver)
    standin.faults.append(Fault("DELETE /v1/subscriptions", kind, status=status, times=2))
    close(merchant)
    run()
    assert calls("end_plan")[0][0] in ("pending", "done")  # the SDK asks twice, except after 429
    for minutes in (30, 60):
        run(minutes=minutes)
    assert calls("end_plan") == [("done", "")]
    assert is_over(merchant, standin, subscription)


def test_one_that_its_owner_had_ended_is_no_failure(standin, deliver, merchant):
    subscription = subscribe(merchant, standin, deliver)
    client().v1.subscriptions.cancel(subscription["id"])
    close(merchant)
    run()
    assert calls("end_plan") == [("done", "")]
    assert is_over(merchant, standin, subscription)


def test_a_closing_that_is_taken_back_ends_nothing(standin, deliver, merchant):
    subscription = subscribe(merchant, standin, deliver)
    with transaction.atomic():
        close(merchant)
        transaction.set_rollback(True)
    run()
    assert standin.get(subscription["id"])["status"] == "active"
    assert not StripeCall.objects.filter(operation="end_plan").exists()


def test_the_page_on_which_a_plan_could_begin_is_closed(standin, merchant):
    set_up_stripe()
    session = team_app(merchant).post(CHECKOUT, {}, format="json").json()["url"].rpartition("/")[2]
    close(merchant)
    run()
    assert standin.get(session)["status"] == "expired"
    assert calls("close_checkout") == [("done", "")]
    refused = team_app(merchant).post(CHECKOUT, {}, format="json")
    assert (refused.status_code, code_of(refused)) == (409, "merchant_not_active")
    assert len(standin.all("checkout.session")) == 1


def test_a_plan_that_was_paid_at_the_same_moment_is_ended_when_it_is_heard_of(standin, deliver, merchant):
    set_up_stripe()
    session = team_app(merchant).post(CHECKOUT, {}, format="json").json()["url"].rpartition("/")[2]
    subscription = standin.get(standin.pay_checkout(session)["subscription"])
    close(merchant)
    run()
    assert calls("close_checkout")[0][0] == "refused"
    assert subscription["status"] == "active"
    deliver()
    run()
    run()
    assert is_over(merchant, standin, subscription)


def test_one_that_no_event_told_of_is_ended_by_the_daily_look(standin, deliver, merchant):
    subscription = subscribe(merchant, standin, deliver)
    Merchant.objects.update(state=Merchant.State.CLOSED)  # as it was before closing ended a plan
    sweep_subscriptions(now=timezone.now() + timedelta(days=1, minutes=1))
    run()
    assert is_over(merchant, standin, subscription)


@pytest.mark.parametrize("state", ["pending", "suspended", "closed"])
def test_only_an_active_merchant_begins_a_plan(standin, state):
    set_up_stripe()
    merchant = MerchantFactory(state=state)
    refused = team_app(merchant).post(CHECKOUT, {}, format="json")
    assert (refused.status_code, code_of(refused)) == (409, "merchant_not_active")
    assert standin.all("checkout.session") == []
    assert not StripeCall.objects.filter(operation="open_checkout").exists()


def test_one_without_a_plan_closes_without_asking_anybody(standin, merchant):
    close(merchant)
    run()
    assert standin.calls == []
    assert not StripeCall.objects.exists()
