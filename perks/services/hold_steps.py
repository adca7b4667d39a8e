"""One step of a hold: what Stripe says of it, applied the same way for an answer, an event and the daily look.

The agreement's row is locked before its holds', here and wherever an agreement ends, so that nobody waits crosswise.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db.models import F, Sum
from django.utils import timezone

from perks import holds
from perks.models import DepositAgreement, DepositHold, HoldMovement
from perks.models.deposits import ENDED
from perks.payments import holds as at_stripe
from perks.payments.objects import PaymentIntent
from perks.services.stripe_calls import decide
from perks.services.stripe_events import moment, read_fresh
from perks.services.telling import tell_deposit

log = structlog.get_logger(__name__)

RELEASE: Final = "release_hold"
FORGET: Final = "forget_card"
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
    if before in holds.OPEN and not held.payment_method_id:
        held.customer_id, held.payment_method_id = at_stripe.saved_card(intent)
    if before != held.state:
        _stepped(agreement, held, intent, now)
    keep(held, now)
    tell_agreement(agreement, now)
    return held


def _stepped(agreement: DepositAgreement, held: DepositHold, intent: PaymentIntent, now: datetime) -> None:
    log.info("hold.moved", hold=held.public_id, state=held.state)
    if held.state in (State.HELD, State.CAPTURED):
        held.held_at = held.held_at or now
    if held.state not in holds.OPEN:
        held.ended_at = held.ended_at or now
        return
    if held.state == State.HELD:
        held.capture_before = held.capture_before or now + SHORTEST
        may_be_asked_again = held.renews_id is not None or intent.setup_future_usage == at_stripe.SAVED
        held.renews_itself = may_be_asked_again and bool(held.payment_method_id)
        _take_the_place(agreement, held, now)


def _take_the_place(agreement: DepositAgreement, held: DepositHold, now: datetime) -> None:
    """A new hold takes the place of the one it renews; one that comes too late is let go of."""
    if agreement.state in ENDED:
        let_go(held)
        return
    for old in DepositHold.objects.select_for_update().holding().filter(agreement=agreement).exclude(pk=held.pk):
        if old.state == State.HELD:
            let_go(old)
    if held.renews_id is None:
        tell_merchant(agreement, "held", now)


def tell_merchant(agreement: DepositAgreement, event: str, now: datetime) -> None:
    """Promise `deposit.<event>` about what is held, between the steps of the agreement itself."""
    DepositAgreement.objects.filter(pk=agreement.pk).update(sequence=F("sequence") + 1)
    agreement.refresh_from_db(fields=["sequence"])
    tell_deposit(agreement, event, now=now)


def let_go(hold: DepositHold) -> None:
    """Decide to let go of a hold, or to close the page on which one could still be made. Its row is locked."""
    hold.state = State.RELEASING
    hold.save()
    decide(key=f"release:{hold.public_id}", operation=RELEASE, account=hold.account_id, hold=hold.public_id)


def end(hold: DepositHold, state: str, now: datetime) -> None:
    """End a hold without Stripe's word on an intent: it is locked, and nothing of it is kept aside any more."""
    hold.state, hold.ended_at = state, now
    keep(hold, now)


def not_held(hold: DepositHold, now: datetime) -> None:
    """Nothing came of an attempt: its page has closed, or its card or account was refused."""
    agreement, asked = locked(hold)
    if asked.state in (*holds.ASKED, State.RELEASING):
        end(asked, State.FAILED if asked.state in holds.ASKED else State.RELEASED, now)
        tell_agreement(agreement, now)


def keep(hold: DepositHold, now: datetime) -> None:
    """Save a hold whose row is locked, and write down what has moved of its money since."""
    hold.save()
    wanted = holds.sums_of(
        hold.state,
        amount=hold.amount,
        was_held=hold.held_at is not None,
        captured=hold.captured_amount,
        given_back=hold.refunded_amount,
        taken_back=hold.taken_back_amount,
    )
    moved = HoldMovement.objects.filter(hold=hold)
    sums = dict(moved.values_list("kind").annotate(sum=Sum("amount")).order_by())
    new = [(kind, amount - sums.get(kind, 0)) for kind, amount in wanted.items() if amount != sums.get(kind, 0)]
    if new:
        first = moved.count() + 1
        HoldMovement.objects.bulk_create(
            HoldMovement(hold=hold, number=first + place, kind=kind, amount=amount, at=now)
            for place, (kind, amount) in enumerate(new)
        )


def locked(hold: DepositHold) -> tuple[DepositAgreement, DepositHold]:
    """The agreement and its hold as they are now, until the transaction ends."""
    agreement = DepositAgreement.objects.select_for_update(of=("self",)).get(pk=hold.agreement_id)
    return agreement, DepositHold.objects.select_for_update().get(pk=hold.pk)


def tell_agreement(agreement: DepositAgreement, now: datetime) -> None:
    """Write on the agreement until when something is held; a moment that is past says that it ran out.

    Once the agreement and all its holds are over, the merchant's account forgets the card.
    """
    last = DepositHold.objects.filter(agreement=agreement, held_at__isnull=False).order_by("-held_at", "-number")
    holding = last.filter(state__in=holds.HOLDING).first()
    if holding is not None:
        until = holding.capture_before
    else:
        over = last.first()
        ran_out = over is not None and over.state == State.EXPIRED
        until = min(over.capture_before or now, over.ended_at or now) if over is not None and ran_out else None
    if until != agreement.hold_expires_at:
        agreement.hold_expires_at, agreement.hold_warned_at = until, None
        agreement.save(update_fields=["hold_expires_at", "hold_warned_at"])
    if agreement.state in ENDED:
        _forget_cards(agreement)


def _forget_cards(agreement: DepositAgreement) -> None:
    its = DepositHold.objects.filter(agreement=agreement)
    if its.unfinished().exists():
        return
    for account, card in its.exclude(payment_method_id="").values_list("account_id", "payment_method_id").distinct():
        decide(key=f"forget:{agreement.public_id}:{card}", operation=FORGET, account=account, payment_method=card)


def _reading(intent: PaymentIntent) -> holds.Reading:
    return holds.Reading(
        intent_id=intent.id,
        status=intent.status,
        received=intent.amount_received or 0,
        capture_before=moment(at_stripe.capture_before(intent)),
        lapsed=intent.cancellation_reason in LAPSED,
    )
