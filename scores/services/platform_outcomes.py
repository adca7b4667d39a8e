"""What became of something taken here, as an entry of the platform's own source.

It is recorded only while its citizen has that source switched on, and never about somebody not enrolled (P1, P2). What
the outcome was of is its `external_id`, so that it is recorded once and can be struck when it is taken back.
"""

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from citizen_app.models import Citizen
from scores import catalogue
from scores.models import Enrolment, Entry, Link, ScoreChange, Source
from scores.services.rescoring import rescore, scoring_day


@transaction.atomic
def record_outcome(
    *, citizen: Citizen, kind: str, occurred_on: date, value: int, external_id: str, now: datetime | None = None
) -> bool:
    """Record an outcome of a kind the platform may furnish; False where the citizen's switch is off, or it is known.

    `value` is in whole units of the kind (days, or the code of an outcome).
    """
    now = now or timezone.now()
    known = catalogue.kind(kind)
    if catalogue.PLATFORM not in known.furnished_by:
        raise ValueError(f"The platform furnishes no {kind}.")
    if not Enrolment.objects.select_for_update(no_key=True).filter(pk=citizen.pk).values_list("pk"):
        return False
    link = Link.objects.filter(enrolment_id=citizen.pk, source__code=Source.PLATFORM, is_on=True).first()
    if link is None or Entry.objects.filter(link=link, external_id=external_id).exists():
        return False
    Entry.objects.create(
        enrolment_id=citizen.pk,
        link=link,
        external_id=external_id,
        kind_number=known.number,
        occurred_on=min(occurred_on, scoring_day(now)),
        value=value * catalogue.VALUE_SCALE,
        recorded_at=now,
        lapses_on=catalogue.lapses_on(known, min(occurred_on, scoring_day(now))),
    )
    rescore(citizen_id=citizen.pk, cause=ScoreChange.Cause.ENTRIES, now=now)
    return True


@transaction.atomic
def strike_outcome(*, citizen: Citizen, external_id: str, now: datetime | None = None) -> int:
    """Strike what an outcome recorded: it was taken back; return how many entries. Safe twice."""
    now = now or timezone.now()
    if not Enrolment.objects.select_for_update(no_key=True).filter(pk=citizen.pk).values_list("pk"):
        return 0
    recorded = Entry.objects.of(citizen.pk).filter(link__source__code=Source.PLATFORM, external_id=external_id)
    struck = recorded.strike(why="withdrawn", now=now)
    if struck:
        rescore(citizen_id=citizen.pk, cause=ScoreChange.Cause.ENTRIES, now=now)
    return struck
