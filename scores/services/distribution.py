"""Where a score stands among all: read from a table counted once a day, which names nobody (P4)."""

from datetime import date, datetime
from functools import lru_cache
from typing import Final

from django.db.models import Count

from scores.models import Score, ScoreDistribution
from scores.services.rescoring import scoring_day

LEAST_PEOPLE: Final = 1_000
"""Among fewer scored people a percentile would say too much about each of them."""


def count_scores(*, now: datetime) -> int:
    """Count once a day how many people have each score; how many have one, or 0 where it was counted today."""
    today = scoring_day(now)
    if ScoreDistribution.objects.filter(counted_on=today).exists():
        return 0
    by_value = Score.objects.filter(state=Score.State.SCORED).values("value").annotate(people=Count("pk")).order_by()
    counts = {str(row["value"]): row["people"] for row in by_value}
    total = sum(counts.values())
    ScoreDistribution.objects.get_or_create(counted_on=today, defaults={"total_count": total, "counts": counts})
    ScoreDistribution.objects.filter(counted_on__lt=today).delete()
    return total


def percentile_of(value: int | None) -> int | None:
    """The share of people with a lower score, half of those with the same counted in, in whole percent.

    None without a score, and while fewer than 1,000 people have one.
    """
    if value is None:
        return None
    latest = ScoreDistribution.objects.order_by("-counted_on").values_list("pk", "counted_on").first()
    return None if latest is None else _percentile(*latest, value)


@lru_cache(maxsize=2048)
def _percentile(key: int, counted_on: date, value: int) -> int | None:
    table = ScoreDistribution.objects.filter(pk=key).values_list("total_count", "counts").first()
    if table is None or table[0] < LEAST_PEOPLE:
        return None
    total, counts = table
    lower = sum(people for score, people in counts.items() if int(score) < value)
    return (200 * lower + 100 * int(counts.get(str(value), 0))) // (2 * total)
