"""The score follows from the entries: it is rebuilt from all of them, and every change of it is kept with its lines.

A rebuild rather than a running total, so it may run twice, late or out of order and still end at the same number. The
enrolment row is the lock: whoever changes what a score is made of holds it first.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from citizen_app.outbox import enqueue
from scores import catalogue, scoring
from scores.changes import Line, compare
from scores.explaining import Explanation
from scores.models import Enrolment, Entry, Score, ScoreChange
from scores.services.comparing import Memory, explanation_kept
from scores.services.publishing import card_of, current_scorecard
from scores.services.score_telling import promise_telling

RESCORE_TOPIC: Final = "score.rescore"
PROMISED_AT_ONCE: Final = 500
"""How many citizens one promise names at most."""
HELD_AT_ONCE: Final = 50
"""How many citizens are rescored in one transaction: few enough to keep nobody waiting who reads or takes."""
Cause = ScoreChange.Cause


def scoring_day(now: datetime) -> date:
    """The day scores are made for: today in UTC, wherever the citizen is."""
    return now.astimezone(UTC).date()


def entries_to_score(citizen_id: int) -> list[scoring.Entry]:
    """Everything recorded about the citizen, as the arithmetic reads it, in order of arrival (one query)."""
    return entries_of_each([citizen_id])[citizen_id]


def entries_of_each(citizen_ids: Collection[int]) -> dict[int, list[scoring.Entry]]:
    """The same for some citizens, still in one query."""
    rows = (
        Entry.objects.filter(enrolment__in=citizen_ids)
        .order_by("enrolment", "id")
        .values_list(
            "enrolment_id",
            "id",
            "kind_number",
            "occurred_on",
            "lapses_on",
            "value",
            "status",
            "link__source__code",
            "link__is_on",
        )
    )
    entries: dict[int, list[scoring.Entry]] = {citizen_id: [] for citizen_id in citizen_ids}
    for citizen_id, key, number, occurred_on, lapses_on, value, status, source, is_on in rows:
        kind = catalogue.kind_of_number(number).code
        entries[citizen_id].append(scoring.Entry(key, kind, occurred_on, lapses_on, value, status, source, is_on))
    return entries


def rescore(*, citizen_id: int, cause: str, now: datetime | None = None) -> Score | None:
    """Make the citizen's score again from everything recorded; None when they are no longer enrolled.

    A row of history is written when state or value differs from the row before, and not otherwise; its lines say why,
    compared with the explanation kept with that row. `cause` is one of `ScoreChange.Cause`.
    """
    return rescore_together(citizen_ids=[citizen_id], cause=cause, now=now).get(citizen_id)


@transaction.atomic
def rescore_together(*, citizen_ids: Collection[int], cause: str, now: datetime | None = None) -> dict[int, Score]:
    """The same for some citizens (`HELD_AT_ONCE`) in one transaction and six statements; by citizen.

    A batch about a thousand people is felt by all of them within seconds, where a transaction for each would take four
    times as long. Each score that is returned carries its `explanation`.
    """
    now = now or timezone.now()
    # Locked first and in order: entries that commit from here on ask for a rescoring of their own.
    held = Enrolment.objects.filter(pk__in=citizen_ids).order_by("pk").select_for_update(no_key=True)
    enrolled = list(held.values_list("pk", flat=True))
    if not enrolled:
        return {}
    # The scores too: a run over everybody (`scores.services.runs`) holds nothing else.
    rows = Score.objects.filter(pk__in=enrolled).order_by("pk").select_for_update(of=("self",))
    scores = {score.pk: score for score in rows}
    scorecard_id, card = current_scorecard()
    entries, today = entries_of_each(enrolled), scoring_day(now)
    memory = Memory([score.pk for score in scores.values() if score.compared_with is None])
    changes: list[ScoreChange] = []
    for citizen_id in enrolled:
        result = scoring.score(card, entries[citizen_id], today)
        explanation = result.explanation
        stored = scores.setdefault(citizen_id, Score(enrolment_id=citizen_id, revision=0))
        has_moved = stored.revision == 0 or (stored.state, stored.value) != (result.state, result.value)
        before: Explanation | None = None
        if stored.compared_with is None:
            # Also where nothing moves, while no more than this one thing has happened since: later it might not be
            # made again exactly.
            before = memory.explanation(stored, entries[citizen_id])
            stored.compared_with = None if before is None else before.to_document()
        elif has_moved:
            before = Explanation.from_document(stored.compared_with)
        if has_moved:
            changes.append(_change(stored, before, result, cause, now))
            stored.kept, stored.compared_with = explanation.totals, explanation.to_document()
        stored.scorecard_id = scorecard_id
        stored.state, stored.value = result.state, result.value
        stored.factors = result.factors
        stored.purposes = {code: one._asdict() for code, one in result.purposes.items()}
        stored.as_of, stored.computed_at = explanation.as_of, now
        stored.revision += 1
        stored.explanation = explanation
    ScoreChange.objects.bulk_create(changes)
    promise_telling([change.enrolment_id for change in changes])
    Score.objects.bulk_create(
        scores.values(), update_conflicts=True, unique_fields=["enrolment"], update_fields=_MADE_AGAIN
    )
    return scores


_MADE_AGAIN: Final = [field.name for field in Score._meta.concrete_fields if not field.primary_key]


def _change(
    stored: Score, before: Explanation | None, result: scoring.Scoring, cause: str, now: datetime
) -> ScoreChange:
    """The row of history that leads from what is stored to this result."""
    previous = stored.value
    return ScoreChange(
        enrolment_id=stored.enrolment_id,
        at=now,
        state=result.state,
        value=result.value,
        previous=previous,
        difference=None if previous is None or result.value is None else result.value - previous,
        cause=cause,
        scorecard_version=result.explanation.scorecard,
        lines=[line.to_document() for line in compare(before, result.explanation, cause)],
    )


def request_rescore(citizen_ids: Iterable[int], *, cause: str = Cause.ENTRIES) -> None:
    """Promise, in the caller's transaction, that these citizens' scores follow within seconds of its commit."""
    waiting = sorted(set(citizen_ids))
    for start in range(0, len(waiting), PROMISED_AT_ONCE):
        enqueue(RESCORE_TOPIC, citizen_ids=waiting[start : start + PROMISED_AT_ONCE], cause=str(cause))


def score_in_force(citizen_id: int, *, now: datetime | None = None) -> Score:
    """The citizen's score as it may be shown or used now; `NotEnrolled` where there is none.

    One made in an earlier month, or with an earlier scorecard, is made again first. Its enrolment comes with it, and
    its scorecard without the document: one statement, unless it has to be made again.
    """
    now = now or timezone.now()
    rows = Enrolment.objects.select_related("score__scorecard").defer("score__scorecard__document")
    enrolment = rows.of(citizen_id)
    score: Score = enrolment.score
    current = score.scorecard_id if score.scorecard.is_current else current_scorecard().row_id
    cause = cause_to_rescore(score, scorecard_id=current, today=scoring_day(now))
    if cause is not None:
        again = rescore(citizen_id=citizen_id, cause=cause, now=now)
        if again is None:
            return score_in_force(citizen_id, now=now)  # left this moment: says so
        score = again
    score.enrolment = enrolment
    return score


def cause_to_rescore(score: Score, *, scorecard_id: int, today: date) -> str | None:
    """Why a stored score may not be used as it stands, if it may not."""
    if score.scorecard_id != scorecard_id:
        return Cause.SCORECARD
    if scoring.month(score.as_of) < scoring.month(today):
        return Cause.MONTH
    return None


def explained_score(citizen_id: int, *, now: datetime | None = None) -> Score:
    """The score in force with its `explanation`, every line of it, computed from the entries as they are now.

    Where a record has come whose rescoring is promised and not yet done, it is done first: what is shown adds up.
    """
    score = score_in_force(citizen_id, now=now)
    if score.explanation is None:
        result = scoring.score(card_of(score.scorecard), entries_to_score(citizen_id), score.as_of)
        if score.follows_from(result):
            score.explanation = result.explanation
        else:
            enrolment = score.enrolment
            score = rescore(citizen_id=citizen_id, cause=Cause.ENTRIES, now=now) or enrolment.score
            score.enrolment = enrolment
    return score


def forget_entries(*, citizen_id: int, entry_ids: Iterable[int]) -> None:
    """Take the names of entries that are being erased out of everything kept about the score (P8).

    Points and sums stay as they were told; what they were about becomes "a record that has lapsed". The caller holds
    the enrolment row, has erased nothing yet, and rescores afterwards.
    """
    gone = frozenset(entry_ids)
    if not gone:
        return
    score = Score.objects.select_for_update(of=("self",)).filter(pk=citizen_id).first()
    kept = None if score is None else explanation_kept(score, entries_to_score(citizen_id))
    if kept is not None:
        Score.objects.filter(pk=citizen_id).update(compared_with=kept.forgetting(gone).to_document())
    rewritten = []
    for change in ScoreChange.objects.filter(enrolment_id=citizen_id):
        lines = [Line.from_document(line) for line in change.lines]
        if any(line.entry_id in gone for line in lines):
            change.lines = [line.forgetting(gone).to_document() for line in lines]
            rewritten.append(change)
    ScoreChange.objects.bulk_update(rewritten, ["lines"], batch_size=200)
