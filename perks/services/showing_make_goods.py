"""What is shown of a make-good: to its citizen all of it, to the merchant only that one person is offered it again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from citizen_app.models import Citizen
from perks.models import MakeGood, Merchant, Redemption
from perks.services.make_goods import OFFERED, reasons_against, state_of, waiting_for
from perks.services.showing_perks import instant, redeemed_perk

MOST_SHOWN = 50


def make_goods_of(citizen: Citizen) -> Any:
    """A citizen's make-goods, with what their lines show."""
    own = MakeGood.objects.filter(citizen=citizen).select_related("version", "perk__in_force", "perk__merchant")
    return own.prefetch_related("refusals")


def make_good_lines(make_goods: Sequence[MakeGood], *, citizen: Citizen, now: datetime) -> list[dict[str, Any]]:
    """A citizen's make-goods (fetched by `make_goods_of`) with what stands in the way of those on offer."""
    states = {one.pk: state_of(one, now=now) for one in make_goods}
    offered = [one for one in make_goods if states[one.pk] == OFFERED]
    reasons = reasons_against(offered, citizen=citizen, now=now)
    return [
        {
            "id": one.public_id,
            "state": states[one.pk],
            "perk": redeemed_perk(one.perk, one.version, one.perk.merchant),
            "benefit": one.benefit,
            "min_score": one.min_score,
            "version": one.version.number,
            "terms": one.version.terms,
            "refused_at": sorted(instant(refusal.at) for refusal in one.refusals.all()),
            "dispute": one.dispute,
            "offered_at": instant(one.offered_at),
            "expires_at": instant(one.expires_at),
            "reasons": [reason.as_dict() for reason in reasons.get(one.pk, ())],
            "redemption": None if one.redemption_id is None else Redemption(pk=one.redemption_id).public_id,
        }
        for one in make_goods
    ]


def open_count(citizen: Citizen, *, now: datetime) -> int:
    """How many offers are open to a citizen, their merchant's word included."""
    return MakeGood.objects.open_at(now).filter(citizen=citizen).count()


def offers_waiting(merchant: Merchant, *, now: datetime) -> list[dict[str, Any]]:
    """The offers that wait for a merchant's word: what, of which perk, until when. Not who, why or since when."""
    return [
        {
            "id": one.public_id,
            "perk": {"id": one.perk.public_id, "title": one.version.title, "state": one.perk.state},
            "benefit": one.benefit,
            "expires_at": instant(one.expires_at),
        }
        for one in waiting_for(merchant, now=now)[:MOST_SHOWN]
    ]
