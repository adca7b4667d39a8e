"""Giving out a merchant's own codes with its discounts: each to one person, once, whoever else is taking.

A code that was given is never free again, also when the reservation is cancelled or runs out: somebody has seen it.
Whether the perk's own stock returns is its release policy's; the list's free codes are what is left in the end.
"""

from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from perks import eligibility
from perks.errors import TakeRefused
from perks.models import CodeList, OutsideCode, Perk, Redemption
from perks.services.code_secrets import ListSecrets
from perks.services.kinds import Asked, KindRules, register

NONE_LEFT: Final = eligibility.Reason(eligibility.SOLD_OUT, "None of its codes is left.")


class DiscountRules(KindRules):
    """A discount that names a list of codes gives one of them to whoever takes it."""

    def taken(self, redemption: Redemption, asked: Asked, *, now: datetime) -> None:
        if redemption.perk.code_list_id is not None:
            redemption.outside = give_code(redemption=redemption, now=now)

    def does_more_when_taken(self, perk: Perk) -> bool:
        return perk.code_list_id is not None


def give_code(*, redemption: Redemption, now: datetime) -> str:
    """Give one code of the perk's list with what was just taken, or refuse as sold out.

    Takers pass over codes others are being given. Only where no other is left does one wait to see whether it is given
    in the end.
    """
    list_id = redemption.perk.code_list_id
    free = OutsideCode.objects.free().filter(code_list_id=list_id).order_by("pk")
    code = _first(free.select_for_update(skip_locked=True)) or _first(free.select_for_update())
    if code is None or not OutsideCode.objects.give(code.pk, redemption=redemption, now=now):
        raise TakeRefused.because([NONE_LEFT])
    # The list's row after the code's: everybody who takes from it contends for the row.
    if not CodeList.objects.take_one(list_id):
        raise TakeRefused.because([NONE_LEFT])
    return ListSecrets(code.code_list_id).open(code.sealed)


def outside_code_of(redemption: Redemption) -> str | None:
    """The code somebody was given, for their own eyes; None without one, and once they did not keep the perk."""
    if redemption.state not in (Redemption.State.RESERVED, Redemption.State.REDEEMED):
        return None
    if redemption.outside is not None or redemption.perk.kind != Perk.Kind.DISCOUNT:
        return redemption.outside or None
    code = OutsideCode.objects.filter(redemption=redemption).first()
    return None if code is None else ListSecrets(code.code_list_id).open(code.sealed)


def _first(codes: "QuerySet[OutsideCode]") -> OutsideCode | None:
    return next(iter(codes[:1]), None)


register(Perk.Kind.DISCOUNT, DiscountRules())
