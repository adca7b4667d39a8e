"""Short messages: through the outbox, so that a slow gateway slows no page, and capped, because each one costs money.

A gateway is a class with `send(number, text)`, named by `SMS_BACKEND`; it raises when the message was not taken, and is
asked again. Fraud by messages to costly numbers ("pumping") is bounded by a list of countries, by the kind of number,
and by counts per person, number, address and country.
"""

import json
import sys
from datetime import timedelta
from typing import Protocol

import phonenumbers
import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.module_loading import import_string

from citizen_app.api.throttles import address_of, hit
from citizen_app.models import Citizen, OutboxMessage
from citizen_app.outbox import enqueue, handles
from citizen_app.sealing import CannotUnseal, seal, unseal

log = structlog.get_logger(__name__)

TOPIC = "sms"
PURPOSE = "message on its way"
STALE = timedelta(minutes=15)  # its code has lapsed by then
MOBILE = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}


class Gateway(Protocol):
    """Whoever carries short messages."""

    def send(self, number: str, text: str) -> None: ...


class Console:
    """The embedded default: messages are written where the product was started."""

    def send(self, number: str, text: str) -> None:
        sys.stdout.write(f"SMS to {number}: {text}\n")
        sys.stdout.flush()


def country_of(number: str) -> str:
    """The country (ISO 3166-1) of a mobile number in E.164, where we send to.

    Raises Django's ValidationError: `invalid_phone`, `not_mobile`, `country_not_served`, `not_offered`.
    """
    if not settings.SMS_BACKEND:
        raise ValidationError("This deployment takes no phone numbers.", code="not_offered")
    try:
        read = phonenumbers.parse(number)
    except phonenumbers.NumberParseException as error:
        raise ValidationError("This is no phone number with a country code.", code="invalid_phone") from error
    country = phonenumbers.region_code_for_number(read)
    if country not in settings.SMS_COUNTRIES:
        raise ValidationError("We send no messages to this country.", code="country_not_served")
    if not phonenumbers.is_valid_number(read):
        raise ValidationError("There is no such number.", code="invalid_phone")
    if phonenumbers.number_type(read) not in MOBILE:
        raise ValidationError("This is not the number of a mobile phone.", code="not_mobile")
    return str(country)


def send_code(*, request: HttpRequest, citizen: Citizen, number: str, code: str) -> None:
    """Promise a message with a code, within the caps of a day. Raises `RateLimited`."""
    country = country_of(number)
    hit("sms_person", str(citizen.pk))
    hit("sms_number", number)
    hit("sms_address", address_of(request))
    hit("sms_country", country)
    queue_sms(number=number, text=f"{code} is your Citizen App code. Nobody of ours ever asks for it.")


@transaction.atomic
def queue_sms(*, number: str, text: str) -> None:
    """Promise the message in the transaction at hand; the relay sends it when that has committed."""
    row = enqueue(TOPIC, sealed=seal(PURPOSE, json.dumps({"number": number, "text": text})))
    row.payload["row"] = row.pk
    row.save(update_fields=["payload"])


@handles(TOPIC)
def deliver_sms(*, row: int, sealed: str = "") -> None:
    """Send one message and empty its row. Safe twice: an emptied row was sent; a crash in between repeats it."""
    if not sealed:
        return
    try:
        message = json.loads(unseal(PURPOSE, sealed, no_older_than=STALE))
    except CannotUnseal:
        log.error("sms.dropped", outbox=row, why="its code has lapsed, or it was sealed with a key that is gone")
    else:
        if settings.SMS_BACKEND:
            gateway: Gateway = import_string(settings.SMS_BACKEND)()
            gateway.send(message["number"], message["text"])
    OutboxMessage.objects.filter(pk=row).update(payload={"row": row})
