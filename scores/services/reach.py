"""About how many people reach a threshold: a table made once a day, of everybody together, to the nearest five percent.

Merchants read it (P4): asking often tells no more, because the table stands for a day, and neighbouring thresholds
differ by whole steps of five percent or not at all.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from django.db.models import Count
from django.db.models.fields.json import KT

from scores.models import Reach, Score
from scores.scorecard import Scorecard as Card
from scores.services.distribution import LEAST_PEOPLE
from scores.services.publishing import current_scorecard
from scores.services.rescoring import scoring_day

STEP: Final = 10
"""Thresholds are multiples of this."""
TO_THE_NEAREST: Final = 5


@dataclass(frozen=True, slots=True)
class Share:
    """About how many percent of the people with a score reach a threshold, and when that was counted."""

    percent: int
    counted_on: date


def count_reach(*, now: datetime) -> int:
    """Work out once a day how many reach each threshold of each purpose; 1 where that was done now, else 0."""
    today = scoring_day(now)
    if Reach.objects.filter(counted_on=today).exists():
        return 0
    card = current_scorecard().card
    everybody = Score.objects.filter(state=Score.State.SCORED).count()
    percents: dict[str, dict[str, int]] = {}
    if everybody >= LEAST_PEOPLE:
        percents = {purpose.code: _percents(_people(purpose.code), everybody, card) for purpose in card.purposes}
    Reach.objects.get_or_create(counted_on=today, defaults={"percents": percents})
    Reach.objects.filter(counted_on__lt=today).delete()
    return 1


def _people(purpose: str) -> dict[int, int]:
    """How many people have each value for a purpose."""
    scored = Score.objects.filter(state=Score.State.SCORED)
    rows = scored.values(reached=KT(f"purposes__{purpose}__value")).annotate(people=Count("pk")).order_by()
    # Who has none has a null, which one of the databases writes out.
    return {int(row["reached"]): row["people"] for row in rows if str(row["reached"]).isdecimal()}


def _percents(people: dict[int, int], everybody: int, card: Card) -> dict[str, int]:
    first = -(-card.rounded(card.least) // STEP) * STEP
    percents = {}
    for threshold in range(first, card.rounded(card.most) + 1, STEP):
        reaching = sum(number for value, number in people.items() if value >= threshold)
        percents[str(threshold)] = TO_THE_NEAREST * ((40 * reaching + everybody) // (2 * everybody))
    return percents


def reach_of(*, purpose: str, threshold: int) -> Share | None:
    """About how many reach a threshold; None where it is not known: too few have a score, or it is no multiple of ten
    of the scale."""
    latest = Reach.objects.order_by("-counted_on").values_list("pk", "counted_on").first()
    if latest is None:
        return None
    percent = _table(*latest).get(purpose, {}).get(str(threshold))
    return None if percent is None else Share(percent, latest[1])


def reach_by_threshold(*, purpose: str) -> dict[int, int]:
    """The whole table of a purpose: threshold and percent; empty where it is not known."""
    latest = Reach.objects.order_by("-counted_on").values_list("pk", "counted_on").first()
    table = {} if latest is None else _table(*latest).get(purpose, {})
    return {int(threshold): percent for threshold, percent in table.items()}


@lru_cache(maxsize=4)
def _table(key: int, counted_on: date) -> dict[str, dict[str, int]]:
    """The table of a day, read once in a process."""
    found: dict[str, dict[str, int]] = Reach.objects.values_list("percents", flat=True).get(pk=key)
    return found
