"""One step of a deposit agreement: the guarded update, and whom it is told to.

The merchant's systems hear `deposit.<state>`, the citizen is told what they can do now (`notices.STEPS`).
"""

from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from citizen_app.notifying import notify
from perks import states
from perks.models import DepositAgreement, Redemption
from perks.services.holds import end_holds
from perks.services.telling import tell_deposit

State = DepositAgreement.State


def state_at(agreement: DepositAgreement, now: datetime) -> str:
    """Its state as everybody reads it: what the clock has moved on is so, filed or not."""
    if agreement.due_at is None or now < agreement.due_at:
        return agreement.state
    match agreement.state:
        case State.OFFERED | State.ACCEPTED:
            return str(State.EXPIRED)
        case State.ACTIVE | State.RETURNED:
            return str(State.CLOSED)
        case State.CLAIMED:
            return str(State.SETTLED)
    return agreement.state


def settled_at(agreement: DepositAgreement, now: datetime) -> int | None:
    """What is owed, as everybody reads it: an uncontested claim is settled at its amount once its time is over."""
    if agreement.state == State.CLAIMED and state_at(agreement, now) == State.SETTLED:
        return agreement.claimed_amount
    return agreement.settled_amount


def agreement_of(redemption: Redemption) -> DepositAgreement:
    """The agreement of a waiver's redemption as it is now."""
    found: DepositAgreement = DepositAgreement.objects.select_related("redemption").get(redemption_id=redemption.pk)
    return found


def move(
    agreement: DepositAgreement,
    action: str,
    *,
    now: datetime,
    where: Q | None = None,
    **facts: Any,
) -> bool:
    """Move an agreement by one step and tell both sides; False, and nothing changed, when it cannot be any more."""
    if states.DEPOSIT.target(action) in _ENDS:
        facts |= {"ended_at": now, "due_at": None}
    if not DepositAgreement.objects.move(agreement.pk, action, where=where, **facts):
        return False
    agreement.refresh_from_db()
    if agreement.state in _ENDS and agreement.remainder_amount:
        end_holds(agreement, settled=agreement.settled_amount or 0, now=now)
    tell_deposit(agreement, agreement.state, now=now)
    tell_citizen(agreement, "pick_up" if action == "pick_up_late" else action, now=now)
    return True


_ENDS: Final = (State.SETTLED, State.CLOSED, State.CANCELLED, State.EXPIRED)


def tell_citizen(agreement: DepositAgreement, step: str, *, now: datetime) -> None:
    """Tell the agreement's citizen of one of `notices.STEPS`, while it has one: also after they have left."""
    citizen = agreement.citizen
    if citizen is None or not citizen.is_active:
        return
    notify(
        citizen,
        f"deposit.{step}",
        about=agreement.public_id,
        facts={"merchant": agreement.merchant.name, "agreement": agreement.public_id},
        # A pick-up may be taken back and recorded again: each is told.
        cause=f"deposit.{step}:{agreement.public_id}:{agreement.sequence}",
        now=now,
    )
