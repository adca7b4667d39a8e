"""The desk at the moment of a scan, and what everybody who judges one asks of place and time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from citizen_app.models import Citizen, OAuthApplication
from perks import hours
from perks.models import Branch, Redemption, Scan

UNDO_TIME: Final = timedelta(minutes=10)
"""How long after a scan it can be taken back as if it had not been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where, when and by whom something is shown; `amount` is in minor units, for what is charged."""

    by: Citizen | OAuthApplication
    branch: Branch | None
    at: datetime  # when it was shown
    now: datetime  # when the server hears of it
    is_late: bool = False  # the till was offline
    amount: int | None = None
    zone: str = "UTC"  # of the branch, else of the perk


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scan comes to (`Scan.Outcome`), in a sentence for the desk; `facts` are kept with the scan."""

    outcome: str
    detail: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def out_of_place_or_hours(redemption: Redemption, desk: Desk) -> Verdict | None:
    """Whether it is shown at a branch where it does not hold, on another day, or outside its hours."""
    places = places_of(redemption)
    if places and (desk.branch is None or desk.branch.pk not in {place.pk for place in places}):
        names = ", ".join(place.name for place in places)
        return Verdict(Scan.Outcome.WRONG_BRANCH, f"It is valid at: {names}.")
    if redemption.date is not None and hours.local_day(desk.at, desk.zone) != redemption.date:
        return Verdict(Scan.Outcome.OUTSIDE_HOURS, f"It is for {redemption.date.day} {redemption.date:%B %Y}.")
    if not hours.open_at(redemption.perk.hours, desk.zone, desk.at):
        return Verdict(Scan.Outcome.OUTSIDE_HOURS, f"It was {said(desk.at, desk.zone)} at the desk, outside its hours.")
    return None


def places_of(redemption: Redemption) -> list[Branch]:
    """The branches it can be used at; none is all of them."""
    if redemption.branch is not None:
        return [redemption.branch]
    read = getattr(redemption.perk, "places", None)
    return list(redemption.perk.branches.order_by("pk")) if read is None else read


def said(instant: datetime | None, zone: str) -> str:
    """Write a moment for the desk, by the clock on its wall."""
    if instant is None:
        return "an earlier day"
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y, %H:%M} ({zone})"
