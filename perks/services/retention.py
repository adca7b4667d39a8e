"""How long perks know people (docs/privacy.md): 24 months after something is over its record stays, without a person.

Ledgers stay for ten years and longer: the database refuses to delete a posting, and none says whose it was.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet

from citizen_app.pruning import deletes, prunes, update_some, years_before
from perks.models import (
    BoostGrant,
    DepositAgreement,
    DepositFile,
    GiftCard,
    Invitation,
    MakeGood,
    Outcome,
    Redemption,
    RefusedAttempt,
    Report,
    Scan,
    TillShift,
)
from perks.models.deposits import ENDED as DEPOSIT_ENDED
from perks.services.deposit_files import erase_old_files

PEOPLE_KEPT_YEARS: Final = 2
INVITATIONS_KEPT: Final = timedelta(days=30)


def _since(now: datetime) -> datetime:
    return years_before(now, PEOPLE_KEPT_YEARS)


def _redemptions(now: datetime) -> QuerySet[Any]:
    """Closed for 24 months, and nothing hangs on them that still runs: a card to spend, an agreement, a boost."""
    over = Redemption.objects.filter(closed_at__lt=_since(now)).exclude(citizen=None, booking_reference="")
    runs = Q(gift_card__state=GiftCard.State.OPEN) | Q(boost__isnull=False, boost__ended_at__isnull=True)
    return over.exclude(runs).exclude(Q(deposit__isnull=False) & ~Q(deposit__state__in=DEPOSIT_ENDED))


def _scans(now: datetime) -> QuerySet[Any]:
    return Scan.objects.filter(received_at__lt=_since(now), scanned_by__isnull=False)


def _gift_cards(now: datetime) -> QuerySet[Any]:
    """Over for 24 months: expired then, or taken back and issued before."""
    over = Q(state=GiftCard.State.EXPIRED, expires_at__lt=_since(now)) | Q(
        state=GiftCard.State.REVERSED, redemption__reversed_at__lt=_since(now)
    )
    return GiftCard.objects.filter(over, citizen__isnull=False)


def _deposits(now: datetime) -> QuerySet[Any]:
    over = DepositAgreement.objects.filter(state__in=DEPOSIT_ENDED, ended_at__lt=_since(now))
    return over.exclude(citizen=None, contest_statement="", claim_items=[])


def _deposit_files(now: datetime) -> QuerySet[Any]:
    return DepositFile.objects.filter(agreement__ended_at__lte=now - DepositFile.KEPT_AFTER_END)


def _reports(now: datetime) -> QuerySet[Any]:
    return Report.objects.filter(made_at__lt=_since(now)).exclude(citizen=None, statement="")


@prunes("redemptions", overdue=_redemptions)
def loosen_redemptions(now: datetime) -> int:
    """Take people out of what they took and used."""
    return update_some(_redemptions(now), citizen=None, booking_reference="", forgets_citizen=False)


@prunes("scans", overdue=_scans)
def loosen_scans(now: datetime) -> int:
    """Take people out of what they scanned at a desk."""
    return update_some(_scans(now), scanned_by=None)


@prunes("gift_cards", overdue=_gift_cards)
def loosen_gift_cards(now: datetime) -> int:
    """Take people out of cards that are over; what was put on them and spent stays."""
    return update_some(_gift_cards(now), citizen=None)


@prunes("deposits", overdue=_deposits)
def loosen_deposits(now: datetime) -> int:
    """Take people, and what both sides wrote, out of agreements that have ended."""
    nobody: dict[str, Any] = {"citizen": None, "contest_statement": "", "claim_items": [], "forgets_citizen": False}
    return update_some(_deposits(now), **nobody)


@prunes("deposit_files", overdue=_deposit_files)
def forget_deposit_files(now: datetime) -> int:
    """Erase photographs and evidence 90 days after the end."""
    return erase_old_files(now=now)


@prunes("reports", overdue=_reports)
def loosen_reports(now: datetime) -> int:
    """Take people and their words out of what they reported."""
    return update_some(_reports(now), citizen=None, statement="")


deletes("boosts", lambda now: BoostGrant.objects.filter(ended_at__lt=_since(now)))
deletes("outcomes", lambda now: Outcome.objects.filter(recorded_at__lt=_since(now)))
deletes("refusals", lambda now: RefusedAttempt.objects.filter(at__lt=_since(now)))
deletes("make_goods", lambda now: MakeGood.objects.filter(closed_at__lt=_since(now)))
deletes("shifts", lambda now: TillShift.objects.filter(expires_at__lt=_since(now)))
# An address of somebody who may never have had an account.
deletes(
    "invitations",
    lambda now: Invitation.objects.filter(
        Q(expires_at__lt=now - INVITATIONS_KEPT) | Q(accepted_at__lt=now - INVITATIONS_KEPT)
    ),
)
