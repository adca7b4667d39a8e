"""Sentences that are true of the data at every moment, and the checks that look for a row that breaks one.

`verify_invariants` runs them all, after a crash test as well as in production. A broken fact names internal ids only.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from citizen_app import inbox, outbox
from citizen_app.leases import due_rows
from citizen_app.models import Connection, IdempotentRequest

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


@invariant("What was promised or told is done, in hand, waiting for its time, or a dead letter an operator sees.")
def _nothing_is_silently_lost() -> Iterable[str]:
    """What is due for a day without anybody trying it is none of these: nobody handles it, or no relay runs."""
    now = timezone.now()
    for queue in outbox.queues:
        forgotten = due_rows(queue.model, now).filter(due_at__lt=now - timedelta(days=1))
        yield from (f"{queue.name} message {pk}" for pk in forgotten.values_list("pk", flat=True).iterator())


@invariant("Nothing was done, or given up, before it was promised or told.")
def _effects_follow_promises() -> Iterable[str]:
    for queue, since in ((outbox.QUEUE, "created_at"), (inbox.QUEUE, "received_at")):
        early = queue.model._default_manager.filter(Q(done_at__lt=F(since)) | Q(dead_at__lt=F(since)))
        yield from (f"{queue.name} message {pk}" for pk in early.values_list("pk", flat=True).iterator())


@invariant("Only what was tried, and says why it failed, is a dead letter.")
def _dead_letters_say_why() -> Iterable[str]:
    for queue in outbox.queues:
        mute = queue.model._default_manager.filter(Q(attempt_count=0) | Q(last_error=""), dead_at__isnull=False)
        yield from (f"{queue.name} message {pk}" for pk in mute.values_list("pk", flat=True).iterator())


@invariant("An app can only call, or renew, for somebody who is connected to it.")
def _tokens_have_connections() -> Iterable[str]:
    running = Connection.objects.running().filter(citizen=OuterRef("user"), application=OuterRef("application"))
    for model in (get_grant_model(), get_access_token_model(), get_refresh_token_model()):
        loose = model.objects.filter(~Exists(running), user__isnull=False)
        if model is get_refresh_token_model():
            loose = loose.filter(revoked=None)
        yield from (f"{model._meta.model_name} {pk}" for pk in loose.values_list("pk", flat=True).iterator())
