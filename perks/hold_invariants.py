"""What is true of money held on cards at every moment; `verify_invariants` looks for a row that breaks it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce

from citizen_app.invariants import invariant
from perks import holds
from perks.models import DepositHold, HoldMovement, StripeCall
from perks.models.deposits import ENDED

ON_THE_MERCHANTS_ACCOUNT = (
    "open_hold_page",
    "hold_again",
    "capture_hold",
    "release_hold",
    "refund_hold",
    "forget_card",
)


@invariant("What a hold says was held, captured, let go, given and taken back are the sums of its movements.")
def _holds_are_what_moved() -> Iterator[str]:
    moved: defaultdict[object, dict[str, int]] = defaultdict(dict)
    sums = HoldMovement.objects.values_list("hold", "kind").annotate(sum=Sum("amount")).order_by()
    for hold, kind, amount in sums.iterator():
        moved[hold][kind] = amount
    for one in DepositHold.objects.iterator():
        said = holds.sums_of(
            one.state,
            amount=one.amount,
            was_held=one.held_at is not None,
            captured=one.captured_amount,
            given_back=one.refunded_amount,
            taken_back=one.taken_back_amount,
        )
        if {kind: amount for kind, amount in said.items() if amount} != {k: v for k, v in moved[one.pk].items() if v}:
            yield f"hold {one.pk}: says {said}, moved {moved[one.pk]}"


@invariant("What is given back of a hold are its refunds that did not fail.")
def _given_back_are_its_refunds() -> Iterable[str]:
    standing = Sum("refunds__amount", filter=~Q(refunds__state="failed"))
    wrong = DepositHold.objects.annotate(real=Coalesce(standing, 0)).exclude(real=F("refunded_amount"))
    return (f"hold {pk}" for pk in wrong.values_list("pk", flat=True).iterator())


@invariant(
    "A hold is of what is left of its agreement, and no more of it is captured than the agreement was settled at."
)
def _holds_are_of_their_agreements() -> Iterable[str]:
    fitting = Q(amount=F("agreement__remainder_amount"), currency=F("agreement__currency"))
    within = Q(to_capture__isnull=True) | Q(to_capture__lte=F("agreement__settled_amount"))
    wrong = DepositHold.objects.exclude(fitting & within)
    return (f"hold {pk}" for pk in wrong.values_list("pk", flat=True).iterator())


@invariant("Nothing stays held, or asked for, of an agreement that is over.")
def _nothing_is_held_for_nothing() -> Iterable[str]:
    left = DepositHold.objects.filter(state__in=[*holds.ASKED, holds.HELD], agreement__state__in=ENDED)
    return (f"hold {pk}" for pk in left.values_list("pk", flat=True).iterator())


@invariant("A citizen's card is held and charged on a merchant's own account, never on the platform's.")
def _the_platform_holds_nothing() -> Iterator[str]:
    for hold in DepositHold.objects.filter(account_id="").values_list("pk", flat=True):
        yield f"hold {hold}"
    ours = StripeCall.objects.filter(operation__in=ON_THE_MERCHANTS_ACCOUNT, account="")
    for call in ours.values_list("pk", flat=True):
        yield f"call {call}"
