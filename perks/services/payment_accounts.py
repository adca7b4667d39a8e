"""A merchant's own account at Stripe: connecting it, and whether it may hold money on a card.

What is left of deposits is held there and never on the platform's. Nobody is onboarded by coming back from Stripe's
pages: Stripe says when the account may charge.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils import timezone

from citizen_app import audit
from citizen_app.models import Citizen
from perks.hold_errors import AccountRefused
from perks.models import Merchant, PaymentAccount, StripeCall
from perks.payments import accounts as at_stripe
from perks.payments.client import Rejected, Transient, is_on
from perks.payments.objects import Account
from perks.services.plans import asked, require_on
from perks.services.stripe_calls import DOOR_FIRST, call_now, decide, performs
from perks.services.stripe_events import StripeEvent, on_event, read_fresh

log = structlog.get_logger(__name__)

CREATE: Final = "create_account"
EVERY: Final = timedelta(days=1)
OFF, NONE, STARTED, DUE, READY, LEFT = "off", "none", "started", "due", "ready", "left"


def account_of(merchant_id: Any) -> str:
    return Merchant.objects.values_list("stripe_account_id", flat=True).get(pk=merchant_id)


def can_hold(merchant_id: Any) -> bool:
    """Whether this merchant can hold money on a citizen's card: its own account is connected and may charge."""
    return is_on() and PaymentAccount.objects.filter(merchant=merchant_id, can_charge=True).exists()


def onboarding_page(merchant: Merchant) -> dict[str, Any]:
    """`off` (billing is off here), `none`, `started`, `due` (Stripe asks for more), `ready` or `left`."""
    account = PaymentAccount.objects.filter(merchant=merchant).first() if is_on() else None
    return {"state": _state(account) if is_on() else OFF, "due": account.due if account else []}


def _state(account: PaymentAccount | None) -> str:
    if account is None or account.read_at is None:
        return NONE
    if account.left_at is not None:
        return LEFT
    if account.can_charge:
        return READY
    return DUE if account.has_sent_details else STARTED


# -- Connecting it ----------------------------------------------------------------------------------------------------
def open_onboarding(*, merchant: Merchant, by: Citizen, return_url: str, now: datetime | None = None) -> str:
    """Return the address of Stripe's pages on which a merchant says who it is; it comes back to `return_url`.

    The account is made once; each visit has an address of its own, which is not kept. Raises `BillingOff`,
    `BillingUnavailable` and `AccountRefused`.
    """
    require_on()
    call = _decide_account(merchant, by=by, now=now or timezone.now())
    if call is not None and call_now(call).state != StripeCall.State.DONE:
        raise AccountRefused
    account = account_of(merchant.pk)
    return str(asked(lambda: at_stripe.open_onboarding(account=account, return_url=return_url)).url)


@transaction.atomic
def _decide_account(merchant: Merchant, *, by: Citizen, now: datetime) -> StripeCall | None:
    """The call that makes the account, or None where there is one; who asks at the same moment is given the same."""
    PaymentAccount.objects.get_or_create(merchant=merchant)
    account = PaymentAccount.objects.select_for_update().get(merchant=merchant)
    if account.read_at is not None and account.left_at is None:
        return None
    last = StripeCall.objects.filter(key=_key(merchant, account.number)).first()
    if last is not None and last.state == StripeCall.State.PENDING:
        return last
    account.number += 1
    account.save(update_fields=["number"])
    audit.record(by=by, action="billing.onboarding", on=merchant.public_id)
    return decide(
        key=_key(merchant, account.number),
        operation=CREATE,
        due_at=now + DOOR_FIRST,
        merchant=merchant.public_id,
        country=merchant.country,
    )


def _key(merchant: Merchant, number: int) -> str:
    return f"account:{merchant.public_id}" if number == 1 else f"account:{merchant.public_id}:{number}"


def _made(call: StripeCall, account: Account) -> None:
    merchant = Merchant.objects.named(call.arguments["merchant"])
    Merchant.objects.filter(pk=merchant.pk).update(stripe_account_id=account.id)
    PaymentAccount.objects.filter(merchant=merchant).update(left_at=None)
    _keep_account(account)


@performs(CREATE, apply=_made, reread=lambda call: None, refuse=lambda call, error: None, ages=False)
def _create_account(call: StripeCall) -> Account:
    """An account made twice would be one that nobody uses, so neither age nor a failure Stripe kept stops it."""
    return at_stripe.create_account(**call.arguments, key=call.sent_key)


# -- What Stripe says of it -------------------------------------------------------------------------------------------
def sync_account(account_id: str) -> None:
    """Read an account as it is now and keep that; an older reading never overwrites a newer one."""
    read_fresh("", account_id, lambda: at_stripe.read_account(account_id), _keep_account)


def _keep_account(said: Account) -> None:
    kept = PaymentAccount.objects.select_for_update().select_related("merchant")
    account = kept.filter(merchant__stripe_account_id=said.id, left_at=None).first()
    if account is None:
        return
    before = account.can_charge
    account.can_charge = bool(said.charges_enabled)
    account.has_sent_details = bool(said.details_submitted)
    account.due = at_stripe.due_of(said)
    account.read_at = timezone.now()
    account.save(update_fields=["can_charge", "has_sent_details", "due", "read_at"])
    if before != account.can_charge:
        audit.record(by=None, action="billing.account", on=account.merchant.public_id, can_charge=account.can_charge)


@on_event("account.updated", connected=True)
def _account_changed(event: StripeEvent) -> None:
    """One that left is not ours to read any more: what was told of it before may come after it."""
    if not PaymentAccount.objects.filter(merchant__stripe_account_id=event.account).exclude(left_at=None).exists():
        sync_account(event.account)


@on_event("account.application.deauthorized", connected=True)
def _account_left(event: StripeEvent) -> None:
    """The merchant took our access away: what is held there by now is between it, the card and Stripe."""
    leaving = PaymentAccount.objects.filter(merchant__stripe_account_id=event.account, left_at=None)
    if leaving.update(can_charge=False, left_at=timezone.now()):
        log.warning("payments.account_left", account=event.account)


def sweep_accounts(*, now: datetime, limit: int = 200) -> int:
    """Read each account that was not read for a day; return how many."""
    if not is_on():
        return 0
    stale = PaymentAccount.objects.filter(left_at=None, read_at__lte=now - EVERY).order_by("read_at")
    done = 0
    for account_id in list(stale.values_list("merchant__stripe_account_id", flat=True)[:limit]):
        try:
            sync_account(account_id)
            done += 1
        except (Transient, Rejected) as error:
            log.warning("payments.account_not_read", account=account_id, why=type(error).__name__)
    return done
