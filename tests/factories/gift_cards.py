"""Gift-card perks, cards that were taken, and a desk to charge them at."""

import itertools
from datetime import datetime
from typing import Any

from citizen_app.models import Citizen, OAuthApplication
from perks.models import GiftCard, GiftCardPosting, Perk, Redemption, Scan
from perks.services.redemptions import take_perk
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from tests.factories.perks import PerkFactory, citizen_with, person_of

_nonces = itertools.count()


def card_tier(face: int = 2500, months: int = 24, min_score: int | None = None) -> dict[str, Any]:
    worth = {"amount": face, "currency": "EUR"}
    return {"min_score": min_score, "benefit": {"face": worth, "lives_months": months}}


def card_perk(face: int = 2500, *, months: int = 24, **fields: Any) -> Perk:
    """A published gift-card perk that anybody with a checked document may take."""
    kind = {"kind": Perk.Kind.GIFT_CARD, "title": "A gift for you", "tiers": [card_tier(face, months)]}
    return PerkFactory(**kind | fields)


def taken_card(
    face: int = 2500,
    *,
    citizen: Citizen | None = None,
    perk: Perk | None = None,
    now: datetime | None = None,
    **more: Any,
) -> GiftCard:
    """A card somebody took."""
    redemption = take_perk(
        citizen=citizen or citizen_with(document=True), perk=perk or card_perk(face, **more), now=now
    )
    return GiftCard.objects.get(redemption=redemption)


def scan_card(
    card: GiftCard,
    amount: int | None,
    *,
    by: Citizen | OAuthApplication | None = None,
    nonce: str | None = None,
    now: datetime | None = None,
    **more: Any,
) -> Scan:
    """Show a card's code at a desk of its merchant."""
    redemption = Redemption.objects.get(pk=card.redemption_id)
    scan, _ = scan_code(
        merchant=card.merchant,
        by=by or person_of(card.merchant, "cashier"),
        shown=Shown(code=secrets_of(redemption).code, amount=amount),
        nonce=nonce or f"nonce-{next(_nonces):04}",
        now=now,
        **more,
    )
    return scan


def charge(card: GiftCard, amount: int, **more: Any) -> GiftCardPosting:
    """Charge a card that holds as much."""
    return GiftCardPosting.objects.get(scan=scan_card(card, amount, **more))


def balance_of(card: GiftCard) -> int:
    return GiftCard.objects.get(pk=card.pk).balance
