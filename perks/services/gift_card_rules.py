"""What a gift card means to taking, showing, scanning and taking back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from citizen_app.errors import FieldError, InvalidInput, WrongState
from perks import hours
from perks.errors import BalanceAskedTooOften, GiftCardInUse, GiftCardOver
from perks.models import GiftCard, GiftCardPosting, Perk, Redemption, Scan
from perks.services.desk import Desk, Verdict, out_of_place_or_hours, said
from perks.services.gift_cards import (
    card_of,
    charge_card,
    issue_card,
    last_charge,
    money,
    require_currency,
    state_of,
    undo_charge,
    void_card,
)
from perks.services.kinds import Asked, KindRules, TakingBack, register
from perks.services.redemptions import UNDO_TIME
from perks.services.showing_gift_cards import charges_of, in_short

Outcome = Scan.Outcome

STILL_NOW: Final = timedelta(seconds=60)
"""A till may send its own clock: a scan this old was made online."""
ASKED_TOO_MUCH: Final = (5, timedelta(minutes=10))
"""How often more than a card holds may be asked of it, so that its balance is not watched by asking."""


class GiftCardRules(KindRules):
    """Taken is used: the card is issued then, and its code is chargeable until nothing is on it or its time is over."""

    is_redeemed_when_taken = True
    is_redeemed_by_scan = False

    def check(self, perk: Perk, asked: Asked) -> Iterator[FieldError]:
        for name in asked.named():
            yield FieldError(f"/{name}", "invalid", "A gift card is for no day and no branch.")

    def expires_at(
        self, perk: Perk, benefit: dict[str, Any], asked: Asked, *, now: datetime, outlives_perk: bool
    ) -> datetime:
        return hours.months_after(now, benefit["lives_months"], perk.zone)

    def taken(self, redemption: Redemption, asked: Asked, *, now: datetime) -> None:
        if redemption.state == Redemption.State.REDEEMED:
            issue_card(redemption, now)

    def moved(self, redemption: Redemption, action: str, *, now: datetime) -> None:
        if action == "redeem":
            issue_card(redemption, now)
        elif action == "reverse" and (card := card_of(redemption)) is not None:
            void_card(card, now=now)

    def is_shown(self, redemption: Redemption, *, now: datetime) -> bool:
        card = card_of(redemption)
        return (
            redemption.state == Redemption.State.REDEEMED
            and card is not None
            and state_of(card, now=now) == GiftCard.State.OPEN
        )

    def for_citizen(self, redemption: Redemption, *, now: datetime) -> dict[str, Any]:
        card = card_of(redemption)
        return {"gift_card": None if card is None else in_short(card, now=now)}

    def for_team(self, redemption: Redemption, *, now: datetime) -> dict[str, Any]:
        card = card_of(redemption)
        return {"gift_card": None if card is None else in_short(card, now=now) | {"charges": charges_of(card)}}

    def judge(self, redemption: Redemption, desk: Desk) -> Verdict | None:
        """What a scan of a card comes to; the card is held until it is charged."""
        closed = {
            Redemption.State.CANCELLED: Verdict(Outcome.CANCELLED, "It was cancelled."),
            Redemption.State.REVERSED: Verdict(Outcome.REVERSED, "The card was taken back."),
        }
        found = card_of(redemption)
        if redemption.state in closed or found is None:
            return closed.get(Redemption.State(redemption.state), Verdict(Outcome.CONFLICT, "It is no card yet."))
        card = GiftCard.objects.held(found.pk)
        if state_of(card, now=desk.at) == GiftCard.State.EXPIRED:
            return Verdict(Outcome.EXPIRED, f"It could be spent until {said(card.expires_at, desk.zone)}.")
        if desk.is_late and desk.at < desk.now - STILL_NOW:
            return Verdict(Outcome.CONFLICT, "A gift card is charged online only: nothing was charged.")
        if (elsewhere := out_of_place_or_hours(redemption, desk)) is not None:
            return elsewhere
        if desk.amount is None:
            raise InvalidInput(FieldError("/amount", "required", "This is a gift card: say how much to charge."))
        require_currency(card)
        if desk.amount > card.balance:
            _hold_asking(redemption, desk)
            return Verdict(
                Outcome.INSUFFICIENT_BALANCE, "There is less than that on the card.", {"balance": card.balance}
            )
        return Verdict(Outcome.ACCEPTED)

    def accepted(self, redemption: Redemption, desk: Desk, scan: Scan) -> None:
        """Charge the card, in the transaction and by the nonce of its scan."""
        charge_card(GiftCard.objects.held(redemption.gift_card.pk), scan, now=desk.now)

    def for_desk(self, scan: Scan) -> dict[str, Any]:
        """What the desk of the issuing merchant is told of the card, as it was then."""
        card = card_of(scan.redemption) if scan.redemption else None
        if card is None or scan.outcome not in (Outcome.ACCEPTED, Outcome.INSUFFICIENT_BALANCE):
            return {}
        charge = GiftCardPosting.objects.filter(scan=scan).first()
        balance = scan.detail.get("balance", 0) if charge is None else charge.balance_after
        return {
            "gift_card": {
                "id": card.public_id,
                "charge": charge and charge.public_id,
                "amount": charge and money(charge.amount, card.currency),
                "balance": money(balance, card.currency),
            }
        }

    def take_back(self, redemption: Redemption, back: TakingBack, *, now: datetime) -> bool:
        """Undo the last charge within its ten minutes; a card of which nothing is spent can be taken back whole."""
        card = GiftCard.objects.held(redemption.gift_card.pk)
        charge = last_charge(card)
        if charge is not None and charge.scan is not None and now < charge.scan.received_at + UNDO_TIME:
            undo_charge(card, charge, charge.scan, back, now)
            return True
        if back.scan:
            raise WrongState("That charge cannot be undone any more. Refund it.")
        if state_of(card, now=now) == GiftCard.State.EXPIRED:
            raise GiftCardOver("Its time is over, so there is nothing to take back.", state=GiftCard.State.EXPIRED)
        if not back.only_own and card.balance != card.face:
            balance, face = money(card.balance, card.currency), money(card.face, card.currency)
            raise GiftCardInUse(balance=balance, face=face)
        return False


def _hold_asking(redemption: Redemption, desk: Desk) -> None:
    """Let nobody follow what is on a card by asking for more than that; counted from the recorded scans."""
    if not settings.RATE_LIMITS:
        return
    most, window = ASKED_TOO_MUCH
    asked = Scan.objects.filter(
        redemption=redemption, outcome=Outcome.INSUFFICIENT_BALANCE, received_at__gt=desk.now - window
    )
    latest = list(asked.order_by("-received_at").values_list("received_at", flat=True)[:most])
    if len(latest) == most:
        raise BalanceAskedTooOften(retry_after=max(1, round((latest[-1] + window - desk.now).total_seconds())))


register(Perk.Kind.GIFT_CARD, GiftCardRules())
