"""What happens to gift cards by themselves: notices before the end, the end, and what leaving makes of them."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from citizen_app.accounts.erasure import Erasure, Kept, erases
from citizen_app.models import Citizen
from citizen_app.notifying import notify
from perks.models import GiftCard, GiftCardPosting, Redemption
from perks.money import money_text
from perks.services.desk import said
from perks.services.gift_cards import post
from perks.services.notices import CARD_ENDS
from perks.services.releases import close_redemption
from perks.services.showing import secrets_of

NOTICES: Final = (7, 30)
"""How many days before its end a card's citizen is told, the nearest first: who is told that needs no other."""
LIVES_BEFORE_NOTICE: Final = timedelta(days=7)
"""A card that is younger than this when a notice falls due has just been taken, with its end in sight."""


def expire_gift_cards(*, now: datetime, limit: int = 500) -> int:
    """File the cards whose time is over: what was left returns to their merchant's books.

    A card on which nothing was ever spent was not used: its perk's release policy says what comes back.
    """
    over = GiftCard.objects.filter(state=GiftCard.State.OPEN, expires_at__lte=now).order_by("expires_at")
    keys = list(over.values_list("pk", "redemption_id")[:limit])
    return sum(_expire(card_id, redemption_id, now) for card_id, redemption_id in keys)


@transaction.atomic
def _expire(card_id: UUID, redemption_id: UUID, now: datetime) -> bool:
    held = Redemption.objects.select_for_update(no_key=True, of=("self",)).select_related("perk")
    redemption = held.get(pk=redemption_id)
    card = GiftCard.objects.held(card_id)
    if card.state != GiftCard.State.OPEN:
        return False
    unused = card.balance == card.face
    if card.balance:
        post(card, GiftCardPosting.Kind.EXPIRE, card.balance, now=now)
    GiftCard.objects.filter(pk=card.pk).update(state=GiftCard.State.EXPIRED)
    if unused:
        close_redemption(redemption, "lapse", now=now)
    return True


def warn_before_expiry(*, now: datetime, limit: int = 500) -> int:
    """Tell citizens that a card with money on it ends in 30 days, and again in 7: once each."""
    return sum(_warn(days, now, limit) for days in NOTICES)


def _warn(days: int, now: datetime, limit: int) -> int:
    before = timedelta(days=days)
    due = GiftCard.objects.open_at(now).filter(
        Q(notice_days=None) | Q(notice_days__gt=days),
        expires_at__lte=now + before,
        expires_at__gte=F("issued_at") + before + LIVES_BEFORE_NOTICE,
        balance__gt=0,
        citizen__isnull=False,
    )
    sent = 0
    for card in due.select_related("citizen", "merchant", "redemption__version").order_by("expires_at")[:limit]:
        with transaction.atomic():
            # Whoever marks it sends it; a card that was spent or whose citizen left meanwhile is not told of.
            if card.citizen is not None and due.filter(pk=card.pk).update(notice_days=days):
                _tell(card, card.citizen, days, now)
                sent += 1
    return sent


def _tell(card: GiftCard, citizen: Citizen, days: int, now: datetime) -> None:
    notify(
        citizen,
        CARD_ENDS,
        about=card.public_id,
        facts={
            "merchant": card.merchant.name,
            "perk": card.redemption.version.title,
            "left": money_text(card.balance, card.currency),
            "until": said(card.expires_at, citizen.zone),
        },
        cause=f"{CARD_ENDS}:{card.public_id}:{days}",
        now=now,
    )


@erases
def loosen_gift_cards(*, citizen: Citizen, now: datetime) -> Erasure:
    """Take the person out of their cards; one with money on it goes on as a code that whoever shows it can spend."""
    # The redemptions first, as everywhere: a scan and the end of a card hold them before the card.
    list(Redemption.objects.select_for_update(no_key=True).filter(gift_card__citizen=citizen).order_by("pk"))
    own = GiftCard.objects.select_for_update(no_key=True, of=("self",)).filter(citizen=citizen)
    cards = list(own.select_related("merchant", "redemption__version").order_by("pk"))
    kept = [
        Kept(
            what=(
                f"{money_text(card.balance, card.currency)} on the gift card “{card.redemption.version.title}” of "
                f"{card.merchant.name}, with the code {secrets_of(card.redemption).code}"
            ),
            why="it is money's worth: whoever shows this code at the desk can spend it, so keep it safe",
            until=card.expires_at,
        )
        for card in cards
        if card.state == GiftCard.State.OPEN and card.expires_at > now and card.balance
    ]
    loosened = GiftCard.objects.filter(pk__in=[card.pk for card in cards]).update(citizen=None)
    if loosened:
        kept.append(
            Kept(
                what="what was put on your gift cards and spent from them, without who held them",
                why="so that the merchant's books add up",
            )
        )
    return Erasure(erased={"gift_cards": loosened}, kept=kept)
