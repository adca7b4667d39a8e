"""What a desk and its manager see of today: counts and the last scans. No person's value is near any of it (P4)."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from citizen_app.audit import actor_of
from citizen_app.models import Citizen
from perks import hours
from perks.models import Merchant, Redemption, Scan
from perks.services.redemptions import UNDO_TIME
from perks.services.showing_merchants import scan_answer, scan_row
from perks.services.showing_perks import instant
from perks.services.showing_tills import desks_of

LAST_SCANS = 10


def today_counts(merchant: Merchant, *, zone: str, now: datetime) -> dict[str, int]:
    """How many of a merchant's perks were taken, honoured and given back on the local day, and how many wait."""
    start, end = hours.day_bounds(now, zone)
    closed_today = Q(closed_at__gte=start, closed_at__lt=end)
    ran_out_today = Q(state=Redemption.State.RESERVED, expires_at__gte=start, expires_at__lte=now)
    given_back = closed_today & Q(state__in=[Redemption.State.CANCELLED, Redemption.State.EXPIRED])
    counts: dict[str, int] = Redemption.objects.filter(merchant=merchant).aggregate(
        taken=Count("pk", filter=Q(taken_at__gte=start, taken_at__lt=end)),
        honoured=Count("pk", filter=closed_today & Q(state=Redemption.State.REDEEMED)),
        waiting=Count("pk", filter=Redemption.reads_as(Redemption.State.RESERVED, now)),
        cancelled=Count("pk", filter=given_back | ran_out_today),
    )
    return counts


def last_scans(merchant: Merchant, *, till: Citizen | None = None) -> list[dict[str, Any]]:
    """The last scans of the merchant, or of one person's own desk, newest first, with the desk's name."""
    scans = Scan.objects.filter(merchant=merchant).select_related(
        "redemption__version", "redemption__perk", "redemption__citizen", "scanned_by"
    )
    if till is not None:
        scans = scans.filter(till=actor_of(till))
    found = list(scans.order_by("-id")[:LAST_SCANS])
    desks = desks_of(found)
    return [scan_row(scan) | {"desk": desks[scan.till]} for scan in found]


def scan_result(scan: Scan, *, now: datetime) -> dict[str, Any]:
    """What the desk is told of a scan, when it was, and until when it can be undone."""
    undo_until = scan.received_at + UNDO_TIME
    may_undo = scan.outcome == Scan.Outcome.ACCEPTED and scan.undone_at is None and now < undo_until
    return scan_answer(scan) | {
        "at": instant(scan.scanned_at),
        "undo_until": instant(undo_until) if may_undo else None,
    }
