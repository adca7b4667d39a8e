"""Making everybody's score again: after a month's turn or a publication, in ranges, by as many workers as there are.

A run promises its portions through the outbox, so a killed worker's portion is taken up again, and what it had done
is found done. Within a portion each range of citizens is computed without a lock and stored in slices, each a short
transaction that keeps only the rows nobody touched meanwhile. History is written for changed scores and no others.
What the statements leave aside (`scores.services.run_statements`) is made person by person at the end of the range.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from citizen_app.outbox import enqueue
from scores.models import RescoringRun, Score, Scorecard
from scores.services.population import statement
from scores.services.publishing import card_of, current_scorecard
from scores.services.rescoring import HELD_AT_ONCE, rescore_together, scoring_day
from scores.services.run_statements import DROP_TABLE, EMPTY_TABLE, KEYS, RunStatements
from scores.services.score_telling import promise_telling_range

RUN_TOPIC: Final = "scores.run"
PORTION: Final = 25_000
"""How many scores one promise is about: some seconds' work, well within the promise's lease."""
RANGE: Final = 5_000
"""How many scores are computed by one statement, without a lock."""
SMALLEST_SLICE, FIRST_SLICE = 50, 500
HELD_FOR: Final = timedelta(milliseconds=25)
"""How long a slice of them may hold its rows while it is stored; the next is made larger or smaller to keep to it."""
FEW: Final = 500
"""So few scores are made again by the sweep itself, person by person."""


@transaction.atomic
def start_run(*, cause: str, now: datetime | None = None) -> RescoringRun:
    """Promise, with the caller's transaction, that every score follows the current scorecard and month.

    One run of a scorecard goes on at a time: asked again in the same month, it is that one; a later month's takes the
    place of the earlier one.
    """
    now = now or timezone.now()
    scorecard_id, _ = current_scorecard()
    as_of = scoring_day(now)
    # The scorecard's row is the lock: two who start at once make one run.
    Scorecard.objects.select_for_update(no_key=True).get(pk=scorecard_id)
    going_on = RescoringRun.objects.filter(scorecard_id=scorecard_id, finished_at=None).first()
    if going_on is not None:
        if going_on.as_of.replace(day=1) == as_of.replace(day=1):
            return going_on
        _end(going_on, now)
    stale = stale_scores(scorecard_id=scorecard_id, today=as_of)
    run = RescoringRun.objects.create(
        cause=cause,
        scorecard_id=scorecard_id,
        as_of=as_of,
        started_at=now,
        total_count=stale.count(),
        finished_at=None,
    )
    for after, upto in _portions():
        enqueue(RUN_TOPIC, run_id=run.pk, after=after, upto=upto)
    return run


def _portions() -> Iterator[tuple[int, int]]:
    after = 0
    while upto := _last_of(Score.objects.filter(pk__gt=after), PORTION):
        yield after, upto
        after = upto


def _last_of(scores: "QuerySet[Score]", count: int) -> int | None:
    """The key of the `count`-th of these scores, or of the last where there are fewer."""
    keys = scores.order_by("pk").values_list("pk", flat=True)
    return keys[count - 1 : count].first() or keys.last()


def stale_scores(*, scorecard_id: int, today: date) -> "QuerySet[Score]":
    """The scores that a new month or a new scorecard has overtaken."""
    return Score.objects.filter(Q(as_of__lt=today.replace(day=1)) | ~Q(scorecard_id=scorecard_id))


def run_portion(*, run_id: int, after: int, upto: int) -> None:
    """Make the scores of these citizens again, range by range. Safe twice: what is done is passed over."""
    run = RescoringRun.objects.select_related("scorecard").filter(pk=run_id, finished_at=None).first()
    if run is None:
        return
    if run.scorecard_id != current_scorecard().row_id:
        _end(run, timezone.now())  # a later publication has a run of its own
        return
    size = FIRST_SLICE
    with _temporary_table(_statements_of(run)) as statements:
        position: int | None = after
        while position is not None and position < upto:
            # Only where there is something to do: a portion that is taken up again starts where it was left.
            to_do = stale_scores(scorecard_id=run.scorecard_id, today=run.as_of).filter(pk__gt=position, pk__lte=upto)
            until = _last_of(to_do, RANGE)
            if until is None:
                break
            size = make_range(run, statements, after=position, upto=until, size=size)
            position = until
    finish_when_done(run)


def _next_size(size: int, *, held: float) -> int:
    """How many rows to hold at once, going by how long the last were held."""
    wanted = int(size * HELD_FOR.total_seconds() / max(held, 0.001))
    return max(SMALLEST_SLICE, min(wanted, 2 * size, RANGE))


def _statements_of(run: RescoringRun) -> RunStatements:
    known = {
        factor["code"]: None
        for document in Scorecard.objects.order_by("pk").values_list("document", flat=True)
        for factor in document["factors"]
    }
    return RunStatements(statement(card_of(run.scorecard), as_of=run.as_of), run.scorecard_id, list(known))


@contextmanager
def _temporary_table(statements: RunStatements) -> Iterator[RunStatements]:
    with connection.cursor() as cursor:
        cursor.execute(DROP_TABLE)
        cursor.execute(statements.make_table)
    try:
        yield statements
    finally:
        with connection.cursor() as cursor:
            cursor.execute(DROP_TABLE)


def make_range(run: RescoringRun, statements: RunStatements, *, after: int, upto: int, size: int) -> int:
    """Make one range again, `size` rows held at a time at first; how many to hold next."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(EMPTY_TABLE)
        month_began = connection.ops.adapt_datefield_value(run.as_of.replace(day=1))
        cursor.execute(statements.compute(after=after, upto=upto), [month_began])
        cursor.execute(KEYS)
        keys = [key for (key,) in cursor.fetchall()]
    while keys:
        slice_, keys = keys[:size], keys[size:]
        size = _next_size(size, held=_store(run, statements, after=slice_[0] - 1, upto=slice_[-1], now=now))
    _make_the_others(run, after=after, upto=upto, now=now)
    return size


def _store(run: RescoringRun, statements: RunStatements, *, after: int, upto: int, now: datetime) -> float:
    """Store a slice of what was computed, with its history; how many seconds its rows were held."""
    at, as_of = connection.ops.adapt_datetimefield_value(now), connection.ops.adapt_datefield_value(run.as_of)
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements.hold(after=after, upto=upto))
        cursor.execute(statements.write_history(after=after, upto=upto), [at, run.cause, run.scorecard.version])
        changed = cursor.rowcount
        if changed > 0:
            promise_telling_range(after=after, upto=upto, at=now)
        cursor.execute(statements.store(after=after, upto=upto), [as_of, at])
        _count(run, done=cursor.rowcount, changed=changed)
    return time.monotonic() - began


def _count(run: RescoringRun, *, done: int, changed: int) -> None:
    RescoringRun.objects.filter(pk=run.pk).update(
        done_count=F("done_count") + done, changed_count=F("changed_count") + changed
    )


def _make_the_others(run: RescoringRun, *, after: int, upto: int, now: datetime) -> None:
    """Make person by person what the statements left aside: their lines name their entries."""
    left = stale_scores(scorecard_id=run.scorecard_id, today=run.as_of).filter(pk__gt=after, pk__lte=upto)
    rows = dict(left.order_by("pk").values_list("pk", "scorecard_id"))
    for cause in (RescoringRun.Cause.SCORECARD, RescoringRun.Cause.MONTH):
        of_scorecard = cause == RescoringRun.Cause.SCORECARD
        citizen_ids = [pk for pk, card_id in rows.items() if (card_id != run.scorecard_id) == of_scorecard]
        for start in range(0, len(citizen_ids), HELD_AT_ONCE):
            group = citizen_ids[start : start + HELD_AT_ONCE]
            with transaction.atomic():
                before = dict(Score.objects.filter(pk__in=group).values_list("pk", "value"))
                made = rescore_together(citizen_ids=group, cause=cause, now=now)
                changed = sum(score.value != before.get(pk) for pk, score in made.items())
                _count(run, done=len(made), changed=changed)


def finish_when_done(run: RescoringRun, *, now: datetime | None = None) -> bool:
    """End the run once no score is left that it has to make."""
    if stale_scores(scorecard_id=run.scorecard_id, today=run.as_of).exists():
        return False
    _end(run, now or timezone.now())
    return True


def _end(run: RescoringRun, now: datetime) -> None:
    RescoringRun.objects.filter(pk=run.pk, finished_at=None).update(finished_at=now)


def turn_the_month(*, now: datetime) -> int:
    """See that no score stays behind its month or scorecard: a few are made again here, many by a run."""
    scorecard_id, _ = current_scorecard()
    today = scoring_day(now)
    stale = stale_scores(scorecard_id=scorecard_id, today=today)
    some = list(stale.order_by("pk").values_list("pk", "scorecard_id")[: FEW + 1])
    if len(some) > FEW:
        of_scorecard = some[0][1] != scorecard_id
        start_run(cause=RescoringRun.Cause.SCORECARD if of_scorecard else RescoringRun.Cause.MONTH, now=now)
        return len(some)
    for run in RescoringRun.objects.filter(finished_at=None):
        finish_when_done(run, now=now)
    return rescore_few(some, scorecard_id=scorecard_id, now=now)


def rescore_few(some: list[tuple[int, int]], *, scorecard_id: int, now: datetime) -> int:
    """Make these (citizen, scorecard of the score) again, person by person."""
    for citizen_id, card_id in some:
        cause = RescoringRun.Cause.MONTH if card_id == scorecard_id else RescoringRun.Cause.SCORECARD
        rescore_together(citizen_ids=[citizen_id], cause=cause, now=now)
    return len(some)
