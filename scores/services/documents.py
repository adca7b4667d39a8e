"""Having a document checked: by an operator, with whoever has this exact address, or by a provider that is plugged in.

The citizen reads whatever comes of it.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from citizen_app.errors import DomainError, FieldError, InvalidInput
from citizen_app.keys import derive_key, keyed_hash
from citizen_app.models import Citizen
from scores.document_checks import AtTheDesk, document_check
from scores.errors import AlreadyEnrolledElsewhere, DocumentNotAccepted, DocumentOfAnother, OwnDocument, UnknownVisit
from scores.models import DocumentVisit, Enrolment
from scores.services.identity import record_document_check, tell_document_check

ACCEPTED: Final = "accepted"
VISIT_TAKES_ANSWERS: Final = timedelta(days=1)
VISITS_KEPT: Final = timedelta(days=7)


class DocumentState(NamedTuple):
    """How it stands with somebody's document: checked, being checked, or why the last check came to nothing."""

    checked_at: datetime | None
    is_waiting: bool
    refused: str | None


def check_document_of(
    *, email: str, reason: str, reference: str, of_age: bool, by: Citizen, now: datetime | None = None
) -> Enrolment:
    """Record a document check for whoever has exactly this address; they read who opened their file, and why (P9).

    Raises `InvalidInput` for an address nobody enrolled has (whether there is an account is not said), and what
    `record_document_check` refuses: by then the operator has learned something, so the inquiry is kept all the same.
    """
    now = now or timezone.now()
    citizen = Citizen.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if citizen is None or not Enrolment.objects.filter(pk=citizen.pk).exists():
        raise InvalidInput(FieldError("/email", "invalid", "Nobody enrolled has this address."))
    if citizen.pk == by.pk:
        raise OwnDocument
    try:
        return record_document_check(citizen=citizen, reference=reference, of_age=of_age, by=by, reason=reason, now=now)
    except DomainError:
        tell_document_check(citizen=citizen, by=by, reason=reason, now=now)
        raise


# -- Where a provider checks ----------------------------------------------------------------------------------------


@transaction.atomic
def start_document_check(*, citizen: Citizen, now: datetime | None = None) -> str | None:
    """Where the citizen has their document checked; None where an operator does it with them.

    The address carries a token that takes one answer, within a day; an earlier one stops working. Raises `NotEnrolled`.
    """
    now = now or timezone.now()
    Enrolment.objects.locked(citizen.pk)
    token = secrets.token_urlsafe(32)
    where = document_check().start(visit=token)
    if where is None:
        return None
    visits = DocumentVisit.objects.filter(enrolment_id=citizen.pk)
    visits.filter(answered_at=None).delete()
    visits.create(
        enrolment_id=citizen.pk, token_hash=_hash_of(token), started_at=now, expires_at=now + VISIT_TAKES_ANSWERS
    )
    return where


@transaction.atomic
def take_document_answer(*, headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> str:
    """Keep what the check answered about somebody who was sent there: `accepted`, or the code of the refusal.

    The citizen reads it on their page. Raises `AnswerNotGenuine` for what the check did not send, `UnknownVisit` for
    a token that is nobody's or too old. An answer that comes again changes nothing, whatever it says by then.
    """
    now = now or timezone.now()
    result = document_check().result(headers=headers, body=body, now=now)
    visit = DocumentVisit.objects.filter(token_hash=_hash_of(result.visit)).first()
    if visit is None:
        raise UnknownVisit
    # The enrolment is the lock, as everywhere: of two answers at once the second finds the first one's outcome.
    enrolment = Enrolment.objects.select_for_update(no_key=True).filter(pk=visit.enrolment_id).first()
    visit = DocumentVisit.objects.filter(pk=visit.pk).first()
    if enrolment is None or visit is None:  # left meanwhile, or started another visit
        raise UnknownVisit
    if visit.answered_at is not None:
        return visit.outcome
    if visit.expires_at <= now:
        raise UnknownVisit
    visit.answered_at, visit.outcome = now, ACCEPTED
    try:
        record_document_check(citizen=enrolment.citizen, reference=result.reference, of_age=result.over_18, now=now)
    except DomainError as refusal:
        visit.outcome = refusal.code
    visit.save(update_fields=["answered_at", "outcome"])
    return visit.outcome


def document_state(*, citizen: Citizen, now: datetime | None = None) -> DocumentState:
    """Whether the citizen's document was checked, and what came of the last visit. Raises `NotEnrolled`."""
    now = now or timezone.now()
    enrolment = Enrolment.objects.of(citizen.pk)
    last = DocumentVisit.objects.filter(enrolment_id=citizen.pk).order_by("-id").first()
    refused = None
    if last is not None and last.outcome not in ("", ACCEPTED):
        refused = _TITLES.get(last.outcome, DocumentNotAccepted.title)
    return DocumentState(
        checked_at=enrolment.document_checked_at,
        is_waiting=last is not None and last.answered_at is None and last.expires_at > now,
        refused=refused,
    )


_TITLES: Final = {
    refusal.code: refusal.title for refusal in (DocumentNotAccepted, DocumentOfAnother, AlreadyEnrolledElsewhere)
}


def forget_visits(*, now: datetime) -> int:
    """Erase visits a week after they stopped taking answers; return how many."""
    return DocumentVisit.objects.filter(expires_at__lt=now - VISITS_KEPT).delete()[0]


def _hash_of(token: str) -> str:
    return keyed_hash(derive_key(settings.SERVER_KEY, "document visit"), token)


def is_at_the_desk() -> bool:
    """Whether an operator here checks documents, and no provider."""
    return isinstance(document_check(), AtTheDesk)
