"""Tills as their merchant sees them, and as they see themselves."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from perks.models import Branch, Merchant, Scan, Till, TillShift
from perks.services.shifts import cashiers_of, open_shift_of
from perks.services.showing_perks import instant
from perks.services.tills import NewPairing

LAST_CONFLICTS = 50


def till_line(till: Till) -> dict[str, Any]:
    """A till in its merchant's list."""
    return {
        "id": till.public_id,
        "name": till.name,
        "branch": _place(till.branch),
        "shift_minutes": till.shift_minutes,
        "paired_at": instant(till.paired_at),
        "last_seen_at": instant(till.last_seen_at),
    }


def pairing_line(made: NewPairing) -> dict[str, Any]:
    """A pairing with the only sight of its code."""
    return {
        "id": made.pairing.public_id,
        "name": made.pairing.name,
        "branch": _place(made.pairing.branch),
        "pairing_code": made.code,
        "expires_at": instant(made.pairing.expires_at),
    }


def shift_line(shift: TillShift) -> dict[str, Any]:
    """A shift as the till shows it."""
    return {
        "id": shift.public_id,
        "member": {"id": shift.member.public_id, "first_name": shift.member.citizen.first_name or "No name"},
        "opened_at": instant(shift.opened_at),
        "expires_at": instant(shift.expires_at),
    }


def own_till(till: Till) -> dict[str, Any]:
    """What a till knows of itself: where it stands, who can come to work on it, and who is."""
    shift = open_shift_of(till, now=timezone.now())
    return till_line(till) | {
        "merchant": {"id": till.merchant.public_id, "name": till.merchant.name},
        "cashiers": cashiers_of(till),
        "shift": shift_line(shift) if shift else None,
    }


def desks_of(scans: Iterable[Scan]) -> dict[str, str]:
    """What the desks of some scans are called: a till by its name, a person by their first name, else a server."""
    scans = list(scans)
    names = {}
    keys = [Till.key_of(scan.till.removeprefix("till:")) for scan in scans if scan.till.startswith("till:")]
    for till in Till.objects.filter(pk__in=[key for key in keys if key is not None]):
        names[till.actor] = till.name
    for scan in scans:
        if scan.till not in names:
            person = scan.scanned_by
            names[scan.till] = "A server" if scan.till.startswith("client:") else (person and person.first_name) or ""
    return names


def conflicts(merchant: Merchant) -> list[dict[str, Any]]:
    """The newest conflicts, each with both desks and times: what a till gave, and what it was given against."""
    found = Scan.objects.filter(merchant=merchant, outcome=Scan.Outcome.CONFLICT)
    lost = list(found.select_related("redemption__version", "branch", "scanned_by").order_by("-id")[:LAST_CONFLICTS])
    first = {
        scan.redemption_id: scan
        for scan in Scan.objects.filter(
            redemption__in=[scan.redemption_id for scan in lost], outcome=Scan.Outcome.ACCEPTED, undone_at=None
        ).select_related("branch", "scanned_by")
    }
    names = desks_of([*lost, *first.values()])
    return [
        {
            "id": scan.public_id,
            "redemption": {"id": scan.redemption.public_id, "title": scan.redemption.version.title}
            if scan.redemption
            else None,
            "detail": scan.detail.get("text") or None,
            "lost": _desk(scan, names),
            "first": _desk(first[scan.redemption_id], names) if scan.redemption_id in first else None,
        }
        for scan in lost
    ]


def conflicts_count(merchant: Merchant, *, since: datetime) -> int:
    """How many conflicts came in since a moment."""
    found = Scan.objects.filter(merchant=merchant, outcome=Scan.Outcome.CONFLICT, received_at__gt=since)
    return found.count()


def _desk(scan: Scan, names: dict[str, str]) -> dict[str, Any]:
    return {
        "desk": names[scan.till],
        "by": scan.scanned_by.first_name if scan.scanned_by and scan.till.startswith("till:") else None,
        "branch": scan.branch.name if scan.branch else None,
        "zone": scan.branch.zone if scan.branch else None,
        "scanned_at": instant(scan.scanned_at),
        "received_at": instant(scan.received_at),
    }


def _place(branch: Branch | None) -> dict[str, Any] | None:
    return {"id": branch.public_id, "name": branch.name} if branch else None
