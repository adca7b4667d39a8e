"""Holding what is stored against what follows from the entries; it names internal ids only."""

from collections.abc import Iterator

from django.db import transaction
from django.db.models import F

from citizen_app.models import OutboxMessage
from scores import catalogue, scoring
from scores.changes import Line
from scores.explaining import Explanation
from scores.models import Enrolment, Entry, Score, ScoreChange, Source
from scores.scorecard import scorecard_from_document
from scores.services.rescoring import RESCORE_TOPIC, entries_to_score

POINT = scoring.POINT


def wrong_scores() -> Iterator[str]:
    """Every stored score that differs from a fresh computation of its own day and scorecard (P6).

    One whose rescoring is promised and not yet done is passed over, and one that differs is looked at again with its
    enrolment held: it may have been made again between two readings.
    """
    for citizen_id in Score.objects.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=2000):
        if not _follows(citizen_id):
            with transaction.atomic():
                held = Enrolment.objects.select_for_update(no_key=True).filter(pk=citizen_id).first()
                if held is not None and citizen_id not in _promised() and not _follows(citizen_id):
                    yield f"score {citizen_id}"


def _follows(citizen_id: int) -> bool:
    """Whether the stored score is what its entries make it."""
    score = Score.objects.select_related("scorecard").filter(pk=citizen_id).first()
    if score is None:
        return True  # left meanwhile
    card = scorecard_from_document(score.scorecard.document)
    fresh = scoring.score(card, entries_to_score(citizen_id), score.as_of)
    purposes = {code: one._asdict() for code, one in fresh.purposes.items()}
    stored = score.state, score.value, score.purposes, score.explanation
    return stored == (fresh.state, fresh.value, purposes, fresh.explanation.to_document())


def _promised() -> set[int]:
    """The citizens whose scores are about to be made again."""
    waiting = OutboxMessage.objects.filter(topic=RESCORE_TOPIC, done_at=None).values_list("payload", flat=True)
    return {citizen_id for payload in waiting for citizen_id in payload["citizen_ids"]}


def wrong_changes() -> Iterator[str]:
    """Every row of history whose lines do not sum to what it says, or that does not follow the row before."""
    before: ScoreChange | None = None
    for change in ScoreChange.objects.order_by("enrolment_id", "id").iterator(chunk_size=500):
        first = before is None or before.enrolment_id != change.enrolment_id
        previous = None if first or before is None else before.value
        told = sum(Line.from_document(line).micro for line in change.lines)
        due = change.value if change.previous is None else change.difference
        if change.previous != previous or told != (due or 0) * POINT:
            yield f"score change {change.pk}"
        before = change


def wrong_explanations() -> Iterator[str]:
    """Every stored explanation whose lines do not add up to its value."""
    for score in Score.objects.order_by("pk").iterator(chunk_size=200):
        for name in ("explanation", "compared_with"):
            document = getattr(score, name)
            if document is not None and not adds_up(Explanation.from_document(document)):
                yield f"{name} of score {score.pk}"


def adds_up(explanation: Explanation) -> bool:
    """Whether entry lines make the rules, rules the factors, and factors the value, to the last micro-point."""
    for factor in explanation.factors:
        for rule in factor.rules:
            if sum(entry.micro for entry in rule.entries) + rule.capped != rule.micro:
                return False
        if sum(rule.micro for rule in factor.rules) + factor.capped != factor.micro:
            return False
    if explanation.value is None:
        return True
    total = explanation.base + sum(factor.micro for factor in explanation.factors)
    return total + explanation.range_clamped + explanation.rounding == explanation.value * POINT


def enrolled_without_score() -> Iterator[str]:
    """Every live enrolment without its score."""
    return (f"enrolment {pk}" for pk in Enrolment.objects.filter(score=None).values_list("pk", flat=True))


def history_behind() -> Iterator[str]:
    """Every score that is not what its latest row of history says."""
    for score in Score.objects.order_by("pk").iterator(chunk_size=500):
        last = ScoreChange.objects.filter(enrolment_id=score.pk).order_by("-id").values_list("state", "value").first()
        if last != (score.state, score.value):
            yield f"score {score.pk}"


def entries_of_others() -> Iterator[str]:
    """Every entry whose link is another citizen's."""
    foreign = Entry.objects.exclude(link__enrolment_id=F("enrolment_id")).values_list("pk", flat=True)
    return (f"entry {pk}" for pk in foreign.iterator())


def entries_not_allowed() -> Iterator[str]:
    """Every entry of a kind that is not in the catalogue, or that lives longer than its kind may."""
    for pk, number, occurred_on, lapses_on in Entry.objects.values_list(
        "pk", "kind_number", "occurred_on", "lapses_on"
    ).iterator():
        try:
            longest = catalogue.lapses_on(catalogue.kind_of_number(number), occurred_on)
        except catalogue.UnknownKind:
            yield f"entry {pk}"
        else:
            if lapses_on > longest:
                yield f"entry {pk}"


def sources_beyond_their_furnisher() -> Iterator[str]:
    """Every source that may send kinds which the catalogue does not let its furnisher tell of."""
    for code, kinds, furnishes_as in Source.objects.values_list("code", "kinds", "furnisher__furnishes_as").iterator():
        if not set(kinds) <= catalogue.may_furnish(furnishes_as):
            yield f"source {code}"
