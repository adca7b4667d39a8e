"""Leaving: what perks erase about a person, and what they keep until it is used, given back or over (P10)."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from citizen_app.accounts.erasure import Erasure, Kept, erases
from citizen_app.models import Citizen
from perks.models import MakeGood, Redemption, RefusedAttempt
from perks.models.deposits import ENDED as DEPOSIT_ENDED
from perks.services.keeping import let_go
from perks.services.reporting import erase_reports

MOST_AT_ONCE: Final = 1000
KEPT_AFTER_CLOSING: Final = timedelta(hours=1)
"""How long a redemption of somebody who left keeps them after it closed: a desk may undo its scan meanwhile."""


@erases
def erase_perk_traces(*, citizen: Citizen, now: datetime) -> Erasure:
    """Take the person out of what is closed, erase the refusals and what made them good, and honour what is reserved.

    How often limited perks of value were used is kept beside it, under marks that name nobody (`usage_marks`).
    """
    own = Redemption.objects.filter(citizen=citizen)
    # Held before anything is read: a desk that takes a scan back at this moment does so before all of it or after, so
    # that what is open again is not passed over by both statements below and keeps its citizen for ever.
    list(own.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True))
    is_open = own.filter(state=Redemption.State.RESERVED, expires_at__gt=now)
    kept = [
        Kept(
            what=f"the reservation {redemption.public_id}",
            why="so that the merchant honours what you reserved",
            until=redemption.expires_at,
        )
        for redemption in is_open.order_by("pk")
    ]
    # An open deposit agreement keeps its redemption, too.
    with_open_deposit = Q(deposit__isnull=False) & ~Q(deposit__state__in=DEPOSIT_ENDED)
    in_use = list(own.filter(with_open_deposit).values_list("pk", flat=True))
    own.filter(Q(state=Redemption.State.RESERVED) | Q(pk__in=in_use)).update(forgets_citizen=True)
    closed = own.exclude(state=Redemption.State.RESERVED).exclude(pk__in=in_use)
    loosened = closed.update(citizen=None, booking_reference="")
    refused, _ = RefusedAttempt.objects.filter(citizen=citizen).delete()
    # Held first: what others give back meanwhile is kept for somebody else.
    offers = MakeGood.objects.filter(citizen=citizen).order_by("pk").select_for_update()
    kept_of = [perk_id for perk_id, is_kept in list(offers.values_list("perk_id", "is_kept")) if is_kept]
    made_good, _ = MakeGood.objects.filter(citizen=citizen).delete()
    reports = erase_reports(citizen)
    if reports:
        kept.append(
            Kept(
                what="that a perk was reported and on which ground, without who reported it or what they wrote",
                why="so that an operator can still look into it",
            )
        )
    # What was kept for them goes to who waits for it; perks' rows come last.
    let_go(kept_of, now=now)
    if loosened:
        kept.append(
            Kept(
                what="that a perk was taken and used, without who took it",
                why="so that the merchant's stock and reports add up",
            )
        )
    erased = {"redemptions": loosened, "refused_attempts": refused, "make_goods": made_good, "reports": reports}
    return Erasure(erased=erased, kept=kept)


def forget_those_who_left(*, now: datetime) -> int:
    """Take the people who left out of what was still open then and has closed since; return how many rows."""
    closed = Redemption.objects.filter(forgets_citizen=True, closed_at__lte=now - KEPT_AFTER_CLOSING)
    over = closed.filter(Q(deposit__isnull=True) | Q(deposit__state__in=DEPOSIT_ENDED))
    gone = Redemption.objects.filter(pk__in=list(over.values_list("pk", flat=True)[:MOST_AT_ONCE]))
    return gone.update(citizen=None, booking_reference="", forgets_citizen=False)
