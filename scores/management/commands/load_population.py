"""Make an enrolled, linked and scored population of any size, to measure with."""

import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from multiprocessing import get_context
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.utils import timezone

from citizen_app.demo import refuse_in_production
from citizen_app.models import Citizen
from scores.sample import population
from scores.sample.loading import demo_sources, enrol_with_records
from scores.sample.people import Person, months_forward, read_people
from scores.sample.progress import progress
from scores.services.rescoring import scoring_day

RECORDS_AT_ONCE = 10_000
"""About how many records a transaction holds."""


def natural(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


class Command(BaseCommand):
    help = (
        "Make N invented citizens with M records in all: enrolled, linked to the demo's sources and scored. Those of "
        "an earlier run count: the same numbers again make nobody new, larger ones add the rest."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--citizens", type=natural, required=True, metavar="N")
        parser.add_argument("--entries", type=natural, metavar="M", help="default: 18 for each citizen")
        parser.add_argument("--processes", type=natural, metavar="P", help="default: one, on PostgreSQL one per core")

    def handle(self, *_args: Any, **options: Any) -> None:
        refuse_in_production()
        citizens: int = options["citizens"]
        entries: int = options["entries"] or 18 * citizens
        if entries > 1000 * citizens:
            raise CommandError(f"--entries may be at most 1,000 for each citizen, {1000 * citizens:,} here.")
        making = Making(citizens=citizens, entries=entries, now=timezone.now())
        demo_sources()
        there = set(Citizen.objects.filter(email__startswith=population.PREFIX).values_list("email", flat=True))
        missing = [number for number in range(citizens) if population.email_of(number) not in there]
        at_once = max(1, min(2_000, RECORDS_AT_ONCE * citizens // entries))
        portions = [missing[start : start + at_once] for start in range(0, len(missing), at_once)]
        with progress("Making a population", citizens, unit="citizens", already=citizens - len(missing)) as done:
            for count in _made(making, portions, processes=options["processes"]):
                done(count)


@dataclass(frozen=True)
class Making:
    """One population and the moment it is made; each process makes portions of it."""

    citizens: int
    entries: int
    now: datetime

    def __call__(self, numbers: list[int]) -> int:
        """Make the people of these numbers, in one transaction; how many they are."""
        months = months_forward(scoring_day(self.now))
        people = [
            population.person(
                number,
                entries=population.entries_of(number, citizens=self.citizens, entries=self.entries),
                like=_models(),
                months=months,
            )
            for number in numbers
        ]
        enrol_with_records(people, sources=demo_sources(), now=self.now)
        return len(people)


@cache
def _models() -> list[Person]:
    return list(read_people())


def _made(making: Making, portions: list[list[int]], *, processes: int | None) -> Iterator[int]:
    """Make the portions, on PostgreSQL in several processes; SQLite has one writer at a time."""
    if processes is None:
        processes = min(os.cpu_count() or 1, 8) if connection.vendor == "postgresql" else 1
    processes = min(processes, len(portions))
    if processes <= 1:
        yield from map(making, portions)
        return
    connections.close_all()  # a connection must not be shared with a forked process
    with get_context("fork").Pool(processes) as pool:
        yield from pool.imap_unordered(making, portions)
