"""What was reserved only thanks to a dispute that its citizen then took back: it is given back (P7).

Otherwise disputing, taking and withdrawing would open any perk. What was used by then stays used; what an operator or
the furnisher decided against the citizen takes nothing from them: the doubt was real.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from citizen_app.models import Citizen
from perks import eligibility, tiers
from perks.models import Redemption
from perks.services.releases import close_redemption
from scores import assessments


@transaction.atomic
def give_back_what_doubt_reserved(
    *, citizen: Citizen, entry_ids: Collection[int], opened_at: datetime, now: datetime | None = None
) -> int:
    """Cancel the open reservations, made since the dispute was opened, whose tier the undisputed records do not reach.

    Return how many. Safe twice; a scan that comes first wins.
    """
    now = now or timezone.now()
    if not assessments.hold(citizen):
        return 0
    held = Redemption.objects.filter(
        citizen=citizen,
        state=Redemption.State.RESERVED,
        expires_at__gt=now,
        taken_at__gte=opened_at,
        min_score__isnull=False,
        make_good__isnull=True,  # an offer made good is honoured whatever the score
    ).select_related("perk", "version")
    redemptions = list(held.order_by("pk"))
    past = assessments.hindsight_of(citizen) if redemptions else None
    if past is None:
        return 0
    given_back = 0
    for redemption in redemptions:
        stood = past.assess(redemption.taken_at, undisputed=entry_ids)
        taken = (tiers.Tier(redemption.min_score, redemption.benefit),)
        if eligibility.tier_reached(taken, redemption.perk.purpose, stood) is None:
            given_back += close_redemption(redemption, "cancel", now=now)
    return given_back
