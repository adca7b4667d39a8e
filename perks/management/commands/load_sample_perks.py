"""Open the demo's merchants and publish their perks."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from citizen_app.accounts.demo import demo_operator
from citizen_app.demo import refuse_in_production
from citizen_app.models import OperatorRole
from perks.sample.loading import missing_merchants, open_merchant
from perks.sample.reading import merchants, perks

OPERATOR = "operator.merchants"
OPERATOR_ROLES = tuple(OperatorRole.Role)


class Command(BaseCommand):
    help = (
        "Open the demo's merchants (names of real brands and airports, everything else invented) with branches, team "
        "and their perks. A second run changes nothing; one that was broken off is taken up again."
    )
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **options: Any) -> None:
        refuse_in_production()
        missing = missing_merchants()
        if missing:
            operator, _ = demo_operator(OPERATOR, first_name="Oskar", password=None, roles=OPERATOR_ROLES)
            now = timezone.now()
            for merchant in missing:
                open_merchant(merchant, operator=operator, now=now)
        if options["verbosity"]:
            self.stdout.write(
                f"Merchants: {len(merchants())} with {len(perks())} perks, {len(missing)} opened now. Their names are "
                'those of real brands, marked "(demo)"; no brand has anything to do with it (perks/sample/README.md).'
            )
