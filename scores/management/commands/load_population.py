"""Make an enrolled, linked and scored population of any size, to measure with."""

from argparse import ArgumentParser, ArgumentTypeError
from itertools import count, islice, takewhile
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from citizen_app.demo import refuse_in_production
from citizen_app.models import Citizen
from scores.sample import population
from scores.sample.loading import demo_sources, enrol_with_records
from scores.sample.people import months_forward, read_people
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

    def handle(self, *_args: Any, **options: Any) -> None:
        refuse_in_production()
        citizens: int = options["citizens"]
        entries: int = options["entries"] or 18 * citizens
        if entries > 1000 * citizens:
            raise CommandError(f"--entries may be at most 1,000 for each citizen, {1000 * citizens:,} here.")
        now, sources, like = timezone.now(), demo_sources(), list(read_people())
        months = months_forward(scoring_day(now))
        there = Citizen.objects.filter(email__startswith="population-", is_demo=True).count()
        at_once = max(1, min(2_000, RECORDS_AT_ONCE * citizens // entries))
        missing = iter(range(there, citizens))
        with progress("Making a population", citizens, unit="citizens", already=min(there, citizens)) as done:
            for numbers in takewhile(bool, (list(islice(missing, at_once)) for _ in count())):
                people = [
                    population.person(
                        number,
                        entries=population.entries_of(number, citizens=citizens, entries=entries),
                        like=like,
                        months=months,
                    )
                    for number in numbers
                ]
                enrol_with_records(people, sources=sources, now=now)
                done(len(people))
