"""What the next row of the history compares with: the explanation of the row before it.

It is kept beside the score by whoever rescored one citizen. A run over everybody keeps no explanations: there the
entries themselves are the memory, because they are append-only and every change of their status is on record.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Max

from scores import scoring
from scores.explaining import Explanation
from scores.models import EntryStatusChange, Link, Score, ScoreChange
from scores.services.publishing import card_of_version


class Memory:
    """What is on record about some citizens of whom no explanation was kept (three statements for any number)."""

    def __init__(self, citizen_ids: Collection[int]) -> None:
        self._last: dict[int, ScoreChange] = {}
        self._changes: dict[int, list[tuple[int, datetime, str]]] = {}
        self._switches: dict[int, list[tuple[Any, bool, datetime]]] = {}
        if not citizen_ids:
            return
        rows = ScoreChange.objects.filter(enrolment_id__in=citizen_ids)
        newest = rows.order_by().values("enrolment_id").annotate(newest=Max("id")).values("newest")
        self._last = {change.enrolment_id: change for change in ScoreChange.objects.filter(id__in=newest)}
        since = min((change.at for change in self._last.values()), default=None)
        if since is None:
            return
        changes = EntryStatusChange.objects.filter(entry__enrolment_id__in=citizen_ids, at__gte=since).order_by("-id")
        for citizen_id, entry_id, at, was in changes.values_list("entry__enrolment_id", "entry_id", "at", "was"):
            self._changes.setdefault(citizen_id, []).append((entry_id, at, was))
        links = Link.objects.filter(enrolment_id__in=citizen_ids, since__gte=since)
        for citizen_id, source, is_on, at in links.values_list("enrolment_id", "source__code", "is_on", "since"):
            self._switches.setdefault(citizen_id, []).append((source, is_on, at))

    def explanation(self, score: Score, entries: Sequence[scoring.Entry]) -> Explanation | None:
        """The explanation of the score's latest row, made again; None where that has no value, or there is no row.

        Where it cannot be made again exactly (a source was switched twice, say), its totals are all that is known.
        """
        last = self._last.get(score.pk)
        if last is None or last.value is None:
            return None
        as_of = last.at.astimezone(UTC).date()
        card = card_of_version(last.scorecard_version)
        for then in self._as_they_were(score, entries, last.at):
            result = scoring.score(card, then, as_of)
            if result.value == last.value and result.explanation.totals == score.kept:
                return result.explanation
        return Explanation.of_totals(score.kept, scorecard=last.scorecard_version, as_of=as_of, value=last.value)

    def _as_they_were(
        self, score: Score, entries: Sequence[scoring.Entry], last_at: datetime
    ) -> Iterator[list[scoring.Entry]]:
        """The entries the latest row knew, with the statuses and switches of that time.

        What happened in the very moment of the row may have come before or after it: both are tried.
        """
        changes, switches = self._changes.get(score.pk, []), self._switches.get(score.pk, [])
        known = [entry for entry in entries if score.compared_upto is None or entry.id <= score.compared_upto]
        for undone in (lambda at: at > last_at, lambda at: at >= last_at):
            statuses = {entry_id: was for entry_id, at, was in changes if undone(at)}
            are_on = {source: not is_on for source, is_on, since in switches if undone(since)}
            yield [
                entry._replace(status=statuses.get(entry.id, entry.status), is_on=are_on.get(entry.source, entry.is_on))
                for entry in known
            ]


def explanation_kept(score: Score, entries: Sequence[scoring.Entry]) -> Explanation | None:
    """The explanation of the score's latest row of history; None where that has no value, or there is no row yet.

    `entries` are the citizen's as they are now; the caller holds the score's row.
    """
    if score.compared_with is not None:
        return Explanation.from_document(score.compared_with)
    return Memory([score.pk]).explanation(score, entries)
