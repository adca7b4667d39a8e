"""Authorities, a transit operator, a city and a rental desk of the demo, and what they tell of its two guests.

All of it is invented. The guests have linked them and left them off: a visitor sees what switching one on would change,
and nothing of it counts before.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

from scores import catalogue
from scores.models import Furnisher, Source
from scores.sample.people import Record


class _Channel(NamedTuple):
    """A source of the demo: its furnisher is named like it, and is one thing."""

    code: str
    name: str
    furnishes_as: str
    kinds: Sequence[str]


TRAFFIC, TRANSIT, TAX = "demo-traffic", "demo-transit", "demo-tax"
TOURISM, CITY, REGISTER, RENTALS = "demo-tourism", "demo-city", "demo-register", "demo-rentals"
CHANNELS: Final = (
    _Channel(TRAFFIC, "Demo traffic authority", catalogue.AUTHORITY, ["conduct.traffic"]),
    _Channel(TRANSIT, "Demo transit", catalogue.TRANSIT, ["conduct.fare"]),
    _Channel(TAX, "Demo tax office", catalogue.AUTHORITY, ["conduct.tax"]),
    _Channel(TOURISM, "Demo tourism authority", catalogue.AUTHORITY, ["conduct.travel"]),
    _Channel(CITY, "Demo city", catalogue.CITY, ["conduct.recycling", "conduct.volunteering"]),
    _Channel(REGISTER, "Demo residents’ register", catalogue.AUTHORITY, ["identity.address", "identity.document"]),
    _Channel(
        RENTALS,
        "Demo rental desk",
        catalogue.MERCHANT,
        ["fulfilment.booking", "fulfilment.damage_unpaid", "fulfilment.rental"],
    ),
)


def authorities() -> dict[str, Source]:
    """Each channel's source by its code, made where it is missing."""
    there = {source.code: source for source in Source.objects.select_related("furnisher").filter(is_demo=True)}
    for code, name, furnishes_as, kinds in CHANNELS:
        if code not in there:
            there[code] = Source.objects.create(
                code=code,
                name=f"{name}, invented",
                furnisher=Furnisher.objects.create(name=name, furnishes_as=[furnishes_as]),
                kinds=sorted(kinds),
                is_demo=True,
            )
    return {code: there[code] for code, *_ in CHANNELS}


def _records(kind: str, *days: tuple[int, int, str]) -> tuple[Record, ...]:
    """Records of one kind on days of the extract's year: month, day and value."""
    known = catalogue.kind(kind)
    return tuple(
        Record(f"{kind}-{place}", kind, date(2005, month, day), catalogue.parse_value(known, value))
        for place, (month, day, value) in enumerate(days, 1)
    )


ABOUT_GUESTS: Final[Mapping[int, Mapping[str, tuple[Record, ...]]]] = MappingProxyType(
    {
        481: {
            TRAFFIC: _records("conduct.traffic", (5, 19, "1")),
            TRANSIT: _records("conduct.fare", (4, 12, "0"), (5, 30, "0"), (7, 4, "0"), (8, 22, "0")),
            TAX: _records("conduct.tax", (6, 12, "12")),
            CITY: _records("conduct.recycling", (5, 31, "6.5"), (6, 30, "9"), (7, 31, "4"), (8, 31, "11.25"))
            + _records("conduct.volunteering", (7, 9, "6")),
        },
        22171: {
            TRANSIT: _records("conduct.fare", (4, 3, "0"), (6, 17, "0"), (9, 8, "0")),
            TAX: _records("conduct.tax", (5, 28, "0")),
            TOURISM: _records("conduct.travel", (8, 14, "1")),
            CITY: _records("conduct.volunteering", (5, 7, "4"), (6, 4, "13")),
            RENTALS: _records("fulfilment.rental", (4, 25, "0"), (8, 20, "0")),
        },
    }
)
"""What is told of each guest, by the number in the extract and the source's code."""
