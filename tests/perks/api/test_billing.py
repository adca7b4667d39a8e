"""A merchant's plan over HTTP, against Stripe's stand-in: begun, renewed, unpaid, ended; and when Stripe is away."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due
from perks.models import BillingCustomer, StripeCall, Subscription
from perks.payments.standin import Fault
from perks.payments.standin.records import MONTH
from tests.factories.billing import BILLING, CHECKOUT, PORTAL, set_up_stripe, subscribe
from tests.factories.perks import MerchantFactory, PerkFactory
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


def billing(merchant):
    answer = team_app(merchant).get(BILLING)
    assert answer.status_code == 200
    return answer.json()


def post(merchant, path):
    return team_app(merchant).post(path, {}, format="json")


def made(standin, kind):
    return len(standin.all(kind))


def test_without_a_key_billing_is_off_and_nothing_is_limited(merchant):
    for _ in range(4):
        PerkFactory(merchant=merchant)
    told = billing(merchant)
    assert (told["state"], told["plan"], told["used_in_period"]) == ("off", None, None)
    assert told["perks"] == {"published": 4, "allowed": None}
    refused = [post(merchant, path) for path in (CHECKOUT, PORTAL)]
    assert [(answer.status_code, code_of(answer)) for answer in refused] == [(409, "billing_off")] * 2
    assert not StripeCall.objects.exists()


def test_a_plan_begins_when_stripe_says_so(standin, deliver, merchant):
    set_up_stripe()
    assert billing(merchant)["state"] == "none"
    assert billing(merchant)["perks"] == {"published": 0, "allowed": 3}
    url = post(merchant, CHECKOUT).json()["url"]
    session = standin.pay_checkout(url.rpartition("/")[2])
    assert billing(merchant)["state"] == "none"  # the page at Stripe grants nothing
    assert set(deliver()) == {200}
    run_due()
    told = billing(merchant)
    assert (told["state"], told["plan"], told["is_ending"]) == ("active", "plan_standard_monthly", False)
    assert told["used_in_period"] == 0
    assert told["perks"] == {"published": 0, "allowed": None}
    subscription = standin.get(session["subscription"])
    assert subscription["metadata"] == {"merchant": merchant.public_id}
    assert standin.get(session["id"])["client_reference_id"] == merchant.public_id
    assert [(item["price"]["lookup_key"], item.get("quantity")) for item in subscription["items"]["data"]] == [
        ("plan_standard_monthly", 1),
        ("usage_redemptions", None),
    ]


def test_asking_again_is_the_same_checkout(standin, merchant):
    set_up_stripe()
    urls = {post(merchant, CHECKOUT).json()["url"] for _ in range(3)}
    assert len(urls) == made(standin, "checkout.session") == made(standin, "customer") == 1
    assert AuditEvent.objects.filter(action="billing.checkout").count() == 1


def test_a_checkout_that_is_over_is_followed_by_another(standin, merchant):
    set_up_stripe()
    first = post(merchant, CHECKOUT).json()["url"]
    standin.advance_to(time.time() + 2 * 86_400)
    second = post(merchant, CHECKOUT).json()["url"]
    assert first != second
    assert [call.key for call in StripeCall.objects.filter(operation="open_checkout").order_by("pk")] == [
        f"checkout:{merchant.public_id}:{number}" for number in (1, 2)
    ]


def test_who_has_a_plan_begins_no_other(standin, deliver, merchant):
    subscribe(merchant, standin, deliver)
    refused = post(merchant, CHECKOUT)
    assert (refused.status_code, code_of(refused)) == (409, "already_subscribed")
    assert made(standin, "checkout.session") == 1


def test_one_that_is_paid_is_seen_though_no_event_has_come(standin, merchant):
    set_up_stripe()
    standin.pay_checkout(post(merchant, CHECKOUT).json()["url"].rpartition("/")[2])
    refused = post(merchant, CHECKOUT)
    assert (refused.status_code, code_of(refused)) == (409, "already_subscribed")
    assert billing(merchant)["state"] == "active"


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize("path", ["customers", "checkout/sessions"])
def test_an_answer_that_is_lost_costs_nothing(standin, merchant, kind, path):
    set_up_stripe()
    standin.faults.append(Fault(f"POST /v1/{path}$", kind, times=2))  # the SDK asks twice itself
    away = post(merchant, CHECKOUT)
    assert (away.status_code, code_of(away), away["Retry-After"]) == (503, "billing_unavailable", "1")
    assert post(merchant, CHECKOUT).status_code == 200
    assert made(standin, "customer") == made(standin, "checkout.session") == 1
    keys = {call.key for call in standin.calls if call.path == f"/v1/{path}"}
    assert len(keys) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("path", ["POST /v1/customers$", "POST /v1/checkout", "GET /v1/prices"])
def test_while_stripe_does_not_answer_the_door_says_so(standin, merchant, status, path):
    set_up_stripe()
    standin.faults.append(Fault(path, "status", status=status, times=2))
    assert code_of(post(merchant, CHECKOUT)) == "billing_unavailable"
    # 429 is not asked again by the SDK, so the second of them meets the door's own next try.
    while (answer := post(merchant, CHECKOUT)).status_code == 503:
        assert standin.faults[0].times == 0
    assert answer.status_code == 200
    assert made(standin, "customer") == made(standin, "checkout.session") == 1


@pytest.mark.parametrize("path", ["customers", "checkout/sessions"])
def test_a_failure_that_stripe_keeps_is_passed_by_the_key_s_successor(standin, merchant, path):
    set_up_stripe()
    standin.faults.append(Fault(f"POST /v1/{path}$", "stored", status=500))
    assert code_of(post(merchant, CHECKOUT)) == "billing_unavailable"
    assert post(merchant, CHECKOUT).status_code == 200
    keys = [call.key for call in standin.calls if call.path == f"/v1/{path}"]
    assert (keys[0], keys[-1]) == (keys[0], f"{keys[0]}:2")


def test_the_outbox_makes_a_call_whose_owner_has_gone(standin, merchant, settings):
    set_up_stripe()
    standin.faults.append(Fault("POST /v1/customers$", "drop_before", times=2))
    assert post(merchant, CHECKOUT).status_code == 503
    run_due(now=timezone.now() + timedelta(minutes=2))
    assert BillingCustomer.objects.get().customer_id == standin.all("customer")[0]["id"]


def test_what_is_not_set_up_is_ours_to_mend(standin, merchant):
    assert code_of(post(merchant, CHECKOUT)) == "billing_unavailable"
    assert made(standin, "checkout.session") == 0


def test_the_portal_is_opened_for_each_visit(standin, deliver, merchant):
    refused = post(merchant, PORTAL)
    assert (refused.status_code, code_of(refused)) == (409, "never_subscribed")
    subscribe(merchant, standin, deliver)
    urls = {post(merchant, PORTAL).json()["url"] for _ in range(2)}
    assert len(urls) == 2
    standin.faults.append(Fault("POST /v1/billing_portal", "status", status=503, times=2))
    assert code_of(post(merchant, PORTAL)) == "billing_unavailable"
    assert not StripeCall.objects.filter(operation__contains="portal").exists()


def test_a_plan_cancelled_in_the_portal_runs_to_its_end(standin, deliver, merchant):
    subscription = subscribe(merchant, standin, deliver)
    standin.portal_cancel(subscription["id"])
    deliver()
    run_due()
    told = billing(merchant)
    assert (told["state"], told["is_ending"], told["perks"]["allowed"]) == ("active", True, None)


@pytest.fixture
def clock(standin):
    """A test clock: the customer that is made next lives on it."""
    from perks.payments.client import client

    made = client().v1.test_helpers.test_clocks.create(params={"frozen_time": int(time.time())})
    handle = standin.handle

    def on_the_clock(method, url, headers, body):
        if method == "POST" and url.endswith("/v1/customers"):
            body = f"{body.decode()}&test_clock={made.id}"
        return handle(method, url, headers, body)

    standin.handle = on_the_clock
    return made


def advance(standin, deliver, clock, months):
    standin.tick(clock.id, standin.get(clock.id)["frozen_time"] + months * MONTH + 60)
    deliver()
    run_due()


def test_a_plan_is_renewed_fails_and_is_paid_again(standin, deliver, merchant, clock):
    subscription = subscribe(merchant, standin, deliver)
    first = Subscription.objects.get().period_ends_at
    advance(standin, deliver, clock, 1)
    renewed = Subscription.objects.get()
    assert (renewed.status, (renewed.period_ends_at - first).days) == ("active", 30)
    standin.get(subscription["id"])["default_payment_method"] = "pm_card_chargeCustomerFail"
    advance(standin, deliver, clock, 1)
    told = billing(merchant)
    assert (told["state"], told["perks"]["allowed"]) == ("past_due", None)  # grace, while the card is asked again
    standin.get(subscription["id"])["default_payment_method"] = "pm_card_visa"
    advance(standin, deliver, clock, 1)
    assert billing(merchant)["state"] == "active"


def test_a_plan_that_ends_leaves_what_runs(standin, deliver, merchant, clock):
    subscription = subscribe(merchant, standin, deliver)
    perks = [PerkFactory(merchant=merchant) for _ in range(4)]
    standin.portal_cancel(subscription["id"])
    advance(standin, deliver, clock, 1)
    told = billing(merchant)
    assert (told["state"], told["plan"]) == ("canceled", None)
    assert told["perks"] == {"published": 4, "allowed": 3}
    merchant.refresh_from_db()
    assert not merchant.is_billed
    approved = PerkFactory(merchant=merchant, state="approved")
    refused = team_app(merchant).post(f"/api/v1/merchant/perks/{approved.public_id}/publish", {}, format="json")
    assert (refused.status_code, code_of(refused)) == (409, "plan_limit_reached")
    for perk in perks:
        perk.refresh_from_db()
        assert perk.state == "published"
