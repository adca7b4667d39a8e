"""What the set-up commands share: one JSON object on stdout, nothing half-made, and not on a real deployment."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError
from django.db import transaction

from citizen_app.errors import DomainError


class SetUpCommand(BaseCommand):
    """A command that makes something for a demonstration, a test or a first operator.

    Subclasses implement `set_up(**options)`, run in one transaction, and return the members of the answer; `id` is
    always among them. Refusals go to stderr with exit code 1, and nothing is kept of them.
    """

    allowed_in_production = False
    requires_system_checks: list[str] = []

    set_up: Callable[..., dict[str, Any]]

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION and not self.allowed_in_production:
            raise CommandError("This command is for demonstrations and tests: it is refused where PRODUCTION=true.")
        try:
            with transaction.atomic():
                answer = self.set_up(**options)
        except DomainError as refusal:
            raise CommandError(f"{refusal.code}: {refusal.detail or refusal.title}") from refusal
        except ValidationError as refusal:
            raise CommandError(" ".join(refusal.messages)) from refusal
        self.stdout.write(json.dumps(answer, default=str, ensure_ascii=False))

    def add_session(self, parser: ArgumentParser) -> None:
        """Declare `--session`."""
        parser.add_argument(
            "--session", action="store_true", help="also print a session_token: signed in, second factor included"
        )
