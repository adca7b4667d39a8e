"""Stripe's events and calls under threads: each once, and an older reading never over a newer one."""

from datetime import timedelta
from threading import Event
from unittest.mock import patch

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from citizen_app.models import InboxMessage
from citizen_app.outbox import run_due
from perks.models import BillingCustomer, StripeCall, StripeReading, Subscription
from perks.payments import plans as at_stripe
from perks.services import plans
from perks.services.catalogue import publish_perk
from perks.services.closing import close_merchant
from perks.services.plans import open_checkout, sync_subscription
from tests.factories.billing import set_up_stripe, subscribe
from tests.factories.people import operator_with
from tests.factories.perks import MerchantFactory, PerkFactory, person_of
from tests.races.at_once import at_once
from tests.stripe_standin import PLATFORM_PATH, PLATFORM_SECRET

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def slow_then_quick(subscription_id, standin):
    """One worker reads the plan and is slow to write; meanwhile it ends, and another reads and writes that."""
    has_read, has_written = Event(), Event()
    read = at_stripe.read_subscription

    def slowly(id):
        found = read(id)
        if not has_read.is_set():
            has_read.set()
            has_written.wait(20)
        return found

    def quickly():
        has_read.wait(20)
        standin.get(subscription_id).update(status="canceled")
        try:
            sync_subscription(subscription_id)
        finally:
            has_written.set()

    with patch.object(plans.at_stripe, "read_subscription", slowly):
        at_once(lambda: sync_subscription(subscription_id), quickly)
    return Subscription.objects.get().status


def test_an_older_reading_never_overwrites_a_newer_one(standin, deliver):
    subscription = subscribe(MerchantFactory(), standin, deliver)
    assert slow_then_quick(subscription["id"], standin) == "canceled"
    reading = StripeReading.objects.get(object_id=subscription["id"])
    assert reading.applied == reading.taken


def test_without_the_tickets_the_older_reading_would_win(standin, deliver):
    subscription = subscribe(MerchantFactory(), standin, deliver)

    def unguarded(account, object_id, read, apply):
        found = read()
        with transaction.atomic():
            apply(found)

    with patch.object(plans, "read_fresh", unguarded):
        assert slow_then_quick(subscription["id"], standin) == "active"


def test_one_event_from_eight_sides_is_kept_once(standin):
    customer = at_stripe.create_customer(merchant="mer_1", name="Aurora", key="k")
    event = standin.emit("customer.updated", standin.get(customer.id))
    body, signature = standin.signed(event, PLATFORM_SECRET)
    headers = {"Stripe-Signature": signature}

    def post():
        return Client().post(PLATFORM_PATH, body, content_type="application/json", headers=headers).status_code

    assert at_once(*[post] * 8) == [200] * 8
    assert InboxMessage.objects.count() == 1


def test_four_workers_handle_doubled_events_of_one_plan(standin, deliver):
    merchant = MerchantFactory()
    subscription = subscribe(merchant, standin, deliver)
    for status in ("past_due", "active", "past_due"):
        standin.get(subscription["id"])["status"] = status
        standin.emit("customer.subscription.updated", standin.get(subscription["id"]))
    deliver()
    at_once(*[run_due] * 4)
    assert not InboxMessage.objects.filter(done_at=None).exists()
    assert Subscription.objects.get().status == "past_due"


def test_an_owner_who_clicks_five_times_opens_one_checkout(standin):
    set_up_stripe()
    merchant = MerchantFactory()
    owner = person_of(merchant)
    opened = at_once(
        *[lambda: open_checkout(merchant=merchant, by=owner, return_url="https://app.example/merchant/billing")] * 5
    )
    # Who asks while the same call is being made is told to come back; whoever is answered has the one page.
    assert len({url for url in opened if url != "billing_unavailable"}) == 1
    assert (len(standin.all("customer")), len(standin.all("checkout.session"))) == (1, 1)
    assert StripeCall.objects.filter(operation="open_checkout").count() == 1


def begun_while_closing(standin):
    """An owner has been let in to begin a plan; before that is written down, an operator closes the merchant."""
    set_up_stripe()
    merchant, operator = MerchantFactory(), operator_with("merchants")
    customer = at_stripe.create_customer(merchant=merchant.public_id, name="Aurora", key="k")
    BillingCustomer.objects.create(merchant=merchant, customer_id=customer.id)
    owner = person_of(merchant)
    is_let_in, is_closed = Event(), Event()
    decide = plans.decide

    def slowly(**said):
        if said["operation"] == plans.CHECKOUT:
            is_let_in.set()
            is_closed.wait(1.5)  # for ever, with the lock: the closing waits for us
        return decide(**said)

    def close():
        is_let_in.wait(20)
        try:
            close_merchant(merchant=merchant, by=operator, reason="It is gone.")
        finally:
            is_closed.set()

    with patch.object(plans, "decide", slowly):
        at_once(
            lambda: open_checkout(merchant=merchant, by=owner, return_url="https://app.example/merchant/billing"), close
        )
    for later in range(3):
        run_due(now=timezone.now() + later * timedelta(minutes=30))
    return [session["status"] for session in standin.all("checkout.session")]


def test_no_page_to_begin_a_plan_outlives_the_closing_of_its_merchant(standin):
    assert begun_while_closing(standin) == ["expired"]


@pytest.mark.usefixtures("postgresql")
def test_without_the_lock_a_closed_merchant_could_still_begin_a_plan(standin, monkeypatch):
    monkeypatch.setattr(BillingCustomer.objects, "select_for_update", lambda: BillingCustomer.objects.all())
    assert begun_while_closing(standin) == ["open"]


def test_two_perks_published_at_once_are_counted_by_the_plan(standin):
    merchant = MerchantFactory()
    owner = person_of(merchant)
    for _ in range(2):
        PerkFactory(merchant=merchant)
    perks = [PerkFactory(merchant=merchant, state="approved") for _ in range(4)]
    told = at_once(*[lambda p=p: publish_perk(perk=p, by=owner) for p in perks])
    assert told.count("plan_limit_reached") == 3
