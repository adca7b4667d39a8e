"""Let go of what has served its time."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from citizen_app.pruning import overdue_by_rule, prune_all


class Command(BaseCommand):
    help = "Let go of every record whose time is over, as docs/privacy.md says. Done daily by itself; safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say how many, delete nothing")

    def handle(self, *args: Any, dry_run: bool = False, **options: Any) -> None:
        now = timezone.now()
        self.stdout.write(json.dumps(overdue_by_rule(now) if dry_run else prune_all(now)))
