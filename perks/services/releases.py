"""What leaves `reserved` or `redeemed` gives back what its release policy says, exactly once.

The guarded update names the state it leaves, so of any number of cancels, expiries and scans at the same moment one
wins; the flags it sets in the same statement say what came back. The perk's row, which everybody wants, comes last.
"""

from datetime import datetime
from typing import Any

from django.db.models import F

from citizen_app.statements import Statement, insert_of, together, update_of
from perks import hours, states, tiers
from perks.models import Perk, PerkDay, Redemption
from perks.services.keeping import pass_on
from perks.services.kinds import rules_of
from perks.services.telling import event_of

POLICY_OF = {"cancel": "on_cancel", "expire": "on_expiry", "reverse": "on_reversal", "lapse": "on_expiry"}


def close_redemption(redemption: Redemption, action: str, *, now: datetime, where: Any = None, **changes: Any) -> bool:
    """Move a redemption by `cancel`, `expire`, `lapse` or `reverse` and release what its policy gives back.

    False, and nothing changed, when it has left the state meanwhile or `where` no longer holds.
    """
    policy = redemption.release[POLICY_OF[action]]
    returns_stock, returns_limits = policy != Perk.Release.NOTHING, policy == Perk.Release.ALL
    moved = Redemption.objects.filter(pk=redemption.pk, state__in=states.REDEMPTION.sources(action))
    if where is not None:
        moved = moved.filter(where)
    if action in ("cancel", "expire"):
        # Whatever was read of it: a scan may have been undone since, and what leaves `reserved` closes now.
        changes["closed_at"] = now
    if action == "reverse":
        changes["reversed_at"] = now
    changes |= {
        "state": states.REDEMPTION.target(action),
        "counts_for_stock": not returns_stock,
        "counts_for_limits": not returns_limits,
    }
    (now_reads,) = together(update_of(moved, sequence=F("sequence") + 1, returning=("sequence",), **changes))
    if not now_reads:
        return False
    for name, value in (changes | now_reads[0]).items():
        setattr(redemption, name, value)
    rules_of(redemption.perk.kind).moved(redemption, action, now=now)
    told = insert_of(event_of(redemption, now=now))
    if returns_stock:
        put_back(redemption, told, cost=tiers.cost_of(redemption.benefit) if returns_limits else 0, now=now)
    else:
        together(told)
    return True


def take_again(redemption: Redemption) -> bool:
    """Take back what an expired hold had returned, for a scan that was made in time; False when it is gone.

    Gone is also what its citizen, or its day, has had in its place: no limit is exceeded by a late upload.
    """
    cost = 0 if redemption.counts_for_limits else tiers.cost_of(redemption.benefit)
    if not redemption.counts_for_limits and _has_had_another(redemption):
        return False
    if redemption.counts_for_stock and not cost:
        return True
    day, most = _day_of(redemption), redemption.perk.limit_per_day
    free = day if most is None else day.filter(taken_count__lt=most)
    if not free.update(taken_count=F("taken_count") + 1) and day.exists():
        return False
    if not Perk.objects.take_one_again(redemption.perk_id, cost=cost):
        day.update(taken_count=F("taken_count") - 1)
        return False
    return True


def _has_had_another(redemption: Redemption) -> bool:
    """Whether its citizen, who is held, has since had all of this perk that they can."""
    if redemption.citizen_id is None:
        return False
    perk, at = redemption.perk, redemption.taken_at
    others = Redemption.objects.filter(perk=perk, citizen=redemption.citizen_id, counts_for_limits=True)
    if perk.limit_per_citizen is not None and others.count() >= perk.limit_per_citizen:
        return True
    periods = (
        (perk.limit_per_citizen_day, hours.day_bounds),
        (perk.limit_per_citizen_week, hours.week_bounds),
        (perk.limit_per_citizen_month, hours.month_bounds),
    )
    for most, bounds in periods:
        if most is not None:
            start, end = bounds(at, perk.zone)
            if others.filter(taken_at__gte=start, taken_at__lt=end).count() >= most:
                return True
    return False


def put_back(redemption: Redemption, *beside: Statement, cost: int, now: datetime) -> None:
    """Return one to its day and its perk; to a perk of which nothing was left it comes for a make-good that waits.

    What is to be done `beside` is done in the same statement.
    """
    day = update_of(_day_of(redemption).filter(taken_count__gt=0), taken_count=F("taken_count") - 1)
    counts = Perk.objects.put_one_back(redemption.perk_id, cost=cost, beside=[*beside, day])
    if counts is None:
        raise AssertionError(f"{redemption.public_id} gives back what its perk has not counted.")
    if counts["stock"] is not None and counts["stock"] - counts["taken_count"] - counts["promised_count"] == 1:
        pass_on(redemption.perk_id, now=now)


def _day_of(redemption: Redemption) -> Any:
    day = hours.local_day(redemption.taken_at, redemption.perk.zone)
    return PerkDay.objects.filter(perk_id=redemption.perk_id, day=day)
