"""Where a score stands among all: read from a table made once a day, which names and counts nobody (P4)."""

from datetime import date, datetime
from functools import lru_cache
from typing import Final

from django.db.models import Count

from scores.models import Score, ScoreDistribution
from scores.services.publishing import current_scorecard
from scores.services.rescoring import scoring_day

LEAST_PEOPLE: Final = 1_000
"""Among fewer scored people a percentile would say too much about each of them."""


def count_scores(*, now: datetime) -> int:
    """Work out once a day where each score stands; 1 where that was done now, else 0."""
    today = scoring_day(now)
    if ScoreDistribution.objects.filter(counted_on=today).exists():
        return 0
    rows = Score.objects.filter(state=Score.State.SCORED).values("value").annotate(people=Count("pk")).order_by()
    people: dict[int, int] = {row["value"]: row["people"] for row in rows if row["value"] is not None}
    ScoreDistribution.objects.get_or_create(counted_on=today, defaults={"percents": _percents(people)})
    ScoreDistribution.objects.filter(counted_on__lt=today).delete()
    return 1


def _percents(people: dict[int, int]) -> dict[str, int]:
    """For each score of the range: the share of lower ones, half of those with the same counted in."""
    total = sum(people.values())
    if total < LEAST_PEOPLE:
        return {}
    card = current_scorecard().card
    lower, percents = 0, {}
    for value in range(min(card.rounded(card.least), *people), max(card.rounded(card.most), *people) + 1):
        same = people.get(value, 0)
        percents[str(value)] = (200 * lower + 100 * same) // (2 * total)
        lower += same
    return percents


def percentile_of(value: int | None) -> int | None:
    """The share of people with a lower score, half of those with the same counted in, in whole percent.

    None without a score, and while fewer than 1,000 people have one.
    """
    latest = ScoreDistribution.objects.order_by("-counted_on").values_list("pk", "counted_on").first()
    return None if value is None or latest is None else _table(*latest).get(str(value))


@lru_cache(maxsize=4)
def _table(key: int, counted_on: date) -> dict[str, int]:
    """The table of a day, read once in a process."""
    found: dict[str, int] = ScoreDistribution.objects.values_list("percents", flat=True).get(pk=key)
    return found
