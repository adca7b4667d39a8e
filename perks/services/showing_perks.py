"""Perks and redemptions as their citizen reads them."""

from datetime import UTC, datetime
from typing import Any

from perks import eligibility
from perks.models import Branch, Merchant, Perk, PerkVersion, Redemption
from perks.services.perk_body import LIMITS, RELEASES, WINDOWS
from perks.services.redemptions import state_at
from perks.services.showing import secrets_of

ROTATES_EVERY = 30  # seconds: RFC 6238's step


def instant(at: datetime | None) -> str | None:
    """Write a moment as the API does: UTC, RFC 3339."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def merchant_line(merchant: Merchant) -> dict[str, Any]:
    """A merchant as every perk names it, with its standing."""
    return {"id": merchant.public_id, "name": merchant.name, "standing": standing_of(merchant)}


def standing_of(merchant: Merchant) -> dict[str, Any]:
    """What authorities recorded about an enterprise: the register of records is not open yet, so nothing."""
    return {"state": "good", "records": 0}


def branch_line(branch: Branch) -> dict[str, Any]:
    """A branch as everybody may know it."""
    at = None
    if branch.latitude is not None and branch.longitude is not None:
        at = {"latitude": branch.latitude, "longitude": branch.longitude}
    return {
        "id": branch.public_id,
        "name": branch.name,
        "zone": branch.zone,
        "address": branch.address,
        "iata": branch.iata or None,
        "position": at,
    }


def perk_card(perk: Perk, judged: eligibility.Eligibility) -> dict[str, Any]:
    """A perk in a list: what it gives, to whom, its answer to this person and what taking it means."""
    version = perk.version_in_force
    return {
        "id": perk.public_id,
        "kind": perk.kind,
        "purpose": perk.purpose,
        "title": version.title,
        "merchant": merchant_line(perk.merchant),
        "tiers": version.tiers,
        "eligibility": judged.as_dict(),
        "validity": {
            **{name: getattr(perk, name) or None for name in WINDOWS},
            "opens_at": instant(perk.valid_from_at),
            "ends_at": instant(perk.valid_until_at),
        },
        "zone": perk.zone,
        "images": [],
        "categories": sorted(category.code for category in perk.categories.all()),
        "fair_terms": version.fair_terms,
        "desk_learns": desk_learns(perk),
        "limits": {name: getattr(perk, f"limit_{name}") for name in LIMITS},
        "release": {name: getattr(perk, f"release_{name}") for name in RELEASES},
        "remaining": remaining(perk),
    }


def perk_page(perk: Perk, judged: eligibility.Eligibility, branches: list[Branch]) -> dict[str, Any]:
    """All of a perk that binds its citizen, before they take it. `branches` are where it can be used."""
    version = perk.version_in_force
    return perk_card(perk, judged) | {
        "state": "ended" if _is_over(judged) else perk.state,
        "version": version.number,
        "description": version.description,
        "terms": version.terms,
        "branches": [branch_line(branch) for branch in branches],
        "hours": perk.hours,
        "hold_minutes": perk.hold_minutes,
        "offline": perk.offline,
    }


def desk_learns(perk: Perk) -> list[str]:
    """What a scan tells the desk, and nothing besides."""
    learns = ["That this perk is yours, what it gives and its terms", "Your first name"]
    if perk.kind == Perk.Kind.PRIORITY:
        learns.append("The day and the branch you chose, and your booking reference if you gave one")
    return learns


def remaining(perk: Perk) -> int | None:
    """How many are left; None without a stock."""
    return None if perk.stock is None else max(0, perk.stock - perk.taken_count)


def redemption_line(redemption: Redemption, *, now: datetime) -> dict[str, Any]:
    """A redemption in its citizen's list: no code, no pass."""
    branch = redemption.branch
    used = redemption.state in (Redemption.State.REDEEMED, Redemption.State.REVERSED)
    return {
        "id": redemption.public_id,
        "state": state_at(redemption, now),
        "perk": redeemed_perk(redemption.perk, redemption.version, redemption.merchant),
        "benefit": redemption.benefit,
        "version": redemption.version.number,
        "branch": branch_line(branch) if branch else None,
        "date": redemption.date.isoformat() if redemption.date else None,
        "booking_reference": redemption.booking_reference or None,
        "taken_at": instant(redemption.taken_at),
        "expires_at": instant(redemption.expires_at),
        "redeemed_at": instant(redemption.closed_at) if used else None,
        "reason": redemption.reversal_reason or None,
        "release": redemption.release,
    }


def redeemed_perk(perk: Perk, version: PerkVersion, merchant: Merchant) -> dict[str, Any]:
    """A perk as what was taken of it names it: with the title its version had."""
    return {
        "id": perk.public_id,
        "title": version.title,
        "kind": perk.kind,
        "purpose": perk.purpose,
        "zone": perk.zone,
        "merchant": merchant_line(merchant),
    }


def redemption_page(redemption: Redemption, *, now: datetime, qr_url: str) -> dict[str, Any]:
    """A redemption with what its citizen shows at the desk, while it is reserved; `qr_url` is of the picture."""
    line = redemption_line(redemption, now=now) | {
        "terms": redemption.version.terms,
        "code": None,
        "pass": None,
        "seed": None,
        "valid_until": instant(redemption.expires_at),
        "qr": None,
    }
    if line["state"] != Redemption.State.RESERVED:
        return line
    return line | secret_members(redemption, qr_url=qr_url)


def secret_members(redemption: Redemption, *, qr_url: str) -> dict[str, Any]:
    """The members of the answer that are never stored: derived again whenever they are shown."""
    shown = secrets_of(redemption)
    return {
        "code": shown.code,
        "pass": shown.signed,
        "seed": shown.seed,
        "qr": {"url": qr_url, "rotates_every": ROTATES_EVERY},
    }


def _is_over(judged: eligibility.Eligibility) -> bool:
    return any(reason.code == eligibility.PERK_ENDED for reason in judged.reasons)


def branches_of(perk: Perk) -> list[Branch]:
    """Where a perk can be used: the branches it names, else all of its merchant's."""
    named = list(perk.branches.filter(closed_at=None).order_by("pk"))
    return named or list(Branch.objects.filter(merchant_id=perk.merchant_id, closed_at=None).order_by("pk"))
