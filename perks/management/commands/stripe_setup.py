"""Make at Stripe what merchants' plans are sold by."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from perks.payments import catalogue
from perks.payments.client import Rejected, Transient, is_on


class Command(BaseCommand):
    help = (
        "Make the product, its prices, the meter and the portal's configuration at Stripe, each found by its name: run "
        "again, it changes only what differs. Needs STRIPE_API_KEY."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not is_on():
            raise CommandError("Billing is off: set STRIPE_API_KEY.")
        try:
            for item in catalogue.set_up():
                self.stdout.write(f"{item.what}: {item.id} ({item.done})")
        except (Rejected, Transient) as error:
            raise CommandError(f"Stripe did not do it: {error}") from error
