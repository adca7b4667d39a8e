"""Weeks in a merchant's life, written straight into its tables, so that thousands of takings cost milliseconds."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from citizen_app.models import Citizen
from perks.models import Perk, Redemption, RefusedAttempt
from tests.factories.people import CitizenFactory


def people(number: int) -> list[Citizen]:
    """So many people who exist."""
    return [CitizenFactory() for _ in range(number)]


def happened(perk: Perk, citizens: list[Citizen | None], at: datetime, state: str = "redeemed", **fields: Any) -> None:
    """Each of these people took the perk at a moment, and an hour later it was as `state` says."""
    closed = at + timedelta(hours=1)
    Redemption.objects.bulk_create(
        Redemption(
            **{
                "perk": perk,
                "version": perk.in_force,
                "merchant": perk.merchant,
                "citizen": citizen,
                "state": state,
                "benefit": {"text": "A coffee"},
                "code_hash": uuid4().hex,
                "taken_at": at,
                "expires_at": closed if state == "expired" else at + timedelta(days=1),
                "closed_at": None if state == "reserved" else closed,
                "reversed_at": closed if state == "reversed" else None,
                "release": {"on_cancel": "all", "on_expiry": "all", "on_reversal": "nothing"},
            }
            | fields
        )
        for citizen in citizens
    )


def refused(perk: Perk, citizens: list[Citizen], at: datetime, *codes: str) -> None:
    """Each of these people was refused the perk for these reasons."""
    reasons = [{"code": code, "detail": "So it is."} for code in codes]
    RefusedAttempt.objects.bulk_create(
        RefusedAttempt(citizen=citizen, version=perk.in_force, at=at, reasons=reasons) for citizen in citizens
    )
