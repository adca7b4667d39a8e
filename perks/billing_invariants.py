"""What is true of merchants' bills at every moment; `verify_invariants` looks for a row that breaks it."""

from collections.abc import Iterable, Iterator

from django.db.models import Exists, F, OuterRef, Q

from citizen_app.invariants import invariant
from citizen_app.public_ids import public_id_of
from perks.models import BillingCustomer, Merchant, Redemption, Scan, Subscription, UsedPerk


@invariant("A merchant's redemptions are counted while it has a plan, and only then.")
def _billed_is_who_has_a_plan() -> Iterable[str]:
    plans = Subscription.objects.entitling().filter(merchant=OuterRef("pk"))
    wrong = Merchant.objects.annotate(has_plan=Exists(plans)).exclude(has_plan=F("is_billed"))
    return (f"merchant {pk}" for pk in wrong.values_list("pk", flat=True).iterator())


@invariant("Each redemption that is billed is its merchant's own and was accepted at a desk.")
def _billed_was_verified() -> Iterable[str]:
    accepted = Scan.objects.filter(redemption=OuterRef("redemption"), outcome=Scan.Outcome.ACCEPTED)
    lines = UsedPerk.objects.annotate(was_accepted=Exists(accepted))
    wrong = lines.filter(Q(was_accepted=False) | ~Q(redemption__merchant=F("merchant")))
    return (f"use {pk}" for pk in wrong.values_list("pk", flat=True).iterator())


@invariant("Each redemption that is billed is told to Stripe under a key of its own.")
def _each_use_has_its_call() -> Iterator[str]:
    for pk, redemption_id, key in UsedPerk.objects.values_list("pk", "redemption_id", "call__key").iterator():
        if key != f"meter:{public_id_of(Redemption.prefix, redemption_id)}":
            yield f"use {pk}: {key}"


@invariant("Stripe has counted the redemptions it was told, as it was last compared.")
def _stripe_counts_what_it_was_told() -> Iterable[str]:
    differing = BillingCustomer.objects.exclude(usage_difference=0).values_list("merchant_id", "usage_difference")
    return (f"merchant {pk}: {difference:+d}" for pk, difference in differing.iterator())
