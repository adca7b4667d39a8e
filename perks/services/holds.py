"""Holding what is left of a deposit on a citizen's card, capturing what a claim was settled at, letting go of the rest.

The hold is the merchant's own, on its own account at Stripe. What is settled above what is held stays owed between the
two, on record: nobody charges it here.
"""

from datetime import datetime
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils import timezone

from citizen_app import audit
from citizen_app.errors import WrongState
from citizen_app.models import Citizen
from perks import holds, hours
from perks.errors import BillingUnavailable, CannotBeHeld
from perks.hold_errors import HoldPageOver, HoldRefused
from perks.models import DepositAgreement, DepositHold, StripeCall
from perks.payments import holds as at_stripe
from perks.payments.client import Rejected, Transient
from perks.services.hold_steps import (
    RELEASE,
    State,
    apply_intent,
    end,
    let_go,
    locked,
    not_held,
    sync_intent,
    tell_agreement,
)
from perks.services.payment_accounts import account_of, can_hold
from perks.services.plans import require_on
from perks.services.stripe_calls import DOOR_FIRST, call_now, decide, performs
from perks.services.stripe_events import read_fresh

log = structlog.get_logger(__name__)

OPEN: Final = "open_hold_page"
CAPTURE: Final = "capture_hold"
PROMISE: Final = (
    "This amount is held, not charged. Holds end after some days, so it may be held again on this card, never more "
    "than once at a time, until the rental is settled. Then the card is forgotten."
)
FINAL: Final = ("succeeded", "canceled")
GONE: Final = "charge_expired_for_capture"


# -- Asking for a hold ----------------------------------------------------------------------------------------------
@transaction.atomic
def request_hold(
    *, agreement: DepositAgreement, by: Citizen, return_url: str, now: datetime | None = None
) -> DepositHold:
    """Decide to hold what is left of an accepted deposit; `page_of` is where its citizen names a card.

    One is asked for at a time, and a hold that ends before the return can be renewed: the old one is let go of once
    the new one holds. Raises `BillingOff`, `CannotBeHeld` and `WrongState` where nothing is to be held.
    """
    require_on()
    now = now or timezone.now()
    held = DepositAgreement.objects.select_for_update(of=("self",)).get(pk=agreement.pk)
    _require_wanted(held, now)
    if not can_hold(held.merchant_id):
        raise CannotBeHeld
    so_far = DepositHold.objects.filter(agreement=held)
    if asked := so_far.asked_for().first():
        if asked.renews_id is not None:
            raise WrongState("It is being held anew at this moment, without you: read the deposit again.")
        return asked
    hold = DepositHold.objects.create(
        agreement=held,
        account_id=account_of(held.merchant_id),
        number=so_far.count() + 1,
        currency=held.currency,
        amount=held.remainder_amount,
        asked_at=now,
        read_at=now,
    )
    decide(
        key=opening(hold),
        operation=OPEN,
        account=hold.account_id,
        due_at=now + DOOR_FIRST,
        hold=hold.public_id,
        amount=hold.amount,
        currency=hold.currency,
        title=f"Deposit at {agreement.merchant.name}: held, not charged",
        promise=PROMISE,
        return_url=return_url,
    )
    audit.record(by=by, action="deposit.hold", on=agreement.public_id, hold=hold.public_id)
    return hold


def may_hold(agreement: DepositAgreement, now: datetime) -> bool:
    """Whether what is left is to be held now: for the first time, again, or for longer."""
    try:
        _require_wanted(agreement, now)
    except WrongState:
        return False
    return True


def _require_wanted(agreement: DepositAgreement, now: datetime) -> None:
    is_over = agreement.due_at is None or agreement.due_at <= now
    if is_over or agreement.state not in (DepositAgreement.State.ACCEPTED, DepositAgreement.State.ACTIVE):
        raise WrongState("What is left is held once the terms are accepted, and until the return.")
    if not agreement.remainder_amount:
        raise WrongState("Nothing is left of this deposit that could be held.")
    until = agreement.hold_expires_at
    if until is not None and until >= hours.day_end(agreement.until, agreement.zone):
        raise WrongState("It is held already, until after the return.")
    if any(one.state == State.HELD and one.renews_itself for one in agreement.holds.all()):
        raise WrongState("It is held already, and is held anew by itself before that ends.")


def page_of(hold: DepositHold) -> str:
    """The address of Stripe's page of a hold that was asked for. Raises `HoldPageOver` once it was used or has closed.

    Raises `BillingUnavailable` when Stripe does not answer, and `HoldRefused` when it opens no page.
    """
    call = call_now(StripeCall.objects.get(key=opening(hold)))
    session = call.result
    if call.state != StripeCall.State.DONE or session is None:
        raise HoldRefused
    if session.status == "open" and session.url:
        return str(session.url)
    try:
        sync_page(hold.account_id, session.id)
    except Transient as error:
        raise BillingUnavailable from error
    raise HoldPageOver


def opening(hold: DepositHold) -> str:
    return f"hold:{hold.public_id}"


def _opened(call: StripeCall, session: Any) -> None:
    key = DepositHold.key_of(call.arguments["hold"])
    DepositHold.objects.filter(pk=key, checkout_session_id="").update(checkout_session_id=session.id)


def _not_opened(call: StripeCall, error: Rejected) -> None:
    not_held(_named(call), timezone.now())


def _read_page(call: StripeCall) -> Any:
    return at_stripe.read_page(call.result_id, account=call.account) if call.result_id else None


@performs(OPEN, apply=_opened, reread=_read_page, refuse=_not_opened, ages=False)
def _open_page(call: StripeCall) -> Any:
    """One whose address nobody was told is never paid, so neither age nor a failure Stripe kept stops it."""
    return at_stripe.create_page(**call.arguments, account=call.account, key=call.sent_key)


def sync_page(account: str, session_id: str) -> None:
    """Read a page as it is now: what it led to, or that it has closed and this attempt with it."""
    read: list[Any] = []

    def ask() -> Any:
        read.append(at_stripe.read_page(session_id, account=account))
        return read[0]

    read_fresh(account, session_id, ask, lambda session: _apply_page(account, session))
    if read and (intent_id := at_stripe.intent_of(read[0])):
        sync_intent(account, intent_id)


def _apply_page(account: str, session: Any) -> None:
    key = DepositHold.key_of(session.client_reference_id or "")
    found = None if key is None else DepositHold.objects.filter(pk=key, account_id=account).first()
    if found is None or found.checkout_session_id not in ("", session.id):
        return  # a payment of the merchant's own
    _, hold = locked(found)
    hold.read_at = timezone.now()
    hold.checkout_session_id = session.id
    hold.save()
    if session.status == "expired":
        not_held(hold, hold.read_at)


# -- The end of an agreement ----------------------------------------------------------------------------------------
def end_holds(agreement: DepositAgreement, *, settled: int, now: datetime) -> None:
    """Capture what an agreement was settled at, as far as it is held, and let go of everything else.

    In the transaction that ends the agreement, so that nothing stays held for nothing.
    """
    for hold in DepositHold.objects.select_for_update().filter(agreement=agreement).unfinished().order_by("pk"):
        if hold.state in holds.ASKED:
            let_go(hold)
        elif hold.state == State.HELD:
            _capture_or_let_go(hold, holds.captured_of(settled, hold.amount), now)
    tell_agreement(agreement, now)


def _capture_or_let_go(hold: DepositHold, amount: int, now: datetime) -> None:
    if hold.capture_before is None or hold.capture_before <= now:
        end(hold, State.EXPIRED, now)
    elif not amount:
        let_go(hold)
    else:
        hold.state, hold.to_capture = State.CAPTURING, amount
        hold.save()
        decide(
            key=f"capture:{hold.public_id}",
            operation=CAPTURE,
            account=hold.account_id,
            hold=hold.public_id,
            intent=hold.payment_intent_id,
            amount=amount,
        )


def _named(call: StripeCall) -> DepositHold:
    return DepositHold.objects.get(pk=DepositHold.key_of(call.arguments["hold"]))


def _apply(call: StripeCall, result: Any) -> None:
    """An intent or a closed page, as Stripe answered; None: it is over in a way that is not seen yet."""
    if result is None:
        if _named(call).state in holds.OPEN:
            log.error("hold.unclear", call=call.pk)
    elif result.object == "payment_intent":
        apply_intent(_named(call), result)
    else:
        _apply_page(call.account, result)


def _ended_intent(intent_id: str, account: str) -> Any:
    intent = at_stripe.read_intent(intent_id, account=account)
    return intent if intent.status in FINAL else None


@performs(
    CAPTURE,
    apply=_apply,
    benign={at_stripe.UNEXPECTED_STATE, GONE},
    reread=lambda call: _ended_intent(call.arguments["intent"], call.account),
)
def _capture(call: StripeCall) -> Any:
    asked = call.arguments
    return at_stripe.capture(asked["intent"], account=call.account, amount=asked["amount"], key=call.sent_key)


def _end_of(call: StripeCall) -> Any:
    """What has ended of a hold that is let go of: its intent, else its page; None while neither has."""
    hold = _named(call)
    if hold.payment_intent_id:
        return _ended_intent(hold.payment_intent_id, call.account)
    if not hold.checkout_session_id:
        return None
    session = at_stripe.read_page(hold.checkout_session_id, account=call.account)
    if intent_id := at_stripe.intent_of(session):
        return _ended_intent(intent_id, call.account)
    return session if session.status == "expired" else None


@performs(RELEASE, apply=_apply, benign={at_stripe.UNEXPECTED_STATE}, reread=_end_of)
def _release(call: StripeCall) -> Any:
    """Cancel the intent; where there is none yet, close the page, and cancel what somebody did on it meanwhile."""
    hold = _named(call)
    intent_id = hold.payment_intent_id
    if not intent_id and not hold.checkout_session_id:
        if StripeCall.objects.get(key=opening(hold)).state == StripeCall.State.PENDING:
            raise Transient("It is not asked for yet.")
        return None
    if not intent_id:
        try:
            return at_stripe.close_page(hold.checkout_session_id, account=call.account, key=f"{call.sent_key}:page")
        except Rejected:
            session = at_stripe.read_page(hold.checkout_session_id, account=call.account)
            intent_id = at_stripe.intent_of(session)
            if not intent_id:
                return session
    return at_stripe.cancel(intent_id, account=call.account, key=call.sent_key)
