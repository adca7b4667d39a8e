"""Perks near a place: within a circle of 50 km around a point, the nearest first, or at an airport.

Distances are along the Earth's surface, on a sphere of its mean radius, and exact to the metre whichever pole or
meridian lies between. A square around the circle is looked up by an index first.
"""

import math
import re
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import BigIntegerField, Exists, F, FloatField, Min, OuterRef, Q, Subquery, Value
from django.db.models.functions import ASin, Cast, Cos, Least, Power, Radians, Round, Sin, Sqrt

from perks.models import Branch, Perk

NEAR_KILOMETRES: Final = 50
EARTH_RADIUS: Final = 6_371_008.8
"""Metres: the mean radius of the Earth."""
BY_DISTANCE: Final = ("distance_m", "-id")

_METRES_A_DEGREE: Final = EARTH_RADIUS * math.pi / 180
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

    def around(self) -> Q:
        """The branches there: at the airport, or in the square around the circle."""
        if self.iata:
            return Q(iata=self.iata)
        # A metre more than the circle: what is computed here must not cut what is computed there.
        up = (NEAR_KILOMETRES * 1000 + 1) / _METRES_A_DEGREE
        north_or_south = Q(latitude__gte=self.latitude - up, latitude__lte=self.latitude + up)
        if abs(self.latitude) + up >= 90:
            return north_or_south & Q(longitude__isnull=False)  # a pole lies inside: every meridian does
        # Where the circle reaches furthest east, which is not at its middle's latitude.
        aside = math.degrees(math.asin(math.sin(math.radians(up)) / math.cos(math.radians(self.latitude))))
        west, east = self.longitude - aside, self.longitude + aside
        across = Q(longitude__gte=west, longitude__lte=east)
        if west < -180:
            across |= Q(longitude__gte=west + 360)
        if east > 180:
            across |= Q(longitude__lte=east - 360)
        return across & north_or_south

    def metres_to_branch(self) -> Any:
        """How far a branch is, in whole metres, as the database computes it (haversine)."""
        here = Value(math.radians(self.latitude), output_field=FloatField())
        half = Value(0.5, output_field=FloatField())
        there = Radians(_no_dust(F("latitude")))
        up = Power(Sin((there - here) * half), 2)
        across = Power(
            Sin(Radians(_no_dust(F("longitude") - Value(self.longitude, output_field=FloatField()))) * half), 2
        )
        square = up + Cos(here) * Cos(there) * across
        metres = Value(2 * EARTH_RADIUS) * ASin(Sqrt(Least(square, Value(1.0, output_field=FloatField()))))
        return Cast(Round(metres), BigIntegerField())


def _no_dust(degrees: Any) -> Any:
    """Degrees without what is smaller than a ten-thousandth of a millimetre: PostgreSQL refuses to square it."""
    much = Value(1024.0, output_field=FloatField())
    return degrees + much - much


def near_perks(perks: Any, near: Near) -> Any:
    """Narrow perks to those near a place, each with `distance_m` where the place is a point.

    A perk is where its branches are; one that names none is at all of its merchant's. Closed branches are nowhere.
    """
    there = Branch.objects.filter(near.around(), closed_at=None)
    named = Perk.branches.through.objects.filter(perk_id=OuterRef("pk"))
    if near.iata:
        named_there = named.filter(branch_id__in=there.values("pk"))
        anywhere_there = there.filter(merchant=OuterRef("merchant_id"))
        return perks.filter(Q(Exists(named_there)) | (~Q(Exists(named)) & Q(Exists(anywhere_there))))
    named_of_perk = Perk.branches.through.objects.filter(perk_id=OuterRef(OuterRef("pk")))
    usable = there.filter(
        Q(Exists(named_of_perk.filter(branch_id=OuterRef("pk")))) | ~Q(Exists(named_of_perk)),
        merchant=OuterRef("merchant_id"),
    )
    nearest = usable.order_by().values("merchant").annotate(metres=Min(near.metres_to_branch())).values("metres")
    # The merchants first, by the index of positions: only their perks are measured.
    candidates = perks.filter(merchant__in=there.values("merchant"))
    measured = candidates.annotate(distance_m=Subquery(nearest, output_field=BigIntegerField()))
    return measured.filter(distance_m__lte=NEAR_KILOMETRES * 1000)
