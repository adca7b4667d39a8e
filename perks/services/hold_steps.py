"""One step of a hold: what Stripe says of it, applied the same way for an answer, an event and the daily look.

The agreement's row is locked before its holds', here and wherever an agreement ends, so that nobody waits crosswise.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.utils import timezone
from stripe import PaymentIntent

from perks import holds
from perks.models import DepositAgreement, DepositHold
from perks.models.deposits import ENDED
from perks.payments import holds as at_stripe
from perks.services.stripe_calls import decide
from perks.services.stripe_events import moment, read_fresh

log = structlog.get_logger(__name__)

RELEASE: Final = "release_hold"
SHORTEST: Final = timedelta(days=4)
"""How long a hold surely lasts where Stripe does not say."""
LAPSED: Final = ("automatic", "expired")

State = DepositHold.State


def sync_intent(account: str, intent_id: str) -> None:
    """Read a payment intent of a merchant's account as it is now and apply it, if it is of a hold of ours."""

    def apply(intent: PaymentIntent) -> None:
        hold = hold_of(account, intent)
        if hold is not None:
            apply_intent(hold, intent)

    read_fresh(account, intent_id, lambda: at_stripe.read_intent(intent_id, account=account), apply)


def hold_of(account: str, intent: PaymentIntent) -> DepositHold | None:
    """The hold an intent is of: by its id, else by what its metadata says, since an event may outrun our answer."""
    of_account = DepositHold.objects.filter(account_id=account)
    found: DepositHold | None = of_account.filter(payment_intent_id=intent.id).first()
    if found is None:
        key = DepositHold.key_of(at_stripe.hold_of(intent))
        found = None if key is None else of_account.filter(pk=key, payment_intent_id="").first()
    return found


def apply_intent(hold: DepositHold, intent: PaymentIntent, *, now: datetime | None = None) -> DepositHold:
    """Make of a hold what Stripe says of its intent, in the caller's transaction. Safe twice and in any order."""
    now = now or timezone.now()
    agreement, held = locked(hold)
    reading = _reading(intent)
    before, held.state = held.state, holds.state_after(held.state, reading, now)
    held.payment_intent_id, held.read_at = reading.intent_id, now
    held.capture_before = reading.capture_before or held.capture_before
    if held.state == State.CAPTURED:
        held.captured_amount = reading.received
    if before != held.state:
        _stepped(agreement, held, now)
    held.save()
    tell_agreement(agreement)
    return held


def _stepped(agreement: DepositAgreement, held: DepositHold, now: datetime) -> None:
    if held.state not in holds.OPEN:
        held.ended_at = held.ended_at or now
    elif held.state == State.HELD:
        held.held_at = now
        held.capture_before = held.capture_before or now + SHORTEST
        _take_the_place(agreement, held, now)
    log.info("hold.moved", hold=held.public_id, state=held.state)


def _take_the_place(agreement: DepositAgreement, held: DepositHold, now: datetime) -> None:
    """A new hold takes the place of the one it renews; one that comes too late is let go of."""
    if agreement.state in ENDED:
        let_go(held)
        return
    for old in DepositHold.objects.select_for_update().holding().filter(agreement=agreement).exclude(pk=held.pk):
        let_go(old)


def let_go(hold: DepositHold) -> None:
    """Decide to let go of a hold, or to close the page on which one could still be made. Its row is locked."""
    hold.state = State.RELEASING
    hold.save()
    decide(key=f"release:{hold.public_id}", operation=RELEASE, account=hold.account_id, hold=hold.public_id)


def end(hold: DepositHold, state: str, now: datetime) -> None:
    """End a hold without Stripe's word on an intent: it is locked, and nothing of it is kept aside any more."""
    hold.state, hold.ended_at = state, now
    hold.save()


def locked(hold: DepositHold) -> tuple[DepositAgreement, DepositHold]:
    """The agreement and its hold as they are now, until the transaction ends."""
    agreement = DepositAgreement.objects.select_for_update(of=("self",)).get(pk=hold.agreement_id)
    return agreement, DepositHold.objects.select_for_update().get(pk=hold.pk)


def tell_agreement(agreement: DepositAgreement) -> None:
    """Write on the agreement until when something is held; a moment that is past says that it ran out."""
    last = DepositHold.objects.filter(agreement=agreement, held_at__isnull=False).order_by("-held_at", "-number")
    holding = last.filter(state__in=holds.HOLDING).first()
    if holding is not None:
        until = holding.capture_before
    else:
        over = last.first()
        ran_out = over is not None and over.state == State.EXPIRED
        until = min(over.capture_before, over.ended_at) if ran_out else None  # type: ignore[union-attr,type-var]
    if until != agreement.hold_expires_at:
        agreement.hold_expires_at, agreement.hold_warned_at = until, None
        agreement.save(update_fields=["hold_expires_at", "hold_warned_at"])


def _reading(intent: PaymentIntent) -> holds.Reading:
    return holds.Reading(
        intent_id=intent.id,
        status=intent.status,
        received=intent.amount_received or 0,
        capture_before=moment(at_stripe.capture_before(intent)),
        lapsed=intent.cancellation_reason in LAPSED,
    )
