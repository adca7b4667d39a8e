"""What a merchant with a plan is billed for: each redemption that a scan verified, once, whatever Stripe does.

The promise to count it is written in the scan's own transaction, for when the scan can no longer be undone: what is
undone is never counted, and what is reversed later stays counted, since it was honoured. A gift card is one redemption
however often it is charged.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from citizen_app import outbox
from perks.models import BillingCustomer, Merchant, Redemption, Scan, StripeCall, UsedPerk
from perks.payments import usage as at_stripe
from perks.services.desk import UNDO_TIME
from perks.services.plans import current_subscription
from perks.services.stripe_calls import decide, performs
from perks.services.stripe_events import NOT_COUNTED, StripeEvent, on_event

log = structlog.get_logger(__name__)

SEND: Final = "send_use"
COMPARED: Final = timedelta(days=30)
"""How far back the nightly comparison looks: Stripe takes a use for 35 days."""


@transaction.atomic
def count_use(*, redemption: Redemption, now: datetime | None = None) -> bool:
    """Count a redemption whose scan stands, and decide on telling Stripe; False where it is not to be counted.

    Safe twice: a redemption is counted once, at the instant of the first scan that stood.
    """
    now = now or timezone.now()
    # One who scans, undoes or counts it at this moment waits.
    Redemption.objects.select_for_update(no_key=True).get(pk=redemption.pk)
    customer = BillingCustomer.objects.filter(merchant=redemption.merchant_id).first()
    if customer is None or UsedPerk.objects.filter(redemption=redemption).exists():
        return False
    stands = Scan.objects.filter(redemption=redemption, outcome=Scan.Outcome.ACCEPTED, undone_at=None)
    scan = stands.filter(received_at__lte=now - UNDO_TIME).order_by("received_at").first()
    if scan is None:
        return False  # it was undone; a scan that followed has its own promise
    used_at = scan.scanned_at
    call = decide(
        key=f"meter:{redemption.public_id}",
        operation=SEND,
        customer=customer.customer_id,
        identifier=f"redemption-{redemption.public_id}",
        used_at=int(used_at.timestamp()),
    )
    UsedPerk.objects.create(
        merchant_id=redemption.merchant_id,
        redemption=redemption,
        call=call,
        used_at=used_at,
        day=used_at.astimezone(UTC).date(),
    )
    return True


@performs(
    SEND,
    apply=lambda call, event: None,
    benign={at_stripe.TAKEN_BEFORE},
    reread=lambda call: None,
    ages=False,
)
def _send_use(call: StripeCall) -> Any:
    """Stripe takes an identifier once, so neither age nor a failure it kept stops it."""
    return at_stripe.send_use(**call.arguments, key=call.sent_key)


@on_event("v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found")
def _uses_refused(event: StripeEvent) -> None:
    """Stripe took some uses and counted none of them: which ones, and why, is to be seen at Stripe alone."""
    log.error("billing.uses_refused", id=event.id, meter=event.object_id)
    raise outbox.DeadLetter(NOT_COUNTED)


def used_in_period(merchant: Merchant) -> int:
    """How many redemptions the next invoice will count, as far as they are counted."""
    plan = current_subscription(merchant)
    if plan is None or plan.period_began_at is None:
        return 0
    return UsedPerk.objects.filter(merchant=merchant, used_at__gte=plan.period_began_at).count()


def usage_rows(lines: Any) -> Iterator[list[Any]]:
    """A merchant's usage as rows of a file, the heading first."""
    yield ["use", "redemption", "day", "used_at", "state"]
    for line in lines.select_related("redemption", "call").iterator(chunk_size=500):
        used_at = line.used_at.astimezone(UTC).isoformat()
        yield [line.public_id, line.redemption.public_id, line.day.isoformat(), used_at, state_of(line)]


def state_of(line: UsedPerk) -> str:
    """Whether Stripe has counted it: `waiting`, `counted`, or `held` until a person has looked at it."""
    told = {StripeCall.State.PENDING: "waiting", StripeCall.State.DONE: "counted"}
    return told.get(StripeCall.State(line.call.state), "held")


# -- The nightly comparison -----------------------------------------------------------------------------------------
def compare_usage(customer: BillingCustomer, *, now: datetime) -> int:
    """How many redemptions more (or less) than we told it Stripe has counted, of whole days that are over.

    What it may not have counted yet, or may have counted though its answer was lost, is no difference. Any other is an
    error in the log, and stays on the customer's row for `verify_invariants`.
    """
    until = _midnight(now.date())
    since = until - COMPARED
    theirs = at_stripe.count_of(customer=customer.customer_id, since=since, until=until)
    lines = UsedPerk.objects.filter(merchant=customer.merchant_id, used_at__gte=since, used_at__lt=until)
    sure = Q(call__state=StripeCall.State.DONE, call__closed_at__lte=now - timedelta(hours=1))
    least, most = lines.filter(sure).count(), lines.exclude(call__state=StripeCall.State.STUCK).count()
    difference = theirs - least if theirs < least else max(0, theirs - most)
    if difference:
        log.error("billing.usage_differs", merchant=customer.merchant.public_id, stripe=theirs, least=least, most=most)
    BillingCustomer.objects.filter(pk=customer.pk).update(usage_difference=difference, usage_compared_at=now)
    return difference


def customers_to_compare(now: datetime) -> Any:
    """Customers with usage whose last comparison was before today (UTC)."""
    last = BillingCustomer.objects.annotate(used_last=Max("merchant__used_perks__used_at"))
    is_due = Q(usage_compared_at=None) | Q(usage_compared_at__lt=_midnight(now.date()))
    return last.filter(is_due, used_last__gte=now - COMPARED).select_related("merchant")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
