"""Enrolling many invented people at once, with their records and first scores.

The services do the same for one person at a time; this writes the rows they would write, in bulk, and a test holds the
two equal. Each call is one transaction: a load that is broken off leaves whole people behind and can be taken up again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from django.db import transaction

from citizen_app.audit import record
from citizen_app.bulk import reserve_keys, write, write_values
from citizen_app.demo import BANK
from citizen_app.models import AuditEvent, Citizen, ConsentEvent, ConsentText
from scores import catalogue, scoring
from scores.changes import compare
from scores.models import Enrolment, Entry, Furnisher, Link, Score, ScoreChange, Source
from scores.population import day_number
from scores.sample.authorities import authorities
from scores.sample.people import Record
from scores.services import consents
from scores.services.furnisher_record import count_batch
from scores.services.identity import person_key_of
from scores.services.ingestion import tell_citizens
from scores.services.linking import purpose_of, subject_of
from scores.services.publishing import current_scorecard
from scores.services.rescoring import scoring_day

INVENTED: Final = "demo-invented"
VIA: Final = "command"
ENTRY_VALUES: Final = (
    "id",
    "enrolment_id",
    "link_id",
    "external_id",
    "kind_number",
    "occurred_on",
    "day",
    "value",
    "recorded_at",
    "lapses_on",
    "status",
)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody to enrol: what the demo bank calls them, and their records, dated as they are to be stored."""

    first_name: str
    email: str
    subject: str
    payments: Sequence[Record]
    invented: Sequence[Record]


@dataclass(frozen=True, slots=True)
class DemoSources:
    """The two sources the demo's people have linked, and the platform's own, which is off until they switch it on.

    The `authorities`, by code, know only the guests (`scores.sample.authorities`).
    """

    bank: Source
    invented: Source
    platform: Source
    authorities: Mapping[str, Source]


@transaction.atomic
def demo_sources() -> DemoSources:
    """The demo's sources, made where they are missing. Everything in their names says that they are no real ones."""
    platform = Source.objects.select_related("furnisher").get(code=Source.PLATFORM)
    bank = Source.objects.select_related("furnisher").filter(code=BANK).first()
    if bank is None:
        bank = Source.objects.create(
            code=BANK,
            name="Demo bank: real payments, anonymous people",
            furnisher=Furnisher.objects.create(name="Demo bank", furnishes_as=[catalogue.BANK]),
            kinds=["credit.payment", "credit.utilisation", "credit.paid"],
            is_demo=True,
        )
    invented = Source.objects.select_related("furnisher").filter(code=INVENTED).first()
    if invented is None:
        invented = Source.objects.create(
            code=INVENTED,
            name="Citizen App, invented for the demo",
            furnisher=platform.furnisher,
            kinds=["identity.email", "identity.document", "identity.mfa", "fulfilment.booking"],
            is_demo=True,
        )
    return DemoSources(bank, invented, platform, authorities())


def document_key_of(email: str) -> str:
    """The person key of a document check that the demo's people count as having passed: one document per account."""
    return person_key_of(f"demo:{email}")


@transaction.atomic
def enrol_with_records(newcomers: Sequence[Newcomer], *, sources: DemoSources, now: datetime) -> int:
    """Make, enrol, link and score these people; how many records came with them."""
    people = _make_citizens(newcomers, now=now)
    consent_version = consents.current_text().version
    consent_keys = _write_consents(people, sources, now=now)
    write(
        [
            Enrolment(
                citizen_id=citizen.pk,
                enrolled_at=now,
                consent_id=consent_key,
                consent_version=consent_version,
                person_key=document_key_of(newcomer.email),
                document_checked_at=now,
            )
            for citizen, newcomer, consent_key in zip(people, newcomers, consent_keys, strict=True)
        ]
    )
    entries = _write_links_and_entries(people, newcomers, sources, now=now)
    _write_scores(people, entries, now=now)
    _tell(people, newcomers, sources, now=now)
    return sum(map(len, entries))


def _make_citizens(newcomers: Sequence[Newcomer], *, now: datetime) -> list[Citizen]:
    """Accounts nobody can sign in to: they have no password and no verified address."""
    keys = reserve_keys(Citizen, len(newcomers))
    people = []
    for newcomer in newcomers:
        citizen = Citizen(
            id=next(keys), email=newcomer.email, first_name=newcomer.first_name, joined_at=now, is_demo=True
        )
        citizen.set_unusable_password()
        people.append(citizen)
    write(people)
    return people


def _write_consents(people: list[Citizen], sources: DemoSources, *, now: datetime) -> list[int]:
    """Three separate consents of each person: being scored (whose key is returned), and each of the two sources."""
    scoring_text, source_text = consents.current_text(), consents.current_text(consents.SOURCE)
    agreed: list[tuple[str, ConsentText]] = [
        (consents.SCORING, scoring_text),
        (purpose_of(sources.bank), source_text),
        (purpose_of(sources.invented), source_text),
    ]
    keys = reserve_keys(ConsentEvent, len(people) * len(agreed))
    events = [
        ConsentEvent(
            id=next(keys),
            citizen_id=citizen.pk,
            at=now,
            act=ConsentEvent.Act.GIVEN,
            purpose=purpose,
            text_version=text.version,
            text_sha256=text.sha256,
            language=text.language,
            via=VIA,
        )
        for citizen in people
        for purpose, text in agreed
    ]
    write(events)
    return [event.pk for event in events[:: len(agreed)]]


def _write_links_and_entries(
    people: list[Citizen], newcomers: Sequence[Newcomer], sources: DemoSources, *, now: datetime
) -> list[list[scoring.Entry]]:
    """The links and what came through them; each person's entries as the arithmetic reads them."""
    link_keys = reserve_keys(Link, 3 * len(people))
    entry_keys = reserve_keys(Entry, sum(len(one.payments) + len(one.invented) for one in newcomers))
    links: list[Link] = []
    rows: list[tuple[object, ...]] = []
    to_score: list[list[scoring.Entry]] = []
    for citizen, newcomer in zip(people, newcomers, strict=True):
        through = [
            (sources.platform, subject_of(citizen), False, ()),
            (sources.bank, newcomer.subject, True, newcomer.payments),
            (sources.invented, subject_of(citizen), True, newcomer.invented),
        ]
        own: list[scoring.Entry] = []
        for source, subject, is_on, records in through:
            link = Link(
                id=next(link_keys),
                enrolment_id=citizen.pk,
                source_id=source.pk,
                subject=subject,
                is_on=is_on,
                since=now,
            )
            links.append(link)
            for name, kind, occurred_on, value in records:
                number, day, lapses_on = _facts(kind, occurred_on)
                key = next(entry_keys)
                rows.append(
                    (key, citizen.pk, link.pk, name, number, occurred_on, day, value, now, lapses_on, scoring.ACTIVE)
                )
                own.append(scoring.Entry(key, kind, occurred_on, lapses_on, value, source=source.code))
        to_score.append(own)
    write(links)
    write_values(Entry, ENTRY_VALUES, rows)
    return to_score


@lru_cache(maxsize=8192)
def _facts(kind: str, occurred_on: date) -> tuple[int, int, date]:
    known = catalogue.kind(kind)
    return known.number, day_number(occurred_on), catalogue.lapses_on(known, occurred_on)


def _write_scores(people: list[Citizen], entries: list[list[scoring.Entry]], *, now: datetime) -> None:
    """What rescoring would leave behind: a row of history for enrolling, one for the records, and the score."""
    scorecard, today = current_scorecard(), scoring_day(now)
    on_enrolling = scoring.score(scorecard.card, [], today)
    scores: list[Score] = []
    changes: list[ScoreChange] = []
    for citizen, own in zip(people, entries, strict=True):
        result = scoring.score(scorecard.card, own, today)
        changes.append(_change(citizen, on_enrolling, None, ScoreChange.Cause.ENROLLED, now))
        told = on_enrolling
        if (result.state, result.value) != (on_enrolling.state, on_enrolling.value):
            changes.append(_change(citizen, result, on_enrolling, ScoreChange.Cause.ENTRIES, now))
            told = result
        scores.append(
            Score(
                enrolment_id=citizen.pk,
                scorecard_id=scorecard.row_id,
                state=result.state,
                value=result.value,
                factors=result.factors,
                purposes={code: purpose._asdict() for code, purpose in result.purposes.items()},
                kept=told.explanation.totals,
                compared_with=told.explanation.to_document(),
                as_of=today,
                computed_at=now,
                revision=2,
            )
        )
    write(scores)
    write(changes)


def _change(
    citizen: Citizen, result: scoring.Scoring, before: scoring.Scoring | None, cause: str, now: datetime
) -> ScoreChange:
    lines = compare(None if before is None else before.explanation, result.explanation, cause)
    return ScoreChange(
        enrolment_id=citizen.pk,
        at=now,
        state=result.state,
        value=result.value,
        cause=cause,
        scorecard_version=result.explanation.scorecard,
        lines=[line.to_document() for line in lines],
    )


def _tell(people: list[Citizen], newcomers: Sequence[Newcomer], sources: DemoSources, *, now: datetime) -> None:
    """What the people may read about it: who sent records about them (P9), and the acts on record."""
    for source, records in (
        (sources.bank, [one.payments for one in newcomers]),
        (sources.invented, [one.invented for one in newcomers]),
    ):
        about = [citizen.pk for citizen, own in zip(people, records, strict=True) if own]
        if not about:
            continue
        tell_citizens(source, about, now=now)
        record(by=None, action="entries.furnish", on=f"source:{source.code}", accepted=sum(map(len, records)))
        count_batch(source, accepted=sum(map(len, records)), contradicted=0, now=now)
    write(
        [
            AuditEvent(actor=f"person:{citizen.pk}", action="enrolment.begin", object=citizen.public_id)
            for citizen in people
        ]
    )
