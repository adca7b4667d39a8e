"""Make at Stripe what merchants' plans are sold by."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from perks.payments import catalogue
from perks.payments.client import Rejected, Transient, is_on


class Command(BaseCommand):
    help = (
        "Make the product, its prices, the meter and the portal's configuration at Stripe, each found by its name: run "
        "again, it changes only what differs. Needs STRIPE_API_KEY."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--wait", type=float, default=0, help="seconds to wait for Stripe (a stand-in that starts)")

    def handle(self, *args: Any, wait: float = 0, **options: Any) -> None:
        if not is_on():
            raise CommandError("Billing is off: set STRIPE_API_KEY.")
        until = time.monotonic() + wait
        while True:
            try:
                for item in catalogue.set_up():
                    self.stdout.write(f"{item.what}: {item.id} ({item.done})")
            except Rejected as error:
                raise CommandError(f"Stripe did not do it: {error}") from error
            except Transient as error:
                if time.monotonic() > until:
                    raise CommandError(f"Stripe did not do it: {error}") from error
                time.sleep(0.2)
            else:
                return
