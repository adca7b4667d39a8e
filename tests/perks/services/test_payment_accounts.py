"""A merchant's own account at Stripe: connected once, ready when Stripe says so, and gone when its owner says so."""

import random
from datetime import timedelta

import pytest
import time_machine

from citizen_app.dead_letters import dead_count
from citizen_app.models import InboxMessage
from perks.models import EventLog, Merchant, PaymentAccount, StripeCall
from perks.payments.client import client
from perks.payments.standin.fake import Fault
from perks.payments.standin.records import HANDLERS
from perks.payments.standin.refusals import invalid
from perks.services import catalogue
from perks.services.payment_accounts import can_hold, sweep_accounts
from perks.services.stripe_events import receive_event
from perks.services.stripe_sweeps import sweep_events
from tests.factories.deposits import DEPOSIT, rental
from tests.factories.holds import run_outbox
from tests.factories.people import api_client_for, browser_for, operator_with
from tests.factories.perks import BranchFactory, person_of
from tests.factories.scores import NOW
from tests.perks.services.lives import approved
from tests.stripe_standin import over_http

pytestmark = pytest.mark.django_db
ONBOARDING = "/api/v1/merchant/billing/onboarding"


@pytest.fixture
def standin(standin, settings, monkeypatch):
    """Stripe is spoken to over HTTP."""
    yield from over_http(standin, settings, monkeypatch)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def merchant():
    return rental()


def ask(merchant, role="owner"):
    return api_client_for(person_of(merchant, role)).post(ONBOARDING, {}, format="json")


def payments(merchant):
    return api_client_for(person_of(merchant, "owner")).get("/api/v1/merchant/billing").json()["payments"]


def test_an_owner_is_sent_on_to_stripe_and_the_account_is_made_once(standin, merchant):
    assert payments(merchant) == {"state": "none", "due": []}
    first, second = ask(merchant), ask(merchant)
    assert first.status_code == second.status_code == 200
    assert first.json()["url"] != second.json()["url"]  # one for each visit
    (account,) = standin.all("account")
    merchant.refresh_from_db()
    assert merchant.stripe_account_id == account["id"]
    assert account["metadata"] == {"merchant": merchant.public_id}
    assert account["controller"]["losses"] == {"payments": "stripe"}
    links = [link for link in standin.objects.values() if link.get("object") == "account_link"]
    assert {link["return_url"] for link in links} == {"http://testserver/merchant/billing"}
    assert StripeCall.objects.get(operation="create_account").key == f"account:{merchant.public_id}"
    assert payments(merchant)["state"] == "started"
    assert can_hold(merchant.pk) is False


def test_only_stripe_s_word_makes_it_ready(standin, deliver, merchant):
    ask(merchant)
    merchant.refresh_from_db()
    standin.complete_onboarding(merchant.stripe_account_id)
    assert can_hold(merchant.pk) is False
    deliver()
    run_outbox(1)
    assert (can_hold(merchant.pk), payments(merchant)) == (True, {"state": "ready", "due": []})
    standin.restrict_account(merchant.stripe_account_id)
    deliver()
    run_outbox(1)
    assert (can_hold(merchant.pk), payments(merchant)) == (
        False,
        {"state": "due", "due": ["person.verification.document"]},
    )


def test_a_waiver_with_something_left_is_published_once_the_account_may_charge(standin, deliver, merchant):
    BranchFactory(merchant=merchant)
    owner = api_client_for(person_of(merchant, "owner"))
    body = {
        "kind": "deposit_waiver",
        "deposit": DEPOSIT,
        "tiers": [{"min_score": 600, "benefit": {"waived_percent": 50}}],
    }
    perk = approved(merchant, person_of(merchant), operator_with("merchants"), **body)
    address = f"/api/v1/merchant/perks/{perk.public_id}/publish"
    refused = owner.post(address, {}, format="json", headers={"Idempotency-Key": "one"})
    assert (refused.status_code, refused.json()["code"]) == (409, "payments_not_onboarded")
    ask(merchant)
    merchant.refresh_from_db()
    standin.complete_onboarding(merchant.stripe_account_id)
    deliver()
    run_outbox(1)
    assert catalogue.publish_perk(perk=perk, by=person_of(merchant), now=NOW).state == "published"


@pytest.mark.parametrize(("role", "has_link"), [("owner", True), ("manager", False)])
def test_the_page_that_says_so_leads_an_owner_to_billing(standin, merchant, role, has_link):
    BranchFactory(merchant=merchant)
    body = {
        "kind": "deposit_waiver",
        "deposit": DEPOSIT,
        "tiers": [{"min_score": 600, "benefit": {"waived_percent": 50}}],
    }
    perk = approved(merchant, person_of(merchant), operator_with("merchants"), **body)
    answer = browser_for(person_of(merchant, role)).post(f"/merchant/perks/{perk.public_id}/publish")
    page = answer.content.decode()
    assert "have an owner connect your account for it on the page Billing" in page
    assert ('<a class="tlink" href="/merchant/billing">Go to Billing</a>' in page) is has_link
    perk.refresh_from_db()
    assert perk.state == "approved"


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "stored", "stored_after"])
def test_an_account_whose_answer_was_lost_is_one_account_of_the_merchant(standin, merchant, kind):
    standin.faults = [Fault("POST /v1/accounts$", kind, times=2)]
    for _ in range(3):
        if ask(merchant).status_code == 200:
            break
    merchant.refresh_from_db()
    assert merchant.stripe_account_id in {account["id"] for account in standin.all("account")}
    assert PaymentAccount.objects.get().number == 1
    if kind.startswith("drop"):
        assert len(standin.all("account")) == 1


def test_a_manager_connects_nothing_and_without_a_key_nobody_does(merchant, settings):
    assert ask(merchant, "manager").status_code == 403
    refused = ask(merchant)
    assert (refused.status_code, refused.json()["code"]) == (409, "billing_off")
    assert payments(merchant) == {"state": "off", "due": []}
    assert not PaymentAccount.objects.exists()


def test_a_country_that_stripe_does_not_serve_is_said_and_can_be_asked_for_again(standin, merchant, monkeypatch):
    def refuse(records, params):
        raise invalid("Country is not supported.", "country_unsupported", "country")

    with monkeypatch.context() as patch:
        patch.setitem(HANDLERS, ("POST", "/v1/accounts"), refuse)
        refused = ask(merchant)
        assert (refused.status_code, refused.json()["code"]) == (409, "account_refused")
    merchant.refresh_from_db()
    assert (merchant.stripe_account_id, payments(merchant)["state"]) == ("", "none")
    assert ask(merchant).status_code == 200
    assert PaymentAccount.objects.get().number == 2


def test_an_account_that_left_holds_nothing_and_another_can_follow(standin, deliver, merchant):
    ask(merchant)
    first = Merchant.objects.get().stripe_account_id
    standin.complete_onboarding(first)
    deliver()
    run_outbox(1)
    standin.disconnect_account(first)
    deliver()
    run_outbox(1)
    assert (can_hold(merchant.pk), payments(merchant)["state"]) == (False, "left")
    assert ask(merchant).status_code == 200
    second = Merchant.objects.get().stripe_account_id
    assert (second != first, payments(merchant)["state"]) == (True, "started")


def test_an_event_of_a_foreign_account_changes_nothing(standin, deliver, merchant):
    ask(merchant)
    account = Merchant.objects.get().stripe_account_id
    before = PaymentAccount.objects.values().get()
    for number, foreign in enumerate(["acct_nobody", ""]):
        receive_event(event_id=f"evt_{number}", event_type="account.updated", object_id=account, account=foreign)
    run_outbox(1)
    assert PaymentAccount.objects.values().get() == before


def tell(standin, deliver, events, seed):
    """Each event twice, in some order, through the door it was signed for; each is worked off as it comes."""
    twice = [*events, *events]
    random.Random(seed).shuffle(twice)
    for event in twice:
        assert deliver(event) == [200]
        run_outbox(1)
    run_outbox()


@pytest.mark.parametrize("seed", range(8))
def test_events_twice_and_in_any_order_end_at_what_is_so(standin, deliver, merchant, seed):
    ask(merchant)
    account = Merchant.objects.get().stripe_account_id
    standin.events.clear()
    standin.complete_onboarding(account)
    standin.restrict_account(account)
    standin.complete_onboarding(account)
    assert len(standin.events) == 3
    tell(standin, deliver, standin.events, seed)
    assert (can_hold(merchant.pk), payments(merchant)) == (True, {"state": "ready", "due": []})
    assert (InboxMessage.objects.count(), dead_count()) == (3, 0)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_after_it_left_it_stays_left(standin, deliver, merchant, seed):
    ask(merchant)
    account = Merchant.objects.get().stripe_account_id
    standin.events.clear()
    standin.complete_onboarding(account)
    standin.disconnect_account(account)
    assert {event["type"] for event in standin.events} == {"account.updated", "account.application.deauthorized"}
    tell(standin, deliver, standin.events, seed)
    assert (can_hold(merchant.pk), payments(merchant)["state"]) == (False, "left")
    assert not InboxMessage.objects.filter(done_at=None).exists()
    assert sweep_accounts(now=NOW + timedelta(days=2)) == 0
    sweep_events(now=NOW + timedelta(days=2))
    assert [log.account for log in EventLog.objects.all()] == [""]  # nor is its list of events asked for


def test_an_account_of_somebody_else_is_told_to_nobody(standin, deliver, merchant):
    ask(merchant)
    before = PaymentAccount.objects.values().get()
    foreign = client().v1.accounts.create({"country": "PT"})
    standin.events.clear()
    standin.complete_onboarding(foreign.id)
    calls = len(standin.calls)
    assert deliver() == [200]
    run_outbox(1)
    assert PaymentAccount.objects.values().get() == before
    assert InboxMessage.objects.get().is_ignored
    assert len(standin.calls) == calls


def test_the_daily_look_finds_what_no_event_told(standin, merchant):
    ask(merchant)
    standin.complete_onboarding(Merchant.objects.get().stripe_account_id)
    assert sweep_accounts(now=NOW + timedelta(hours=23)) == 0
    assert sweep_accounts(now=NOW + timedelta(days=1)) == 1
    assert can_hold(merchant.pk) is True
