"""What a month brought of perks, for those who want it told."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Count

from citizen_app.notifying.digests import adds_to_digest
from perks.models import Redemption


@adds_to_digest
def perks_used(citizen_ids: Collection[int], *, since: datetime, until: datetime) -> dict[int, str]:
    """How many perks each of them used."""
    used = Redemption.objects.filter(
        citizen__in=citizen_ids, state=Redemption.State.REDEEMED, closed_at__gte=since, closed_at__lt=until
    )
    counts = used.order_by().values_list("citizen").annotate(Count("pk"))
    return {citizen_id: f"You used {count} perk{'' if count == 1 else 's'}." for citizen_id, count in counts}
