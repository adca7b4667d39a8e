"""Events from Stripe: whether one is really Stripe's, what of it is kept, and the list of what was said before."""

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import stripe
from stripe.params import EventListParams

from perks.payments.client import client, errors, said

TOLERANCE: Final = 300  # seconds; the SDK's own default is none, by which a signature of 1970 passes
_SIGNED_AT: Final = re.compile(r"(?:^|,)\s*t=(\d{1,12})(?:,|$)")


class NotStripes(Exception):
    """The signature fits none of our secrets, or is not of now."""


class Malformed(Exception):
    """It is signed, and no event."""


@dataclass(frozen=True)
class Said:
    """What is kept of an event: names, and nothing about anybody."""

    id: str
    type: str
    object_id: str
    account: str  # the connected account it is about; "" = the platform's
    livemode: bool


def read_signed(body: bytes, signature: str, secrets: Sequence[str]) -> Said:
    """Return what a webhook's body says, once one of the secrets (two while one is rolled) has signed it just now.

    Raises `NotStripes` and `Malformed`.
    """
    if not any(_is_signed(body, signature, secret) for secret in secrets):
        raise NotStripes
    try:
        return _read(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed from error


def list_events(*, since: datetime, account: str = "") -> Iterator[Said]:
    """What Stripe has said of an account since then (it remembers thirty days), the latest first."""
    params: EventListParams = {"created": {"gte": int(since.timestamp())}, "limit": 100}
    with errors():
        for event in client().v1.events.list(params=params, options=said(account=account)).auto_paging_iter():
            yield _read(event.to_dict(for_json=True) | {"account": account or None})


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    # The SDK lets a time to come pass: such a signature could be used again until then.
    signed_at = _SIGNED_AT.search(signature)
    return signed_at is not None and int(signed_at[1]) <= time.time() + TOLERANCE


def _read(event: dict[str, Any]) -> Said:
    """Of a snapshot, or of a thin event: either is only a hint which object to read."""
    if event["object"] == "event":
        about, account = event["data"]["object"], event.get("account")
    else:
        about, account = event.get("related_object") or {}, event.get("context")
    said = Said(event["id"], event["type"], about.get("id") or "", account or "", event["livemode"])
    named = (said.id, said.type, said.object_id, said.account)
    if not all(isinstance(name, str) and len(name) <= 120 for name in named) or not said.id:
        raise ValueError("A name is missing, or no name.")
    if not isinstance(said.livemode, bool):
        raise ValueError("An event says which mode it is of.")
    return said
