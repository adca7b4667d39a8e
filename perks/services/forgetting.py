"""Leaving: what perks erase about a person, and what they keep until it is used, given back or over (P10)."""

from datetime import datetime, timedelta
from typing import Final

from citizen_app.accounts.erasure import Erasure, Kept, erases
from citizen_app.models import Citizen
from perks.models import MakeGood, Redemption, RefusedAttempt

KEPT_AFTER_CLOSING: Final = timedelta(hours=1)
"""How long a redemption of somebody who left keeps them after it closed: a desk may undo its scan meanwhile."""


@erases
def erase_perk_traces(*, citizen: Citizen, now: datetime) -> Erasure:
    """Take the person out of what is closed, erase the refusals and what made them good, and honour what is reserved.

    Perks that need a document, whose use would be marked under the person key, cannot be taken yet: no mark is kept.
    """
    own = Redemption.objects.filter(citizen=citizen)
    is_open = own.filter(state=Redemption.State.RESERVED, expires_at__gt=now)
    kept = [
        Kept(
            what=f"the reservation {redemption.public_id}",
            why="so that the merchant honours what you reserved",
            until=redemption.expires_at,
        )
        for redemption in is_open.order_by("pk")
    ]
    own.filter(state=Redemption.State.RESERVED).update(forgets_citizen=True)
    loosened = own.exclude(state=Redemption.State.RESERVED).update(citizen=None, booking_reference="")
    refused, _ = RefusedAttempt.objects.filter(citizen=citizen).delete()
    made_good, _ = MakeGood.objects.filter(citizen=citizen).delete()
    if loosened:
        kept.append(
            Kept(
                what="that a perk was taken and used, without who took it",
                why="so that the merchant's stock and reports add up",
            )
        )
    return Erasure(erased={"redemptions": loosened, "refused_attempts": refused, "make_goods": made_good}, kept=kept)


def forget_those_who_left(*, now: datetime) -> int:
    """Take the people who left out of what was still open then and has closed since; return how many rows."""
    closed = Redemption.objects.filter(forgets_citizen=True, closed_at__lte=now - KEPT_AFTER_CLOSING)
    return closed.update(citizen=None, booking_reference="", forgets_citizen=False)
