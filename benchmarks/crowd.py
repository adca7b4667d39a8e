"""Fill an empty database with N enrolled people and M records each, straight in SQL: `python -m benchmarks.crowd N M`.

For measuring only: the people have no consents worth the name, nothing was furnished and no score was made (each has a
thin file as if made long ago). A million people with ten records each take minutes, where the services would take
hours. Person n is always the same: what varies is a hash of the number. Needs a superuser on PostgreSQL, to leave out
the foreign keys' checks, and refuses a database that has people in it.
"""

import argparse
import os
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from citizen_app.demo import refuse_in_production  # noqa: E402
from scores import catalogue  # noqa: E402
from scores.models import Enrolment, Furnisher, Link, Scorecard, Source  # noqa: E402

SOURCES = ("bench-bank", "bench-shop", "bench-city", Source.PLATFORM)
BANK, SHOP, CITY, PLATFORM = range(4)
PLANS = (
    # source, kinds one of which each person has, values one of which it has (ten-thousandths)
    (BANK, ("credit.payment",), (-10_000, 0, 0, 0, -20_000, 0, 10_000, 20_000)),
    (BANK, ("credit.payment",), (-10_000, 0, 0, 0, -20_000, 0, 0, 30_000)),
    (SHOP, ("fulfilment.booking",), (0, 0, 0, 0, 0, 10_000, 0, 20_000)),
    (PLATFORM, ("identity.email", "identity.phone", "identity.document", "identity.mfa"), (0,)),
    (BANK, ("credit.utilisation",), (0, 120, 2_500, 4_800, 6_900, 8_000, 9_900, 15_000)),
    (BANK, ("credit.payment",), (-10_000, 0, 0, 0, -20_000, 0, 10_000, 0)),
    (SHOP, ("fulfilment.rental", "fulfilment.booking"), (0, 0, 0, 0, 10_000, 0, 0, 20_000)),
    (CITY, ("conduct.fare", "conduct.recycling", "conduct.volunteering", "conduct.tax"), (0, 0, 0, 10_000)),
    (PLATFORM, ("vouch.received", "identity.address", "identity.document"), (0, 300, 2_000, 5_000)),
    (
        CITY,
        ("conduct.traffic", "conduct.fare", "conduct.recycling", "conduct.travel"),
        (10_000, 20_000, 10_000, 30_000),
    ),
)
OFF_PERCENT, DISPUTED_PERCENT, STRUCK_PERCENT = 5, 1, 1


def chance(number: str, salt: int, of: int) -> str:
    """SQL for a whole number below `of` that looks random and is always the same for the same person and salt."""
    return f"((({number} * {1103515245 + 2_000_006 * salt} & 2147483647) >> 8) * {of} >> 23)"


def one_of(choices: tuple[int, ...], number: str, salt: int) -> str:
    if len(set(choices)) == 1:
        return str(choices[0])
    whens = " ".join(f"WHEN {place} THEN {choice}" for place, choice in enumerate(choices))
    return f"CASE {chance(number, salt, len(choices))} {whens} END"


def numbers(count: int) -> str:
    if connection.vendor == "postgresql":
        return f"(SELECT generate_series(1::bigint, {count}) AS n) AS people"
    series = f"WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < {count}) SELECT n FROM up"
    return f"({series}) AS people"


def days_before(today: str, days: str) -> str:
    if connection.vendor == "postgresql":
        return f"(DATE '{today}' - ({days})::integer)"
    return f"date('{today}', '-' || ({days}) || ' days')"


def months_after(day: str, months: str) -> str:
    """The first day of the month so many months after a day's."""
    if connection.vendor == "postgresql":
        return f"(date_trunc('month', {day}) + ({months}) * interval '1 month')::date"
    return f"date({day}, 'start of month', '+' || ({months}) || ' months')"


def day_of(date: str) -> str:
    """SQL for what `scores.population.day_number` gives."""
    if connection.vendor == "postgresql":
        parts = (f"EXTRACT({part} FROM {date})::integer" for part in ("year", "month", "day"))
    else:
        parts = (f"CAST(strftime('%{part}', {date}) AS integer)" for part in "Ymd")
    year, month, day = parts
    return f"32 * (12 * {year} + {month}) + {day}"


def fill(people: int, records: int) -> None:
    """Write everything in one transaction; see the module."""
    now = timezone.now()
    today = now.date().isoformat()
    stamp = f"'{now.isoformat(sep=' ')}'"
    sources = [_source(code).pk for code in SOURCES]
    card = Scorecard.objects.get(is_current=True).pk
    everybody = numbers(people)
    uuid = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    _insert(
        "citizen_app_citizen",
        {
            "id": "n", "password": "'!'", "is_superuser": "false", "uuid": uuid,
            "email": "'bench-' || n || '@example.invalid'", "first_name": "'Bench'", "language": "'en'",
            "zone": "'UTC'", "is_active": "true", "is_staff": "false", "is_demo": "true", "joined_at": stamp,
        },
        everybody,
    )  # fmt: skip
    _insert(
        "citizen_app_consentevent",
        {
            "id": "n", "at": stamp, "act": "'given'", "purpose": "'scoring'", "text_version": "'bench'",
            "text_sha256": "'-'", "language": "'en'", "via": "'command'", "citizen_id": "n",
        },
        everybody,
    )  # fmt: skip
    _insert(
        "scores_enrolment",
        {
            "citizen_id": "n", "state": "'active'", "enrolled_at": stamp, "consent_version": "'bench'",
            "consent_id": "n",
        },
        everybody,
    )  # fmt: skip
    for place, source in enumerate(sources):
        is_on = f"{chance('n', 900 + place, 100)} >= {OFF_PERCENT}"
        _insert(
            "scores_link",
            {
                "id": f"{place} * {people} + n", "subject": "'bench-' || n", "is_on": is_on, "since": stamp,
                "citizen_id": "n", "source_id": str(source),
            },
            everybody,
        )  # fmt: skip
    for record in range(records):
        _insert_records(record, people, everybody, stamp=stamp, today=today)
    score_rows(people, card)


def _source(code: str) -> Source:
    found = Source.objects.filter(code=code).first()
    if found is None:
        furnisher = Furnisher.objects.create(name=code)
        found = Source.objects.create(code=code, name=code, furnisher=furnisher, is_demo=True)
    return found


def _insert_records(record: int, people: int, everybody: str, *, stamp: str, today: str) -> None:
    """Everybody's record of this number: they arrive together, so that nobody's lie side by side in the table."""
    place, kinds, values = PLANS[record % len(PLANS)]
    known = [catalogue.kind(code) for code in kinds]
    occurred_on = days_before(today, f"{chance('n', 10 * record + 1, 900)} / {1 + record % 3}")
    kind = one_of(tuple(one.number for one in known), "n", 10 * record + 2)
    months = one_of(tuple(one.max_months for one in known), "n", 10 * record + 2)
    fate = chance("n", 10 * record + 3, 100)
    status = (
        f"CASE WHEN {fate} < {STRUCK_PERCENT} THEN 'struck'"
        f" WHEN {fate} < {STRUCK_PERCENT + DISPUTED_PERCENT} THEN 'disputed' ELSE 'active' END"
    )
    _insert(
        "scores_entry",
        {
            "id": f"{record} * {people} + n", "external_id": f"'bench-{record}'", "kind_number": kind,
            "occurred_on": occurred_on, "day": day_of(occurred_on), "value": one_of(values, "n", 10 * record + 4),
            "recorded_at": stamp,
            "lapses_on": months_after(occurred_on, months), "status": status, "citizen_id": "n",
            "link_id": f"{place} * {people} + n",
        },
        everybody,
    )  # fmt: skip


def score_rows(people: int, card: int) -> None:
    """A score for everybody, as if made before anything was recorded."""
    _insert(
        "scores_score",
        {
            "citizen_id": "n", "state": "'thin_file'", "purposes": "'{}'", "explanation": "'{}'",
            "as_of": "'2001-01-01'", "computed_at": "'2001-01-01T00:00:00Z'", "revision": "1",
            "scorecard_id": str(card),
        },
        numbers(people),
    )  # fmt: skip


def _insert(table: str, columns: dict[str, str], rows: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM {rows}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=int)
    parser.add_argument("records", type=int, help="of each")
    options = parser.parse_args()
    refuse_in_production()
    if Enrolment.objects.exists() or Link.objects.exists():
        raise SystemExit("There are people in this database already.")
    began = time.perf_counter()
    postgresql = connection.vendor == "postgresql"
    with transaction.atomic(), connection.cursor() as cursor:
        kept: list[tuple[str, str]] = []
        if postgresql:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'scores_entry' AND indexname NOT IN"
                " (SELECT conname FROM pg_constraint WHERE conrelid = 'scores_entry'::regclass)"
            )
            kept = cursor.fetchall()
            for name, _ in kept:
                cursor.execute(f'DROP INDEX "{name}"')
        fill(options.people, options.records)
        for _, definition in kept:  # made at once from all rows: faster, and packed
            cursor.execute(definition)
        if postgresql:
            for table in ("citizen_app_citizen", "citizen_app_consentevent", "scores_link", "scores_entry"):
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)" if postgresql else "ANALYZE")
    seconds = time.perf_counter() - began
    print(f"{options.people:,} people with {options.records} records each in {seconds:.0f} s.")


if __name__ == "__main__":
    main()
