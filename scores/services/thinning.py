"""History is kept whole for 24 months, then one value a month (P8)."""

from datetime import UTC, datetime, time
from itertools import groupby
from typing import Final

from django.db import transaction

from scores.changes import Line
from scores.models import Enrolment, ScoreChange
from scores.services.rescoring import scoring_day
from scores.thinning import Step, thin

KEPT_WHOLE: Final = 24
"""How many months before the present one keep every row."""


def thin_history(*, now: datetime, limit: int) -> int:
    """Thin the history of the people behind up to `limit` rows older than 24 months; return how many rows were read.

    Whole months only, a citizen at a time. Each row is read once: what is kept of it is marked, so that the next run
    asks only for what has grown old since.
    """
    until = kept_whole_from(now)
    old = ScoreChange.objects.filter(is_monthly=False, at__lt=until).order_by("at", "pk")
    citizen_ids = sorted(set(old.values_list("enrolment_id", flat=True)[:limit]))
    return sum(_thin(citizen_id, until=until) for citizen_id in citizen_ids)


def kept_whole_from(now: datetime) -> datetime:
    """The moment from which every row is kept: the beginning (UTC) of the month 24 months ago."""
    today = scoring_day(now)
    years, month = divmod(12 * today.year + today.month - 1 - KEPT_WHOLE, 12)
    return datetime.combine(today.replace(year=years, month=month + 1, day=1), time(), tzinfo=UTC)


@transaction.atomic
def _thin(citizen_id: int, *, until: datetime) -> int:
    if not Enrolment.objects.select_for_update(no_key=True).filter(pk=citizen_id).values_list("pk"):
        return 0
    rows = list(ScoreChange.objects.filter(enrolment_id=citizen_id, is_monthly=False, at__lt=until).order_by("pk"))
    changed, dropped = [], []
    for _, one_month in groupby(rows, key=lambda row: row.at.astimezone(UTC).timetuple()[:2]):
        month = list(one_month)
        if len(month) == 1:
            continue
        kept = thin([Step(row.previous, row.value, [*map(Line.from_document, row.lines)]) for row in month])
        for place, row in enumerate(month):
            if place not in kept:
                dropped.append(row.pk)
                continue
            step = kept[place]
            row.previous, row.difference = step.previous, step.difference
            row.lines = [line.to_document() for line in step.lines]
            changed.append(row)
    ScoreChange.objects.filter(pk__in=dropped).delete()
    ScoreChange.objects.bulk_update(changed, ["previous", "difference", "lines"], batch_size=200)
    ScoreChange.objects.filter(pk__in=[row.pk for row in rows]).update(is_monthly=True)
    return len(rows)
