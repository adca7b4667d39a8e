"""What was asked of Stripe goes when nobody can come back to it, and nothing that is asked afterwards misses it."""

from datetime import timedelta

import pytest
import time_machine

from citizen_app.invariants import broken
from citizen_app.outbox import run_due
from citizen_app.pruning import prune_all
from perks.models import StripeCall, StripeReading, Subscription, UsedPerk
from perks.services.plans import sync_subscription
from perks.services.stripe_calls import make_call
from perks.services.usage import count_use
from tests.factories.billing import scanned, subscribe
from tests.factories.holds import Both, half_waived, run_outbox
from tests.factories.perks import MerchantFactory, person_of
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW, tick=False):
        yield NOW


def call(key, state, closed_at):
    return StripeCall.objects.create(key=key, operation="ring", state=state, closed_at=closed_at)


def keys():
    return set(StripeCall.objects.values_list("key", flat=True))


def pruned(now):
    counts = prune_all(now)
    return counts["stripe_calls"], counts["stripe_readings"]


def test_a_finished_call_goes_after_thirty_days_and_an_open_one_never(now):
    for state in ("done", "refused", "stuck"):
        call(f"old {state}", state, now - 30 * DAY - timedelta(seconds=1))
        call(f"new {state}", state, now - 30 * DAY)
    call("old pending", "pending", None)
    StripeCall.objects.update(decided_at=now - 99 * DAY)
    assert pruned(now) == (2, 0)
    assert keys() == {"new done", "new refused", "old stuck", "new stuck", "old pending"}


def test_the_lines_of_a_bill_keep_theirs(standin, deliver, now):
    merchant = MerchantFactory()
    subscribe(merchant, standin, deliver)
    count_use(redemption=scanned(merchant, person_of(merchant), now=now), now=now + timedelta(minutes=11))
    run_due()
    before = keys()
    assert pruned(now + 31 * DAY)[0] == len(before) - 1
    assert keys() == {UsedPerk.objects.get().call.key}
    assert not any(broken().values())


def test_the_call_that_opened_a_hold_stays_until_the_hold_is_over(standin, deliver, now):
    both = Both(half_waived(standin), standin, deliver)
    assert both.mine("hold").status_code == 200
    opening = f"hold:{both.hold().public_id}"
    assert pruned(now + 31 * DAY)[0] == 0
    assert opening in keys()
    standin.advance_to(now.timestamp() + 2 * 86_400)  # its page closes
    deliver()
    run_outbox(1)
    assert both.hold().state == "failed"
    assert pruned(now + 31 * DAY)[0] >= 1
    assert opening not in keys()


def test_a_promise_to_make_a_call_that_was_pruned_is_kept(now):
    one = call("old", "done", now - 31 * DAY)
    assert pruned(now) == (1, 0)
    make_call(call_id=one.pk)  # an operator let it try again: there is nothing left to do


def test_a_reading_goes_thirty_days_after_the_last_and_the_next_reader_begins_anew(standin, deliver, now):
    subscription = subscribe(MerchantFactory(), standin, deliver)
    assert StripeReading.objects.filter(object_id=subscription["id"]).exists()
    assert pruned(now + 30 * DAY)[1] == 0
    assert pruned(now + 30 * DAY + timedelta(seconds=1))[1] >= 1
    assert not StripeReading.objects.exists()
    standin.get(subscription["id"])["status"] = "past_due"
    sync_subscription(subscription["id"])
    reading = StripeReading.objects.get(object_id=subscription["id"])
    assert (reading.taken, reading.applied) == (1, 1)
    assert Subscription.objects.get().status == "past_due"
