"""A source sent a whole batch of wrong records: two operators together strike them for everybody, disputed or not.

A batch is what a source sent at once: its entries of one instant of recording. The work runs behind the answer, one
citizen at a time, and goes on where it stopped.
"""

from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.db import violated
from citizen_app.errors import FieldError, InvalidInput, WrongState
from citizen_app.models import Citizen
from citizen_app.outbox import enqueue
from scores.errors import AlreadyProposed, OwnDispute, SecondOperatorNeeded
from scores.models import Dispute, Enrolment, Entry, MassUpholding, ScoreChange, Source
from scores.services.disputes.steps import WHY, By, standing_entries, uphold
from scores.services.rescoring import rescore, score_in_force

BATCH_TOPIC: Final = "dispute.uphold_batch"
BATCH_TOLD_TOPIC: Final = "dispute.batch_told"


def entries_of_batch(source: Source, recorded_at: datetime) -> Any:
    """Everything a source sent at this instant."""
    return Entry.objects.filter(link__source=source, recorded_at=recorded_at)


@transaction.atomic
def propose_mass_upholding(
    *,
    source: Source,
    recorded_at: datetime,
    ground: str,
    reason: str,
    by: Citizen,
    now: datetime | None = None,
) -> MassUpholding:
    """Say that everything in a batch is wrong on one ground; nothing happens until another operator confirms it.

    Raises `InvalidInput` for a batch without records that stand, `OwnDispute` where one is about the operator, and
    `AlreadyProposed`.
    """
    now = now or timezone.now()
    standing = entries_of_batch(source, recorded_at).exclude(status=Entry.Status.STRUCK)
    if not standing.exists():
        raise InvalidInput(FieldError("/recorded_at", "invalid", "No record of this batch stands."))
    _refuse_own(standing, by)
    try:
        with transaction.atomic():
            proposal = MassUpholding.objects.create(
                source=source, recorded_at=recorded_at, ground=ground, reason=reason, proposed_by=by, proposed_at=now
            )
    except IntegrityError as error:
        if violated(error) == "mass_upholding_one_per_batch_and_ground":
            raise AlreadyProposed from error
        raise
    record(by=by, action="mass_upholding.propose", on=proposal.public_id, source=source.code, ground=ground)
    return proposal


@transaction.atomic
def confirm_mass_upholding(*, proposal: MassUpholding, by: Citizen, now: datetime | None = None) -> MassUpholding:
    """Agree, as another operator than the one who proposed it: the records are struck within minutes."""
    now = now or timezone.now()
    if proposal.proposed_by_id == by.pk:
        raise SecondOperatorNeeded
    _refuse_own(entries_of_batch(proposal.source, proposal.recorded_at), by)
    waiting = MassUpholding.objects.filter(confirmed_at__isnull=True, dropped_at__isnull=True)
    if not waiting.filter(pk=proposal.pk).exclude(proposed_by=by).update(confirmed_by=by, confirmed_at=now):
        raise WrongState
    enqueue(BATCH_TOPIC, proposal_id=str(proposal.pk))
    record(by=by, action="mass_upholding.confirm", on=proposal.public_id)
    proposal.refresh_from_db()
    return proposal


@transaction.atomic
def drop_mass_upholding(*, proposal: MassUpholding, by: Citizen, now: datetime | None = None) -> MassUpholding:
    """Take a proposal off the table before it is confirmed; any operator for disputes may, also who made it."""
    now = now or timezone.now()
    waiting = MassUpholding.objects.filter(pk=proposal.pk, confirmed_at__isnull=True, dropped_at__isnull=True)
    if not waiting.update(dropped_at=now):
        raise WrongState
    record(by=by, action="mass_upholding.drop", on=proposal.public_id)
    proposal.refresh_from_db()
    return proposal


def uphold_batch(*, proposal_id: str, now: datetime | None = None) -> int:
    """Strike what stands of a confirmed batch, one citizen in a transaction; return for how many. Safe twice."""
    now = now or timezone.now()
    proposal = MassUpholding.objects.select_related("source").filter(pk=proposal_id, confirmed_at__isnull=False).first()
    if proposal is None or proposal.done_at is not None:
        return 0
    standing = entries_of_batch(proposal.source, proposal.recorded_at).exclude(status=Entry.Status.STRUCK)
    citizen_ids = sorted(set(standing.values_list("enrolment_id", flat=True)))
    for citizen_id in citizen_ids:
        _uphold_for(citizen_id, proposal, now=now)
    MassUpholding.objects.filter(pk=proposal.pk, done_at__isnull=True).update(done_at=now)
    return len(citizen_ids)


@transaction.atomic
def _uphold_for(citizen_id: int, proposal: MassUpholding, *, now: datetime) -> None:
    if not Enrolment.objects.select_for_update(no_key=True).filter(pk=citizen_id).values_list("pk"):
        return  # left meanwhile
    score_in_force(citizen_id, now=now)
    batch = entries_of_batch(proposal.source, proposal.recorded_at).filter(enrolment_id=citizen_id)
    if not batch.strike(why=WHY, now=now):
        return  # another worker was here
    for dispute in Dispute.objects.of(citizen_id).open().filter(disputed__entry__in=batch).distinct():
        if not standing_entries(dispute).exists():
            uphold(dispute, now=now, by=By.OPERATOR, text=proposal.reason)
    rescore(citizen_id=citizen_id, cause=ScoreChange.Cause.DISPUTE, now=now)
    enqueue(BATCH_TOLD_TOPIC, citizen_id=citizen_id, proposal_id=str(proposal.pk))


def _refuse_own(entries: Any, by: Citizen) -> None:
    if entries.filter(enrolment_id=by.pk).exists():
        raise OwnDispute
