"""Holding anew before a hold ends, on the card that was saved for it, and forgetting that card in the end.

A hold lasts about a week; a rental, its claim and its contest may last longer. Whoever named the card read that it may
be held again until the rental is settled. Its bank may want them there: then both sides are warned in time, and the
citizen can name a card anew.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils import timezone

from perks.models import DepositHold, StripeCall
from perks.models.deposits import ENDED
from perks.payments import holds as at_stripe
from perks.payments.client import Rejected, is_on
from perks.payments.objects import PaymentIntent
from perks.services.deposit_steps import state_at
from perks.services.hold_steps import FORGET, State, apply_intent, locked, not_held
from perks.services.holds import opening
from perks.services.stripe_calls import decide, performs

log = structlog.get_logger(__name__)

RENEW: Final = "hold_again"
IN_TIME: Final = timedelta(days=2)
"""How long before a hold ends it is held anew: long enough to name another card where this one is refused."""


def renew_holds(*, now: datetime, limit: int = 200) -> int:
    """Hold anew what would end before its agreement does; return how many were asked for."""
    if not is_on():
        return 0
    ending = DepositHold.objects.filter(state=State.HELD, renews_itself=True, capture_before__lte=now + IN_TIME)
    asked = 0
    for hold in list(ending.order_by("capture_before")[:limit]):
        with transaction.atomic():
            asked += _renew(hold, now)
    return asked


def _renew(hold: DepositHold, now: datetime) -> bool:
    agreement, old = locked(hold)
    its = DepositHold.objects.filter(agreement=agreement)
    if old.state != State.HELD or not old.renews_itself or its.asked_for().exists():
        return False
    if state_at(agreement, now) in ENDED or old.capture_before is None or old.capture_before <= now:
        return False
    new = DepositHold.objects.create(
        agreement=agreement,
        account_id=old.account_id,
        number=its.count() + 1,
        renews=old,
        currency=old.currency,
        amount=old.amount,
        customer_id=old.customer_id,
        payment_method_id=old.payment_method_id,
        asked_at=now,
        read_at=now,
    )
    decide(
        key=opening(new),
        operation=RENEW,
        account=new.account_id,
        hold=new.public_id,
        amount=new.amount,
        currency=new.currency,
        customer=new.customer_id,
        payment_method=new.payment_method_id,
    )
    return True


def _named(call: StripeCall) -> DepositHold:
    return DepositHold.objects.get(pk=DepositHold.key_of(call.arguments["hold"]))


def _renewed(call: StripeCall, intent: PaymentIntent) -> None:
    apply_intent(_named(call), intent)


def _refused(call: StripeCall, error: Rejected) -> None:
    """The bank does not hold it again with nobody there: the old hold ends as it would, and both sides are warned."""
    new = _named(call)
    not_held(new, timezone.now())
    DepositHold.objects.filter(renewed_by=new).update(renews_itself=False)
    log.info("hold.not_renewed", hold=new.public_id, code=error.code)


def _find(call: StripeCall) -> PaymentIntent | None:
    asked = call.arguments
    return at_stripe.find_intent(asked["hold"], customer=asked["customer"], account=call.account)


@performs(RENEW, apply=_renewed, reread=_find, refuse=_refused)
def _hold_again(call: StripeCall) -> PaymentIntent:
    return at_stripe.hold_again(**call.arguments, account=call.account, key=call.sent_key)


# -- The card in the end ----------------------------------------------------------------------------------------------
def _forgotten(call: StripeCall, card: Any) -> None:
    held_on = DepositHold.objects.filter(account_id=call.account, payment_method_id=call.arguments["payment_method"])
    held_on.update(payment_method_id="", customer_id="", renews_itself=False)


@performs(FORGET, apply=_forgotten, reread=lambda call: None)
def _forget_card(call: StripeCall) -> Any:
    return at_stripe.forget_card(call.arguments["payment_method"], account=call.account, key=call.sent_key)
