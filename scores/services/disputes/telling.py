"""Telling a citizen of each step of their dispute: what happened, and what they can do now."""

from django.db import transaction

from citizen_app.models import Citizen
from citizen_app.notifying import notify
from scores.models import Dispute, MassUpholding
from scores.services.notices import BATCH_STRUCK, STEPS, event_of_step


@transaction.atomic
def tell_citizen(*, dispute_id: str, what: str) -> None:
    """Tell a citizen of one step of their dispute. Safe twice; nothing is told of a dispute that is gone."""
    dispute = Dispute.objects.select_related("enrolment__citizen", "source").filter(pk=dispute_id).first()
    if dispute is None or what not in STEPS:
        return
    notify(
        dispute.enrolment.citizen,
        event_of_step(what),
        about=dispute.public_id,
        facts={"source": dispute.source.name, "dispute": dispute.public_id},
    )


@transaction.atomic
def tell_of_batch(*, citizen_id: int, proposal_id: str) -> None:
    """Tell a citizen that records about them were struck with a whole batch. Safe twice."""
    citizen = Citizen.objects.filter(pk=citizen_id, enrolment__isnull=False).first()
    proposal = MassUpholding.objects.select_related("source").filter(pk=proposal_id).first()
    if citizen is None or proposal is None:
        return
    notify(citizen, BATCH_STRUCK, facts={"source": proposal.source.name}, cause=f"{BATCH_STRUCK}:{proposal.pk}")
