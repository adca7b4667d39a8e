"""A human decides, a second human hears the appeal; the citizen reads that their file was opened, and why (P7, P9)."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.errors import WrongState
from citizen_app.models import Citizen, OperatorRole
from scores.errors import NotAnsweredYet, OwnDispute, SecondOperatorNeeded
from scores.models import Dispute, Source
from scores.services.disputes.opening import DAYS_TO_ANSWER
from scores.services.disputes.steps import By, State, What, finish, hold, note
from scores.services.identity import tell_file_opened
from scores.services.rescoring import scoring_day
from scores.services.telling import tell_dispute


@transaction.atomic
def open_file(*, dispute: Dispute, by: Citizen, now: datetime | None = None) -> None:
    """Let an operator read a dispute and what was added to it; its citizen sees that they did. Not one's own."""
    now = now or timezone.now()
    _refuse_own(dispute, by)
    tell_file_opened(
        citizen=dispute.enrolment.citizen,
        by=by,
        role=OperatorRole.Role.DISPUTES,
        about=f"Your dispute ({dispute.public_id})",
        reason="You disputed a record, so that a person here decides.",
        now=now,
    )
    record(by=by, action="dispute.read", on=dispute.public_id)


@transaction.atomic
def admit_dispute(*, dispute: Dispute, by: Citizen, now: datetime | None = None) -> Dispute:
    """Let what is raised again go to the furnisher, who has 30 days from now: there is new evidence to answer."""
    now = now or timezone.now()
    _refuse_own(dispute, by)
    dispute = hold(dispute, now=now)
    waiting = Dispute.objects.filter(is_raised_again=True, asked_at__isnull=True)
    asked = {"asked_at": now, "due_on": scoring_day(now) + DAYS_TO_ANSWER}
    if not waiting.move(dispute.pk, leaving=[State.RECEIVED], to=State.IN_REVIEW, **asked):
        raise WrongState
    note(dispute, What.ADMITTED, by=By.OPERATOR, at=now)
    note(dispute, What.ASKED, by=By.SYSTEM, at=now, is_told=False)
    record(by=by, action="dispute.admit", on=dispute.public_id)
    dispute.refresh_from_db()
    tell_dispute(dispute, "opened", sequence=1, now=now)
    return dispute


@transaction.atomic
def decide_dispute(
    *, dispute: Dispute, is_upheld: bool, reason: str, by: Citizen, now: datetime | None = None
) -> Dispute:
    """Uphold a dispute (its records are struck) or reject it (they count as before), with a reason its citizen reads.

    It may be upheld at any time; it is rejected once the furnisher has answered, or without asking it where nothing
    new is raised again, and where the records are the platform's own. Raises `OwnDispute`, `NotAnsweredYet`, and
    `WrongState` once it is over.
    """
    now = now or timezone.now()
    _refuse_own(dispute, by)
    dispute = hold(dispute, now=now)
    guard = Dispute.objects.all()
    if not is_upheld and dispute.state in Dispute.UNDECIDED and dispute.source.code != Source.PLATFORM:
        if dispute.asked_at is not None and dispute.answered_at is None:
            raise NotAnsweredYet
        # As it was read: an answer or an admission that arrives meanwhile is decided on anew.
        guard = guard.filter(answered_at=dispute.answered_at, asked_at=dispute.asked_at)
    finish(
        dispute,
        to=State.UPHELD if is_upheld else State.REJECTED,
        now=now,
        by=By.OPERATOR,
        text=reason,
        guard=guard,
        decided_at=now,
        decided_by=by,
    )
    record(by=by, action="dispute.uphold" if is_upheld else "dispute.reject", on=dispute.public_id)
    return dispute


@transaction.atomic
def decide_appeal(
    *, dispute: Dispute, is_upheld: bool, reason: str, by: Citizen, now: datetime | None = None
) -> Dispute:
    """Hear an appeal, which another operator does than the one who rejected; this ends it. As `decide_dispute`."""
    now = now or timezone.now()
    _refuse_own(dispute, by)
    dispute = hold(dispute, now=now)
    if dispute.decided_by_id == by.pk:
        raise SecondOperatorNeeded
    finish(
        dispute,
        to=State.UPHELD_ON_APPEAL if is_upheld else State.REJECTED_ON_APPEAL,
        leaving=[State.APPEALED],
        now=now,
        by=By.OPERATOR,
        text=reason,
        appeal_decided_at=now,
        appeal_decided_by=by,
    )
    record(by=by, action=f"dispute.appeal.{'uphold' if is_upheld else 'reject'}", on=dispute.public_id)
    return dispute


def _refuse_own(dispute: Dispute, by: Citizen) -> None:
    if dispute.enrolment_id == by.pk:
        raise OwnDispute
