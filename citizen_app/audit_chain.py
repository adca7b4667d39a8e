"""The record of acts as one chain: a hash of each act covers its body and the hash of the act before.

Acts are written by the work they belong to and chained afterwards, in batches, by whoever holds the one row of
`AuditChain`. Chaining where they are written would make every write of the product wait for the commit of the one
before. An act's number follows commits, not ids: whoever took a lower id and committed later is simply chained later.

What is hashed names people by ids that name nobody once their account is gone; what a caller chose (the request's
name) is left out. So erasing never touches the chain.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import rfc8785
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from citizen_app.audit_guards import KEPT_YEARS
from citizen_app.invariants import invariant
from citizen_app.models import AuditChain, AuditEvent
from citizen_app.outbox import sweeps
from citizen_app.pruning import years_before

BATCH: Final = 500
BATCHES_A_SWEEP: Final = 40
CHAINED_WITHIN: Final = timedelta(hours=1)
"""After how long an act that is not chained says that nothing chains any more."""


@dataclass(frozen=True, slots=True)
class Breach:
    """The first act that is not as it was chained: its place, its row's id where there is one, and what is wrong."""

    number: int | None
    event_id: int | None
    what: str

    def __str__(self) -> str:
        row = "" if self.event_id is None else f"row {self.event_id}"
        place = "" if self.number is None else f"number {self.number}"
        return f"{', '.join(filter(None, [place, row]))}: {self.what}"


def hash_of(event: AuditEvent, *, number: int, previous: str) -> str:
    """SHA-256 of the act's canonical JSON (RFC 8785), with its place and the hash of the act before."""
    body: dict[str, Any] = {
        "number": number,
        "previous": previous,
        "id": event.pk,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "action": event.action,
        "object": event.object,
        "facts": event.facts,
    }
    return hashlib.sha256(rfc8785.dumps(body)).hexdigest()


# -- Chaining ---------------------------------------------------------------------------------------------------------


@sweeps("audit.chain")
def chain_what_waits(now: datetime) -> int:
    """Chain what was committed since; return how many acts."""
    chained = 0
    for _ in range(BATCHES_A_SWEEP):
        batch = chain_batch()
        chained += batch
        if batch < BATCH:
            break
    return chained


def chain_batch() -> int:
    """Chain up to `BATCH` committed acts in the order of their ids, all or none; 0 while somebody else does."""
    if not AuditEvent.objects.filter(number=None).exists():
        return 0  # without a place in the writers' queue
    with transaction.atomic():
        chain = _held_chain()
        if chain is None:
            return 0
        events = list(AuditEvent.objects.filter(number=None).order_by("id")[:BATCH])
        for event in events:
            event.hash = hash_of(event, number=chain.number + 1, previous=chain.hash)
            event.number, chain.number, chain.hash = chain.number + 1, chain.number + 1, event.hash
        AuditEvent.objects.bulk_update(events, ["number", "hash"], batch_size=200)
        chain.save(update_fields=["number", "hash"])
        return len(events)


def _held_chain() -> AuditChain | None:
    """The chain's row, held until the transaction ends; None while somebody else holds it."""
    AuditChain.objects.get_or_create(pk=1)
    rows = AuditChain.objects.all()
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True)
    return rows.first()


# -- Verifying --------------------------------------------------------------------------------------------------------


def first_breach() -> Breach | None:
    """Walk the whole chain; return the first act that is not as it was chained, or None."""
    while True:
        before = _ends()
        breach = _first_breach(before)
        if breach is None or _ends().pruned_number == before.pruned_number:
            return breach
        # Somebody pruned meanwhile: what seems to be missing went in good order.


def _first_breach(before: AuditChain) -> Breach | None:
    number, previous = before.pruned_number, before.pruned_hash
    for event in _chained():
        assert event.number is not None  # noqa: S101  (what is chained has one)
        if event.number <= before.pruned_number:
            return Breach(event.number, event.pk, "stands before the chain begins.")
        if event.number != number + 1:
            return Breach(number + 1, None, "is missing.")
        if event.hash != hash_of(event, number=event.number, previous=previous):
            return Breach(event.number, event.pk, "is not what was chained here.")
        number, previous = event.number, event.hash
        if number == before.number and previous != before.hash:
            return Breach(number, event.pk, "is not the act the chain ended with.")
    if number < before.number:
        return Breach(number + 1, None, "is missing, at the end of the chain.")
    if number > _ends().number:
        return Breach(_ends().number + 1, None, "stands after the end of the chain.")
    return None


def first_overdue(now: datetime) -> Breach | None:
    """The oldest act that has waited to be chained for longer than ever happens, or None."""
    waiting = AuditEvent.objects.filter(number=None, at__lt=now - CHAINED_WITHIN).order_by("id").first()
    return None if waiting is None else Breach(None, waiting.pk, "has waited for more than an hour to be chained.")


def ends_of_chain() -> AuditChain:
    """Where the chain begins and ends now."""
    return _ends()


def hash_at(number: int) -> str | None:
    """The hash of one place in the chain; None where nothing stands (any more, or yet)."""
    chain = _ends()
    if number == chain.pruned_number:
        return chain.pruned_hash
    return AuditEvent.objects.filter(number=number).values_list("hash", flat=True).first()


def _ends() -> AuditChain:
    return AuditChain.objects.first() or AuditChain()


def _chained() -> Iterator[AuditEvent]:
    return AuditEvent.objects.filter(number__isnull=False).order_by("number").iterator(chunk_size=2000)


@invariant("The record of acts is an unbroken chain.")
def _acts_are_chained() -> Iterator[str]:
    breach = first_breach()
    if breach is not None:
        yield str(breach)


# -- Pruning ----------------------------------------------------------------------------------------------------------


def prune_acts(now: datetime | None = None) -> int:
    """Delete the acts at the beginning of the chain that are six years old; what is kept still proves to follow them.

    Whole from the beginning only: an old act behind a younger one waits for it.
    """
    now = now or timezone.now()
    pruned = 0
    while True:
        with transaction.atomic():
            chain = _held_chain()
            if chain is None:
                return pruned
            batch = list(outlived(now).order_by("number")[:BATCH])
            if not batch:
                return pruned
            chain.pruned_number, chain.pruned_hash = batch[-1].number or 0, batch[-1].hash
            chain.save(update_fields=["pruned_number", "pruned_hash"])
            AuditEvent.objects.filter(pk__in=[event.pk for event in batch]).delete()
            pruned += len(batch)


def outlived(now: datetime) -> QuerySet[AuditEvent]:
    """The acts at the beginning of the chain that are six years old, before the first that is not."""
    # A day more, so that the database, which has its own clock, never finds one too young.
    oldest = years_before(now - timedelta(days=1), KEPT_YEARS)
    chained = AuditEvent.objects.filter(number__isnull=False)
    first_kept = chained.filter(at__gte=oldest).order_by("number").values_list("number", flat=True).first()
    return chained if first_kept is None else chained.filter(number__lt=first_kept)
