"""What the next row of the history compares with: the explanation of the row before it.

It is kept beside the score by whoever rescored one citizen. A run over everybody keeps no explanations: there the
entries themselves are the memory, because they are append-only and every change of their status is on record.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC

from scores import scoring
from scores.explaining import Explanation
from scores.models import EntryStatusChange, Link, Score, ScoreChange
from scores.services.publishing import card_of_version


def explanation_kept(score: Score, entries: Sequence[scoring.Entry]) -> Explanation | None:
    """The explanation of the score's latest row of history; None where that has no value, or there is no row yet.

    `entries` are the citizen's as they are now; the caller holds the score's row. Where the explanation was not kept
    and cannot be made again exactly (a source was switched twice, say), its totals are all that is known.
    """
    if score.compared_with is not None:
        return Explanation.from_document(score.compared_with)
    if score.revision == 0:
        return None
    last = ScoreChange.objects.filter(enrolment_id=score.pk).order_by("-id").first()
    if last is None or last.value is None:
        return None
    as_of = last.at.astimezone(UTC).date()
    card = card_of_version(last.scorecard_version)
    for then in _as_they_were(score, entries, last):
        result = scoring.score(card, then, as_of)
        if result.value == last.value and result.explanation.totals == score.kept:
            return result.explanation
    return Explanation.of_totals(score.kept, scorecard=last.scorecard_version, as_of=as_of, value=last.value)


def _as_they_were(score: Score, entries: Sequence[scoring.Entry], last: ScoreChange) -> Iterator[list[scoring.Entry]]:
    """The entries the latest row knew, with the statuses and switches of that time.

    What happened in the very moment of the row may have come before or after it: both are tried.
    """
    changes = list(
        EntryStatusChange.objects.filter(entry__enrolment_id=score.pk, at__gte=last.at)
        .order_by("-id")
        .values_list("entry_id", "at", "was")
    )
    switches = list(
        Link.objects.filter(enrolment_id=score.pk, since__gte=last.at).values_list("source__code", "is_on", "since")
    )
    known = [entry for entry in entries if score.compared_upto is None or entry.id <= score.compared_upto]
    for undone in (lambda at: at > last.at, lambda at: at >= last.at):
        statuses = {entry_id: was for entry_id, at, was in changes if undone(at)}
        are_on = {source: not is_on for source, is_on, since in switches if undone(since)}
        yield [
            entry._replace(status=statuses.get(entry.id, entry.status), is_on=are_on.get(entry.source, entry.is_on))
            for entry in known
        ]
