"""What time does to disputes: reminders, the due day, and disputes whose records went another way.

Each sweep looks for what is due by now and not done yet, so a day without it is caught up with the next run, and a
second run finds nothing.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from citizen_app.errors import NotFound, WrongState
from scores.models import Dispute, DisputedEntry, Entry
from scores.services.disputes.steps import By, State, What, finish, hold, note, standing_entries, uphold
from scores.services.rescoring import scoring_day
from scores.services.telling import tell_dispute

REMINDER_DAYS: Final = (15, 25, 28)
RECORDS_ERASED: Final = "The records are erased: there is nothing left to decide."


def strike_unanswered(*, now: datetime, limit: int) -> int:
    """Strike what a furnisher did not answer for in 30 days; return how many disputes ended so."""
    overdue = Dispute.objects.unanswered().filter(due_on__lt=scoring_day(now)).order_by("due_on", "pk")
    return sum(_silence(dispute, now=now) for dispute in overdue[:limit])


@transaction.atomic
def _silence(dispute: Dispute, *, now: datetime) -> int:
    guard = Dispute.objects.unanswered().filter(due_on__lt=scoring_day(now))
    try:
        finish(hold(dispute, now=now), to=State.LAPSED_UNANSWERED, now=now, by=By.SYSTEM, guard=guard)
    except (NotFound, WrongState):
        return 0  # it left, or was answered this very moment
    return 1


def remind_furnishers(*, now: datetime, limit: int) -> int:
    """Remind who was asked 15, 25 and 28 days ago and has not answered; of days that were missed, the latest."""
    reminded = 0
    for day in sorted(REMINDER_DAYS, reverse=True):
        asked_by = now - timedelta(days=day)
        late = Dispute.objects.unanswered().filter(reminded_day__lt=day, asked_at__lte=asked_by)
        for dispute in late.select_related("source").order_by("due_on", "pk")[:limit]:
            with transaction.atomic():
                if Dispute.objects.unanswered().filter(pk=dispute.pk, reminded_day__lt=day).update(reminded_day=day):
                    note(dispute, What.REMINDED, by=By.SYSTEM, at=now, is_told=False)
                    tell_dispute(dispute, "due_soon", sequence=2 + REMINDER_DAYS.index(day), now=now)
                    reminded += 1
    return reminded


def end_emptied(*, now: datetime, limit: int) -> int:
    """End disputes of which no record stands any more: taken back by its furnisher, or erased; return how many."""
    named = DisputedEntry.objects.filter(dispute=OuterRef("pk"))
    emptied = Dispute.objects.open().exclude(Exists(named.exclude(entry__status=Entry.Status.STRUCK)))
    return sum(_end(dispute, now=now) for dispute in _some(emptied, limit))


def _some(disputes: Any, limit: int) -> Iterable[Dispute]:
    found: Iterable[Dispute] = disputes.order_by("opened_at", "pk")[:limit]
    return found


@transaction.atomic
def _end(dispute: Dispute, *, now: datetime) -> int:
    try:
        dispute = hold(dispute, now=now)
        if standing_entries(dispute).exists():
            return 0
        if dispute.disputed.exists():
            uphold(dispute, now=now, by=By.FURNISHER, what=What.TAKEN_BACK)
        elif dispute.state == State.APPEALED:
            finish(
                dispute,
                to=State.REJECTED_ON_APPEAL,
                leaving=[State.APPEALED],
                now=now,
                by=By.SYSTEM,
                text=RECORDS_ERASED,
                appeal_decided_at=now,
            )
        else:
            finish(dispute, to=State.WITHDRAWN, now=now, by=By.SYSTEM, text=RECORDS_ERASED)
    except (NotFound, WrongState):
        return 0
    return 1
