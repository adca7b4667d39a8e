"""The two people a visitor signs in as: their records arrive month by month, so their history tells something.

Everything goes through the services, each month at its own time: what is stored is what would be there had they
enrolled half a year ago.
"""

from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.db import transaction

from citizen_app.models import Citizen
from scores.models import Enrolment, ScoreChange, Source
from scores.sample.authorities import ABOUT_GUESTS
from scores.sample.loading import VIA, DemoSources, document_key_of
from scores.sample.people import STATEMENTS, Person, Record, dated, moved
from scores.services.enrolment import enrol_citizen
from scores.services.ingestion import furnish_entries
from scores.services.linking import link_subject, subject_of, switch_source
from scores.services.rescoring import rescore

Cause = ScoreChange.Cause
ARRIVES_AT = time(9, 30, tzinfo=UTC)


@transaction.atomic
def tell_story(
    person: Person, *, citizen: Citizen | None = None, sources: DemoSources, months: int, now: datetime
) -> Citizen:
    """Enrol this person half a year ago and send their records as the statements close; the last month is `now`'s.

    `citizen` is their account where there is one already. Each statement arrives on the second day of the next month.
    """
    arrivals = [_arrival(number, months=months, now=now) for number in range(len(STATEMENTS))]
    if citizen is None:
        citizen = Citizen(email=person.email)
        citizen.set_unusable_password()
    citizen.first_name, citizen.is_demo, citizen.joined_at = person.first_name, True, arrivals[0]
    citizen.save()
    enrol_citizen(citizen=citizen, consent_version=settings.CONSENT_VERSION, adult=True, via=VIA, now=arrivals[0])
    Enrolment.objects.filter(pk=citizen.pk).update(
        person_key=document_key_of(person.email), document_checked_at=arrivals[0]
    )
    link_subject(citizen=citizen, source=sources.bank, subject=person.subject, now=arrivals[0])
    link_subject(citizen=citizen, source=sources.invented, subject=subject_of(citizen), now=arrivals[0])
    payments, invented = dated(person.payments, months), dated(person.invented, months)
    told = {code: dated(records, months) for code, records in ABOUT_GUESTS.get(person.number, {}).items()}
    for code in told:
        # Linked and off: whoever signs in as the guest sees what switching it on would change, and does it or not.
        link_subject(citizen=citizen, source=sources.authorities[code], subject=subject_of(citizen), now=arrivals[0])
        switch_source(citizen=citizen, source_code=code, on=False, via=VIA, now=arrivals[0])
    since = None
    for arrived in arrivals:
        if since is not None and arrived.date().replace(day=1) > since.date():
            month_turned = datetime.combine(arrived.date().replace(day=1), time(0, 5, tzinfo=UTC))
            rescore(citizen_id=citizen.pk, cause=Cause.MONTH, now=month_turned)
        _furnish(sources.bank, person.subject, payments, since=since, now=arrived)
        _furnish(sources.invented, subject_of(citizen), invented, since=since, now=arrived)
        for code, records in told.items():
            _furnish(sources.authorities[code], subject_of(citizen), records, since=since, now=arrived)
        rescore(citizen_id=citizen.pk, cause=Cause.ENTRIES, now=arrived)
        since = arrived
    return citizen


def _arrival(statement: int, *, months: int, now: datetime) -> datetime:
    """When the statement is sent: on the second of the next month, or at once where that is still to come."""
    closed = moved(STATEMENTS[statement], months)
    return min(now, datetime.combine(closed + timedelta(days=2), ARRIVES_AT))


def _furnish(source: Source, subject: str, records: list[Record], *, since: datetime | None, now: datetime) -> None:
    """Send what happened since the last time."""
    rows = [
        {
            "external_id": record.external_id,
            "subject": subject,
            "kind": record.kind,
            "occurred_on": record.occurred_on.isoformat(),
            "value": record.text,
        }
        for record in records
        if record.occurred_on <= now.date() and (since is None or record.occurred_on > since.date())
    ]
    if not rows:
        return
    answer = furnish_entries(source=source, rows=rows, now=now)
    if answer.rejected:
        raise ValueError(f"The sample's own records were refused: {answer.rejected[0].detail}")
