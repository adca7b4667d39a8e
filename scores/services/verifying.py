"""Holding what is stored against what follows from the entries; it names internal ids only."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from django.db import transaction
from django.db.models import F

from citizen_app.models import OutboxMessage
from scores import catalogue, scoring
from scores.changes import Line
from scores.explaining import Explanation
from scores.models import Enrolment, Entry, FileOpening, Inquiry, Score, ScoreChange, Source
from scores.services.publishing import card_of
from scores.services.rescoring import RESCORE_TOPIC, entries_of_each

POINT = scoring.POINT
READ_AT_ONCE: Final = 500
"""How many citizens' entries are held in memory at once."""


def batched(items: Iterable[int], size: int) -> Iterator[list[int]]:
    """The items in groups of `size`, the last perhaps smaller (`itertools.batched` from Python 3.12 on)."""
    them = iter(items)
    while group := list(islice(them, size)):
        yield group


def wrong_scores() -> Iterator[str]:
    """Every stored score that differs from a fresh computation of its own day and scorecard (P6).

    One whose rescoring is promised and not yet done is passed over, and one that differs is looked at again with its
    enrolment held: it may have been made again between two readings.
    """
    everybody = Score.objects.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=2000)
    for group in batched(everybody, READ_AT_ONCE):
        for citizen_id in _not_following(group):
            with transaction.atomic():
                held = Enrolment.objects.select_for_update(no_key=True).filter(pk=citizen_id).first()
                if held is not None and citizen_id not in _promised() and _not_following([citizen_id]):
                    yield f"score {citizen_id}"


def _not_following(citizen_ids: Sequence[int]) -> list[int]:
    """Those of these citizens whose stored score is not what their entries make it."""
    entries = entries_of_each(citizen_ids)
    scores = Score.objects.select_related("scorecard").defer("scorecard__document", "compared_with")
    return [
        score.pk
        for score in scores.filter(pk__in=citizen_ids).order_by("pk")
        if not score.follows_from(scoring.score(card_of(score.scorecard), entries[score.pk], score.as_of))
    ]


def _promised() -> set[int]:
    """The citizens whose scores are about to be made again."""
    waiting = OutboxMessage.objects.filter(topic=RESCORE_TOPIC, done_at=None, dead_at=None).values_list(
        "payload", flat=True
    )
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
    """Every kept explanation whose lines do not add up to its value, or whose totals are not the ones kept with it."""
    for score in Score.objects.order_by("pk").iterator(chunk_size=200):
        if score.compared_with is None:
            continue  # made with everybody's (`scores.services.runs`)
        explanation = Explanation.from_document(score.compared_with)
        if not adds_up(explanation) or explanation.totals != score.kept:
            yield f"explanation kept with score {score.pk}"


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


def openings_untold() -> Iterator[str]:
    """Every file that an operator opened of which its citizen cannot read (P9)."""
    looks = Inquiry.objects.filter(
        what=Inquiry.What.FILE_OPENED,
        asker_kind=Inquiry.AskedBy.OPERATOR,
        enrolment__in=FileOpening.objects.values("enrolment"),
    )
    told = set(looks.values_list("enrolment_id", "asker_id"))
    for opening in FileOpening.objects.select_related("operator").order_by("pk"):
        if (opening.enrolment_id, opening.operator.public_id) not in told:
            yield f"file opening {opening.pk}"
