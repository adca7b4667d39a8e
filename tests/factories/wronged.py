"""People with a wrong record, what it cost them, and disputes won over it (as rows: no dispute is opened here)."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import pytest
import time_machine
from django.db import transaction

from citizen_app.models import Citizen, OutboxMessage
from citizen_app.outbox import run_due
from perks.errors import TakeRefused
from perks.models import MakeGood, Perk, RefusedAttempt
from perks.services.redemptions import remembering_refusals, take_perk
from scores.models import Entry, EntryStatusChange, Link
from scores.services.outcomes import tell_dispute_withdrawn, tell_dispute_won
from scores.services.rescoring import rescore
from tests.factories.scores import NOW, SourceFactory, entry_of, link, scored_citizen

RIGHTLY, WRONGLY = 616, 580
"""The travel values of somebody with six payments on time, without and with a wrong record of one paid a month late."""


def wronged(*, now: datetime = NOW, late: int = 1) -> tuple[Citizen, Entry]:
    """Somebody who would stand at `RIGHTLY` and stands at `WRONGLY`, with the record that is wrong."""
    citizen = scored_citizen(payments=6, now=now)
    return citizen, recorded(citizen, value=late, now=now)


def recorded(citizen: Citizen, *, now: datetime = NOW, **fields: Any) -> Entry:
    """One more record about somebody, by a source of its own."""
    linked = Link.objects.filter(enrolment_id=citizen.pk, subject="wrong").first()
    linked = linked or link(citizen, SourceFactory(), subject="wrong", now=now)
    entry = entry_of(linked, **{"occurred_on": date(2026, 10, 30), "recorded_at": now} | fields)
    rescore(citizen_id=citizen.pk, cause="entries", now=now)
    return entry


def refused(citizen: Citizen, perk: Perk, *, now: datetime = NOW, **place: Any) -> RefusedAttempt:
    """The citizen tries to take the perk, is refused, and that is remembered."""
    with pytest.raises(TakeRefused), remembering_refusals(citizen=citizen, perk=perk, now=now):
        take_perk(citizen=citizen, perk=perk, now=now, **place)
    return RefusedAttempt.objects.latest("at", "id")


def become(entry: Entry, status: str, *, why: str = "dispute", now: datetime = NOW) -> None:
    """Change the status of an entry, on record, and the score with it."""
    with transaction.atomic():
        EntryStatusChange.objects.create(entry=entry, at=now, was=entry.status, became=status, why=why)
        entry.status = status
        entry.save(update_fields=["status"])
        rescore(citizen_id=entry.enrolment_id, cause="dispute", now=now)


def win(*wrong: Entry, corrected: Collection[Entry] = (), now: datetime = NOW, dispute: str = "dsp_1") -> None:
    """A dispute over these records is won: they are struck, and everybody who is to be told is told."""
    for entry in wrong:
        become(entry, Entry.Status.STRUCK, now=now)
    with transaction.atomic():
        tell_dispute_won(
            citizen_id=wrong[0].enrolment_id,
            dispute_id=dispute,
            entry_ids=[entry.pk for entry in wrong],
            corrected_ids=[entry.pk for entry in corrected],
        )
    _deliver(now)


def withdraw(*disputed: Entry, opened_at: datetime, now: datetime = NOW, dispute: str = "dsp_1") -> None:
    """The citizen takes a dispute over these records back."""
    for entry in disputed:
        become(entry, Entry.Status.ACTIVE, now=now)
    with transaction.atomic():
        tell_dispute_withdrawn(
            citizen_id=disputed[0].enrolment_id,
            dispute_id=dispute,
            entry_ids=[entry.pk for entry in disputed],
            opened_at=opened_at,
        )
    _deliver(now)


def _deliver(now: datetime) -> None:
    OutboxMessage.objects.update(due_at=now)  # promised by the machine's clock
    with time_machine.travel(now, tick=False):
        run_due()


def make_good_of(citizen: Citizen) -> MakeGood:
    """Their only one, with what its state is read from."""
    return MakeGood.objects.select_related("perk__in_force", "perk__merchant", "citizen").get(citizen=citizen)
