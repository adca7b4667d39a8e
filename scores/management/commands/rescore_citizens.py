"""Make scores again from all their entries."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from citizen_app.models import Citizen
from scores.models import Enrolment, ScoreChange
from scores.services.rescoring import rescore


class Command(BaseCommand):
    help = "Make the scores of everybody enrolled again, or of one citizen. Safe at any time, and to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--citizen", metavar="ID", help="only this citizen (cit_…)")
        parser.add_argument("--dry-run", action="store_true", help="say how many, change nothing")

    def handle(self, *args: Any, citizen: str | None, dry_run: bool, **options: Any) -> None:
        enrolled = Enrolment.objects.order_by("pk")
        if citizen is not None:
            key: Any = Citizen.key_of(citizen)
            enrolled = enrolled.filter(citizen__uuid=key) if key else enrolled.none()
            if not enrolled.exists():
                raise CommandError("Nobody enrolled has this id.")
        if dry_run:
            self.stdout.write(f"{enrolled.count()} citizens would be scored again.")
            return
        ids = list(enrolled.values_list("pk", flat=True))
        done = 0
        for citizen_id in tqdm(ids, unit="citizen", disable=not sys.stderr.isatty()):
            done += rescore(citizen_id=citizen_id, cause=ScoreChange.Cause.ENTRIES) is not None
        self.stdout.write(f"{done} citizens were scored again.")
