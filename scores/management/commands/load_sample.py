"""Load the sample's people, with their records and first scores."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from citizen_app.demo import demo_secrets, refuse_in_production
from scores.sample.bank import bank_client
from scores.sample.loading import demo_sources
from scores.sample.people import STATEMENTS, moved, sample_people
from scores.sample.progress import progress
from scores.sample.sample import begin, load


class Command(BaseCommand):
    help = (
        "Load about 1,000 anonymous people's real card payments as a demo bank's records, with invented names and "
        "identities, and score them. A second run changes nothing; one that was broken off is taken up again."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--people", type=int, metavar="N", help="only the two guests and the first N others")

    def handle(self, *_args: Any, **options: Any) -> None:
        refuse_in_production()
        now = timezone.now()
        sources = demo_sources()
        with demo_secrets() as held:
            bank_client(sources.bank, held)
        state = begin(now=now)
        if options["verbosity"]:
            self.tell(state.months)
        people = sample_people(options["people"])
        if state.loaded >= len(people):
            return
        with progress("Enrolling and scoring", len(people), unit="people") as done:
            load(people, months=state.months, sources=sources, now=now, done=done)

    def tell(self, months: int) -> None:
        first, last = STATEMENTS[0], STATEMENTS[-1]
        self.stdout.write(
            "The sample: card payments of anonymous people (I-C. Yeh, UCI, CC BY 4.0), "
            f"{first:%B %Y} to {last:%B %Y}, moved forward by {months} months to "
            f"{moved(first, months):%B %Y} to {moved(last, months):%B %Y}. "
            "Their names, identity checks and bookings are invented (scores/sample/README.md)."
        )
