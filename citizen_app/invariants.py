"""Sentences that are true of the data at every moment, and the checks that look for a row that breaks one.

`verify_invariants` runs them all, after a crash test as well as in production. A broken fact names internal ids only.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta

from django.db.models import Exists, F, OuterRef
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from citizen_app.models import Connection, IdempotentRequest, OutboxMessage

Check = Callable[[], Iterable[str]]
_checks: dict[str, Check] = {}


def invariant(sentence: str) -> Callable[[Check], Check]:
    """Register a check of one sentence; it yields a line for each fact that breaks it."""

    def register(check: Check) -> Check:
        if _checks.setdefault(sentence, check) is not check:
            raise ValueError(f"Two checks of one sentence: {sentence}")
        return check

    return register


def broken() -> dict[str, list[str]]:
    """Run every check; return each sentence with the facts that break it (none, when it holds)."""
    return {sentence: list(check()) for sentence, check in sorted(_checks.items())}


@invariant("A kept answer is a success.")
def _kept_answers_are_successes() -> Iterable[str]:
    kept = IdempotentRequest.objects.exclude(status__range=(200, 299))
    return (f"idempotent request {pk}" for pk in kept.values_list("pk", flat=True).iterator())


@invariant("No promised effect waits for more than a day after it is due without having been tried.")
def _promises_are_tried() -> Iterable[str]:
    yesterday = timezone.now() - timedelta(days=1)
    waiting = OutboxMessage.objects.filter(done_at=None, attempt_count=0, due_at__lt=yesterday)
    return (f"outbox message {pk}" for pk in waiting.values_list("pk", flat=True).iterator())


@invariant("No promised effect was done before it was promised.")
def _effects_follow_promises() -> Iterable[str]:
    early = OutboxMessage.objects.filter(done_at__lt=F("created_at"))
    return (f"outbox message {pk}" for pk in early.values_list("pk", flat=True).iterator())


@invariant("An app can only call, or renew, for somebody who is connected to it.")
def _tokens_have_connections() -> Iterable[str]:
    running = Connection.objects.running().filter(citizen=OuterRef("user"), application=OuterRef("application"))
    for model in (get_grant_model(), get_access_token_model(), get_refresh_token_model()):
        loose = model.objects.filter(~Exists(running), user__isnull=False)
        if model is get_refresh_token_model():
            loose = loose.filter(revoked=None)
        yield from (f"{model._meta.model_name} {pk}" for pk in loose.values_list("pk", flat=True).iterator())
