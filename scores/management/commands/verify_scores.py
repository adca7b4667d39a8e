"""Hold the stored scores against a fresh computation."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scores.models import Score
from scores.services.verifying import wrong_scores


class Command(BaseCommand):
    help = (
        "Compute every score again from its entries and compare. Prints internal ids only; exit code 1 if any differs."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for name in wrong_scores():
            wrong += 1
            self.stdout.write(name)
        if wrong:
            raise CommandError(f"{wrong} stored scores differ from a fresh computation.", returncode=1)
        self.stdout.write(f"All {Score.objects.count()} stored scores are what their entries make them.")
