"""What a merchant is billed for: each verified redemption once, however Stripe answers, line by line."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from citizen_app.models import InboxMessage, OutboxMessage
from citizen_app.outbox import run_due, run_sweeps
from perks.models import BillingCustomer, StripeCall, UsedPerk
from perks.payments import catalogue
from perks.payments import usage as at_stripe
from perks.payments.standin import Fault
from perks.services.redemptions import reverse_redemption
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from perks.services.usage import compare_usage
from tests.factories.billing import USAGE, scanned, subscribe
from tests.factories.gift_cards import charge, taken_card
from tests.factories.perks import MerchantFactory, person_of
from tests.perks.api.calls import team_app
from tests.stripe_standin import PLATFORM_SECRET, over_http

pytestmark = pytest.mark.django_db


@pytest.fixture
def standin(standin, settings, monkeypatch):
    """Stripe is spoken to over HTTP."""
    yield from over_http(standin, settings, monkeypatch)


@pytest.fixture
def merchant(standin, deliver):
    merchant = MerchantFactory()
    subscribe(merchant, standin, deliver)
    return merchant


def scan(merchant, **fields):
    return scanned(merchant, person_of(merchant), now=timezone.now(), **fields)


def counted(standin, merchant):
    """What Stripe has of today."""
    today = datetime.combine(timezone.now().astimezone(UTC).date(), datetime.min.time(), UTC)
    customer = BillingCustomer.objects.get(merchant=merchant).customer_id
    return at_stripe.count_of(customer=customer, since=today - timedelta(days=1), until=today + timedelta(days=1))


def sent(standin):
    return [call for call in standin.calls if call.path == "/v1/billing/meter_events"]


@contextmanager
def at(moment):
    """The clock stands there, and what is due by then is done."""
    with time_machine.travel(moment, tick=False):
        yield
        run_due()


def after(**time):
    with at(timezone.now() + timedelta(**time)):
        pass


def test_a_redemption_is_counted_once_its_scan_can_no_longer_be_undone(standin, merchant):
    redemption = scan(merchant)
    after(minutes=9)
    assert not UsedPerk.objects.exists()
    after(minutes=11)
    line = UsedPerk.objects.get()
    assert (line.redemption, line.merchant, line.call.state) == (redemption, merchant, "done")
    (call,) = sent(standin)
    assert call.key == f"meter:{redemption.public_id}"
    assert call.params == {
        "event_name": "redemption",
        "identifier": f"redemption-{redemption.public_id}",
        "timestamp": str(int(redemption.scans.get().scanned_at.timestamp())),
        "payload": {"stripe_customer_id": BillingCustomer.objects.get().customer_id, "value": "1"},
    }
    assert counted(standin, merchant) == 1


def test_who_has_no_plan_is_billed_for_nothing(standin):
    scan(MerchantFactory())
    assert not OutboxMessage.objects.filter(topic="count_use").exists()


def test_what_is_undone_is_not_billed_and_what_is_reversed_is(standin, merchant):
    owner, now = person_of(merchant), timezone.now()
    undone, reversed_later = (scanned(merchant, owner, now=now) for _ in range(2))
    reverse_redemption(redemption=undone, by=owner, now=now + timedelta(minutes=5))
    with at(now + timedelta(minutes=11)):
        reverse_redemption(redemption=reversed_later, by=owner, reason="Broken", now=timezone.now())
    assert [line.redemption for line in UsedPerk.objects.all()] == [reversed_later]
    assert counted(standin, merchant) == 1


def test_a_second_scan_after_an_undo_is_billed_once(standin, merchant):
    owner, now = person_of(merchant), timezone.now()
    redemption = scanned(merchant, owner, now=now)
    reverse_redemption(redemption=redemption, by=owner, now=now + timedelta(minutes=5))
    with at(now + timedelta(minutes=6)):
        scan_code(merchant=merchant, by=owner, shown=Shown(code=secrets_of(redemption).code), nonce="again")
    with at(now + timedelta(minutes=11)):
        run_due()
        assert not UsedPerk.objects.exists()
    after(minutes=17)
    assert counted(standin, merchant) == UsedPerk.objects.count() == 1


def test_a_gift_card_is_one_redemption_however_often_it_is_charged(standin, merchant):
    redemption = taken_card(merchant=merchant)
    for _ in range(3):
        charge(redemption, 100)
    after(minutes=11)
    assert UsedPerk.objects.count() == counted(standin, merchant) == 1


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_lost_answers_count_it_once(standin, merchant, kind):
    scan(merchant)
    standin.faults.append(Fault("POST /v1/billing/meter_events", kind, times=5))
    for hours in range(1, 6):
        after(hours=hours)
    assert counted(standin, merchant) == 1
    assert StripeCall.objects.get(operation="send_use").state == "done"


def test_after_stripe_forgot_the_key_its_name_for_the_use_still_counts_it_once(standin, merchant):
    scan(merchant)
    standin.faults.append(Fault("POST /v1/billing/meter_events", "drop_after", times=2))
    after(minutes=11)
    standin._kept.clear()
    after(hours=30)
    assert counted(standin, merchant) == 1
    assert StripeCall.objects.get(operation="send_use").state == "done"


@pytest.mark.parametrize("kind", ["stored", "stored_after"])
def test_a_failure_stripe_keeps_counts_it_once(standin, merchant, kind):
    scan(merchant)
    standin.faults.append(Fault("POST /v1/billing/meter_events", kind))
    for hours in (1, 2, 3):
        after(hours=hours)
    assert counted(standin, merchant) == 1
    assert [call.key[-2:] for call in sent(standin)][-1] == ":2"


def test_a_use_that_stripe_refuses_waits_for_a_person(standin, merchant):
    scan(merchant)
    standin.get(catalogue.meter_id())["status"] = "inactive"
    after(minutes=11)
    assert StripeCall.objects.get(operation="send_use").state == "stuck"
    assert OutboxMessage.objects.get(topic="stripe_call", dead_at__isnull=False).last_error == "invalid_request"
    answer = team_app(merchant).get(USAGE).json()["results"]
    assert [line["state"] for line in answer] == ["held"]


@pytest.mark.parametrize("kind", ["error_report_triggered", "no_meter_found"])
def test_uses_that_stripe_took_and_did_not_count_are_a_dead_letter(standin, client, caplog, kind, db):
    thin = {
        "id": "evt_thin1",
        "object": "v2.core.event",
        "type": f"v1.billing.meter.{kind}",
        "created": "2026-11-23T01:00:00.000Z",
        "livemode": False,
        "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"},
    }
    body, signature = standin.signed(thin, PLATFORM_SECRET)
    headers = {"Stripe-Signature": signature}
    assert client.post("/webhooks/stripe", body, content_type="application/json", headers=headers).status_code == 200
    run_due()
    message = InboxMessage.objects.get()
    assert (message.dead_at is not None, message.last_error) == (True, "uses_not_counted")
    assert any("billing.uses_refused" in str(record.msg) for record in caplog.records if record.levelname == "ERROR")


def test_the_usage_is_listed_line_by_line_and_as_a_file(standin, merchant):
    owner, now = person_of(merchant), timezone.now()
    redemptions = [scanned(merchant, owner, now=now) for _ in range(3)]
    scan(MerchantFactory())
    after(minutes=11)
    app = team_app(merchant)
    page = app.get(f"{USAGE}?limit=2").json()
    rest = app.get(page["next"]).json()
    lines = [*page["results"], *rest["results"]]
    assert [line["redemption"] for line in reversed(lines)] == [one.public_id for one in redemptions]
    assert {line["state"] for line in lines} == {"counted"}
    tomorrow = (now.astimezone(UTC) + timedelta(days=1)).date()
    assert app.get(f"{USAGE}?from={tomorrow}").json()["results"] == []
    file = app.get(f"{USAGE}.csv")
    rows = b"".join(file.streaming_content).decode().splitlines()
    assert rows[0] == '"use","redemption","day","used_at","state"'
    assert [row.split(",")[1].strip('"') for row in rows[1:]] == [one.public_id for one in redemptions]
    assert sum(line["state"] == "counted" for line in lines) == counted(standin, merchant)


def test_the_nightly_comparison_tells_what_differs(standin, merchant, caplog):
    scan(merchant)
    after(minutes=11)
    with at(timezone.now() + timedelta(days=1)):
        run_sweeps(timezone.now())
        customer = BillingCustomer.objects.get()
        assert (customer.usage_difference, customer.usage_compared_at) == (0, timezone.now())
        calls = len(standin.calls)
        run_sweeps(timezone.now())
        assert len(standin.calls) == calls  # once a day
    line = UsedPerk.objects.get()
    at_stripe.send_use(
        customer=customer.customer_id, identifier="somebody-else-s", used_at=int(line.used_at.timestamp()), key="x"
    )
    with at(timezone.now() + timedelta(days=2)):
        run_sweeps(timezone.now())
    assert BillingCustomer.objects.get().usage_difference == 1
    assert any("billing.usage_differs" in str(record.msg) for record in caplog.records if record.levelname == "ERROR")


def test_what_is_on_its_way_is_no_difference(standin, merchant):
    scan(merchant)
    standin.faults.append(Fault("POST /v1/billing/meter_events", "drop_after", times=2))
    after(minutes=11)
    assert StripeCall.objects.get(operation="send_use").state == "pending"
    tomorrow = timezone.now() + timedelta(days=1)
    assert compare_usage(BillingCustomer.objects.get(), now=tomorrow) == 0
