"""Once a day, whatever no webhook brought: the events Stripe has listed since, and every plan that is not over.

Each account's list is read by one process at a time; one that fails is read again in an hour.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog

from perks.models import EventLog, Merchant, Subscription
from perks.payments.client import Rejected, Transient, is_on
from perks.payments.events import list_events
from perks.services.plans import sync_subscription
from perks.services.stripe_events import is_handled, receive_event
from perks.services.usage import compare_usage, customers_to_compare

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(days=1)
AGAIN_AFTER: Final = timedelta(hours=1)
REMEMBERED: Final = timedelta(days=30)
"""For how long Stripe lists its events."""
OVERLAP: Final = timedelta(minutes=10)
"""Listed again, because events are not listed in the order in which they became visible."""
PLATFORM: Final = ""


def sweep_events(*, now: datetime) -> int:
    """Keep the events that no webhook brought; return how many. Does something once a day and account."""
    if not is_on():
        return 0
    return sum(_sweep(account, now) for account in _accounts_due(now))


def sweep_subscriptions(*, now: datetime) -> int:
    """Read every plan that is not over and was not read for a day; return how many."""
    if not is_on():
        return 0
    stale = Subscription.objects.unfinished().filter(read_at__lte=now - EVERY).order_by("read_at")
    done = 0
    for subscription_id in list(stale.values_list("subscription_id", flat=True)[:200]):
        try:
            sync_subscription(subscription_id)
        except (Transient, Rejected) as error:
            log.warning("billing.plan_not_read", why=type(error).__name__)
            break
        done += 1
    return done


def sweep_usage(*, now: datetime) -> int:
    """Compare, once a day, what each merchant's meter has counted with what was told to it; return how many differ."""
    if not is_on():
        return 0
    differing = 0
    for customer in list(customers_to_compare(now)[:200]):
        try:
            differing += compare_usage(customer, now=now) != 0
        except (Transient, Rejected, LookupError) as error:
            log.warning("billing.usage_not_compared", why=type(error).__name__)
            break
    return differing


def _accounts_due(now: datetime) -> Iterator[str]:
    """The accounts whose lists this process reads now: whoever moves the row's time on has it."""
    ours = Merchant.objects.exclude(stripe_account_id="").exclude(payment_account__left_at__isnull=False)
    for account in [PLATFORM, *ours.order_by("pk").values_list("stripe_account_id", flat=True)]:
        row, _ = EventLog.objects.get_or_create(
            account=account, defaults={"read_until": now - REMEMBERED, "due_at": now}
        )
        is_free = EventLog.objects.filter(account=account, due_at__lte=now)
        if row.due_at <= now and is_free.update(due_at=now + AGAIN_AFTER):
            yield account


def _sweep(account: str, now: datetime) -> int:
    row = EventLog.objects.get(account=account)
    found = 0
    try:
        for said in list_events(since=row.read_until - OVERLAP, account=account):
            if is_handled(said.type, account):
                found += receive_event(
                    event_id=said.id, event_type=said.type, object_id=said.object_id, account=account
                )
    except (Transient, Rejected) as error:
        log.warning("stripe.events_not_listed", account=account, why=type(error).__name__)
        return found
    EventLog.objects.filter(account=account).update(read_until=now, due_at=now + EVERY)
    if found:
        log.warning("stripe.events_were_missed", account=account, count=found)
    return found
