"""The citizen's catalogue: what is shown now, narrowed by what they look for, each with its answer to them."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q

from citizen_app.models import Citizen
from perks import eligibility
from perks.models import Branch, Merchant, Perk
from perks.services.eligibility_reading import judge_each, takeable
from perks.services.showing_perks import perk_card
from scores.assessments import Assessment

NEAR_KILOMETRES: Final = 50
_KILOMETRES_A_DEGREE: Final = 111.2  # of latitude, on a sphere of the Earth's mean radius
_AIRPORT: Final = re.compile(r"[A-Z]{3}")
_POINT: Final = re.compile(r"(-?\d{1,2}(?:\.\d{1,8})?),(-?\d{1,3}(?:\.\d{1,8})?)", re.ASCII)


class BadPlace(ValueError):
    """Neither an airport's IATA code nor `latitude,longitude` in degrees."""


@dataclass(frozen=True, slots=True)
class Near:
    """A place: an airport, or the middle of a circle of 50 km."""

    iata: str = ""
    latitude: float = 0.0
    longitude: float = 0.0

    @classmethod
    def read(cls, text: str) -> "Near":
        if _AIRPORT.fullmatch(text.upper()):
            return cls(iata=text.upper())
        point = _POINT.fullmatch(text.replace(" ", ""))
        if point and abs(float(point[1])) <= 90 and abs(float(point[2])) <= 180:
            return cls(latitude=float(point[1]), longitude=float(point[2]))
        raise BadPlace("An airport's IATA code (LIS) or latitude,longitude in degrees (38.78,-9.14).")

    def condition(self) -> Q:
        """The branches there: at the airport, or in the square around the circle."""
        if self.iata:
            return Q(iata=self.iata)
        up = NEAR_KILOMETRES / _KILOMETRES_A_DEGREE
        shrink = math.cos(math.radians(min(abs(self.latitude) + up, 89.9)))
        aside = min(up / shrink, 180.0)
        west, east = self.longitude - aside, self.longitude + aside
        across = Q(longitude__gte=west, longitude__lte=east)
        if west < -180:
            across |= Q(longitude__gte=west + 360)
        if east > 180:
            across |= Q(longitude__lte=east - 360)
        return across & Q(latitude__gte=self.latitude - up, latitude__lte=self.latitude + up)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a citizen looks for; what is None does not matter."""

    kind: str | None = None
    category: str | None = None
    merchant: str | None = None
    purpose: str | None = None
    near: Near | None = None
    words: str | None = None
    only_eligible: bool = False


def catalogue(*, citizen: Citizen, assessment: Assessment, wanted: Wanted, now: datetime) -> Any:
    """Return the perks a citizen's list may contain, newest last published first by key, fetched for `cards_of`."""
    perks = with_what_cards_show(Perk.objects.shown_at(now))
    if wanted.kind is not None:
        perks = perks.filter(kind=wanted.kind)
    if wanted.purpose is not None:
        perks = perks.filter(purpose=wanted.purpose)
    if wanted.category is not None:
        perks = perks.filter(categories__code=wanted.category)
    if wanted.merchant is not None:
        key = Merchant.key_of(wanted.merchant)
        perks = perks.filter(merchant=key) if key else perks.none()
    if wanted.words is not None:
        for word in wanted.words.split()[:8]:
            perks = perks.filter(in_force__title__icontains=word)
    if wanted.near is not None:
        perks = perks.filter(_near(wanted.near))
    if wanted.only_eligible:
        perks = takeable(perks, citizen=citizen, assessment=assessment, now=now)
    return perks


def with_what_cards_show(perks: Any) -> Any:
    """Fetch beside each perk what its card shows: version and merchant in its row, categories in one statement more."""
    return perks.select_related("in_force", "merchant").prefetch_related("categories")


def cards_of(*, citizen: Citizen, perks: Sequence[Perk], assessment: Assessment, now: datetime) -> list[dict[str, Any]]:
    """Return a page of perks as their citizen reads them, each with its answer."""
    answers = judge_each(citizen=citizen, perks=perks, assessment=assessment, now=now)
    return [perk_card(perk, answers[perk.pk]) for perk in perks]


def takeable_cards_of(
    *, citizen: Citizen, perks: Sequence[Perk], assessment: Assessment, now: datetime
) -> list[dict[str, Any]]:
    """The same for `only_eligible`: what the judge refuses although its row matched is left out."""
    cards = cards_of(citizen=citizen, perks=perks, assessment=assessment, now=now)
    return [card for card in cards if card["eligibility"]["answer"] == eligibility.ELIGIBLE]


def _near(near: Near) -> Q:
    """A perk is there if one of its branches is; a perk that names none is at all of its merchant's."""
    there = Branch.objects.filter(near.condition(), merchant=OuterRef("merchant_id"), closed_at=None)
    named = Perk.branches.through.objects.filter(perk_id=OuterRef("pk"))
    named_there = named.filter(branch_id__in=Branch.objects.filter(near.condition(), closed_at=None).values("pk"))
    return Q(Exists(named_there)) | (~Q(Exists(named)) & Q(Exists(there)))
