"""How somebody would have stood at an instant in the past, had some records not counted, or been the right ones.

Only what was recorded by then counts, with the status it had then, under the scorecard in force then. The switches are
today's: what a person has switched off is not used for anything, not even for a look back (P2). Records that have
lapsed and are erased are gone from the past as well (P8).
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from scores import catalogue, scoring
from scores.models import Entry, EntryStatusChange, Scorecard
from scores.scorecard import Scorecard as Card
from scores.services.publishing import card_of
from scores.services.rescoring import scoring_day

DISPUTE = "dispute"


class Remembered(NamedTuple):
    """One record with what a look back asks: when it arrived, which one it replaced, and its former statuses."""

    entry: scoring.Entry
    recorded_at: datetime
    replaces: int | None
    left: tuple[tuple[datetime, str], ...]
    """When it left which status, the earliest first."""

    def status_at(self, at: datetime) -> str:
        return next((was for left_at, was in self.left if left_at > at), self.entry.status)


class Past:
    """Everything recorded about one citizen, read once (three statements), to look back at as often as wanted."""

    def __init__(self, *, citizen_id: int) -> None:
        left: dict[int, list[tuple[datetime, str]]] = {}
        struck_by_dispute = set()
        changes = EntryStatusChange.objects.filter(entry__enrolment_id=citizen_id).order_by("at", "id")
        for entry_id, at, was, became, why in changes.values_list("entry_id", "at", "was", "became", "why"):
            left.setdefault(entry_id, []).append((at, was))
            if became == Entry.Status.STRUCK and (was == Entry.Status.DISPUTED or why == DISPUTE):
                struck_by_dispute.add(entry_id)
        self.remembered = {
            entry.id: Remembered(entry, recorded_at, replaces, tuple(left.get(entry.id, ())))
            for entry, recorded_at, replaces in _entries(citizen_id)
        }
        self.found_wrong = frozenset(struck_by_dispute)
        """The records that were struck by a dispute, or while one was open."""
        self._scorecards = list(
            Scorecard.objects.filter(published_at__isnull=False)
            .only("pk", "sha256", "published_at")
            .order_by("published_at", "pk")
        )

    def corrections_of(self, entry_ids: Collection[int]) -> frozenset[int]:
        """The records that came in the place of these."""
        return frozenset(key for key, one in self.remembered.items() if one.replaces in entry_ids)

    def card_at(self, at: datetime) -> Card:
        """The scorecard in force at an instant; before the first one, the first one."""
        published = [row for row in self._scorecards if row.published_at and row.published_at <= at]
        return card_of(published[-1] if published else self._scorecards[0])

    def score_at(
        self,
        at: datetime,
        *,
        without: Collection[int] = (),
        corrected: Collection[int] = (),
        undisputed: Collection[int] = (),
    ) -> scoring.Scoring:
        """The score of that day without some records, with corrected ones in their place.

        A record of `corrected` stands where the one it replaces stood, if that was there by then. Those of
        `undisputed` count as if nobody had disputed them.
        """
        wrong = {self.remembered[key].replaces for key in corrected if key in self.remembered} | set(without)
        standing: list[scoring.Entry] = []
        for key, one in self.remembered.items():
            if key in corrected:
                standing.extend(self._corrected(one, at))
            elif key not in wrong and one.recorded_at <= at:
                status = scoring.ACTIVE if key in undisputed else one.status_at(at)
                standing.append(one.entry._replace(status=status))
        return scoring.score(self.card_at(at), standing, scoring_day(at))

    def _corrected(self, one: Remembered, at: datetime) -> Iterable[scoring.Entry]:
        entry = one.entry._replace(status=scoring.ACTIVE)
        wrong = self.remembered.get(one.replaces) if one.replaces is not None else None
        if wrong is None:
            yield entry
        elif wrong.recorded_at <= at:
            yield entry._replace(id=wrong.entry.id)


def _entries(citizen_id: int) -> Iterable[tuple[scoring.Entry, datetime, int | None]]:
    rows = (
        Entry.objects.of(citizen_id)
        .order_by("id")
        .values_list(
            "id",
            "kind_number",
            "occurred_on",
            "lapses_on",
            "value",
            "status",
            "link__source__code",
            "link__is_on",
            "recorded_at",
            "replaces_id",
        )
    )
    for key, number, occurred_on, lapses_on, value, status, source, is_on, recorded_at, replaces in rows:
        kind = catalogue.kind_of_number(number).code
        entry = scoring.Entry(key, kind, occurred_on, lapses_on, value, status, source, is_on)
        yield entry, recorded_at, replaces
