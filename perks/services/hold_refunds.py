"""Money back of what was captured: refunds a merchant decides, and disputes a card's owner opens at their bank."""

from datetime import datetime
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from citizen_app import audit
from citizen_app.errors import FieldError, InvalidInput, WrongState
from citizen_app.models import Citizen
from perks import holds
from perks.hold_errors import ChargeDisputed
from perks.models import DepositAgreement, DepositHold, HoldDispute, HoldRefund, StripeCall
from perks.payments import disputes as disputes_at_stripe
from perks.payments import refunds as at_stripe
from perks.payments.client import Rejected, Transient
from perks.payments.objects import Dispute, Refund
from perks.services.hold_steps import keep, locked, sync_intent, tell_merchant
from perks.services.stripe_calls import decide, performs
from perks.services.stripe_events import StripeEvent, moment, on_event, read_fresh

log = structlog.get_logger(__name__)

REFUND: Final = "refund_hold"
_ORDER: Final = (HoldRefund.State.PENDING, HoldRefund.State.SUCCEEDED, HoldRefund.State.FAILED)
_SAYS: Final = {
    "succeeded": HoldRefund.State.SUCCEEDED,
    "failed": HoldRefund.State.FAILED,
    "canceled": HoldRefund.State.FAILED,
}


@transaction.atomic
def refund_hold(
    *, agreement: DepositAgreement, by: Citizen, amount: int, currency: str, reason: str, now: datetime | None = None
) -> HoldRefund:
    """Give back an amount of what was captured, at most what is left of it; the outbox asks Stripe.

    Raises `InvalidInput`, `ChargeDisputed` while the charge is disputed, and `WrongState` where nothing was captured.
    """
    now = now or timezone.now()
    captured = DepositHold.objects.select_for_update().filter(agreement=agreement, state=holds.CAPTURED)
    hold = captured.order_by("-number").first()
    if hold is None:
        raise WrongState("Nothing of this deposit was charged.")
    if not reason.strip():
        raise InvalidInput(FieldError("/reason", "required", "Say why it is given back."))
    if currency != hold.currency:
        raise InvalidInput(FieldError("/amount/currency", "invalid", f"In {hold.currency}, as it was charged."))
    left = hold.captured_amount - hold.refunded_amount
    if not 0 < amount <= left:
        raise InvalidInput(FieldError("/amount/amount", "out_of_range", f"From 1 to {left}, what is left of it."))
    if hold.disputes.exclude(status__in=holds.DISPUTE_WON).exists():
        raise ChargeDisputed
    refund = HoldRefund.objects.create(
        hold=hold, account_id=hold.account_id, amount=amount, reason=reason, decided_by=by, decided_at=now
    )
    hold.refunded_amount += amount
    keep(hold, now)
    decide(
        key=f"refund:{refund.public_id}",
        operation=REFUND,
        account=hold.account_id,
        refund=refund.public_id,
        intent=hold.payment_intent_id,
        amount=amount,
    )
    audit.record(by=by, action="deposit.refund", on=agreement.public_id, refund=refund.public_id, amount=amount)
    return refund


def _refunded(call: StripeCall, refund: Refund | None) -> None:
    if refund is None:
        _fail(HoldRefund.objects.named(call.arguments["refund"]), at_stripe.ALL_GIVEN_BACK)
    else:
        _keep_refund(call.account, refund)


def _refused(call: StripeCall, error: Rejected) -> None:
    _fail(HoldRefund.objects.named(call.arguments["refund"]), error.code)


def _find(call: StripeCall) -> Refund | None:
    return at_stripe.find_refund(call.arguments["refund"], intent=call.arguments["intent"], account=call.account)


@performs(REFUND, apply=_refunded, benign={at_stripe.ALL_GIVEN_BACK}, reread=_find, refuse=_refused)
def _create_refund(call: StripeCall) -> Refund:
    return at_stripe.create_refund(**call.arguments, account=call.account, key=call.sent_key)


@on_event("refund.created", "refund.updated", "refund.failed", connected=True)
def _refund_changed(event: StripeEvent) -> None:
    account, refund_id = event.account, event.object_id
    intent_id = at_stripe.intent_of(at_stripe.read_refund(refund_id, account=account))
    # What is given back was captured: our own answer about that may still be on its way.
    sync_intent(account, intent_id)
    read_fresh(
        account,
        refund_id,
        lambda: at_stripe.read_refund(refund_id, account=account),
        lambda refund: _keep_refund(account, refund),
    )


def _keep_refund(account: str, said: Refund) -> None:
    """Make of a refund what Stripe says of it: it goes on to succeeded, then perhaps to failed, and never back."""
    hold = DepositHold.objects.select_for_update().filter(
        account_id=account, payment_intent_id=at_stripe.intent_of(said)
    )
    its = hold.first()
    if its is None:
        return  # a payment of the merchant's own
    refund = _known(account, said) or _made_elsewhere(its, said)
    state = _SAYS.get(said.status or "", HoldRefund.State.PENDING)
    HoldRefund.objects.filter(pk=refund.pk, refund_id="").update(refund_id=said.id)
    if state == HoldRefund.State.FAILED:
        _fail(refund, said.failure_reason or said.status or "")
    elif _ORDER.index(state) > _ORDER.index(HoldRefund.State(refund.state)):
        HoldRefund.objects.filter(pk=refund.pk).update(state=state)


def _known(account: str, said: Refund) -> HoldRefund | None:
    of_account = HoldRefund.objects.filter(account_id=account)
    found: HoldRefund | None = of_account.filter(refund_id=said.id).first()
    if found is None:
        key = HoldRefund.key_of(at_stripe.ours(said))
        found = None if key is None else of_account.filter(pk=key).first()
    return found


def _made_elsewhere(hold: DepositHold, said: Refund) -> HoldRefund:
    """One the merchant made at Stripe's dashboard: it counts like one made here."""
    if hold.captured_amount - hold.refunded_amount < said.amount and said.status not in ("failed", "canceled"):
        # One of ours that Stripe will refuse is still counted: once it is not, there is room for this one.
        raise Transient("A refund of ours is being refused.")
    refund = HoldRefund.objects.create(
        hold=hold, account_id=hold.account_id, refund_id=said.id, amount=said.amount, decided_at=timezone.now()
    )
    hold.refunded_amount += said.amount
    keep(hold, timezone.now())
    return refund


def _fail(refund: HoldRefund, why: str) -> None:
    """The money did not reach the card: it is the merchant's again, and counts as not given back."""
    hold = DepositHold.objects.select_for_update().get(pk=refund.hold_id)
    failed = HoldRefund.objects.filter(pk=refund.pk).exclude(state=HoldRefund.State.FAILED)
    if failed.update(state=HoldRefund.State.FAILED, why_failed=why[:80]):
        hold.refunded_amount -= refund.amount
        keep(hold, timezone.now())
        log.warning("hold.refund_failed", refund=refund.public_id, why=why)


# -- Disputes ---------------------------------------------------------------------------------------------------------
@on_event(
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    connected=True,
)
def _dispute_changed(event: StripeEvent) -> None:
    account, dispute_id = event.account, event.object_id
    read = disputes_at_stripe.read_dispute(dispute_id, account=account)
    sync_intent(account, disputes_at_stripe.intent_of(read))
    read_fresh(
        account,
        dispute_id,
        lambda: disputes_at_stripe.read_dispute(dispute_id, account=account),
        lambda dispute: _keep_dispute(account, dispute),
    )


def _keep_dispute(account: str, said: Dispute) -> None:
    intent_id = disputes_at_stripe.intent_of(said)
    found: Any = DepositHold.objects.filter(account_id=account, payment_intent_id=intent_id).first()
    if found is None:
        return  # a payment of the merchant's own
    now = timezone.now()
    agreement, hold = locked(found)
    before = HoldDispute.objects.filter(account_id=account, dispute_id=said.id).values_list("status", flat=True).first()
    HoldDispute.objects.update_or_create(
        account_id=account,
        dispute_id=said.id,
        defaults={
            "hold": hold,
            "status": said.status,
            "amount": said.amount,
            "due_by": moment(said.evidence_details.due_by),
            "opened_at": moment(said.created) or now,
        },
    )
    taken = hold.disputes.filter(status__in=holds.DISPUTE_TAKES).aggregate(sum=Sum("amount"))["sum"]
    hold.taken_back_amount = taken or 0
    keep(hold, now)
    if before != said.status:
        log.warning("hold.disputed", hold=hold.public_id, status=said.status)
        audit.record(by=None, action="deposit.dispute", on=agreement.public_id, status=said.status)
        tell_merchant(agreement, "disputed", now)
