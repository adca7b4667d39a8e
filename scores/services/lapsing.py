"""The past lapses: an entry stops counting on a day fixed when it was recorded, and is erased 30 days later (P8)."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from scores.models import Enrolment, Entry, ScoreChange
from scores.services.rescoring import forget_entries, rescore, scoring_day

KEPT_AFTER_LAPSE: Final = timedelta(days=30)
_TURNS_WITH_ITS_MONTH: Final = 1
"""The day of the month on which a lapse is part of the month's turn, which makes everybody's score again."""


def lapse_today(*, now: datetime, limit: int) -> int:
    """Make the scores again of up to `limit` people an entry of whom lapsed within the month; return how many.

    A lapse date fixed at recording is the first of a month, when every score is made again. One that was moved earlier
    can be any day, and from that day on the entry must not count.
    """
    today = scoring_day(now)
    # Older ones are erased by now. Named one by one, so that the index passes over those of the month's turn.
    days = [today - timedelta(days=number) for number in range(KEPT_AFTER_LAPSE.days)]
    within_a_month = [day for day in days if day.day != _TURNS_WITH_ITS_MONTH]
    lapsed = Entry.objects.filter(lapses_on__in=within_a_month, enrolment__score__as_of__lt=F("lapses_on"))
    citizen_ids = sorted(set(lapsed.order_by("lapses_on", "pk").values_list("enrolment_id", flat=True)[:limit]))
    for citizen_id in citizen_ids:
        rescore(citizen_id=citizen_id, cause=ScoreChange.Cause.MONTH, now=now)
    return len(citizen_ids)


def erase_lapsed(*, now: datetime, limit: int) -> int:
    """Erase up to `limit` entries that lapsed more than 30 days ago, whatever names them included; return how many.

    One citizen's that cannot be erased keep nobody else's from going; they are tried again with the next run.
    """
    last_day = scoring_day(now) - KEPT_AFTER_LAPSE
    overdue = Entry.objects.filter(lapses_on__lte=last_day).order_by("lapses_on", "pk")
    of_citizen: dict[int, list[int]] = {}
    for entry_id, citizen_id in overdue.values_list("pk", "enrolment_id")[:limit]:
        of_citizen.setdefault(citizen_id, []).append(entry_id)
    erased, failures = 0, []
    for citizen_id, entry_ids in sorted(of_citizen.items()):
        try:
            erased += _erase(citizen_id, entry_ids, now=now)
        except Exception as failure:
            failures.append(failure)
    if failures:
        raise ExceptionGroup("Some lapsed entries were not erased.", failures)
    return erased


@transaction.atomic
def _erase(citizen_id: int, entry_ids: list[int], *, now: datetime) -> int:
    if not Enrolment.objects.select_for_update(no_key=True).filter(pk=citizen_id).values_list("pk"):
        return 0
    # The month that made them lapse first, so that the history tells it while they still have names.
    rescore(citizen_id=citizen_id, cause=ScoreChange.Cause.MONTH, now=now)
    forget_entries(citizen_id=citizen_id, entry_ids=entry_ids)
    # Their changes of status go with them, and an entry that replaced one of them no longer says which.
    Entry.objects.filter(pk__in=entry_ids).delete()
    rescore(citizen_id=citizen_id, cause=ScoreChange.Cause.MONTH, now=now)
    return len(entry_ids)
