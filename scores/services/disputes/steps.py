"""What every step of a dispute has in common: who is held, what is struck or restored, and that the score follows.

The citizen's enrolment is held first, so the steps of one person's disputes follow one another; each step is a guarded
update besides, so whoever comes second finds that the state has moved.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from citizen_app.errors import NotFound, WrongState
from citizen_app.outbox import enqueue
from scores.errors import NotEnrolled
from scores.models import Dispute, DisputedEntry, DisputeEvent, Enrolment, Entry, ScoreChange
from scores.models.disputes import DisputeQuerySet
from scores.services.furnisher_record import LOST, UNANSWERED, count_dispute
from scores.services.outcomes import tell_dispute_rejected, tell_dispute_withdrawn, tell_dispute_won
from scores.services.rescoring import rescore, score_in_force

TOLD_TOPIC: Final = "dispute.told"
WHY: Final = "dispute"
What, By, State = DisputeEvent.What, DisputeEvent.By, Dispute.State


def hold(dispute: Dispute, *, now: datetime) -> Dispute:
    """The dispute as it stands, its citizen's enrolment held to the end of the transaction; `NotFound` once gone.

    A score that a new month has overtaken is made again first, so that the step's own change is the dispute's alone.
    """
    try:
        Enrolment.objects.locked(dispute.enrolment_id)
    except NotEnrolled:
        raise NotFound from None
    standing = Dispute.objects.select_related("source").filter(pk=dispute.pk).first()
    if standing is None:
        raise NotFound
    score_in_force(standing.enrolment_id, now=now)
    return standing


def note(dispute: Dispute, what: str, *, by: str, at: datetime, text: str = "", is_told: bool = True) -> None:
    """Put a step on the timeline, and promise its citizen a mail about it."""
    DisputeEvent.objects.create(dispute=dispute, at=at, what=what, by=by, text=text)
    if is_told:
        enqueue(TOLD_TOPIC, dispute_id=str(dispute.pk), what=str(what))


def standing_entries(dispute: Dispute) -> Any:
    """The records of the dispute that are not struck."""
    return Entry.objects.filter(disputed__dispute=dispute).exclude(status=Entry.Status.STRUCK)


def finish(
    dispute: Dispute,
    *,
    to: str,
    now: datetime,
    by: str,
    what: str | None = None,
    text: str = "",
    leaving: Collection[str] = Dispute.UNDECIDED,
    guard: DisputeQuerySet | None = None,
    corrected_ids: Collection[int] = (),
    **facts: Any,
) -> None:
    """End a dispute: what it won is struck, what it did not win counts as before, and the score follows at once.

    `guard` narrows in which condition it may still end so; `WrongState` when it has moved meanwhile.
    """
    if not (guard or Dispute.objects.all()).move(dispute.pk, leaving=leaving, to=to, ended_at=now, **facts):
        raise WrongState
    entries = Entry.objects.filter(disputed__dispute=dispute)
    if to in Dispute.WON:
        entries.strike(why=WHY, now=now)
    else:
        Entry.objects.filter(disputed__dispute=dispute, disputed__has_benefit=True).restore(now=now)
    _tell_other_rooms(dispute, to, entry_ids=list(entries.values_list("pk", flat=True)), corrected_ids=corrected_ids)
    DisputedEntry.objects.filter(dispute=dispute).update(is_open=False)
    note(dispute, what or to, by=by, at=now, text=text)
    rescore(citizen_id=dispute.enrolment_id, cause=ScoreChange.Cause.DISPUTE, now=now)
    if to in Dispute.WON:
        outcome = UNANSWERED if to == State.LAPSED_UNANSWERED else LOST
        count_dispute(dispute.source, outcome=outcome, now=now)
    dispute.refresh_from_db()


def _tell_other_rooms(dispute: Dispute, to: str, *, entry_ids: Collection[int], corrected_ids: Collection[int]) -> None:
    """What was refused because of wrong records is made good; what the doubt alone opened is given back."""
    citizen_id, dispute_id = dispute.enrolment_id, dispute.public_id
    if to in Dispute.WON:
        tell_dispute_won(citizen_id=citizen_id, dispute_id=dispute_id, entry_ids=entry_ids, corrected_ids=corrected_ids)
    elif to == State.WITHDRAWN and entry_ids:
        tell_dispute_withdrawn(
            citizen_id=citizen_id, dispute_id=dispute_id, entry_ids=entry_ids, opened_at=dispute.opened_at
        )
    elif to in (State.REJECTED, State.REJECTED_ON_APPEAL):
        tell_dispute_rejected(citizen_id=citizen_id)


def uphold(dispute: Dispute, *, now: datetime, by: str, text: str = "", what: str | None = None) -> None:
    """End a dispute well in whichever stage it is, with nobody's name on it: the furnisher or a batch decided it."""
    if dispute.state == State.APPEALED:
        finish(
            dispute,
            to=State.UPHELD_ON_APPEAL,
            leaving=[State.APPEALED],
            now=now,
            by=by,
            what=what,
            text=text,
            appeal_decided_at=now,
        )
    else:
        finish(dispute, to=State.UPHELD, now=now, by=by, what=what, text=text, decided_at=now)
