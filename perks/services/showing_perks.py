"""Perks and redemptions as their citizen reads them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from perks import eligibility, hours
from perks.models import Branch, Merchant, Perk, PerkVersion, Redemption
from perks.services.eligibility_reading import stock_of
from perks.services.images import image_lines
from perks.services.kinds import rules_of
from perks.services.outside_codes import outside_code_of
from perks.services.perk_body import LIMITS, RELEASES, WINDOWS
from perks.services.redemptions import is_shown, state_at
from perks.services.showing import secrets_of
from perks.services.showing_standing import standing_of
from perks.translations import read_in

ROTATES_EVERY = 30  # seconds: RFC 6238's step


def instant(at: datetime | None) -> str | None:
    """Write a moment as the API does: UTC, RFC 3339."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def merchant_line(merchant: Merchant) -> dict[str, Any]:
    """A merchant as every perk names it, with its standing."""
    return {"id": merchant.public_id, "name": merchant.name, "standing": standing_of(merchant)}


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


def texts_of(version: PerkVersion, languages: Sequence[str] = ()) -> tuple[str, Mapping[str, str]]:
    """The language somebody reads a version in, and its title, description, terms and fair terms in it."""
    original = {
        "title": version.title,
        "description": version.description,
        "terms": version.terms,
        "fair_terms": version.fair_terms,
    }
    return read_in(original, version.language, version.translations, languages)


def perk_card(perk: Perk, judged: eligibility.Eligibility, languages: Sequence[str] = ()) -> dict[str, Any]:
    """A perk in a list: what it gives, to whom, its answer to this person and what taking it means.

    In the first of the languages it is whole in, else in its own: `language` says which.
    """
    version = perk.version_in_force
    language, texts = texts_of(version, languages)
    return {
        "id": perk.public_id,
        "kind": perk.kind,
        "purpose": perk.purpose,
        "title": texts["title"],
        "language": language,
        "merchant": merchant_line(perk.merchant),
        "tiers": version.tiers,
        "eligibility": judged.as_dict(),
        "validity": {
            **{name: getattr(perk, name) or None for name in WINDOWS},
            "opens_at": instant(perk.valid_from_at),
            "ends_at": instant(perk.valid_until_at),
        },
        "zone": perk.zone,
        "distance_km": _kilometres(perk),
        "images": image_lines(perk),
        "categories": [row["code"] for row in perk.category_codes],  # type: ignore[attr-defined]
        "fair_terms": texts["fair_terms"],
        "desk_learns": desk_learns(perk),
        "limits": {name: getattr(perk, f"limit_{name}") for name in LIMITS},
        "release": {name: getattr(perk, f"release_{name}") for name in RELEASES},
        "remaining": remaining(perk),
    }


def perk_page(
    perk: Perk,
    judged: eligibility.Eligibility,
    branches: list[Branch],
    languages: Sequence[str] = (),
    *,
    now: datetime,
) -> dict[str, Any]:
    """All of a perk that binds its citizen, before they take it. `branches` are where it can be used."""
    version = perk.version_in_force
    _, texts = texts_of(version, languages)
    return perk_card(perk, judged, languages) | {
        "state": "ended" if _is_over(judged) else perk.state,
        "version": version.number,
        "description": texts["description"],
        "terms": texts["terms"],
        "languages": languages_of(version),
        "branches": [branch_line(branch) for branch in branches],
        "hours": perk.hours,
        "desk": desk_times(perk, now),
        "hold_minutes": perk.hold_minutes,
        "offline": perk.offline,
        "deposit": version.deposit,
    }


def desk_times(perk: Perk, now: datetime) -> dict[str, Any]:
    """Whether the desk is open by the perk's weekly hours, and when it opens or closes next."""
    is_open = hours.open_at(perk.hours, perk.zone, now)
    turns_at = hours.next_turn(perk.hours, perk.zone, now)
    return {
        "is_open": is_open,
        "opens_at": None if is_open else instant(turns_at),
        "closes_at": instant(turns_at) if is_open else None,
    }


def languages_of(version: PerkVersion) -> list[str]:
    """The languages a version can be read in: its own, and those it is whole in."""
    return sorted({version.language, *(code for code in version.translations if texts_of(version, [code])[0] == code)})


def _kilometres(perk: Perk) -> float | None:
    """How far its nearest branch is from the point that was asked about; None where none was."""
    metres = getattr(perk, "distance_m", None)
    return None if metres is None else round(metres / 1000, 1)


def desk_learns(perk: Perk) -> list[str]:
    """What a scan tells the desk, and nothing besides."""
    if perk.kind == Perk.Kind.VISIBILITY_BOOST:
        return ["There is no desk: an app you connect reads how much your boost is, and nothing else"]
    learns = ["That this perk is yours, what it gives and its terms", "Your first name"]
    if perk.kind == Perk.Kind.PRIORITY:
        learns.append("The day and the branch you chose, and your booking reference if you gave one")
        learns.append("Up to two days before, so that its tills know you without a network: the same, on their list")
    if perk.kind == Perk.Kind.GIFT_CARD:
        learns.append("What is left on the card, when you pay with it")
    if perk.kind == Perk.Kind.DEPOSIT_WAIVER:
        learns.append("The days, the branch and the class you chose, and your booking reference if you gave one")
        learns.append("How much of the deposit is waived, and the most that may be claimed later")
    return learns


def remaining(perk: Perk) -> int | None:
    """How many are left to take, what is kept for a make-good is not; None without a stock."""
    stock = stock_of(perk)
    return None if stock is None else max(0, stock - perk.taken_count - perk.promised_count)


def redemption_line(redemption: Redemption, *, now: datetime) -> dict[str, Any]:
    """A redemption in its citizen's list: no code, no pass."""
    branch = redemption.branch
    used = redemption.state in (Redemption.State.REDEEMED, Redemption.State.REVERSED)
    return {
        "id": redemption.public_id,
        "state": state_at(redemption, now),
        "perk": redeemed_perk(redemption.perk, redemption.version, redemption.merchant),
        "benefit": redemption.offered_benefit,
        "version": redemption.version.number,
        "branch": branch_line(branch) if branch else None,
        "date": redemption.date.isoformat() if redemption.date else None,
        "booking_reference": redemption.booking_reference or None,
        "taken_at": instant(redemption.taken_at),
        "expires_at": instant(redemption.expires_at),
        "redeemed_at": instant(redemption.closed_at) if used else None,
        "reason": redemption.reversal_reason or None,
        "release": redemption.release,
        "pending_until": instant(redemption.pending_until),
        "boost": None,
        "gift_card": None,
        "deposit": None,
        **rules_of(redemption.perk.kind).for_citizen(redemption, now=now),
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
    """A redemption with what its citizen shows at the desk, while there is something to; `qr_url` is of the picture."""
    line = redemption_line(redemption, now=now) | {
        "terms": redemption.version.terms,
        "code": None,
        "pass": None,
        "seed": None,
        "valid_until": instant(redemption.expires_at),
        "qr": None,
        "outside_code": outside_code_of(redemption),
    }
    if not is_shown(redemption, now):
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
