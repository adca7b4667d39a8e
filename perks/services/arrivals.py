"""Who is expected at a branch in the next two days: what a till needs to know a pass without asking us.

Of a person it holds a first name and a booking reference, nothing more (P4); a citizen reads this before they take
(`desk_learns`). Beside it stand the perks honoured at the branch, for passes that are for no day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Prefetch, Q

from citizen_app.errors import FieldError, InvalidInput
from perks import hours, passes
from perks.models import Branch, Merchant, Perk, PerkVersion, Redemption
from perks.services import ramp
from perks.services.offline import LIST_SPAN
from perks.services.showing_perks import instant

MOST_PERKS: Final = 500
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """The days a list covers, by the branch's clock."""

    start: datetime
    end: datetime

    def days(self, zone: str) -> tuple[Date, Date]:
        return hours.local_day(self.start, zone), hours.local_day(self.end - _SECOND, zone)


def span_of(start: datetime | Date | None, end: datetime | Date | None, *, zone: str, now: datetime) -> Span:
    """Return the days asked for, today and tomorrow unless said; `InvalidInput` for more than 48 hours.

    Each end is an instant or a local date, the last of which is included.
    """
    begins = _instant(start, zone) if start is not None else hours.day_start(hours.local_day(now, zone), zone)
    if end is None:
        ends = begins + LIST_SPAN
        if start is None:
            ends = hours.day_end(hours.local_day(now, zone) + timedelta(days=1), zone)
    else:
        ends = _instant(end, zone, is_end=True)
    if ends <= begins:
        raise InvalidInput(FieldError("/to", "out_of_range", "It is not after `from`."))
    # Two local days are two days also where a clock changes between them.
    first, last = Span(begins, ends).days(zone)
    if ends - begins > LIST_SPAN and last - first > timedelta(days=1):
        raise InvalidInput(FieldError("/to", "out_of_range", "At most 48 hours after `from`."))
    return Span(begins, ends)


def _instant(said: datetime | Date, zone: str, *, is_end: bool = False) -> datetime:
    if isinstance(said, datetime):
        return said
    if not hours.FIRST_YEAR <= said.year <= hours.LAST_YEAR:
        raise InvalidInput(FieldError("/to" if is_end else "/from", "out_of_range", "No such date is on the calendar."))
    return hours.day_end(said, zone) if is_end else hours.day_start(said, zone)


def arrivals(branch: Branch, span: Span, *, now: datetime) -> Any:
    """The dated reservations of a branch for these days that still stand."""
    first, last = span.days(branch.zone)
    found = Redemption.objects.filter(merchant=branch.merchant_id, branch=branch, date__gte=first, date__lte=last)
    # What waits for a dispute's end is shown to nobody yet.
    standing = found.filter(Redemption.reads_as(Redemption.State.RESERVED, now), pending_until=None)
    return standing.select_related("version", "perk__merchant", "citizen")


def arrival_lines(redemptions: Sequence[Redemption], *, now: datetime) -> list[dict[str, Any]]:
    """Each reservation as a till keeps it; `pass_id` is how a pass names it."""
    return [
        {
            "id": redemption.public_id,
            "pass_id": redemption.pk.hex,
            "perk": redemption.perk.public_id,
            "kind": redemption.perk.kind,
            "title": redemption.version.title,
            "benefit": redemption.offered_benefit,
            "terms": redemption.version.terms,
            "offline": ramp.offline_policy(redemption.perk, now),
            "date": redemption.date.isoformat() if redemption.date else None,
            "expires_at": instant(redemption.expires_at),
            "first_name": redemption.citizen.first_name if redemption.citizen else None,
            "booking_reference": redemption.booking_reference or None,
        }
        for redemption in redemptions
    ]


def desk_facts(merchant: Merchant, branch: Branch | None, *, now: datetime) -> dict[str, Any]:
    """What else an offline till knows passes by: its merchant, its branch, and the perks honoured there."""
    return {
        "merchant": {"id": merchant.public_id, "name": merchant.name, "pass_tag": passes.tag_of(merchant.pk).hex()},
        "branch": {"id": branch.public_id, "name": branch.name, "zone": branch.zone} if branch else None,
        "perks": _perk_lines(merchant, branch, now),
    }


def _perk_lines(merchant: Merchant, branch: Branch | None, now: datetime) -> list[dict[str, Any]]:
    perks = Perk.objects.filter(merchant=merchant).exclude(in_force=None).order_by("-id")
    if branch is not None:
        perks = perks.filter(Q(branches=None) | Q(branches=branch)).distinct()
    open_places = Branch.objects.filter(merchant=merchant, closed_at=None)
    has_one_place = branch is None or not open_places.exclude(pk=branch.pk).exists()
    perks = perks.select_related("in_force", "merchant").prefetch_related(
        Prefetch("branches", Branch.objects.only("pk"), to_attr="places")
    )
    return [
        {
            "id": perk.public_id,
            "pass_tag": passes.tag_of(perk.pk).hex(),
            "kind": perk.kind,
            "title": _version(perk).title,
            "terms": _version(perk).terms,
            "benefits": [row["benefit"] for row in _version(perk).tiers],
            "offline": ramp.offline_policy(perk, now),
            "is_dated": perk.kind in (Perk.Kind.PRIORITY, Perk.Kind.DEPOSIT_WAIVER),
            "only_here": has_one_place or len(perk.places) == 1,
            "hours": perk.hours,
            "zone": branch.zone if branch else perk.zone,
        }
        for perk in perks[:MOST_PERKS]
    ]


def _version(perk: Perk) -> PerkVersion:
    return perk.version_in_force
