"""Several people's random lives under one random scorecard, and the population statement over tables made for them."""

import copy
from contextlib import contextmanager

from django.db import connection

from scores import catalogue
from scores.population import Statement, Tables, day_number
from scores.scorecard import scorecard_from_document

from .random_lives import Choices, scorecard_of, some_bytes, some_day, some_entry

PEOPLE = 8
MOST_ENTRIES = 9
SOURCE_NUMBERS = {1: 1, 2: 2, "platform": 3}
TABLES = Tables(entry="tried_entry", link="tried_link", enrolment="tried_enrolment")
BIG = ("10000", "-10000", "9999.999", "2147.484", "-2147.483")
LONG = {
    "credit.payment": 84,
    "credit.utilisation": 84,
    "fulfilment.booking": 84,
    "identity.email": 1200,
    "conduct.fare": 60,
}


def population_of(drawn):
    """A scorecard, the lives of `PEOPLE` people (by key, some without entries) and the day to score for.

    One in four scorecards has points as large as there may be, and windows as long; one in eight has more bins than
    most. The keys of entries are dealt among the people, as they arrive in truth.
    """
    choices = Choices(drawn)
    card, as_of = scorecard_of(choices), some_day(choices)
    if choices.one(range(4)) == 0:
        card = _extreme(card, choices)
    if choices.one(range(8)) == 0:
        card = _finely_binned(card, choices)
    people = {key: [] for key in range(1, PEOPLE + 1)}
    for number in range(1, choices.one(range(PEOPLE * MOST_ENTRIES // 2, PEOPLE * MOST_ENTRIES)) + 1):
        of = people[choices.one((1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7))]
        of.append(some_entry(card, choices, number, as_of))
    return card, _one_switch_a_source(people), as_of


BYTES = 200 + 10 * PEOPLE * MOST_ENTRIES
populations = some_bytes(BYTES).map(population_of)


def _extreme(card, choices):
    document = copy.deepcopy(card.document)
    document["range"]["max"] = "10000"
    for factor in document["factors"][:2]:
        factor |= {"min": "-10000", "max": "10000"}
    for rule in document["rules"]:
        rule |= {"min": "-10000", "max": "10000", "lapses_after_months": choices.one((1, 7, LONG[rule["kind"]]))}
        for bin in rule["bins"]:
            bin["points"] = choices.one((*BIG, bin["points"]))
    return scorecard_from_document(document)


def _finely_binned(card, choices):
    document = copy.deepcopy(card.document)
    for rule in document["rules"]:
        fine = [{"up_to": str(number), "points": f"{number % 7 - 2}.5"} for number in range(-20, choices.one((-4, 0)))]
        coarse = [bin for bin in rule["bins"] if "up_to" not in bin or float(bin["up_to"]) > 0]
        rule["bins"] = fine + coarse
    return scorecard_from_document(document)


def _one_switch_a_source(people):
    """A link is on or off for all that came through it: as its last entry says."""
    switched = {}
    for key, entries in people.items():
        is_on = {entry.source: entry.is_on for entry in entries}
        switched[key] = [entry._replace(is_on=is_on[entry.source]) for entry in entries]
    return switched


@contextmanager
def tables():
    """Empty tables like the real ones, as far as the statement reads them; gone afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {TABLES.entry} (citizen_id bigint, id bigint PRIMARY KEY, link_id bigint,"
            " kind_number smallint, day integer, lapses_on date, value bigint, status varchar(8))"
        )
        cursor.execute(f"CREATE TEMPORARY TABLE {TABLES.link} (citizen_id bigint, id bigint, is_on boolean)")
        cursor.execute(f"CREATE TEMPORARY TABLE {TABLES.enrolment} (citizen_id bigint PRIMARY KEY)")
        try:
            yield
        finally:
            for table in TABLES:
                cursor.execute(f"DROP TABLE {table}")


def by_statement(card, people, as_of, *, made=Statement):
    """What the statement gives for each of these people, in the order of its columns."""
    statement = made(card, as_of, connection.vendor, TABLES)
    entries = [
        (key, one.id, 10 * key + SOURCE_NUMBERS[one.source], catalogue.kind(one.kind).number,
         day_number(one.occurred_on), one.lapses_on.isoformat(), one.value, one.status)
        for key, own in people.items() for one in own
    ]  # fmt: skip
    links = {(key, 10 * key + SOURCE_NUMBERS[one.source], one.is_on) for key, own in people.items() for one in own}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table}")
        _insert(cursor, TABLES.enrolment, [(key,) for key in people])
        _insert(cursor, TABLES.link, sorted(links))
        _insert(cursor, TABLES.entry, entries)
        cursor.execute(statement.sql("citizen_id > 0"))
        names = [column[0] for column in cursor.description]
        assert tuple(names) == statement.columns
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {
        row["citizen_id"]: (
            row["counted"],
            row["state"],
            row["value"],
            {code: row[column] for code, column in statement.factor_columns.items()},
            {code: row[column] for code, column in statement.purpose_columns.items()},
            row["last_entry_id"],
            row["entry_count"],
        )
        for row in rows
    }


def _insert(cursor, table, rows):
    if rows:
        places = ", ".join(["(" + ", ".join(["%s"] * len(rows[0])) + ")"] * len(rows))
        cursor.execute(f"INSERT INTO {table} VALUES {places}", [value for row in rows for value in row])
