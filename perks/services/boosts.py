"""Boosts: taken once, judged once, frozen for a term, and judged again on a day nobody can foresee.

A dating app reads that somebody connected to it has a boost; absent says nothing of why (P4). What an app reads never
changes within a term but by the person's own doing: pausing, leaving and disconnecting end it at once.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from citizen_app.accounts.erasure import Erasure, erases
from citizen_app.accounts.pausing import ends_on_pause
from citizen_app.errors import FieldError
from citizen_app.models import Citizen
from perks import eligibility, tiers
from perks.models import BoostGrant, Merchant, Perk, Redemption
from perks.services.desk import Desk, Verdict
from perks.services.eligibility_reading import terms_of
from perks.services.kinds import Asked, KindRules, register
from perks.services.redemptions import read_perk
from perks.services.releases import put_back
from scores import assessments

TERM: Final = timedelta(days=30)
"""How long a boost is frozen once it was judged."""
DRAWN_OVER: Final = timedelta(days=30)
"""The day of the next judging is drawn evenly from so long after the term."""
_SECONDS: Final = int(DRAWN_OVER.total_seconds())

Ended = BoostGrant.Ended


class BoostRules(KindRules):
    """A boost is its citizen's at once, and nothing is shown at a desk: their app reads the grant."""

    is_redeemed_when_taken = True
    is_redeemed_by_scan = False

    def check(self, perk: Perk, asked: Asked) -> Any:
        for name in asked.named():
            yield FieldError(f"/{name}", "invalid", "A boost is taken for no day and no place.")

    def expires_at(
        self, perk: Perk, benefit: dict[str, Any], asked: Asked, *, now: datetime, outlives_perk: bool
    ) -> datetime:
        return now + TERM

    def taken(self, redemption: Redemption, asked: Asked, *, now: datetime) -> None:
        grant_boost(redemption=redemption, now=now)

    def is_shown(self, redemption: Redemption, *, now: datetime) -> bool:
        return False

    def for_citizen(self, redemption: Redemption, *, now: datetime) -> dict[str, Any]:
        return {"boost": boost_of(redemption)}

    def judge(self, redemption: Redemption, desk: Desk) -> Verdict:
        # No code of it was ever shown to anybody.
        return Verdict("unknown_code")


register(Perk.Kind.VISIBILITY_BOOST, BoostRules())


def grant_boost(*, redemption: Redemption, now: datetime) -> BoostGrant:
    """Let the app of a boost perk read it from now on; an older one at the same app ends with it."""
    citizen = redemption.citizen
    if citizen is None:
        raise LookupError("Nobody has this redemption any more.")
    running = BoostGrant.objects.running().filter(merchant_id=redemption.merchant_id, citizen=citizen)
    for older in running.select_related("redemption__perk"):
        _end(older, now=now, why=Ended.OVER)
    return BoostGrant.objects.create(
        redemption=redemption,
        merchant_id=redemption.merchant_id,
        citizen=citizen,
        boost=redemption.benefit["boost"],
        granted_at=now,
        term_ends_at=now + TERM,
        judged_again_at=_draw(now),
    )


def boost_of(redemption: Redemption) -> dict[str, Any] | None:
    """What its citizen reads of a boost: how much, since when, and that it is judged again after its term."""
    grant: BoostGrant | None = getattr(redemption, "boost", None)
    if grant is None:
        return None
    return {
        "boost": grant.boost,
        "state": "running" if grant.ended_at is None else "ended",
        "judged_again_after": _written(grant.term_ends_at) if grant.ended_at is None else None,
        "ended_at": _written(grant.ended_at) if grant.ended_at else None,
        "ended_because": grant.ended_because or None,
    }


def judge_boosts_again(*, now: datetime | None = None, limit: int = 500) -> int:
    """Judge the boosts whose day has come: who still reaches theirs keeps it for another term; return how many."""
    now = now or timezone.now()
    due = BoostGrant.objects.running().filter(judged_again_at__lte=now).order_by("judged_again_at")
    return sum(_judge_again(pk, now) for pk in list(due.values_list("pk", flat=True)[:limit]))


@transaction.atomic
def end_boosts(*, citizen: Citizen, why: str, now: datetime, merchant_id: Any = None) -> int:
    """End somebody's boosts at once, at one app or at all of them; return how many. Safe twice."""
    running = BoostGrant.objects.running().filter(citizen=citizen).select_related("redemption__perk")
    if merchant_id is not None:
        running = running.filter(merchant_id=merchant_id)
    return sum(_end(grant, now=now, why=why) for grant in running.order_by("pk"))


@ends_on_pause
def end_on_pause(*, citizen: Citizen, now: datetime) -> None:
    """Who pauses asks for no new answers: an app reads nothing from the next request on."""
    end_boosts(citizen=citizen, why=Ended.PAUSED, now=now)


@erases
def erase_boosts(*, citizen: Citizen, now: datetime) -> Erasure:
    """Leaving ends every boost and keeps no row of it."""
    end_boosts(citizen=citizen, why=Ended.OVER, now=now)
    erased, _ = BoostGrant.objects.filter(citizen=citizen).delete()
    return Erasure(erased={"boosts": erased})


@transaction.atomic
def _judge_again(pk: Any, now: datetime) -> bool:
    citizen_id = BoostGrant.objects.filter(pk=pk).values_list("citizen_id", flat=True).first()
    if citizen_id is None:
        return False
    # The citizen first, as everywhere: what is judged stays true until this ends.
    assessment = assessments.assess_locked(Citizen.objects.get(pk=citizen_id), now=now)
    grant = (
        BoostGrant.objects.running()
        .select_for_update(of=("self",))
        .select_related("redemption__perk")
        .filter(pk=pk, judged_again_at__lte=now)
        .first()
    )
    if grant is None:
        return False
    perk = read_perk(grant.redemption.perk)
    is_over = perk.valid_until_at is not None and perk.valid_until_at <= now
    # Whoever could not take it now does not keep it: nothing of a merchant that is suspended is given for another term.
    is_offered = perk.state == Perk.State.PUBLISHED and perk.merchant.offering_state == Merchant.State.ACTIVE
    if is_over or not is_offered:
        _end(grant, now=now, why=Ended.OVER)
    elif eligibility.tier_reached(terms_of(perk).tiers, perk.purpose, assessment) is None:
        _end(grant, now=now, why=Ended.NOT_REACHED)
    else:
        # The same value for everybody who takes this perk, and the one that is in force now.
        BoostGrant.objects.filter(pk=grant.pk).update(
            boost=tiers.read_tiers(perk.version_in_force.tiers)[0].benefit["boost"],
            term_ends_at=now + TERM,
            judged_again_at=_draw(now),
        )
        Redemption.objects.filter(pk=grant.redemption_id).update(expires_at=now + TERM)
    return True


def _end(grant: BoostGrant, *, now: datetime, why: str) -> int:
    """End a boost, and give it back: its stock is free, and its citizen may take it again once they reach it.

    The merchant is told nothing: an app learns that a boost is gone by not reading it any more.
    """
    ended = BoostGrant.objects.filter(pk=grant.pk).end(now=now, why=why)
    if ended:
        over = Redemption.objects.filter(pk=grant.redemption_id, state=Redemption.State.REDEEMED)
        if over.update(
            state=Redemption.State.EXPIRED,
            expires_at=now,
            closed_at=now,
            counts_for_stock=False,
            counts_for_limits=False,
            sequence=F("sequence") + 1,
        ):
            put_back(grant.redemption, cost=0, now=now)
    return ended


def _draw(now: datetime) -> datetime:
    """When it is judged again: any moment, evenly, of the days after the term; from a source nobody can foresee."""
    return now + TERM + timedelta(seconds=secrets.randbelow(_SECONDS))


def _written(at: datetime) -> str:
    return at.astimezone(ZoneInfo("UTC")).isoformat().replace("+00:00", "Z")
