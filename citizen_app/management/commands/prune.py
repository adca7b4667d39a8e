"""Let go of what has served its time."""

import json
from datetime import timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from oauth2_provider.models import clear_expired, get_access_token_model

from citizen_app.models import IdempotentRequest, OutboxMessage

KEPT_FOR = timedelta(days=30)


class Command(BaseCommand):
    help = (
        "Delete kept answers and delivered effects older than 30 days, and expired sessions and tokens. Safe to repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say how many, delete nothing")

    def handle(self, *args: Any, dry_run: bool = False, **options: Any) -> None:
        now = timezone.now()
        expired = Session.objects.filter(expire_date__lt=now)
        living = Session.objects.filter(expire_date__gte=now)
        doomed = {
            "idempotent_requests": IdempotentRequest.objects.filter(created_at__lt=now - KEPT_FOR),
            "outbox_messages": OutboxMessage.objects.filter(done_at__lt=now - KEPT_FOR),
            "sessions": expired,
            # Where and on what somebody was signed in is kept no longer than the session itself.
            "session_records": UserSession.objects.exclude(session_key__in=living.values("session_key")),
        }
        counts = {name: rows.count() for name, rows in doomed.items()}
        tokens = get_access_token_model().objects
        before = tokens.count()
        if not dry_run:
            for rows in doomed.values():
                rows.delete()
            clear_expired()
        counts["access_tokens"] = before - tokens.count()
        self.stdout.write(json.dumps(counts))
