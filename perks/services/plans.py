"""A merchant's plan: subscribing at Stripe's checkout, the portal, and the copy kept of what Stripe says it is.

The page Stripe sends the merchant back to grants nothing: a plan is what Stripe says of the subscription when asked.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import structlog
from django.db import transaction
from django.utils import timezone

from citizen_app import audit
from citizen_app.models import Citizen
from perks.errors import AlreadySubscribed, BillingOff, BillingUnavailable, MerchantNotActive, NeverSubscribed
from perks.models import BillingCustomer, Merchant, StripeCall, Subscription
from perks.payments import plans as at_stripe
from perks.payments.catalogue import NotSetUp
from perks.payments.client import Rejected, Transient, is_on
from perks.services.stripe_calls import DOOR_FIRST, call_now, decide, performs
from perks.services.stripe_events import StripeEvent, moment, on_event, read_fresh

log = structlog.get_logger(__name__)

CUSTOMER: Final = "create_customer"
CHECKOUT: Final = "open_checkout"
CLOSE: Final = "close_checkout"
END: Final = "end_plan"
OPEN: Final = "open"  # a checkout session that can still be paid

T = TypeVar("T")


def open_checkout(*, merchant: Merchant, by: Citizen, return_url: str, now: datetime | None = None) -> str:
    """Return the address of Stripe's page on which a merchant subscribes; it comes back to `return_url`.

    One checkout of a merchant is open at a time: asking again returns the same one, so a merchant cannot subscribe
    twice. Raises `BillingOff`, `BillingUnavailable`, `AlreadySubscribed` and `MerchantNotActive`.
    """
    require_on()
    now = now or timezone.now()
    customer = _customer_of(merchant, now)
    words = {"customer": customer.customer_id, "return_url": return_url, **asked(at_stripe.prices_of_plan)}
    call = call_now(_decide_checkout(merchant, by=by, now=now, words=words))
    if not _is_open(call.result):
        if call.result is not None and call.result.subscription:
            sync_subscription(str(call.result.subscription))  # it was paid, and no event has said so yet
        call = call_now(_decide_checkout(merchant, by=by, now=now, words=words, instead_of=call))
    if not _is_open(call.result):
        log.error("billing.no_checkout", merchant=merchant.public_id, code=call.error_code)
        raise BillingUnavailable
    return str(call.result.url)


def open_portal(*, merchant: Merchant, by: Citizen, return_url: str) -> str:
    """Return the address of Stripe's page with a merchant's invoices, card and plan, for this visit: it is not kept.

    Raises `BillingOff`, `BillingUnavailable` and `NeverSubscribed`.
    """
    require_on()
    customer = BillingCustomer.objects.filter(merchant=merchant).first()
    if customer is None:
        raise NeverSubscribed
    portal = asked(lambda: at_stripe.open_portal(customer=customer.customer_id, return_url=return_url))
    audit.record(by=by, action="billing.portal", on=merchant.public_id)
    return str(portal.url)


def require_on() -> None:
    if not is_on():
        raise BillingOff


def current_subscription(merchant: Merchant) -> Subscription | None:
    """The plan that counts: the newest that entitles to something, else the newest there was."""
    newest_first = list(Subscription.objects.filter(merchant=merchant).order_by("-began_at", "-id")[:10])
    return next((one for one in newest_first if one.entitles), next(iter(newest_first), None))


def asked(ask: Callable[[], T]) -> T:
    """What Stripe answers to a question that changes nothing."""
    try:
        return ask()
    except Transient as error:
        raise BillingUnavailable from error
    except (NotSetUp, Rejected) as error:
        log.exception("billing.refused")  # ours to mend, and nothing the merchant could change
        raise BillingUnavailable from error


# -- The customer ---------------------------------------------------------------------------------------------------
def _customer_of(merchant: Merchant, now: datetime) -> BillingCustomer:
    found = BillingCustomer.objects.filter(merchant=merchant).first()
    if found is None:
        with transaction.atomic():
            call = decide(
                key=f"customer:{merchant.public_id}",
                operation=CUSTOMER,
                due_at=now + DOOR_FIRST,
                merchant=merchant.public_id,
                name=merchant.name,
            )
        call_now(call)
        found = BillingCustomer.objects.filter(merchant=merchant).first()
    if found is None:
        log.error("billing.no_customer", merchant=merchant.public_id)
        raise BillingUnavailable
    return found


def _keep_customer(call: StripeCall, customer: Any) -> None:
    merchant = Merchant.objects.named(call.arguments["merchant"])
    BillingCustomer.objects.get_or_create(merchant=merchant, defaults={"customer_id": customer.id})


@performs(CUSTOMER, apply=_keep_customer, reread=lambda call: None, ages=False)
def _create_customer(call: StripeCall) -> Any:
    """A customer made twice would be one that nobody uses, so neither age nor a failure Stripe kept stops it."""
    return at_stripe.create_customer(**call.arguments, key=call.sent_key)


# -- The checkout ---------------------------------------------------------------------------------------------------
@transaction.atomic
def _decide_checkout(
    merchant: Merchant, *, by: Citizen, now: datetime, words: dict[str, str], instead_of: StripeCall | None = None
) -> StripeCall:
    """The checkout of a merchant that is open or not answered yet, else a new one.

    The merchant's row of billing is held: whoever asks at the same moment is given the same one.
    """
    customer = BillingCustomer.objects.select_for_update().get(merchant=merchant)
    # Read under that lock, which whoever closes the merchant takes too: no page outlives the closing.
    state = Merchant.objects.values_list("state", flat=True).get(pk=merchant.pk)
    if state != Merchant.State.ACTIVE:
        raise MerchantNotActive(state=state)
    if Subscription.objects.entitling().filter(merchant=merchant).exists():
        raise AlreadySubscribed
    last = StripeCall.objects.filter(key=_checkout_key(merchant, customer.checkout_count)).first()
    if last is not None and last.state in (StripeCall.State.PENDING, StripeCall.State.DONE) and last != instead_of:
        return last
    number = customer.checkout_count + 1
    BillingCustomer.objects.filter(pk=customer.pk).update(checkout_count=number)
    audit.record(by=by, action="billing.checkout", on=merchant.public_id)
    key = _checkout_key(merchant, number)
    return decide(key=key, operation=CHECKOUT, due_at=now + DOOR_FIRST, merchant=merchant.public_id, **words)


def _checkout_key(merchant: Merchant, number: int) -> str:
    return f"checkout:{merchant.public_id}:{number}"


def _is_open(session: Any) -> bool:
    return session is not None and session.status == OPEN and bool(session.url)


def _read_checkout(call: StripeCall) -> Any:
    return at_stripe.read_checkout(call.result_id) if call.result_id else None


@performs(CHECKOUT, apply=lambda call, session: None, reread=_read_checkout, ages=False)
def _create_checkout(call: StripeCall) -> Any:
    """One whose address nobody was told is never paid, so neither age nor a failure Stripe kept stops it."""
    return at_stripe.create_checkout(**call.arguments, key=call.sent_key)


# -- The end of a merchant ------------------------------------------------------------------------------------------
def end_plans(merchant: Merchant) -> None:
    """Decide to end what a merchant that is closing pays for, and to close the page on which it could still begin.

    In the transaction that closes it. A plan that is heard of only later is ended then (`_keep_subscription`).
    """
    customer = BillingCustomer.objects.select_for_update().filter(merchant=merchant).first()
    if customer is None:
        return
    opening = StripeCall.objects.filter(key=_checkout_key(merchant, customer.checkout_count)).first()
    if opening is not None:
        decide(key=f"close:{opening.key}", operation=CLOSE, checkout=opening.key)
    for plan in Subscription.objects.unfinished().filter(merchant=merchant).order_by("pk"):
        _decide_end(plan.subscription_id)


def _decide_end(subscription_id: str) -> None:
    decide(key=f"end:{subscription_id}", operation=END, subscription=subscription_id)


def _read_ended(call: StripeCall) -> Any:
    read = at_stripe.read_subscription(call.arguments["subscription"])
    return read if read.status in Subscription.FINAL else None


@performs(
    END,
    apply=lambda call, subscription: _keep_subscription(subscription) if subscription else None,
    benign={at_stripe.ENDED_BEFORE},
    reread=_read_ended,
    ages=False,
)
def _end_plan(call: StripeCall) -> Any:
    return at_stripe.end_subscription(call.arguments["subscription"])


@performs(CLOSE, apply=lambda call, session: None, refuse=lambda call, error: None, reread=_read_checkout, ages=False)
def _close_checkout(call: StripeCall) -> Any:
    """Refused where it was paid or has closed: a plan that was begun on it is ended once Stripe tells of it."""
    opening = StripeCall.objects.filter(key=call.arguments["checkout"]).first()
    if opening is not None and opening.state == StripeCall.State.PENDING:
        raise Transient("It is not open yet.")
    if opening is None or not opening.result_id:
        return None
    return at_stripe.close_checkout(opening.result_id, key=call.sent_key)


# -- What Stripe says the plan is -----------------------------------------------------------------------------------
def sync_subscription(subscription_id: str) -> None:
    """Read a subscription as it is now and keep that; an older reading never overwrites a newer one."""
    read_fresh("", subscription_id, lambda: at_stripe.read_subscription(subscription_id), _keep_subscription)


@on_event(
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
)
def _subscription_changed(event: StripeEvent) -> None:
    sync_subscription(event.object_id)


@on_event("invoice.paid", "invoice.payment_failed", "invoice.payment_action_required")
def _invoice_changed(event: StripeEvent) -> None:
    if subscription_id := at_stripe.subscription_of_invoice(event.object_id):
        sync_subscription(subscription_id)


@on_event(
    "checkout.session.completed", "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed"
)
def _checkout_ended(event: StripeEvent) -> None:
    session = at_stripe.read_checkout(event.object_id)
    if session.mode == "subscription" and session.subscription:
        sync_subscription(session.subscription if isinstance(session.subscription, str) else session.subscription.id)


def _keep_subscription(read: Any) -> None:
    customer_id = read.customer if isinstance(read.customer, str) else read.customer.id
    customer = BillingCustomer.objects.filter(customer_id=customer_id).first()
    if customer is None:
        log.warning("billing.unknown_customer", subscription=read.id)
        return
    merchant = Merchant.objects.select_for_update(no_key=True).get(pk=customer.merchant_id)
    # `items` is a field of Stripe's and a word of Python's.
    items = read["items"].data
    licensed = next((item for item in items if item.price.recurring.usage_type == "licensed"), items[0])
    before = Subscription.objects.filter(subscription_id=read.id).values_list("status", flat=True).first()
    Subscription.objects.update_or_create(
        subscription_id=read.id,
        defaults={
            "merchant": merchant,
            "status": read.status,
            "plan": licensed.price.lookup_key or "",
            "period_began_at": moment(licensed.current_period_start),
            "period_ends_at": moment(licensed.current_period_end),
            "is_ending": bool(read.cancel_at_period_end),
            "began_at": datetime.fromtimestamp(read.start_date, UTC),
            "ended_at": moment(read.ended_at),
            "read_at": timezone.now(),
        },
    )
    if merchant.state == Merchant.State.CLOSED and read.status not in Subscription.FINAL:
        _decide_end(read.id)
    is_billed = Subscription.objects.entitling().filter(merchant=merchant).exists()
    Merchant.objects.filter(pk=merchant.pk).update(is_billed=is_billed)
    if before != read.status:
        audit.record(by=None, action="billing.plan", on=merchant.public_id, status=read.status)
