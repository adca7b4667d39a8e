"""Ask the data whether it still is what we promise."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from citizen_app.invariants import broken


class Command(BaseCommand):
    help = "Check every sentence that must be true of the data. Exit code 1 names the facts that break one."

    def handle(self, *args: Any, **options: Any) -> None:
        facts = 0
        for sentence, lines in broken().items():
            facts += len(lines)
            self.stdout.write(f"{'broken' if lines else 'holds '}  {sentence}")
            for line in lines:
                self.stdout.write(f"        {line}")
        if facts:
            raise CommandError(f"{facts} facts break an invariant.", returncode=1)
