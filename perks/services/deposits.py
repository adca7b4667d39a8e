"""The course of a deposit agreement: accepting its terms, pick-up, return, and what the clock does by itself."""

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from citizen_app import audit
from citizen_app.errors import WrongState
from citizen_app.models import Citizen, OAuthApplication
from citizen_app.outbox import enqueue
from perks import deposits, hours
from perks.errors import CannotBeHeld, DepositNotAccepted, HoldExpired, PickUpRefused
from perks.models import Branch, DepositAgreement, DepositHold, Redemption, Scan
from perks.services.deposit_steps import State, move, state_at, tell_citizen
from perks.services.kinds import RENTAL_OVER
from perks.services.payment_accounts import can_hold
from perks.services.scans import Shown, scan_code
from perks.services.telling import tell_deposit


@transaction.atomic
def accept_deposit(*, agreement: DepositAgreement, by: Citizen, now: datetime | None = None) -> DepositAgreement:
    """Accept the terms as they were frozen when the waiver was taken; from now on it can be picked up.

    An offer can be accepted until it expires with its reservation, and not while it waits for a dispute (P7). Raises
    `WrongState` when it is over or was accepted before, and `CannotBeHeld` where something is left that nobody
    can hold.
    """
    now = now or timezone.now()
    if agreement.remainder_amount and not can_hold(agreement.merchant_id):
        raise CannotBeHeld
    if agreement.redemption.pending_until is not None:
        raise WrongState("It waits for a dispute of yours: it can be accepted once that has ended well.")
    if not move(agreement, "accept", now=now, where=Q(due_at__gt=now), accepted_at=now):
        raise _cannot(agreement, "accepted", now)
    audit.record(by=by, action="deposit.accept", on=agreement.public_id)
    return agreement


@transaction.atomic
def pick_up_deposit(
    *,
    agreement: DepositAgreement,
    by: Citizen | OAuthApplication,
    branch: Branch | None = None,
    now: datetime | None = None,
) -> DepositAgreement:
    """Record the pick-up of what a citizen accepted before: a scan like any other, without a code being shown.

    Raises `DepositNotAccepted`, `HoldExpired`, `WrongState` when it was picked up before or is over, and
    `PickUpRefused` at another branch, on another day or outside the hours.
    """
    now = now or timezone.now()
    scan, _ = scan_code(
        merchant=agreement.merchant,
        by=by,
        shown=Shown(redemption=Redemption.objects.get(pk=agreement.redemption_id)),
        nonce=f"pick-up-{uuid.uuid4().hex}",
        branch=branch,
        now=now,
    )
    text = str(scan.detail.get("text") or "")
    match scan.outcome:
        case Scan.Outcome.ACCEPTED:
            agreement.refresh_from_db()
            return agreement
        case Scan.Outcome.NOT_ACCEPTED:
            raise DepositNotAccepted(text)
        case Scan.Outcome.HOLD_EXPIRED:
            raise HoldExpired(text)
        case Scan.Outcome.WRONG_BRANCH | Scan.Outcome.OUTSIDE_HOURS:
            raise PickUpRefused(text, outcome=scan.outcome)
    raise WrongState(text)


@transaction.atomic
def return_deposit(
    *, agreement: DepositAgreement, by: Citizen | OAuthApplication, now: datetime | None = None
) -> DepositAgreement:
    """Record that it came back, and how many days late; a claim can be made for 72 hours from now."""
    now = now or timezone.now()
    late_days = deposits.days_late(hours.local_day(now, agreement.zone), agreement.until)
    due_at = now + deposits.CLAIM_TIME
    if not move(
        agreement, "return", now=now, where=Q(due_at__gt=now), returned_at=now, late_days=late_days, due_at=due_at
    ):
        raise _cannot(agreement, "returned", now)
    audit.record(by=by, action="deposit.return", on=agreement.public_id)
    return agreement


def settle(agreement: DepositAgreement, amount: int, *, now: datetime, where: Q | None = None, **facts: Any) -> bool:
    """Settle a claim at an amount: it is what is owed, on record; charging it is the merchant's payment account's."""
    if not move(agreement, "settle", now=now, where=where, settled_amount=amount, **facts):
        return False
    _it_is_over(agreement)
    return True


def move_on_deposits(*, now: datetime | None = None, limit: int = 500) -> int:
    """File what the clock has done: agreements that close themselves, claims nobody contested; return how many.

    They are judged so at read time already. Offers expire with their reservations.
    """
    now = now or timezone.now()
    late = DepositAgreement.objects.due_at(now).filter(state__in=[State.ACTIVE, State.RETURNED, State.CLAIMED])
    moved = 0
    for agreement in list(late.select_related("redemption", "merchant", "citizen")[:limit]):
        with transaction.atomic():
            moved += _move_on(agreement, now)
    return moved


def _move_on(agreement: DepositAgreement, now: datetime) -> bool:
    # The guard names state and time together: whoever returned, claimed or contested meanwhile has set another time.
    still = Q(state=agreement.state, due_at__lte=now)
    if agreement.state == State.CLAIMED:
        return settle(agreement, agreement.claimed_amount or 0, now=now, where=still)
    if not move(agreement, "close", now=now, where=still):
        return False
    _it_is_over(agreement)
    return True


def warn_of_holds(*, now: datetime | None = None, limit: int = 500) -> int:
    """Tell both sides, once, of each hold that runs out before the return and is not renewed; return how many."""
    now = now or timezone.now()
    held = (
        DepositAgreement.objects.filter(
            hold_expires_at__isnull=False, hold_warned_at=None, state__in=[State.ACCEPTED, State.ACTIVE]
        )
        .exclude(
            pk__in=DepositHold.objects.filter(state=DepositHold.State.HELD, renews_itself=True).values("agreement")
        )
        .select_related("redemption", "merchant", "citizen")
        .order_by("hold_expires_at")
    )
    warned = 0
    for agreement in list(held[:limit]):
        expires_at = agreement.hold_expires_at
        if expires_at is None or expires_at >= hours.day_end(agreement.until, agreement.zone):
            continue  # it outlives the rental
        with transaction.atomic():
            warned += _warn(agreement, now)
    return warned


def _warn(agreement: DepositAgreement, now: datetime) -> bool:
    unwarned = DepositAgreement.objects.filter(
        pk=agreement.pk, hold_warned_at=None, state__in=[State.ACCEPTED, State.ACTIVE]
    )
    if not unwarned.update(hold_warned_at=now, sequence=F("sequence") + 1):
        return False
    agreement.refresh_from_db()
    tell_deposit(agreement, "hold_expiring", now=now)
    is_over = agreement.hold_expires_at is not None and agreement.hold_expires_at <= now
    tell_citizen(agreement, "hold_over" if is_over else "hold_expiring", now=now)
    return True


def _cannot(agreement: DepositAgreement, what: str, now: datetime) -> WrongState:
    agreement.refresh_from_db()
    return WrongState(f"What is {state_at(agreement, now)} cannot be {what}.")


def _it_is_over(agreement: DepositAgreement) -> None:
    """What was rented came back, and nothing of it is open any more: its return may become a record of its citizen."""
    if agreement.returned_at is not None:
        enqueue(RENTAL_OVER, redemption=Redemption(pk=agreement.redemption_id).public_id)
