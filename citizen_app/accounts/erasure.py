"""Leaving: every app erases what it keeps about a person and says what remains, why and until when (P10)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from citizen_app.models import Citizen


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of record that outlives leaving: what it is, why it must, and until when (None: no fixed day)."""

    what: str
    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """The receipt: rows erased by table, and what is kept."""

    erased: dict[str, int] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)

    def add(self, part: "Erasure") -> None:
        """Count another part in."""
        for table, count in part.erased.items():
            self.erased[table] = self.erased.get(table, 0) + count
        self.kept.extend(part.kept)


Eraser = Callable[..., Erasure]
_erasers: list[Eraser] = []


def erases(eraser: Eraser) -> Eraser:
    """Register one app's part of leaving: `def eraser(*, citizen, now) -> Erasure`, run in order of registration."""
    if eraser not in _erasers:
        _erasers.append(eraser)
    return eraser


def erase_traces(*, citizen: Citizen, now: datetime) -> Erasure:
    """Run every eraser in the caller's transaction and add up their receipts; one that fails undoes them all."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("Erasing is all or nothing: open a transaction first.")
    total = Erasure()
    for eraser in _erasers:
        total.add(eraser(citizen=citizen, now=now))
    return total
