"""The browsers that notify a person: added by themselves, gone when their push service says so."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http.request import validate_host
from django.utils import timezone

from citizen_app.audit import record
from citizen_app.calling_out import MOST_ADDRESS
from citizen_app.errors import DomainError, FieldError, InvalidInput, Kind, NotFound
from citizen_app.keys import derive_key, keyed_hash
from citizen_app.models import Citizen, PushDevice
from citizen_app.models.keys import NamedQuerySet
from citizen_app.sealing import seal, unseal

MOST: Final = 10
"""How many browsers notify one person at most."""
PURPOSE: Final = "where a browser is notified"
_AUTH_BYTES: Final = 16
_PLAIN: Final = re.compile(r"[!-~]+")


class TooManyDevices(DomainError):
    code, kind, title = "too_many_devices", Kind.CONFLICT, "As many browsers notify you as can."
    remedy = f"Take one off the list first: {MOST} are the most."


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a push service takes messages for one browser, and the keys only that browser can open them with."""

    endpoint: str
    p256dh: str
    auth: str

    def as_info(self) -> dict[str, object]:
        """As the Push API writes it."""
        return {"endpoint": self.endpoint, "keys": {"p256dh": self.p256dh, "auth": self.auth}}


@transaction.atomic
def add_device(
    *, citizen: Citizen, session_key: str, endpoint: str, keys: Mapping[str, str], now: datetime | None = None
) -> PushDevice:
    """Let a browser notify its person until its session ends.

    One that is known is the same, and whose it was before hears no more on it. Raises `InvalidInput` for an address
    that is no known push service's or keys that are none, `TooManyDevices`, and `NotFound` if the session has ended.
    """
    now = now or timezone.now()
    subscription = Subscription(endpoint, keys["p256dh"], keys["auth"])
    check_subscription(subscription)
    # Held, so that a sign-out at the same moment takes this browser along.
    if not Session.objects.select_for_update(no_key=True).filter(pk=session_key):
        raise NotFound
    # Held, so that two at once do not both find the last place free.
    Citizen.objects.select_for_update(no_key=True).get(pk=citizen.pk)
    address_hash = _hash_of(endpoint)
    if PushDevice.objects.filter(citizen=citizen).exclude(address_hash=address_hash).count() >= MOST:
        raise TooManyDevices
    facts = {
        "citizen": citizen,
        "session_id": session_key,
        "sealed": seal(PURPOSE, json.dumps([endpoint, subscription.p256dh, subscription.auth])),
        "service": urlsplit(endpoint).hostname or "",
    }
    device, is_new = PushDevice.objects.update_or_create(
        address_hash=address_hash,
        defaults=facts,
        create_defaults={**facts, "created_at": now},
    )
    if is_new:
        record(by=citizen, action="push_device.add", on=device.public_id)
    return device


@transaction.atomic
def take_off_device(*, citizen: Citizen, device: PushDevice) -> None:
    """Notify a person on this browser no more."""
    device_id = device.public_id
    if PushDevice.objects.filter(pk=device.pk, citizen=citizen).delete()[0]:
        record(by=citizen, action="push_device.remove", on=device_id)


def devices_of(*, citizen: Citizen) -> NamedQuerySet:
    """The person's browsers."""
    return PushDevice.objects.filter(citizen=citizen)


def subscription_of(device: PushDevice) -> Subscription:
    """Where to, and with which keys."""
    return Subscription(*json.loads(unseal(PURPOSE, device.sealed)))


def check_subscription(subscription: Subscription) -> None:
    """Refuse what is no address of a push service we know, or no keys (`InvalidInput`)."""
    wrong = []
    if not is_of_push_service(subscription.endpoint):
        wrong.append(FieldError("/endpoint", "invalid", "This is not an address of a push service we know."))
    if not _is_point(subscription.p256dh):
        wrong.append(FieldError("/keys/p256dh", "invalid", "Send the point of P-256 that the browser gave."))
    if len(_bytes_of(subscription.auth)) != _AUTH_BYTES:
        wrong.append(FieldError("/keys/auth", "invalid", "Send the 16 bytes that the browser gave."))
    if wrong:
        raise InvalidInput(*wrong)


def is_of_push_service(endpoint: str) -> bool:
    """Whether an address is plainly one of a host of `PUSH_HOSTS`; the call itself is held to that again."""
    try:
        parts = urlsplit(endpoint)
        is_usual_port = parts.port in (None, 443)
    except ValueError:
        return False
    is_plain = len(endpoint) <= MOST_ADDRESS and _PLAIN.fullmatch(endpoint) is not None and "@" not in parts.netloc
    is_https = parts.scheme == "https" and is_usual_port
    is_here = parts.scheme == "http" and settings.CALL_OUT_TO_LOOPBACK
    return is_plain and (is_https or is_here) and validate_host(parts.hostname or "", settings.PUSH_HOSTS)


def _hash_of(endpoint: str) -> str:
    return keyed_hash(derive_key(settings.SERVER_KEY, PURPOSE), endpoint)


def _is_point(text: str) -> bool:
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _bytes_of(text))
    except ValueError:
        return False
    return True


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
