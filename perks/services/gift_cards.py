"""The ledger of gift cards: issuing, charging, refunding, undoing. What the desk makes of a scan is `gift_card_rules`.

Every movement is a posting, and the database moves the balance with it (`perks.gift_card_guards`). A card is held by
its row while it moves; its redemption's row, where that is needed too, is held before it.
"""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from citizen_app import audit
from citizen_app.accounts.operators import RoleRequired
from citizen_app.audit import actor_of
from citizen_app.errors import FieldError, InvalidInput, WrongState
from citizen_app.models import Citizen, OAuthApplication
from perks.errors import GiftCardOver, RefundAboveCharge
from perks.models import GiftCard, GiftCardPosting, Merchant, Redemption, Scan
from perks.services.kinds import TakingBack
from perks.services.telling import tell_gift_card

Kind = GiftCardPosting.Kind
Account = GiftCardPosting.Account

_ACCOUNTS: Final = {
    Kind.ISSUE: (Account.GRANTED, Account.CARD),
    Kind.CHARGE: (Account.CARD, Account.SALES),
    Kind.REFUND: (Account.SALES, Account.CARD),
    Kind.EXPIRE: (Account.CARD, Account.LAPSED),
}


def issue_card(redemption: Redemption, now: datetime) -> GiftCard:
    """Give the citizen the card their redemption is worth, until the redemption's end. Once for each redemption."""
    face = redemption.benefit["face"]
    card = GiftCard.objects.create(
        redemption=redemption,
        merchant=redemption.merchant,
        citizen=redemption.citizen,
        currency=face["currency"],
        face=face["amount"],
        issued_at=now,
        expires_at=redemption.expires_at,
    )
    post(card, Kind.ISSUE, card.face, now=now)
    return card


def charge_card(card: GiftCard, scan: Scan, *, now: datetime) -> GiftCardPosting:
    """Take what a scan asks for off a card that is held; the scan's nonce makes it once."""
    charge = post(card, Kind.CHARGE, scan.amount or 0, scan=scan, now=now)
    tell_gift_card(card, "charged", now=now)
    return charge


@transaction.atomic
def refund_charge(
    *,
    card: GiftCard,
    charge: GiftCardPosting,
    amount: int,
    by: Citizen | OAuthApplication,
    now: datetime | None = None,
) -> GiftCardPosting:
    """Put some of a charge, or all of it, back onto the very card it was taken from.

    Raises `RefundAboveCharge` for more than is left of the charge, `GiftCardOver` for a card whose time is over or
    that was taken back, and `InvalidInput` where amounts are in another currency than the card's.
    """
    now = now or timezone.now()
    card = GiftCard.objects.held(card.pk)
    if charge.card_id != card.pk or charge.kind != Kind.CHARGE:
        raise InvalidInput(FieldError("/charge", "invalid", "This card has no such charge."))
    require_currency(card)
    if (state := state_of(card, now=now)) in (GiftCard.State.EXPIRED, GiftCard.State.REVERSED):
        raise GiftCardOver(state=state)
    left = left_of(charge)
    if amount > left:
        raise RefundAboveCharge(left=money(left, card.currency))
    refund = post(card, Kind.REFUND, amount, charge=charge, now=now)
    audit.record(by=by, action="gift_card.refund", on=card.public_id, charge=charge.public_id, amount=amount)
    tell_gift_card(card, "refunded", now=now)
    return refund


def require_currency(card: GiftCard) -> None:
    """Refuse a card of another currency than amounts are in here: its deployment has changed it since."""
    if card.currency != settings.CURRENCY:
        raise InvalidInput(FieldError("/amount/currency", "invalid", f"This card is in {card.currency}."))


def last_charge(card: GiftCard) -> GiftCardPosting | None:
    """The last charge that nobody has undone, and of which something is left."""
    charges = GiftCardPosting.objects.filter(card=card, kind=Kind.CHARGE, scan__undone_at=None).select_related("scan")
    charge = charges.order_by("-number").first()
    return charge if charge is not None and left_of(charge) else None


def undo_charge(card: GiftCard, charge: GiftCardPosting, scan: Scan, back: TakingBack, now: datetime) -> None:
    """Take a charge back as if it had not been: all of it returns to the card, once."""
    if back.scan and back.scan != scan.public_id:
        raise WrongState("Another charge followed that one, or it was undone before.")
    if back.only_own and scan.till != actor_of(back.by):
        raise RoleRequired("A cashier takes back their own scans; a manager anybody's.")
    if state_of(card, now=now) == GiftCard.State.EXPIRED:
        raise GiftCardOver(state=GiftCard.State.EXPIRED)
    if left_of(charge) != charge.amount:
        raise WrongState("Some of that charge was refunded. Refund the rest of it.")
    post(card, Kind.REVERSE, charge.amount, charge=charge, now=now)
    Scan.objects.filter(pk=scan.pk).update(undone_at=now)
    audit.record(by=back.by, action="gift_card.undo", on=card.public_id, charge=charge.public_id)
    tell_gift_card(card, "refunded", now=now)


def void_card(card: GiftCard, *, now: datetime) -> None:
    """Take a whole card back: what is on it returns to its merchant, and nothing follows."""
    card = GiftCard.objects.held(card.pk)
    if card.balance:
        post(card, Kind.REVERSE, card.balance, now=now)
    GiftCard.objects.filter(pk=card.pk).update(state=GiftCard.State.REVERSED)


def post(
    card: GiftCard,
    kind: str,
    amount: int,
    *,
    now: datetime,
    charge: GiftCardPosting | None = None,
    scan: Scan | None = None,
) -> GiftCardPosting:
    """Write one movement of a card that is held, and read what it has become."""
    back = (Account.SALES, Account.CARD) if charge is not None else (Account.CARD, Account.GRANTED)
    origin, target = _ACCOUNTS.get(Kind(kind), back)
    posting = GiftCardPosting.objects.create(
        card=card,
        number=card.moves + 1,
        kind=kind,
        from_account=origin,
        to_account=target,
        amount=amount,
        balance_after=card.balance + (amount if target == Account.CARD else -amount),
        charge=charge,
        scan=scan,
        at=now,
    )
    card.refresh_from_db(fields=["balance", "moves"])
    return posting


def state_of(card: GiftCard, *, now: datetime) -> str:
    """Its state as everybody reads it: `open`, `spent` (a refund can bring money back), `expired` or `reversed`."""
    if card.state != GiftCard.State.OPEN:
        return card.state
    if now >= card.expires_at:
        return str(GiftCard.State.EXPIRED)
    return str(GiftCard.State.OPEN) if card.balance else "spent"


def left_of(charge: GiftCardPosting) -> int:
    """What of a charge has not been given back."""
    returned = charge.returns.aggregate(sum=Sum("amount"))["sum"] or 0
    return charge.amount - int(returned)


def card_of(redemption: Redemption) -> GiftCard | None:
    """The card of a redemption; None until it is issued."""
    card: GiftCard | None = getattr(redemption, "gift_card", None)
    return card


def has_cards(merchant: Merchant) -> bool:
    """Whether a merchant has ever issued one, so that its desk may be shown any."""
    return GiftCard.objects.filter(merchant=merchant).exists()


def money(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}
