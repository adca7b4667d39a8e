"""Give back what holds that ran out had reserved; the relay does the same about every minute."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from perks.services.redemptions import expire_redemptions


class Command(BaseCommand):
    help = "File reservations whose time is over and print one JSON object. Safe to run at any time, and twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=100_000, help="at most so many (100000)")

    def handle(self, *args: Any, limit: int, **options: Any) -> None:
        expired = 0
        while expired < limit and (count := expire_redemptions(limit=min(500, limit - expired))):
            expired += count
        self.stdout.write(json.dumps({"expired": expired}))
