"""The mails about a dispute: what happened, and what the citizen can do now. What it is about stays behind the door."""

from typing import Final

from django.core.mail import EmailMessage

from citizen_app.models import Citizen
from scores.models import Dispute, DisputeEvent, MassUpholding

What = DisputeEvent.What

SENTENCES: Final[dict[str, tuple[str, str]]] = {
    What.OPENED: (
        "We have your dispute",
        "Your dispute is received. You can withdraw it until it is decided.",
    ),
    What.ADMITTED: (
        "Your dispute goes to the source",
        "An operator has looked at your new evidence. The source now has 30 days to answer.",
    ),
    What.ANSWERED: (
        "The source answered your dispute",
        "The source says that its record is right. A person here decides now, and tells you why.",
    ),
    What.UPHELD: (
        "Your dispute is decided for you",
        "What you disputed is struck or corrected, and counts no more as it was.",
    ),
    What.TAKEN_BACK: ("Your dispute is decided for you", "What you disputed was taken back and counts no more."),
    What.LAPSED_UNANSWERED: (
        "Your dispute is decided for you",
        "The source did not answer in 30 days. What you disputed is struck and counts no more.",
    ),
    What.REJECTED: (
        "Your dispute is rejected",
        "What you disputed counts as it did before. You can appeal once, within 30 days; somebody else decides then.",
    ),
    What.WITHDRAWN: ("Your dispute has ended", "Your dispute is withdrawn. Everything counts as it did before."),
    What.APPEALED: ("We have your appeal", "Another operator than the first one decides on it."),
    What.UPHELD_ON_APPEAL: ("Your appeal is decided for you", "What you disputed is struck and counts no more."),
    What.REJECTED_ON_APPEAL: (
        "Your appeal is rejected",
        "A second person has looked at it. What you disputed counts as it did before.",
    ),
}


def tell_citizen(*, dispute_id: str, what: str) -> None:
    """Mail a citizen about one step of their dispute. Safe twice; nothing is sent about a dispute that is gone."""
    dispute = Dispute.objects.select_related("enrolment__citizen", "source").filter(pk=dispute_id).first()
    if dispute is None or what not in SENTENCES:
        return
    subject, sentence = SENTENCES[what]
    _send(
        dispute.enrolment.citizen,
        subject,
        f"{sentence}\n\nIt is about records from {dispute.source.name}. Sign in to read everything about it, and what "
        f"it did to your score: dispute {dispute.public_id}.\n",
    )


def tell_of_batch(*, citizen_id: int, proposal_id: str) -> None:
    """Mail a citizen that records about them were struck with a whole batch. Safe twice."""
    citizen = Citizen.objects.filter(pk=citizen_id, enrolment__isnull=False).first()
    proposal = MassUpholding.objects.select_related("source").filter(pk=proposal_id).first()
    if citizen is None or proposal is None:
        return
    _send(
        citizen,
        "Wrong records about you were struck",
        f"{proposal.source.name} had sent records that are wrong, about you among others. Two operators have struck "
        "all of them, and they count no more. You need not do anything; sign in to see what changed.\n",
    )


def _send(citizen: Citizen, subject: str, body: str) -> None:
    EmailMessage(subject=subject, body=body, to=[citizen.email]).send()
