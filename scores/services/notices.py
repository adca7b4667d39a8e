"""What this room tells people of: their score, who asked, their disputes. No text names a score or a point (P4)."""

from collections.abc import Collection
from typing import Final

from citizen_app.notifying import Event, For, register, says_who_hears
from scores.models import DisputeEvent, Enrolment

What = DisputeEvent.What

SCORE_CHANGED: Final = "score.changed"
FIRST_SCORE: Final = "score.first"
TOO_FEW_RECORDS: Final = "score.too_few"
ASKED: Final = "asked"
BATCH_STRUCK: Final = "dispute.batch"

register(
    Event(
        SCORE_CHANGED,
        "score",
        "Your score changed",
        "{why} {perks} Your page says what each did.",
        link="scores:history",
    ),
    Event(
        FIRST_SCORE,
        "score",
        "You have a score",
        "There are enough records for one now. See it on your page.",
        link="scores:home",
    ),
    Event(
        TOO_FEW_RECORDS,
        "score",
        "You have no score now",
        "{why} Too few records are left for one.",
        link="scores:home",
    ),
    Event(ASKED, "asked", "Somebody learned something about you", "{who} {did}.", link="scores:inquiries"),
)

STEPS: Final[dict[str, tuple[str, str]]] = {
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
"""The steps of a dispute its citizen is told of."""


def event_of_step(what: str) -> str:
    return f"dispute.{what}"


register(
    *(
        Event(
            event_of_step(what),
            "disputes",
            subject,
            sentence,
            "It is about records from {source}: dispute {dispute}.",
            link="scores:dispute",
            opens_about=True,
            hears=For.BOUND,
        )
        for what, (subject, sentence) in STEPS.items()
    ),
    Event(
        BATCH_STRUCK,
        "disputes",
        "Wrong records about you were struck",
        "{source} had sent records that are wrong, about you among others. Two operators have struck all of them, and "
        "they count no more.",
        "You need not do anything; sign in to see what changed.",
        link="scores:history",
        hears=For.BOUND,
    ),
)


@says_who_hears
def those_who_hear(citizen_ids: Collection[int], *, also_paused: bool) -> Collection[int]:
    """Those of these who are enrolled, the paused only of what goes on (P10)."""
    hearing = Enrolment.objects.filter(pk__in=citizen_ids)
    if not also_paused:
        hearing = hearing.filter(state=Enrolment.State.ACTIVE)
    return list(hearing.order_by("pk").values_list("pk", flat=True))
