"""Put the committed scorecard, consent texts and platform source into the database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from citizen_app.errors import DomainError
from scores.scorecard import InvalidScorecard
from scores.services.publishing import current_scorecard, load_reference_data


class Command(BaseCommand):
    help = "Load the first scorecard, the consent texts and the platform source. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            load_reference_data()
        except (DomainError, InvalidScorecard) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Scorecard {current_scorecard().card.version} is in force.")
