"""The sample's people and the records they bring: real payments from the extract, everything else invented.

What is invented is drawn from a hash of the person's number, so that every load makes the same people. Records are
dated in the months of the extract and moved forward together by whole months.
"""

import csv
import hashlib
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from citizen_app.demo import EMAIL_DOMAIN
from scores.catalogue import VALUE_SCALE, format_value

EXTRACT = Path(__file__).with_name("credit_payments.csv")
STATEMENTS = tuple(date(2005, month, monthrange(2005, month)[1]) for month in range(4, 10))
"""The days of the extract's six statements, oldest first: each month's last."""

FIRST_NAMES = [
    "Alma",
    "Amir",
    "Ana",
    "Anders",
    "Anouk",
    "Arjun",
    "Beatriz",
    "Bruno",
    "Camille",
    "Carlos",
    "Chiara",
    "Clara",
    "Daan",
    "Dara",
    "Diego",
    "Elena",
    "Elif",
    "Emil",
    "Esther",
    "Eva",
    "Farid",
    "Filipa",
    "Finn",
    "Freya",
    "Gabriel",
    "Hana",
    "Hugo",
    "Ines",
    "Ivo",
    "Jana",
    "Joana",
    "Jonas",
    "Kaja",
    "Karim",
    "Lara",
    "Leon",
    "Lina",
    "Lucas",
    "Luisa",
    "Maja",
    "Malik",
    "Marta",
    "Mateo",
    "Mei",
    "Milan",
    "Mina",
    "Nadia",
    "Nina",
    "Noor",
    "Nuno",
    "Olga",
    "Omar",
    "Oscar",
    "Paula",
    "Pedro",
    "Petra",
    "Rafael",
    "Rania",
    "Rita",
    "Rui",
    "Sami",
    "Sara",
    "Selma",
    "Sofia",
    "Stefan",
    "Tara",
    "Teresa",
    "Theo",
    "Tiago",
    "Tomas",
    "Vera",
    "Viktor",
    "Yara",
    "Yusuf",
    "Zoe",
]

GUESTS = {481: "Ana", 22171: "Rui"}
"""The two people somebody trying the demo signs in as: paid late once and caught up, and paid on time throughout."""


class Record(NamedTuple):
    """One record to load: `value` is in ten-thousandths, `occurred_on` still in the extract's year."""

    external_id: str
    kind: str
    occurred_on: date
    value: int = 0

    @property
    def text(self) -> str:
        """The value as a furnisher sends it."""
        return format_value(self.value)


@dataclass(frozen=True, slots=True)
class Person:
    """One of the sample's people. Only `payments` is real; `number` is the extract's and names nobody."""

    number: int
    first_name: str
    email: str
    is_guest: bool
    payments: tuple[Record, ...]
    invented: tuple[Record, ...]

    @property
    def subject(self) -> str:
        """What the demo bank calls this person."""
        return f"card-{self.number:05}"


def read_people(extract: Path = EXTRACT) -> Iterator[Person]:
    """The people of an extract, in its order."""
    with extract.open(newline="") as lines:
        for row in csv.DictReader(lines):
            number = int(row["person"])
            guest = GUESTS.get(number)
            yield Person(
                number=number,
                first_name=guest or FIRST_NAMES[draw(number, "first name", len(FIRST_NAMES))],
                email=f"{guest.lower() if guest else f'person-{number:05}'}@{EMAIL_DOMAIN}",
                is_guest=guest is not None,
                payments=tuple(_payments(row)),
                invented=tuple(_invented(number)),
            )


def sample_people(others: int | None = None) -> list[Person]:
    """The guests, then the other people of the sample: all of them, or so many."""
    everybody = list(read_people())
    guests = [person for person in everybody if person.is_guest]
    return guests + [person for person in everybody if not person.is_guest][:others]


def draw(number: int, what: str, sides: int) -> int:
    """A number from 0 to `sides` − 1 that is always the same for this person and question."""
    digest = hashlib.sha256(f"{number} {what}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % sides


def months_forward(loaded_on: date) -> int:
    """How many months the records move so that the last statement lies in the month before the loading day."""
    return 12 * loaded_on.year + loaded_on.month - 1 - (12 * STATEMENTS[-1].year + STATEMENTS[-1].month)


def moved(day: date, months: int) -> date:
    """The day this many months later; a month's last day stays its month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    last = monthrange(year, month + 1)[1]
    is_last = day.day == monthrange(day.year, day.month)[1]
    return date(year, month + 1, last if is_last else min(day.day, last))


def dated(records: Iterable[Record], months: int) -> list[Record]:
    """The records as they are stored: moved forward by so many months."""
    return [record._replace(occurred_on=moved(record.occurred_on, months)) for record in records]


def _payments(row: dict[str, str]) -> Iterator[Record]:
    for day in STATEMENTS:
        month = f"{day:%Y-%m}"
        late, used = int(row[f"months_late_{month}"]), Decimal(row[f"utilisation_{month}"])
        yield Record(f"{month}.payment", "credit.payment", day, late * VALUE_SCALE)
        yield Record(f"{month}.utilisation", "credit.utilisation", day, int(used * VALUE_SCALE))


def _invented(number: int) -> Iterator[Record]:
    """What the platform might know of the person: an e-mail address, a document, a second factor, some bookings."""
    yield Record("invented.email", "identity.email", STATEMENTS[0], VALUE_SCALE)
    yield Record("invented.document", "identity.document", STATEMENTS[1], VALUE_SCALE)
    if draw(number, "second factor", 100) < 35:
        yield Record("invented.mfa", "identity.mfa", STATEMENTS[3], VALUE_SCALE)
    bookings = (0, 0, 0, 1, 2, 3, 3, 4, 5, 6)[draw(number, "bookings", 10)]
    for place in range(1, bookings + 1):
        month = draw(number, f"month of booking {place}", len(STATEMENTS))
        day = 1 + draw(number, f"day of booking {place}", 28)
        chance = draw(number, f"outcome of booking {place}", 100)
        outcome = 0 if chance < 84 else 1 if chance < 95 else 2
        yield Record(
            f"invented.booking-{place}", "fulfilment.booking", date(2005, 4 + month, day), outcome * VALUE_SCALE
        )
