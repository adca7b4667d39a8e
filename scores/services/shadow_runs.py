"""Trying a draft out on everybody without anybody noticing: totals of what would change, and nothing else kept.

A run goes through the population in ranges. The row holds how far it is; each range is one promise of the outbox, which
counts its people, moves the row on and promises the next range in one transaction. A worker that dies in the middle
leaves the row where it was, and the promise is kept later by another: nobody is counted twice or left out.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from citizen_app import audit
from citizen_app.db import violated
from citizen_app.errors import RateLimited, WrongState
from citizen_app.keys import derive_key
from citizen_app.models import Citizen
from citizen_app.outbox import enqueue
from citizen_app.sealing import seal, unseal
from scores.errors import DraftNotSound
from scores.models import Enrolment, Scorecard, ScorecardDraft, ShadowRun
from scores.scorecard import Scorecard as Card
from scores.scorecard import scorecard_from_document
from scores.services import population
from scores.services.drafts import EDITABLE, judge_document
from scores.services.publishing import card_of
from scores.services.rescoring import scoring_day
from scores.shadow import Blur, Totals, Watched, summary
from scores.thresholds import Threshold, thresholds_in_use

SHADOW_TOPIC: Final = "scorecard.shadow_range"
AT_ONCE: Final = 2_000
"""How many people a range is: a second or so of work, which is all that is lost with a worker."""
MOST_A_DAY: Final = 24
"""Whoever could ask about ever different drafts without end could average the blur of the totals away."""
LABELS: Final = 5
_SEALED_FOR: Final = "scores.shadow.tally"


@transaction.atomic
def start_shadow_run(*, draft: ScorecardDraft, by: Citizen, now: datetime | None = None) -> ShadowRun:
    """Begin a run of the draft as it is, against the scorecard in force, on today's records.

    Raises `DraftNotSound` where it has faults, `WrongState` where it is not a draft or a run is under way.
    """
    now = now or timezone.now()
    held: ScorecardDraft = ScorecardDraft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
    if held.state not in EDITABLE:
        raise WrongState(f"This draft is {held.state}.")
    if judge_document(held.document).card is None:
        raise DraftNotSound
    if ShadowRun.objects.filter(started_at__gt=now - timedelta(days=1)).count() >= MOST_A_DAY:
        raise RateLimited(f"There are {MOST_A_DAY} shadow runs a day.", retry_after=3600)
    try:
        with transaction.atomic():
            run: ShadowRun = ShadowRun.objects.create(
                draft=held,
                draft_revision=held.revision,
                document=held.document,
                against=Scorecard.objects.get(is_current=True),
                thresholds=_asked(thresholds_in_use()),
                as_of=scoring_day(now),
                total_count=Enrolment.objects.count(),
                tally=_sealed(Totals()),
                started_by=by,
                started_at=now,
            )
    except IntegrityError as error:
        if violated(error) == "shadow_run_one_at_a_time_of_a_draft":
            raise WrongState("A shadow run of this draft is under way.") from error
        raise
    audit.record(by=by, action="shadow_run.start", on=run.public_id, draft=held.public_id, revision=held.revision)
    enqueue(SHADOW_TOPIC, run_id=str(run.pk), after=0)
    return run


def _asked(thresholds: Iterable[Threshold]) -> list[dict[str, Any]]:
    """The thresholds in use, each once with how many perks ask for it and the names of a few."""
    asked = []
    for (purpose, min_score), group in groupby(thresholds, key=lambda one: (one.purpose, one.min_score)):
        labels = [one.label for one in group]
        asked.append({"purpose": purpose, "min_score": min_score, "perks": len(labels), "labels": labels[:LABELS]})
    return asked


def run_range(*, run_id: str, after: int, limit: int = AT_ONCE, now: datetime | None = None) -> int:
    """Count the next people of a run, those above `after`; return how many. Safe twice: a range counts once.

    Nobody's row is locked, and the counting is outside of any transaction.
    """
    run = ShadowRun.objects.select_related("against").filter(pk=run_id, state=ShadowRun.State.RUNNING).first()
    if run is None or run.position != after:
        return 0  # cancelled, or this range was counted by an earlier attempt
    before, draft = card_of(run.against), scorecard_from_document(run.document)
    totals = Totals(json.loads(unseal(_SEALED_FOR, run.tally)))
    watched, blur = watched_by(before, draft, run.thresholds), blur_of_this_server()
    reached, seen = population.end_of_range(after=after, citizens=limit), 0
    if reached is not None:
        asked: dict[str, Any] = {"as_of": run.as_of, "after": after, "upto": reached}
        held = {one.citizen_id: one for one in population.results(before, **asked)}
        for would in population.results(draft, **asked):
            was = held.get(would.citizen_id)
            # Whoever enrolled, or of whom something was recorded, between the two readings is left out.
            if was is not None and was.last_entry_id == would.last_entry_id and was.entry_count == would.entry_count:
                seen += 1
                totals.count(was, would, key=blur.key_of(would.citizen_id), watched=watched)
    with transaction.atomic():
        mine = ShadowRun.objects.filter(pk=run.pk, state=ShadowRun.State.RUNNING, position=after)
        if reached is not None:
            if not mine.update(position=reached, tally=_sealed(totals), done_count=F("done_count") + seen):
                return 0
            enqueue(SHADOW_TOPIC, run_id=str(run.pk), after=reached)
            return seen
        # Whoever enrolled meanwhile was counted too, whoever left was not: the run says of how many it tells.
        mine.update(
            state=ShadowRun.State.DONE,
            finished_at=now or timezone.now(),
            total_count=F("done_count"),
            tally="",
            result=summary(totals, watched=watched, thresholds=run.thresholds, blur=blur),
        )
    return 0


def finish_here(run: ShadowRun) -> bool:
    """Count the next people in this process rather than in a worker; True once the run is over."""
    held = ShadowRun.objects.get(pk=run.pk)
    if held.state == ShadowRun.State.RUNNING:
        run_range(run_id=str(held.pk), after=held.position)
        held.refresh_from_db()
    return held.state != ShadowRun.State.RUNNING


def cancel_shadow_run(*, run: ShadowRun, by: Citizen, now: datetime | None = None) -> None:
    """Stop a run; what it had added up is forgotten. `WrongState` where it is over already."""
    with transaction.atomic():
        stopped = ShadowRun.objects.filter(pk=run.pk, state=ShadowRun.State.RUNNING).update(
            state=ShadowRun.State.CANCELLED, finished_at=now or timezone.now(), tally=""
        )
        if not stopped:
            raise WrongState("This shadow run is over.")
        audit.record(by=by, action="shadow_run.cancel", on=run.public_id)


def latest_run(draft: ScorecardDraft) -> ShadowRun | None:
    """The latest run of the draft as it stands, unless that was cancelled."""
    runs = ShadowRun.objects.filter(draft=draft, draft_revision=draft.revision).exclude(state=ShadowRun.State.CANCELLED)
    return runs.select_related("against").order_by("-started_at", "-pk").first()


def watched_by(before: Card, draft: Card, thresholds: Iterable[dict[str, Any]]) -> Watched:
    """What a run of these two scorecards looks at."""
    asked: dict[str, list[int]] = {}
    for one in thresholds:
        asked.setdefault(one["purpose"], []).append(one["min_score"])
    return Watched(
        factors=[factor.code for factor in before.factors],
        purposes=[purpose.code for purpose in before.purposes],
        starts_before=[band.first_value for band in before.bands],
        starts_after=[band.first_value for band in draft.bands],
        thresholds={purpose: sorted(set(values)) for purpose, values in asked.items()},
    )


def blur_of_this_server() -> Blur:
    """Every server of a deployment blurs alike, and nobody without its key can undo it."""
    return Blur(derive_key(settings.SERVER_KEY, "scores.shadow.blur"))


def _sealed(totals: Totals) -> str:
    """Until a run is over its totals may be of few people, so that a copy of the tables alone must not tell them."""
    return seal(_SEALED_FOR, json.dumps(totals.to_document(), separators=(",", ":")))
