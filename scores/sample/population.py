"""A population of any size to measure with: people made from the extract's, with as many records as wanted.

Each person repeats one of the extract's, whose six months of payments are told again further back until the records
last; beyond the longest a credit record may live they are kept bookings. Deterministic: person n is always the same.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from citizen_app.demo import EMAIL_DOMAIN
from scores.catalogue import VALUE_SCALE
from scores.sample.loading import Newcomer
from scores.sample.people import FIRST_NAMES, STATEMENTS, Person, Record, moved

PREFIX = "population-"
HISTORY_MONTHS = 78
"""How far back payments go: records of credit live for 84 months."""
PAYMENTS_EACH = 2 * HISTORY_MONTHS


def email_of(number: int) -> str:
    return f"{PREFIX}{number:09}@{EMAIL_DOMAIN}"


def entries_of(number: int, *, citizens: int, entries: int) -> int:
    """How many of all the records this person has: as many as everybody, and the first people one more."""
    return entries // citizens + (number < entries % citizens)


def person(number: int, *, entries: int, like: Sequence[Person], months: int) -> Newcomer:
    """Person `number` (from 0 on) with so many records, the youngest in the last statement's month."""
    model = like[number % len(like)]
    invented = [record._replace(occurred_on=moved(record.occurred_on, months)) for record in model.invented]
    invented = invented[: entries // 3]
    payments = min(entries - len(invented), PAYMENTS_EACH)
    return Newcomer(
        first_name=FIRST_NAMES[number % len(FIRST_NAMES)],
        email=email_of(number),
        subject=f"population-{number}",
        payments=list(_payments(model, payments, months)),
        invented=[*invented, *_bookings(entries - len(invented) - payments, months)],
    )


def _payments(model: Person, count: int, months: int) -> Iterator[Record]:
    """The person's payments, the youngest first; before the first of them, the last again, a cycle earlier."""
    known = len(model.payments)
    for place in range(count):
        cycle, back = divmod(place, known)
        record = model.payments[known - 1 - back]
        earlier = cycle * len(STATEMENTS)
        yield record._replace(
            external_id=f"{record.external_id}-{cycle}" if cycle else record.external_id,
            occurred_on=_moved(record.occurred_on, months - earlier),
        )


def _bookings(count: int, months: int) -> Iterator[Record]:
    last = STATEMENTS[-1].replace(day=1)
    for place in range(count):
        outcome = 0 if place % 11 else VALUE_SCALE
        day = _moved(last, months - place % HISTORY_MONTHS)
        yield Record(f"population.booking-{place}", "fulfilment.booking", day, outcome)


_days: dict[tuple[date, int], date] = {}


def _moved(day: date, months: int) -> date:
    key = day, months
    if key not in _days:
        _days[key] = moved(day, months)
    return _days[key]
