"""One step of a deposit agreement: the guarded update, and whom it is told to.

The merchant's systems hear `deposit.<state>`, the citizen gets a mail that says what they can do now; what it is about
stays behind the door.
"""

from datetime import datetime
from typing import Any, Final

from django.core.mail import EmailMessage
from django.db.models import Q

from citizen_app.accounts.mail import queue_mail
from perks import states
from perks.models import DepositAgreement, Redemption
from perks.services.holds import end_holds
from perks.services.telling import tell_deposit

State = DepositAgreement.State

_MAILS: Final[dict[str, tuple[str, str]]] = {
    "accept": (
        "You accepted a deposit waiver",
        "The terms you accepted are frozen: no amount of them can go up. Show your code or pass at the pick-up.",
    ),
    "cancel": ("A deposit waiver is cancelled", "What was reserved is given back. Nothing can be charged."),
    "expire": ("A deposit waiver has expired", "It was not picked up on its day. Nothing can be charged."),
    "pick_up": (
        "Picked up without a deposit",
        "The desk has recorded the pick-up. If that is wrong, tell the desk within ten minutes.",
    ),
    "undo": ("The pick-up was taken back", "The desk has taken the pick-up back: it is as if it had not been."),
    "return": (
        "Your return is recorded",
        "If no damage is claimed within 72 hours, the agreement closes and nothing can be charged.",
    ),
    "close": ("Your deposit agreement is closed", "Nothing can be charged any more."),
    "claim": (
        "A damage is claimed",
        "You can contest the claim for 72 hours, with what shows that it is wrong. Nothing is charged before; a person "
        "decides then. If you do not contest it, you owe what is claimed, never more than the cap you accepted.",
    ),
    "contest": ("We have your objection", "A person here decides, and tells you why. Nothing is charged before."),
    "settle": (
        "A damage claim is settled",
        "Read what you owe and why. It is never more than what was claimed, nor than the cap you accepted.",
    ),
}
HOLD_EXPIRING: Final = (
    "The hold on your card runs out",
    "The hold of what is left of your deposit ends before your return. You can have it held anew until then; the old "
    "hold is let go of once the new one holds. The merchant has been told too.",
)


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
    mail(agreement, *_MAILS["pick_up" if action == "pick_up_late" else action])
    return True


_ENDS: Final = (State.SETTLED, State.CLOSED, State.CANCELLED, State.EXPIRED)


def mail(agreement: DepositAgreement, subject: str, sentence: str) -> None:
    """Promise a mail to the agreement's citizen, while it has one."""
    citizen = agreement.citizen
    if citizen is None or not citizen.is_active:
        return
    body = (
        f"{sentence}\n\nIt is about your agreement with {agreement.merchant.name}. Sign in to read all of it: "
        f"{agreement.public_id}.\n"
    )
    queue_mail(EmailMessage(subject=subject, body=body, to=[citizen.email]))
