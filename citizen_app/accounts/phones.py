"""The phone number of an account: added by whoever shows that it is theirs, taken off at will."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from citizen_app import audit
from citizen_app.accounts.erasure import Erasure, erases
from citizen_app.db import violated
from citizen_app.errors import DomainError, Kind
from citizen_app.models import Citizen, Phone


class PhoneTaken(DomainError):
    code, kind, title = "phone_taken", Kind.CONFLICT, "This number belongs to another account."
    remedy = "Take it off there first, or add another number here."


@transaction.atomic
def keep_phone(*, citizen: Citizen, number: str, now: datetime | None = None) -> Phone:
    """Keep a number that has just been shown to be the person's, in the place of any earlier one.

    `number` is E.164. Raises `PhoneTaken`.
    """
    try:
        with transaction.atomic():
            phone, _ = Phone.objects.update_or_create(
                citizen=citizen, defaults={"number": number, "verified_at": now or timezone.now()}
            )
    except IntegrityError as error:
        if violated(error) == "phone_of_one_account":
            raise PhoneTaken from error
        raise
    audit.record(by=citizen, action="phone.keep", on=citizen.public_id)
    return phone


@transaction.atomic
def take_off_phone(*, citizen: Citizen) -> bool:
    """Forget the person's number; whether there was one."""
    taken_off, _ = Phone.objects.filter(citizen=citizen).delete()
    if taken_off:
        audit.record(by=citizen, action="phone.take_off", on=citizen.public_id)
    return bool(taken_off)


def phone_of(citizen: Citizen) -> Phone | None:
    return Phone.objects.filter(citizen=citizen).first()


@erases
def erase_phone(*, citizen: Citizen, now: datetime) -> Erasure:
    """Leaving: nothing needs the number any more."""
    erased, _ = Phone.objects.filter(citizen=citizen).delete()
    return Erasure({"phone": erased} if erased else {})
