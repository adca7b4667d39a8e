"""Telling people that their score changed: only from five points on, or when a perk opens or closes; never of fading.

Whoever writes history promises the telling in the same transaction, by citizens or for a whole range of them; what it
comes to is worked out here for some hundred at a time, whatever number a run has moved.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from citizen_app.models import Notification
from citizen_app.notifying.telling import write
from citizen_app.outbox import enqueue
from scores.changes import ENROLLED, MONTH, Line
from scores.models import Enrolment, Score, ScoreChange, ToldScore
from scores.services.notices import FIRST_SCORE, SCORE_CHANGED, TOO_FEW_RECORDS
from scores.telling import ENOUGH, Step, doors_moved, reasons_of
from scores.thresholds import thresholds_in_use

MOVED_TOPIC: Final = "score.moved"
RANGE_MOVED_TOPIC: Final = "score.range_moved"
AT_ONCE: Final = 200


def promise_telling(citizen_ids: Collection[int]) -> None:
    """Promise, in the transaction that writes their history, to tell these people what is worth telling."""
    if citizen_ids:
        enqueue(MOVED_TOPIC, citizen_ids=sorted(citizen_ids))


def promise_telling_range(*, after: int, upto: int, at: datetime) -> None:
    """The same for everybody of a range whose history has a row of this moment."""
    enqueue(RANGE_MOVED_TOPIC, after=after, upto=upto, at=at.isoformat())


def tell_range(*, after: int, upto: int, at: datetime) -> None:
    """Tell those of a range whom a run has moved: some hundred in a transaction. Safe twice."""
    moved = ScoreChange.objects.filter(enrolment__gt=after, enrolment__lte=upto, at=at)
    citizen_ids = sorted(set(moved.order_by().values_list("enrolment_id", flat=True)))
    for start in range(0, len(citizen_ids), AT_ONCE):
        tell_moved(citizen_ids=citizen_ids[start : start + AT_ONCE])


@transaction.atomic
def tell_moved(*, citizen_ids: Collection[int], now: datetime | None = None) -> None:
    """Tell these people what their history since the last telling is worth telling of. Safe twice.

    Who is paused hears nothing new; what moved meanwhile counts once they have resumed.
    """
    now = now or timezone.now()
    # Held, as by whoever writes history: tellings about one person follow one another.
    enrolled = Enrolment.objects.locked_together(citizen_ids)
    told = _told(list(enrolled))
    scores = {score.pk: score for score in Score.objects.filter(pk__in=told).only("purposes", "value")}
    steps = _steps_since(told)
    thresholds = sorted({(one.purpose, one.min_score) for one in thresholds_in_use()})
    notifications = []
    for citizen_id, row in told.items():
        changes = steps.get(citizen_id, [])
        if not changes or citizen_id not in scores:
            continue
        is_first = row.change_id == 0
        row.change_id = changes[-1].pk
        purposes = {code: one["value"] for code, one in scores[citizen_id].purposes.items()}
        read = [_step(change) for change in changes]
        row.untold += sum(step.moved for step in read)
        if is_first and not row.purposes:
            row.purposes = purposes  # nothing to compare with
        if all(step.cause == MONTH for step in read):
            row.purposes = purposes
            continue
        if enrolled[citizen_id].state != Enrolment.State.ACTIVE:
            continue
        if (said := _worth_telling(row, read, purposes, thresholds)) is not None:
            event, facts = said
            notifications.append(_notification(citizen_id, event, facts, changes[-1], now))
            row.untold = 0
        row.purposes = purposes
    ToldScore.objects.bulk_update(told.values(), ["change_id", "untold", "purposes"], batch_size=AT_ONCE)
    write(notifications)


def _told(citizen_ids: Sequence[int]) -> dict[int, ToldScore]:
    """What each was told; begun for those of whom nothing was told yet."""
    ToldScore.objects.bulk_create(
        [ToldScore(enrolment_id=citizen_id) for citizen_id in citizen_ids], ignore_conflicts=True
    )
    return ToldScore.objects.in_bulk(citizen_ids)


def _steps_since(told: dict[int, ToldScore]) -> dict[int, list[ScoreChange]]:
    """The rows of history each has not been told of, oldest first; of those never told of, the last alone."""
    new = [citizen_id for citizen_id, row in told.items() if row.change_id == 0]
    known = {citizen_id: row.change_id for citizen_id, row in told.items() if row.change_id}
    latest = ScoreChange.objects.filter(enrolment=OuterRef("enrolment")).order_by("-pk").values("pk")[:1]
    rows = list(ScoreChange.objects.filter(enrolment__in=new, pk=Subquery(latest)))
    if known:
        rows += ScoreChange.objects.filter(enrolment__in=known, pk__gt=min(known.values()))
    steps: dict[int, list[ScoreChange]] = {}
    for row in sorted(rows, key=lambda change: change.pk):
        if row.pk > known.get(row.enrolment_id, 0):
            steps.setdefault(row.enrolment_id, []).append(row)
    return steps


def _step(change: ScoreChange) -> Step:
    return Step(change.cause, change.value, change.previous, [*map(Line.from_document, change.lines)])


def _worth_telling(
    row: ToldScore, steps: Sequence[Step], purposes: dict[str, Any], thresholds: Collection[tuple[str, int]]
) -> tuple[str, dict[str, str]] | None:
    """The event and the words it needs; None for what is not worth a word."""
    told = [step for step in steps if step.cause != ENROLLED]
    if not told:
        return None
    first, last = told[0], told[-1]
    if first.previous is None and last.value is not None:
        return FIRST_SCORE, {}
    if last.value is None:
        return (TOO_FEW_RECORDS, {"why": reasons_of(told)}) if first.previous is not None else None
    opened, closed = doors_moved(row.purposes, purposes, thresholds)
    if abs(row.untold) < ENOUGH and not opened and not closed:
        return None
    return SCORE_CHANGED, {"why": reasons_of(told), "perks": " ".join(_doors(opened, closed))}


def _doors(opened: bool, closed: bool) -> Iterator[str]:
    if opened:
        yield "A perk opened for you."
    if closed:
        yield "A perk closed for you."


def _notification(
    citizen_id: int, event: str, facts: dict[str, str], change: ScoreChange, now: datetime
) -> Notification:
    return Notification(
        citizen_id=citizen_id,
        event=event,
        about=change.public_id,
        facts=facts,
        cause=f"score:{change.public_id}",
        created_at=now,
    )
