"""Asking to be scored, pausing and leaving: each the person's own act, each on record (P1, P10)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from citizen_app.accounts.closing import closes_account
from citizen_app.accounts.erasure import Erasure, Kept, erase_traces
from citizen_app.accounts.pausing import end_answers
from citizen_app.audit import record
from citizen_app.audit_guards import KEPT_YEARS
from citizen_app.models import Citizen, ConsentEvent
from citizen_app.outbox import enqueue
from citizen_app.pruning import years_before
from scores.errors import AdultRequired, ConsentOutdated, NotEnrolled
from scores.models import (
    Dispute,
    DisputedEntry,
    DisputeEvent,
    DocumentVisit,
    Enrolment,
    Entry,
    EntryProof,
    EntryStatusChange,
    Evidence,
    FileOpening,
    Inquiry,
    Link,
    LinkCode,
    Score,
    ScoreChange,
    Seed,
    Source,
    ToldScore,
    VouchRequest,
)
from scores.services import consents
from scores.services.disputes.evidence import erase_evidence
from scores.services.identity import add_identity_entry, standing_facts
from scores.services.linking import remember_ended, subject_of
from scores.services.rescoring import rescore
from scores.services.vouching import all_vouches_of, marks_kept_of

LEFT_TOPIC: Final = "enrolment.left"
ENDED_LINKS_TOLD: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What leaving erased, in rows by table, and what is kept, why and until when."""

    at: datetime
    erased: dict[str, int]
    kept: list[Kept]


@transaction.atomic
def enrol_citizen(
    *,
    citizen: Citizen,
    consent_version: str,
    adult: bool,
    language: str | None = None,
    via: str = "app",
    now: datetime | None = None,
) -> tuple[Enrolment, bool]:
    """Start keeping a score for a person who asks for it; True when that is new.

    They declare to be of age and name the consent text they agreed to, which must be the one in force. Raises
    `AdultRequired` and `ConsentOutdated`; nothing is kept of a refusal. Enrolling again changes nothing.
    """
    now = now or timezone.now()
    if not adult:
        raise AdultRequired(f"You must be at least {settings.ADULT_AGE} years old.")
    # The person's own row: there is no enrolment yet to hold.
    Citizen.objects.select_for_update(no_key=True).get(pk=citizen.pk)
    enrolment = Enrolment.objects.filter(pk=citizen.pk).first()
    if enrolment is not None:
        return enrolment, False
    text = consents.current_text(language=language or citizen.language)
    if consent_version != text.version:
        raise ConsentOutdated(current_version=text.version)
    consent = consents.record_consent(
        citizen=citizen, act=ConsentEvent.Act.GIVEN, purpose=consents.SCORING, text=text, via=via, now=now
    )
    enrolment = Enrolment.objects.create(
        citizen=citizen, enrolled_at=now, consent=consent, consent_version=text.version
    )
    Link.objects.create(
        enrolment=enrolment,
        source=Source.objects.get(code=Source.PLATFORM),
        subject=subject_of(citizen),
        is_on=False,
        since=now,
    )
    for kind in standing_facts(citizen):
        add_identity_entry(citizen_id=citizen.pk, kind=kind, now=now)
    rescore(citizen_id=citizen.pk, cause=ScoreChange.Cause.ENROLLED, now=now)
    record(by=citizen, action="enrolment.begin", on=citizen.public_id)
    return enrolment, True


@transaction.atomic
def pause_enrolment(*, citizen: Citizen, now: datetime | None = None) -> Enrolment:
    """Give no new answers about the person until they resume; nothing is lost and nobody is told. Safe twice."""
    now = now or timezone.now()
    enrolment = Enrolment.objects.locked(citizen.pk)
    if enrolment.state != Enrolment.State.PAUSED:
        enrolment.state, enrolment.paused_at = Enrolment.State.PAUSED, now
        enrolment.save(update_fields=["state", "paused_at"])
        end_answers(citizen=citizen, now=now)
    return enrolment


@transaction.atomic
def resume_enrolment(*, citizen: Citizen) -> Enrolment:
    """Answer again. Safe twice."""
    enrolment = Enrolment.objects.locked(citizen.pk)
    if enrolment.state != Enrolment.State.ACTIVE:
        enrolment.state, enrolment.paused_at = Enrolment.State.ACTIVE, None
        enrolment.save(update_fields=["state", "paused_at"])
    return enrolment


@transaction.atomic
def leave(*, citizen: Citizen, via: str = "app", now: datetime | None = None) -> Receipt:
    """Erase the person's score and everything it was made of, at once, and say what remains and until when.

    Perks they had reserved are honoured. Leaving when not enrolled erases nothing and says so.
    """
    now = now or timezone.now()
    try:
        enrolment = Enrolment.objects.locked(citizen.pk)
    except NotEnrolled:
        return Receipt(now, dict.fromkeys(_TABLES, 0), _kept(now))
    # The other rooms first: what they keep about a person of value stands under the person key, which goes with us.
    traces = erase_traces(citizen=citizen, now=now)
    consents.withdraw_all(citizen=citizen, via=via, now=now)
    kept = [*_kept(now), *_ended_links_kept_of(enrolment, now=now), *marks_kept_of(enrolment, now=now)]
    erased = _erase(citizen_id=citizen.pk, now=now)
    enqueue(LEFT_TOPIC, citizen_id=citizen.pk, at=now.isoformat(), erased=erased)
    record(by=citizen, action="enrolment.leave", on=citizen.public_id)
    return Receipt(now, erased | traces.erased, [*kept, *traces.kept])


@closes_account
def leave_with_account(*, citizen: Citizen, via: str, now: datetime) -> Erasure:
    """Somebody who closes their account leaves first; what stayed for as long as there is an account goes with it."""
    if not Enrolment.objects.filter(pk=citizen.pk).exists():
        return Erasure()
    receipt = leave(citizen=citizen, via=via, now=now)
    for_the_account = {one.what for one in _kept(now)}
    return Erasure(receipt.erased, [one for one in receipt.kept if one.what not in for_the_account])


def _kept(now: datetime) -> list[Kept]:
    return [
        Kept(
            what="what you agreed to and took back, with the texts, for as long as you have an account",
            why="to prove that there was a consent, and that it has ended",
        ),
        Kept(
            what="that you enrolled and left, and when, in the record of acts, under your account's number alone",
            why="to account for what was done here",
            until=years_before(now, -KEPT_YEARS),
        ),
    ]


def _ended_links_kept_of(enrolment: Enrolment, *, now: datetime) -> list[Kept]:
    """What each source still has to learn: under its own id of the person, and nothing that leads to them here."""
    links = Link.objects.filter(enrolment=enrolment).exclude(source__code=Source.PLATFORM).exclude(subject="")
    return [
        Kept(
            what=f"that the link to {name} has ended, under that source's own id for you",
            why="so that it is told, and sends nothing more",
            until=now + ENDED_LINKS_TOLD,
        )
        for name in links.order_by("pk").values_list("source__name", flat=True)
    ]


_TABLES: Final = (
    "disputes",
    "disputed_entries",
    "dispute_events",
    "evidence",
    "entry_proofs",
    "entries",
    "entry_status_changes",
    "links",
    "link_codes",
    "document_visits",
    "file_openings",
    "inquiries",
    "vouches",
    "vouch_requests",
    "seeds",
    "score_changes",
    "scores",
    "told_scores",
    "enrolments",
)


def _erase(*, citizen_id: int, now: datetime) -> dict[str, int]:
    """Delete every row of this room about the citizen, in the order its foreign keys ask for.

    The links are locked before anything goes: a batch that is being written about them ends first and is erased too.
    """
    links = list(Link.objects.select_for_update(no_key=True).filter(enrolment_id=citizen_id).order_by("pk"))
    remember_ended([link for link in links if link.subject and link.source_id != _platform_id()], now=now)
    files = erase_evidence(Evidence.objects.filter(dispute__enrolment_id=citizen_id))
    of_citizen: dict[str, Any] = {
        "dispute_events": DisputeEvent.objects.filter(dispute__enrolment_id=citizen_id),
        "disputed_entries": DisputedEntry.objects.filter(dispute__enrolment_id=citizen_id),
        "disputes": Dispute.objects.filter(enrolment_id=citizen_id),
        "entry_status_changes": EntryStatusChange.objects.filter(entry__enrolment_id=citizen_id),
        "entry_proofs": EntryProof.objects.filter(entry__enrolment_id=citizen_id),
        "entries": Entry.objects.filter(enrolment_id=citizen_id),
        "link_codes": LinkCode.objects.filter(enrolment_id=citizen_id),
        "document_visits": DocumentVisit.objects.filter(enrolment_id=citizen_id),
        "links": Link.objects.filter(enrolment_id=citizen_id),
        "vouches": all_vouches_of(citizen_id),
        "vouch_requests": VouchRequest.objects.filter(enrolment_id=citizen_id),
        "seeds": Seed.objects.filter(enrolment_id=citizen_id),
        "file_openings": FileOpening.objects.filter(enrolment_id=citizen_id),
        "inquiries": Inquiry.objects.filter(enrolment_id=citizen_id),
        "score_changes": ScoreChange.objects.filter(enrolment_id=citizen_id),
        "scores": Score.objects.filter(pk=citizen_id),
        "told_scores": ToldScore.objects.filter(pk=citizen_id),
        "enrolments": Enrolment.objects.filter(pk=citizen_id),
    }
    counts = {"evidence": files} | {table: _delete(rows) for table, rows in of_citizen.items()}
    return {table: counts[table] for table in _TABLES}


def _delete(rows: Any) -> int:
    """How many rows of the table itself went, not counting what hangs on them (counted under its own name)."""
    return int(rows.delete()[1].get(rows.model._meta.label, 0))


def _platform_id() -> int:
    return Source.objects.values_list("pk", flat=True).get(code=Source.PLATFORM)
