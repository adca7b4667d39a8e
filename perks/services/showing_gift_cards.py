"""Gift cards as they are read: by their citizen with every movement, by their merchant with what it owes."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from citizen_app.models import Citizen
from perks.models import GiftCard, GiftCardPosting, Merchant
from perks.services.gift_cards import left_of, money, state_of
from perks.services.showing_perks import instant, redeemed_perk, secret_members

Kind = GiftCardPosting.Kind

SOON: Final = (30, 90)
"""Within how many days what ends is told to its merchant beside what it owes."""
_OVER: Final = (GiftCard.State.EXPIRED, GiftCard.State.REVERSED)


def in_short(card: GiftCard, *, now: datetime) -> dict[str, Any]:
    """A card beside its redemption."""
    state = state_of(card, now=now)
    return {
        "id": card.public_id,
        "state": state,
        "face": money(card.face, card.currency),
        "balance": money(0 if state in _OVER else card.balance, card.currency),
    }


def cards_of(citizen: Citizen) -> Any:
    """A citizen's cards, with what their lines show."""
    own = GiftCard.objects.filter(citizen=citizen)
    return own.select_related("redemption__perk", "redemption__version", "merchant")


def card_line(card: GiftCard, *, now: datetime) -> dict[str, Any]:
    """A card in its citizen's list: no code."""
    redemption = card.redemption
    return in_short(card, now=now) | {
        "redemption": redemption.public_id,
        "perk": redeemed_perk(redemption.perk, redemption.version, card.merchant),
        "issued_at": instant(card.issued_at),
        "expires_at": instant(card.expires_at),
    }


def card_page(card: GiftCard, *, now: datetime, qr_url: str) -> dict[str, Any]:
    """A card with its statement and, while it can be spent, what its citizen shows at the desk."""
    page = card_line(card, now=now) | {
        "terms": card.redemption.version.terms,
        "code": None,
        "pass": None,
        "seed": None,
        "qr": None,
        "statement": statement_of(card),
    }
    if state_of(card, now=now) != GiftCard.State.OPEN:
        return page
    return page | secret_members(card.redemption, qr_url=qr_url)


def statement_of(card: GiftCard) -> list[dict[str, Any]]:
    """Every movement, newest first: what, when, where, how much (less is negative), and what was left then."""
    postings = GiftCardPosting.objects.filter(card=card).select_related("scan__branch", "charge__scan__branch")
    return [
        {
            "id": posting.public_id,
            "at": instant(posting.at),
            "what": posting.kind,
            "where": _where(posting),
            "amount": money(posting.amount if posting.adds else -posting.amount, card.currency),
            "balance": money(posting.balance_after, card.currency),
        }
        for posting in postings.order_by("-number")
    ]


def charges_of(card: GiftCard) -> list[dict[str, Any]]:
    """The charges of a card as its merchant reads them, newest first, with what is left of each to refund."""
    charges = GiftCardPosting.objects.filter(card=card, kind=Kind.CHARGE).select_related("scan__branch")
    return [
        {
            "id": charge.public_id,
            "at": instant(charge.at),
            "where": _where(charge),
            "amount": money(charge.amount, card.currency),
            "left": money(charge.amount - (charge.returned or 0), card.currency),
        }
        for charge in charges.annotate(returned=Sum("returns__amount")).order_by("-number")
    ]


def refund_answer(refund: GiftCardPosting, *, now: datetime) -> dict[str, Any]:
    """What the one who refunds is told: the card as it is now, and what is left of the charge."""
    card, charge = refund.card, refund.charge
    return {
        "id": refund.public_id,
        "amount": money(refund.amount, card.currency),
        "charge": charge and charge.public_id,
        "left": charge and money(left_of(charge), card.currency),
        "gift_card": in_short(card, now=now),
    }


def liability_of(merchant: Merchant, *, now: datetime) -> list[dict[str, Any]]:
    """What a merchant owes on its cards, a row for each currency, with the sums of its ledger.

    `outstanding` is `issued` less `charged`, `expired` and `reversed`, and with what was `refunded`. A card whose time
    is over counts as expired from that moment.
    """
    postings = GiftCardPosting.objects.filter(card__merchant=merchant)
    moved: dict[str, dict[str, int]] = {}
    sums = postings.values_list("card__currency", "kind", "to_account").annotate(sum=Sum("amount")).order_by()
    for currency, kind, target, amount in sums:
        totals = moved.setdefault(currency, dict.fromkeys(("issued", "charged", "refunded", "expired", "reversed"), 0))
        totals[_total_of(kind, target)] += amount
    over = _balances(merchant, Q(state=GiftCard.State.OPEN, expires_at__lte=now))
    owed = {days: _balances(merchant, _ends_by(now, days)) for days in SOON}
    outstanding = _balances(merchant, _ends_by(now, None))
    return [
        {
            "currency": currency,
            "outstanding": money(outstanding.get(currency, (0, 0))[0], currency),
            "open_cards": outstanding.get(currency, (0, 0))[1],
            **{f"expiring_{days}_days": money(owed[days].get(currency, (0, 0))[0], currency) for days in SOON},
            "totals": {
                name: money(amount + (over.get(currency, (0, 0))[0] if name == "expired" else 0), currency)
                for name, amount in totals.items()
            },
        }
        for currency, totals in sorted(moved.items())
    ]


def _ends_by(now: datetime, days: int | None) -> Q:
    still = Q(state=GiftCard.State.OPEN, expires_at__gt=now, balance__gt=0)
    return still if days is None else still & Q(expires_at__lte=now + timedelta(days=days))


def _balances(merchant: Merchant, which: Q) -> dict[str, tuple[int, int]]:
    rows: Iterable[tuple[str, int, int]] = (
        GiftCard.objects.filter(which, merchant=merchant)
        .values_list("currency")
        .annotate(sum=Coalesce(Sum(F("balance")), 0), number=Count("pk"))
        .order_by()
    )
    return {currency: (amount, number) for currency, amount, number in rows}


def _total_of(kind: str, target: str) -> str:
    """Under which total a posting counts; a charge that was undone was given back, like a refund."""
    if kind == Kind.REVERSE:
        return "refunded" if target == GiftCardPosting.Account.CARD else "reversed"
    return {Kind.ISSUE: "issued", Kind.CHARGE: "charged", Kind.REFUND: "refunded", Kind.EXPIRE: "expired"}[Kind(kind)]


def _where(posting: GiftCardPosting) -> str | None:
    charge = posting.charge or posting
    branch = charge.scan.branch if charge.scan else None
    return branch.name if branch else None
