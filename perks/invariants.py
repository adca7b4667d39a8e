"""What is true of perks at every moment; `verify_invariants` looks for a row that breaks it."""

from collections import Counter
from collections.abc import Iterable, Iterator

from django.db.models import Count, F, Q

from citizen_app.invariants import invariant
from perks import hours, tiers
from perks.models import MakeGood, Perk, PerkDay, Redemption, Scan, ThresholdUse


@invariant("What a perk counts as taken are its redemptions that count for stock.")
def _stock_is_what_was_taken() -> Iterable[str]:
    counted = Perk.objects.annotate(real=Count("redemptions", filter=Q(redemptions__counts_for_stock=True)))
    wrong = counted.exclude(real=F("taken_count")).values_list("pk", "taken_count", "real")
    return (f"perk {pk}: counts {taken}, has {real}" for pk, taken, real in wrong.iterator())


@invariant("What a perk counts as spent is what its redemptions that count for limits cost.")
def _budget_is_what_was_spent() -> Iterator[str]:
    with_budget = Perk.objects.filter(Q(budget_amount__isnull=False) | ~Q(budget_spent=0))
    for perk in with_budget.iterator():
        counting = Redemption.objects.filter(perk=perk, counts_for_limits=True)
        spent = sum(tiers.cost_of(benefit) for benefit in counting.values_list("benefit", flat=True).iterator())
        if spent != perk.budget_spent:
            yield f"perk {perk.pk}: counts {perk.budget_spent}, has {spent}"


@invariant("What a day of a perk counts are the redemptions of that local day that count for stock.")
def _days_are_what_was_taken() -> Iterator[str]:
    for perk in Perk.objects.filter(limit_per_day__isnull=False).iterator():
        taken = Redemption.objects.filter(perk=perk, counts_for_stock=True).values_list("taken_at", flat=True)
        real = Counter(hours.local_day(instant, perk.zone) for instant in taken.iterator())
        for day, counted in PerkDay.objects.filter(perk=perk).values_list("day", "taken_count"):
            if real[day] != counted:
                yield f"perk {perk.pk} on {day}: counts {counted}, has {real[day]}"


@invariant("A redeemed discount or priority has exactly one accepted scan that stands, and no other has any.")
def _redeemed_was_scanned() -> Iterable[str]:
    standing = Count("scans", filter=Q(scans__outcome=Scan.Outcome.ACCEPTED, scans__undone_at=None))
    redemptions = Redemption.objects.filter(perk__kind__in=["discount", "priority"]).annotate(standing=standing)
    scanned = Q(state__in=[Redemption.State.REDEEMED, Redemption.State.REVERSED])
    wrong = redemptions.filter((scanned & ~Q(standing=1)) | (~scanned & Q(standing__gt=0)))
    return (f"redemption {pk} ({state})" for pk, state in wrong.values_list("pk", "state").iterator())


@invariant("A redemption and its scans belong to one merchant.")
def _scans_stay_at_their_merchant() -> Iterable[str]:
    strangers = Scan.objects.filter(redemption__isnull=False).exclude(merchant=F("redemption__merchant"))
    return (f"scan {pk}" for pk in strangers.values_list("pk", flat=True).iterator())


@invariant("What is in force was approved by an operator.")
def _in_force_is_approved() -> Iterable[str]:
    unread = Perk.objects.filter(in_force__isnull=False, in_force__approved_at=None)
    return (f"perk {pk}" for pk in unread.values_list("pk", flat=True).iterator())


@invariant("Thresholds one merchant uses for one purpose at the same time are equal or at least 40 points apart.")
def _thresholds_are_far_apart() -> Iterator[str]:
    uses = ThresholdUse.objects.filter(used_until=None).order_by("merchant_id", "purpose", "min_score")
    before: tuple[object, str, int] | None = None
    for merchant, purpose, min_score in uses.values_list("merchant_id", "purpose", "min_score").iterator():
        if before and before[:2] == (merchant, purpose) and 0 < min_score - before[2] < tiers.LEAST_APART:
            yield f"merchant {merchant}, {purpose}: {before[2]} and {min_score}"
        before = (merchant, purpose, min_score)


@invariant("A make-good that was taken is its citizen's redemption of the same perk, version and benefit.")
def _make_goods_are_what_was_offered() -> Iterator[str]:
    taken = MakeGood.objects.filter(redemption__isnull=False).select_related("redemption")
    for make_good in taken.iterator():
        got = make_good.redemption
        offered = (make_good.citizen_id, make_good.perk_id, make_good.version_id, make_good.benefit)
        if got is not None and (got.citizen_id, got.perk_id, got.version_id, got.benefit) != offered:
            yield f"make-good {make_good.pk}"
