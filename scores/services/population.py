"""Everybody's score with a scorecard, computed and not stored, in ranges of citizens."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from django.db.models import Count, Max

from scores import scoring
from scores.models import Enrolment, Entry
from scores.scorecard import Scorecard as Card
from scores.services.rescoring import _entries_of_each


class Result(NamedTuple):
    """What one citizen would have; `factors` in micro-points, thin files too. The last two say of which entries."""

    citizen_id: int
    counted: int
    state: str
    value: int | None
    factors: Mapping[str, int]
    purposes: Mapping[str, scoring.PurposeScore]
    last_entry_id: int | None
    entry_count: int


def results(card: Card, *, as_of: date, after: int, limit: int) -> Iterator[Result]:
    """The results of up to `limit` enrolled citizens, by ascending key, the first above `after` (three queries)."""
    enrolled = list(Enrolment.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit])
    known = {
        citizen_id: (last, count)
        for citizen_id, last, count in Entry.objects.filter(enrolment__in=enrolled)
        .values_list("enrolment")
        .annotate(Max("id"), Count("id"))
    }
    for citizen_id, entries in _entries_of_each(enrolled).items():
        scored = scoring.score(card, entries, as_of)
        last, count = known.get(citizen_id, (None, 0))
        yield Result(
            citizen_id=citizen_id,
            counted=scored.explanation.counted,
            state=scored.state,
            value=scored.value,
            factors=scored.factors,
            purposes=scored.purposes,
            last_entry_id=last,
            entry_count=count,
        )
