"""What a month brought of who asked and what lapses, for those who want it told; no score, no points."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Count, Sum

from citizen_app.notifying.digests import adds_to_digest
from scores.models import Entry, Inquiry
from scores.services.rescoring import scoring_day

SOON = timedelta(days=62)


@adds_to_digest
def who_asked(citizen_ids: Collection[int], *, since: datetime, until: datetime) -> dict[int, str]:
    """How often somebody learned something about each of them."""
    asked = Inquiry.objects.filter(enrolment__in=citizen_ids, last_at__gte=since, at__lt=until)
    counts = asked.order_by().values_list("enrolment").annotate(times=Sum("count"))
    return {citizen_id: f"You were asked about {_times(times)}." for citizen_id, times in counts}


@adds_to_digest
def what_lapses(citizen_ids: Collection[int], *, since: datetime, until: datetime) -> dict[int, str]:
    """How many of their records lapse soon."""
    today = scoring_day(until)
    lapsing = Entry.objects.filter(enrolment__in=citizen_ids, lapses_on__gt=today, lapses_on__lte=today + SOON)
    counts = lapsing.exclude(status=Entry.Status.STRUCK).order_by().values_list("enrolment").annotate(Count("pk"))
    return {
        citizen_id: f"{count} of your records lapse{'s' if count == 1 else ''} within two months."
        for citizen_id, count in counts
    }


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
