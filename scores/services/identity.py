"""What the platform itself knows about a person: a verified address, a second factor, a checked document.

They are entries of the platform's own source, made when the person is enrolled, and count only while the citizen has
that source switched on (P2).
"""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from citizen_app.accounts.events import email_is_verified, second_factor_is_on
from citizen_app.accounts.operators import role_among
from citizen_app.audit import record
from citizen_app.db import violated
from citizen_app.keys import derive_key, keyed_hash
from citizen_app.models import Citizen, OperatorRole
from scores import catalogue
from scores.errors import AlreadyEnrolledElsewhere, DocumentNotAccepted, DocumentOfAnother
from scores.models import Enrolment, Entry, Inquiry, Link, ScoreChange, Source
from scores.services import consents
from scores.services.inquiries import record_inquiry
from scores.services.publishing import PLATFORM_NAME
from scores.services.rescoring import rescore, scoring_day

EMAIL: Final = "identity.email"
MFA: Final = "identity.mfa"
DOCUMENT: Final = "identity.document"
DOCUMENT_CHECK: Final = "Document check"
VERIFIED: Final = catalogue.VALUE_SCALE


def person_key_of(reference: str) -> str:
    """The key that tells one person from another without keeping who they are.

    `reference` is what the document check returns for the same person every time; the key is its HMAC-SHA256 under a
    server key that is not in the database.
    """
    return keyed_hash(derive_key(settings.SERVER_KEY, "person key"), reference)


def standing_facts(citizen: Citizen) -> list[str]:
    """The kinds of identity entry that are true of the account already, before anybody enrolled."""
    facts = {EMAIL: email_is_verified(citizen), MFA: second_factor_is_on(citizen)}
    return [kind for kind, is_true in facts.items() if is_true]


def email_was_verified(*, citizen: Citizen) -> None:
    """The account's announcement that an address is the person's, as an entry (`scores.apps` registers it)."""
    record_identity_entry(citizen=citizen, kind=EMAIL)


def second_factor_changed(*, citizen: Citizen, active: bool) -> None:
    """The account's announcement that a second factor protects it, or no longer does."""
    if active:
        record_identity_entry(citizen=citizen, kind=MFA)
    else:
        withdraw_identity_entry(citizen=citizen, kind=MFA)


@transaction.atomic
def record_identity_entry(*, citizen: Citizen, kind: str, now: datetime | None = None) -> Entry | None:
    """Record that something about the person is verified; None where they are not enrolled. Safe twice."""
    now = now or timezone.now()
    if not Enrolment.objects.select_for_update(no_key=True).filter(pk=citizen.pk).values_list("pk"):
        return None
    entry, is_new = add_identity_entry(citizen_id=citizen.pk, kind=kind, now=now)
    if is_new:
        rescore(citizen_id=citizen.pk, cause=ScoreChange.Cause.ENTRIES, now=now)
    return entry


def add_identity_entry(*, citizen_id: int, kind: str, now: datetime) -> tuple[Entry, bool]:
    """The active entry of this kind, made where there is none; the caller holds the enrolment row and rescores."""
    link = Link.objects.get(enrolment_id=citizen_id, source__code=Source.PLATFORM)
    known = catalogue.kind(kind)
    recorded = Entry.objects.filter(link=link, kind_number=known.number).order_by("id")
    active = recorded.exclude(status=Entry.Status.STRUCK).last()
    if active is not None:
        return active, False
    today = scoring_day(now)
    entry = Entry.objects.create(
        enrolment_id=citizen_id,
        link=link,
        external_id=f"{kind}.{recorded.count() + 1}",
        kind_number=known.number,
        occurred_on=today,
        value=VERIFIED,
        recorded_at=now,
        lapses_on=catalogue.lapses_on(known, today),
    )
    return entry, True


@transaction.atomic
def withdraw_identity_entry(*, citizen: Citizen, kind: str, now: datetime | None = None) -> int:
    """Strike what is no longer so (a second factor taken off, an address gone); return how many. Safe twice."""
    now = now or timezone.now()
    if not Enrolment.objects.select_for_update(no_key=True).filter(pk=citizen.pk).values_list("pk"):
        return 0
    struck = (
        Entry.objects.of(citizen.pk)
        .filter(link__source__code=Source.PLATFORM, kind_number=catalogue.kind(kind).number)
        .strike(why="withdrawn", now=now)
    )
    if struck:
        rescore(citizen_id=citizen.pk, cause=ScoreChange.Cause.ENTRIES, now=now)
    return struck


@transaction.atomic
def record_document_check(
    *,
    citizen: Citizen,
    reference: str,
    of_age: bool,
    by: Citizen | None = None,
    reason: str = "",
    now: datetime | None = None,
) -> Enrolment:
    """Keep that a person's document was checked: who they are as a keyed hash only, unique among live enrolments.

    `reference` is the check's stable reference for the person, `of_age` its answer. Raises `NotEnrolled`,
    `DocumentNotAccepted`, and `AlreadyEnrolledElsewhere` when the same person is enrolled with another account. The
    citizen sees that an operator opened their file, and for what `reason` (P9).
    """
    now = now or timezone.now()
    enrolment = Enrolment.objects.locked(citizen.pk)
    if not of_age:
        raise DocumentNotAccepted
    key = person_key_of(reference.strip())
    if enrolment.person_key not in (None, key):
        raise DocumentOfAnother
    try:
        with transaction.atomic():
            enrolment.person_key, enrolment.document_checked_at = key, now
            enrolment.save(update_fields=["person_key", "document_checked_at"])
    except IntegrityError as error:
        if violated(error) == "enrolment_one_live_per_person":
            raise AlreadyEnrolledElsewhere from error
        raise
    if by is not None:
        tell_document_check(citizen=citizen, by=by, reason=reason, now=now)
    record(by=by, action="document.check", on=citizen.public_id)
    _, is_new = add_identity_entry(citizen_id=citizen.pk, kind=DOCUMENT, now=now)
    if is_new:
        rescore(citizen_id=citizen.pk, cause=ScoreChange.Cause.ENTRIES, now=now)
    return enrolment


def tell_document_check(*, citizen: Citizen, by: Citizen, reason: str, now: datetime) -> None:
    """Let the citizen read which operator looked at their document, and why (P9)."""
    role = role_among(by, OperatorRole.Role.SUPPORT, OperatorRole.Role.SCORING)
    tell_file_opened(citizen=citizen, by=by, role=role, about=DOCUMENT_CHECK, reason=reason, now=now)


def tell_file_opened(*, citizen: Citizen, by: Citizen, role: str, about: str, reason: str, now: datetime) -> None:
    """Let the citizen read which operator opened their file, in which role, and why (P9)."""
    record_inquiry(
        citizen_id=citizen.pk,
        kind=Inquiry.AskedBy.OPERATOR,
        asker_id=by.public_id,
        asker_name=f"{PLATFORM_NAME}, {role}" if role else PLATFORM_NAME,
        what=Inquiry.What.FILE_OPENED,
        about=about,
        reason=reason,
        consent=consents.SCORING,
        now=now,
    )
