"""An operator checks a document with a person: found by their exact address, and told whatever comes of it."""

from datetime import datetime

from django.utils import timezone

from citizen_app.errors import DomainError, FieldError, InvalidInput
from citizen_app.models import Citizen
from scores.errors import OwnDocument
from scores.models import Enrolment
from scores.services.identity import DOCUMENT_CHECK, record_document_check, tell_file_opened


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
    about = f"{DOCUMENT_CHECK}: {reason}"
    try:
        return record_document_check(citizen=citizen, reference=reference, of_age=of_age, by=by, about=about, now=now)
    except DomainError:
        tell_file_opened(citizen=citizen, by=by, about=about, now=now)
        raise
