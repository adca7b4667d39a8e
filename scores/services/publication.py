"""Publishing a scorecard takes two operators: one submits a draft that was tried out, another puts it in force."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from citizen_app import audit
from citizen_app.models import Citizen
from scores.errors import DraftHasChanged, DraftNotSound, GateShut, NoteMissing, SelfApproval, ShadowRunNeeded
from scores.models import RescoringRun, Score, Scorecard, ScorecardDraft, ShadowRun
from scores.scorecard_writing import scorecard_yaml
from scores.services.drafts import EDITABLE, held_draft, judge_document, require_state
from scores.services.publishing import current_scorecard, publish_scorecard
from scores.services.runs import start_run
from scores.services.shadow_runs import latest_run

State = ScorecardDraft.State


@transaction.atomic
def submit_draft(*, draft: ScorecardDraft, revision: int, by: Citizen, now: datetime | None = None) -> ScorecardDraft:
    """Ask another operator to publish the draft as it was read, with what is known about it.

    Raises `DraftHasChanged`, `NoteMissing`, `DraftNotSound`, `ShadowRunNeeded` or `GateShut`.
    """
    held = held_draft(draft)
    require_state(held, *EDITABLE)
    if held.revision != revision:
        raise DraftHasChanged
    if not held.note:
        raise NoteMissing
    run = _require_ready(held)
    held.state, held.refusal = State.SUBMITTED, ""
    held.submitted_by, held.submitted_at = by, now or timezone.now()
    held.save()
    audit.record(by=by, action="scorecard_draft.submit", on=held.public_id, revision=revision, run=run.public_id)
    return held


@transaction.atomic
def publish_draft(*, draft: ScorecardDraft, by: Citizen, now: datetime | None = None) -> Scorecard:
    """Put a submitted draft in force; every score follows, and citizens read why.

    Raises `SelfApproval` for whoever wrote on it or submitted it, `ShadowRunNeeded` where another scorecard came into
    force since it was tried out. Of two who publish at once one wins: the scorecard in force is held first.
    """
    now = now or timezone.now()
    current = Scorecard.objects.filter(is_current=True).select_for_update().first()
    held = held_draft(draft)
    require_state(held, State.SUBMITTED)
    if current is None:
        raise ShadowRunNeeded  # another came into force while this one waited
    if by.pk == held.submitted_by_id or held.writers.filter(pk=by.pk).exists():
        raise SelfApproval
    run = _require_ready(held)
    row = publish_scorecard(
        text=scorecard_yaml(held.document),
        by=by,
        note=held.note,
        now=now,
        draft=held.public_id,
        submitted_by=audit.actor_of(held.submitted_by),
        shadow_run=run.public_id,
    )
    held.published, held.state = row, State.PUBLISHED
    held.decided_by, held.decided_at = by, now
    held.save()
    start_run(cause=RescoringRun.Cause.SCORECARD, now=now)
    return row


def _require_ready(held: ScorecardDraft) -> ShadowRun:
    """The finished run of exactly this document against the scorecard in force, which no gate stops."""
    if judge_document(held.document).card is None:
        raise DraftNotSound
    run = latest_run(held)
    if run is None or run.result is None or not run.against.is_current:
        raise ShadowRunNeeded
    if not run.result["fairness"]["passed"]:
        raise GateShut
    return run


# -- Everybody's score follows ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the scores have followed the scorecard in force. `ends_at` is an estimate, None where there is none."""

    version: str
    done: int
    total: int
    started_at: datetime | None
    ends_at: datetime | None

    @property
    def is_over(self) -> bool:
        return self.done >= self.total


def rescoring_progress(*, now: datetime | None = None) -> Progress:
    """How many stored scores are made with the scorecard in force, and when the others will be at this pace.

    Counted from the scores themselves, so that those that followed by themselves, when somebody looked, are in it.
    """
    now = now or timezone.now()
    row_id, card = current_scorecard()
    total, done = Score.objects.count(), Score.objects.filter(scorecard_id=row_id).count()
    runs = RescoringRun.objects.filter(scorecard_id=row_id, cause=RescoringRun.Cause.SCORECARD)
    started_at = runs.order_by("-pk").values_list("started_at", flat=True).first()
    ends_at = None
    if 0 < done < total and started_at is not None:
        left: timedelta = (now - started_at) * (total - done) / done
        ends_at = now + left
    return Progress(card.version, done, total, started_at, ends_at)
