"""What leaves `reserved` or `redeemed` gives back what its release policy says, exactly once.

The guarded update names the state it leaves, so of any number of cancels, expiries and scans at the same moment one
wins; the flags it sets in the same statement say what came back. The perk's row, which everybody wants, comes last.
"""

from datetime import datetime
from typing import Any

from django.db.models import F

from perks import hours, states, tiers
from perks.models import Perk, PerkDay, Redemption
from perks.services.telling import tell_redemption

POLICY_OF = {"cancel": "on_cancel", "expire": "on_expiry", "reverse": "on_reversal"}


def close_redemption(redemption: Redemption, action: str, *, now: datetime, where: Any = None, **changes: Any) -> bool:
    """Move a redemption by `cancel`, `expire` or `reverse` and release what its policy gives back.

    False, and nothing changed, when it has left the state meanwhile or `where` no longer holds.
    """
    policy = redemption.release[POLICY_OF[action]]
    returns_stock, returns_limits = policy != Perk.Release.NOTHING, policy == Perk.Release.ALL
    moved = Redemption.objects.filter(pk=redemption.pk, state__in=states.REDEMPTION.sources(action))
    if where is not None:
        moved = moved.filter(where)
    if redemption.state == Redemption.State.RESERVED:
        changes["closed_at"] = now
    if not moved.update(
        state=states.REDEMPTION.target(action),
        counts_for_stock=not returns_stock,
        counts_for_limits=not returns_limits,
        sequence=F("sequence") + 1,
        **changes,
    ):
        return False
    redemption.refresh_from_db()
    tell_redemption(redemption, now=now)
    if returns_stock:
        _put_back(redemption, cost=tiers.cost_of(redemption.benefit) if returns_limits else 0)
    return True


def take_again(redemption: Redemption) -> bool:
    """Take back what an expired hold had returned, for a scan that was made in time; False when it is gone."""
    cost = 0 if redemption.counts_for_limits else tiers.cost_of(redemption.benefit)
    if redemption.counts_for_stock and not cost:
        return True
    if not Perk.objects.take_one_again(redemption.perk_id, cost=cost):
        return False
    _day_of(redemption).update(taken_count=F("taken_count") + 1)
    return True


def _put_back(redemption: Redemption, *, cost: int) -> None:
    _day_of(redemption).filter(taken_count__gt=0).update(taken_count=F("taken_count") - 1)
    if not Perk.objects.put_one_back(redemption.perk_id, cost=cost):
        raise AssertionError(f"{redemption.public_id} gives back what its perk has not counted.")


def _day_of(redemption: Redemption) -> Any:
    day = hours.local_day(redemption.taken_at, redemption.perk.zone)
    return PerkDay.objects.filter(perk_id=redemption.perk_id, day=day)
