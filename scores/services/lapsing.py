"""The past lapses: an entry stops counting on a day fixed when it was recorded, and is erased 30 days later (P8)."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from scores.models import Enrolment, Entry, ScoreChange
from scores.services.rescoring import forget_entries, rescore, scoring_day

KEPT_AFTER_LAPSE: Final = timedelta(days=30)


def erase_lapsed(*, now: datetime, limit: int) -> int:
    """Erase up to `limit` entries that lapsed more than 30 days ago; return how many."""
    last_day = scoring_day(now) - KEPT_AFTER_LAPSE
    overdue = Entry.objects.filter(lapses_on__lte=last_day).order_by("lapses_on", "pk")
    of_citizen: dict[int, list[int]] = {}
    for entry_id, citizen_id in overdue.values_list("pk", "enrolment_id")[:limit]:
        of_citizen.setdefault(citizen_id, []).append(entry_id)
    for citizen_id, entry_ids in sorted(of_citizen.items()):
        _erase(citizen_id, entry_ids, now=now)
    return sum(map(len, of_citizen.values()))


@transaction.atomic
def _erase(citizen_id: int, entry_ids: list[int], *, now: datetime) -> None:
    if not Enrolment.objects.select_for_update(no_key=True).filter(pk=citizen_id).values_list("pk"):
        return
    # The month that made them lapse first, so that the history tells it while they still have names.
    rescore(citizen_id=citizen_id, cause=ScoreChange.Cause.MONTH, now=now)
    forget_entries(citizen_id=citizen_id, entry_ids=entry_ids)
    Entry.objects.filter(pk__in=entry_ids).delete()
    rescore(citizen_id=citizen_id, cause=ScoreChange.Cause.MONTH, now=now)
