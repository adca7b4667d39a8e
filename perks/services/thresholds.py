"""The probing rule over one merchant's perks: thresholds are far apart, seldom moved and within reach (P4)."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Count, F, Max, Q

from perks import tiers
from perks.errors import ThresholdMovedRecently, ThresholdNearAnEnd, ThresholdsTooClose, ThresholdUnreachable
from perks.models import MakeGood, Merchant, Perk, ThresholdUse
from scores import assessments


def check_thresholds(*, perk: Perk, wanted: Collection[tiers.Tier], now: datetime) -> None:
    """Refuse thresholds that nobody can reach, or that would let the merchant's yeses close in on a person.

    Holds the merchant's row until the transaction ends: two perks published at the same moment are judged one after
    the other.
    """
    thresholds = sorted(tier.min_score for tier in wanted if tier.min_score is not None)
    maximum = assessments.maximum_of(perk.purpose)
    for threshold in thresholds:
        if threshold > maximum:
            raise ThresholdUnreachable(min_score=threshold, maximum=maximum)
    least, most = tiers.bounds_of_thresholds(assessments.minimum_of(perk.purpose), maximum)
    for threshold in thresholds:
        if not least <= threshold <= most:
            raise ThresholdNearAnEnd(min_score=threshold, least=least, most=most)
    Merchant.objects.select_for_update(no_key=True, of=("self",)).get(pk=perk.merchant_id)
    facts = _facts(perk, now)
    for threshold in thresholds:
        if conflict := tiers.probing_conflict(threshold, facts, now=now):
            raise ThresholdsTooClose(
                f"{threshold} is {abs(threshold - conflict.min_score)} points from the {conflict.min_score} of "
                f"“{conflict.title}”.",
                min_score=threshold,
                other={
                    "id": Perk(pk=conflict.perk_id).public_id,
                    "title": conflict.title,
                    "min_score": conflict.min_score,
                },
            )
    in_use = set(ThresholdUse.objects.filter(perk=perk, used_until=None).values_list("min_score", flat=True))
    if perk.published_at is not None and in_use != set(thresholds):
        _check_pace(perk, now)


def use_thresholds(*, perk: Perk, wanted: Collection[tiers.Tier], now: datetime) -> None:
    """Write down which thresholds are in force from now on, and until when the others were."""
    thresholds = {tier.min_score for tier in wanted if tier.min_score is not None}
    in_use = ThresholdUse.objects.filter(perk=perk, used_until=None)
    in_use.exclude(min_score__in=thresholds).update(used_until=now)
    ThresholdUse.objects.bulk_create(
        ThresholdUse(merchant_id=perk.merchant_id, purpose=perk.purpose, perk=perk, min_score=min_score, used_from=now)
        for min_score in sorted(thresholds - set(in_use.values_list("min_score", flat=True)))
    )


def retire_thresholds(*, perk: Perk, now: datetime) -> None:
    """The perk has ended: its thresholds keep others away for another 90 days."""
    ThresholdUse.objects.filter(perk=perk, used_until=None).update(used_until=now)


def _check_pace(perk: Perk, now: datetime) -> None:
    uses = ThresholdUse.objects.filter(perk=perk).values_list("used_from", "used_until")
    moves = [until for _, until in uses if until is not None]
    moves += [since for since, _ in uses if perk.published_at is None or since > perk.published_at]
    may_move_from = tiers.may_move_from(moves, now=now)
    if may_move_from is not None:
        raise ThresholdMovedRecently(may_move_from=may_move_from.astimezone(UTC).isoformat().replace("+00:00", "Z"))


def _facts(perk: Perk, now: datetime) -> list[tiers.ThresholdFact]:
    remembered = Q(used_until=None) | Q(used_until__gt=now - tiers.REMEMBERED)
    uses = (
        ThresholdUse.objects.filter(remembered, merchant_id=perk.merchant_id, purpose=perk.purpose)
        .annotate(title=F("perk__in_force__title"))
        .values_list("perk_id", "title", "min_score", "used_until")
    )
    return [tiers.ThresholdFact(*use) for use in [*uses, *_made_good(perk, now)]]


def _made_good(perk: Perk, now: datetime) -> Iterator[tuple[UUID, str, int, datetime | None]]:
    """Thresholds of offers after a won dispute: whoever shows one reached it, however long ago it was in use."""
    offers = MakeGood.objects.filter(
        Q(closed_at=None) | Q(closed_at__gt=now - tiers.REMEMBERED),
        perk__merchant_id=perk.merchant_id,
        perk__purpose=perk.purpose,
        min_score__isnull=False,
    )
    found = offers.values_list("perk_id", "version__title", "min_score").annotate(
        open=Count("pk", filter=Q(closed_at=None)), closed=Max("closed_at")
    )
    for perk_id, title, min_score, still_open, closed_at in found.order_by():
        yield perk_id, title, min_score, None if still_open else closed_at
