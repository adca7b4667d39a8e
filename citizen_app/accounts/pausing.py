"""Pausing: what every app ends at once when somebody asks for no new answers about them (P10)."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from citizen_app.models import Citizen

Ender = Callable[..., None]
_enders: list[Ender] = []


def ends_on_pause(ender: Ender) -> Ender:
    """Register one app's part of pausing: `def ender(*, citizen, now) -> None`, run in order of registration."""
    if ender not in _enders:
        _enders.append(ender)
    return ender


def end_answers(*, citizen: Citizen, now: datetime) -> None:
    """Run every ender in the caller's transaction; one that fails undoes them all."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("Pausing is all or nothing: open a transaction first.")
    for ender in _enders:
        ender(citizen=citizen, now=now)
