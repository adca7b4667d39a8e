"""The first days of a merchant: what it may offer before anybody has seen how it honours what it offers.

All numbers are settings (`RAMP_…`). Afterwards none of this costs a query, and while it lasts no list pays for it: what
is counted stands on the merchant's own row.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import F

from perks.eligibility import NOT_OPEN_YET, Reason
from perks.errors import RampLimit, TakeRefused
from perks.models import Merchant, Perk, PerkVersion
from perks.money import decimals_of

REFUSED_OFFLINE: Final = "refuse"


def ends_at(merchant: Merchant) -> datetime | None:
    """When its first days are over; None before it is approved."""
    if merchant.approved_at is None:
        return None
    return merchant.approved_at + timedelta(days=settings.RAMP_DAYS)


def is_in_ramp(merchant: Merchant, now: datetime) -> bool:
    end = ends_at(merchant)
    return end is not None and now < end


def reservations_left(merchant: Merchant, now: datetime) -> int | None:
    """How many more of its perks can be taken while its first days last; None once they are over. Costs no query."""
    if not is_in_ramp(merchant, now):
        return None
    return max(0, settings.RAMP_RESERVATIONS - merchant.ramp_taken_count)


def full_until(merchant: Merchant) -> datetime | None:
    """When its perks can be taken again, if all of its first days' reservations are given; for the pure judge."""
    is_full = merchant.ramp_taken_count >= settings.RAMP_RESERVATIONS
    return ends_at(merchant) if is_full else None


def count_reservation(merchant: Merchant, now: datetime) -> None:
    """Count one more reservation of a merchant's first days, in the taking's own transaction.

    The guarded update has the last word, however many take at once. Nothing is counted, or asked, afterwards.
    """
    if not is_in_ramp(merchant, now):
        return
    free = Merchant.objects.filter(pk=merchant.pk, ramp_taken_count__lt=settings.RAMP_RESERVATIONS)
    if not free.update(ramp_taken_count=F("ramp_taken_count") + 1):
        raise TakeRefused.because([full_reason(ends_at(merchant) or now)])


def full_reason(until: datetime) -> Reason:
    """What a citizen is told: the contract's `not_open_yet`, the one refusal that says from when it can be taken."""
    until = until.astimezone(UTC)
    day = f"{until.day} {until:%B %Y}"
    return Reason(
        NOT_OPEN_YET,
        f"This merchant is new, and all it may give in its first days is given. It can be taken from {day}.",
        {"opens_at": until.isoformat().replace("+00:00", "Z")},
    )


def allowance(merchant: Merchant, now: datetime) -> dict[str, Any] | None:
    """What a new merchant may still do, for its own console; None once its first days are over."""
    left = reservations_left(merchant, now)
    if left is None:
        return None
    return {
        "until": ends_at(merchant),
        "perks": settings.RAMP_PERKS,
        "left": left,
        "gift_card_units": settings.RAMP_GIFT_CARD_UNITS,
        "currency": settings.CURRENCY,
    }


def hold_merchant(merchant_id: Any) -> None:
    """Hold a new merchant's row until the transaction ends, so that two perks published at once are counted.

    Before the perk's own row: takings go the same way, the merchant first.
    """
    Merchant.objects.select_for_update(no_key=True).filter(pk=merchant_id).first()


def check_publishing(perk: Perk, now: datetime) -> None:
    """Refuse (`RampLimit`) one perk more than a new merchant may have on offer, and what it may not offer yet."""
    if not is_in_ramp(perk.merchant, now):
        return
    others = Perk.objects.filter(merchant=perk.merchant, state=Perk.State.PUBLISHED).exclude(pk=perk.pk)
    if others.count() >= settings.RAMP_PERKS:
        most = settings.RAMP_PERKS
        raise _refusal(perk.merchant, "perks", most, f"At most {most} perks can be on offer at a time")
    check_terms(perk, perk.version_in_force, now)


def check_terms(perk: Perk, version: PerkVersion, now: datetime) -> None:
    """Refuse (`RampLimit`) a card worth more, or a deposit that leaves a rest, in a merchant's first days."""
    check_words(perk, tiers=version.tiers, deposit=version.deposit, now=now)


def check_words(perk: Perk, *, tiers: list[dict[str, Any]], deposit: dict[str, Any] | None, now: datetime) -> None:
    """The same of a version that is being written."""
    merchant = perk.merchant
    if not is_in_ramp(merchant, now):
        return
    benefits = [tier["benefit"] for tier in tiers]
    if perk.kind == Perk.Kind.GIFT_CARD:
        most = settings.RAMP_GIFT_CARD_UNITS * 10 ** decimals_of(settings.CURRENCY)
        if any(benefit.get("face", {}).get("amount", 0) > most for benefit in benefits):
            words = f"A gift card is worth at most {settings.RAMP_GIFT_CARD_UNITS} {settings.CURRENCY}"
            raise _refusal(merchant, "gift_card", most, words)
    if perk.kind == Perk.Kind.DEPOSIT_WAIVER:
        leaves_a_rest = any(benefit.get("waived_percent") != 100 for benefit in benefits)
        if leaves_a_rest or (deposit or {}).get("remainder_items"):
            raise _refusal(
                merchant, "deposit_remainder", 0, "A deposit is waived as a whole, and nothing is left to pay"
            )


def offline_policy(perk: Perk, now: datetime) -> str:
    """What tills may do with this perk without a network: nothing, in a merchant's first days, whatever it says."""
    return REFUSED_OFFLINE if is_in_ramp(perk.merchant, now) else perk.offline


def _refusal(merchant: Merchant, limit: str, allowed: int, words: str) -> RampLimit:
    end = (ends_at(merchant) or merchant.applied_at).astimezone(UTC)
    return RampLimit(
        f"{words} in the first {settings.RAMP_DAYS} days, until {end.day} {end:%B %Y}.",
        limit=limit,
        allowed=allowed,
        until=end.isoformat().replace("+00:00", "Z"),
    )
