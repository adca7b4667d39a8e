"""What somebody reaches only thanks to an open dispute: money is not given before the dispute ended well (P7).

A gift card or a deposit waiver taken so is reserved, and honoured when the dispute ends well or its thirty days pass;
it is given back when it was decided otherwise. Everything else is given at once: the doubt is the citizen's.
"""

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from citizen_app.accounts.erasure import Erasure, erases
from citizen_app.models import Citizen
from perks import eligibility, tiers
from perks.models import Perk, Redemption
from perks.services.kinds import rules_of
from perks.services.releases import close_redemption
from perks.services.telling import tell_redemption
from scores import assessments

WAITING_KINDS: Final = frozenset({Perk.Kind.GIFT_CARD, Perk.Kind.DEPOSIT_WAIVER})


def pending_until(*, citizen: Citizen, perk: Perk, tier: tiers.Tier, now: datetime) -> datetime | None:
    """Until when what is taken now waits for a dispute; None where it is reached without any."""
    if perk.kind not in WAITING_KINDS or tier.min_score is None:
        return None
    ends_at = assessments.doubt_ends_at(citizen)
    if ends_at is None or ends_at <= now or _is_reached(citizen, perk.purpose, tier, now):
        return None
    return ends_at


@transaction.atomic
def decide_pending(*, redemption: Redemption, now: datetime | None = None) -> Redemption:
    """Honour what waited, give it back, or let it wait on, as its citizen's disputes stand now. Safe twice."""
    now = now or timezone.now()
    if redemption.citizen_id is not None:
        assessments.hold(Citizen(pk=redemption.citizen_id))
    held: Redemption = (
        Redemption.objects.select_for_update(of=("self",))
        .select_related("perk", "version", "merchant", "citizen")
        .get(pk=redemption.pk)
    )
    if held.pending_until is None or held.state != Redemption.State.RESERVED or held.citizen is None:
        return held
    tier = tiers.Tier(held.min_score, held.benefit)
    if held.pending_until <= now or _is_reached(held.citizen, held.perk.purpose, tier, now):
        _honour(held, now)
    elif eligibility.tier_reached((tier,), held.perk.purpose, assessments.assess(held.citizen, now=now)) is None:
        give_back(held, now=now)
    return held


def decide_pending_of(*, citizen: Citizen, now: datetime | None = None) -> int:
    """The same for everything of one person that waits; return how many were looked at."""
    waiting = list(Redemption.objects.filter(citizen=citizen, pending_until__isnull=False).order_by("pk"))
    for redemption in waiting:
        decide_pending(redemption=redemption, now=now)
    return len(waiting)


def honour_what_waited(*, now: datetime, limit: int = 500) -> int:
    """Honour what waited for the whole time of its dispute; return how many."""
    over = Redemption.objects.filter(pending_until__lte=now, state=Redemption.State.RESERVED).order_by("pending_until")
    waiting = list(over[:limit])
    for redemption in waiting:
        decide_pending(redemption=redemption, now=now)
    return len(waiting)


def give_back(redemption: Redemption, *, now: datetime) -> bool:
    """Cancel what waited, and return all of it whatever its policy says: nobody chose to cancel."""
    redemption.release = {**redemption.release, "on_cancel": Perk.Release.ALL.value}
    return close_redemption(redemption, "cancel", now=now, release=redemption.release, pending_until=None)


@erases
def give_back_on_leaving(*, citizen: Citizen, now: datetime) -> Erasure:
    """Leaving takes back the disputes too, and with them what only they had opened."""
    waiting = Redemption.objects.filter(citizen=citizen, pending_until__isnull=False, state=Redemption.State.RESERVED)
    for redemption in waiting.select_related("perk", "merchant"):
        give_back(redemption, now=now)
    return Erasure()


def _is_reached(citizen: Citizen, purpose: str, tier: tiers.Tier, now: datetime) -> bool:
    """Whether the records reach it when nothing is disputed."""
    stood = assessments.assess_without_doubt(citizen, now=now)
    return eligibility.tier_reached((tier,), purpose, stood) is not None


def _honour(redemption: Redemption, now: datetime) -> None:
    changes: dict[str, Any] = {"pending_until": None}
    rules = rules_of(redemption.perk.kind)
    if rules.is_redeemed_when_taken:
        changes |= {"state": Redemption.State.REDEEMED, "closed_at": now, "sequence": F("sequence") + 1}
    Redemption.objects.filter(pk=redemption.pk, state=Redemption.State.RESERVED).update(**changes)
    redemption.refresh_from_db()
    if rules.is_redeemed_when_taken:
        rules.moved(redemption, "redeem", now=now)
        tell_redemption(redemption, now=now)
