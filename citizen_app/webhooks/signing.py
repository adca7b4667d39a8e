"""Secrets of endpoints and the headers of an attempt (Standard Webhooks, `v1`)."""

import base64
import secrets
from datetime import UTC, datetime
from typing import Final

from standardwebhooks.webhooks import Webhook

from citizen_app.models import WebhookEndpoint
from citizen_app.sealing import seal, unseal

PURPOSE: Final = "webhook secret"


def new_secret() -> str:
    """A secret as its owner is shown it: `whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def sealed(secret: str) -> str:
    return seal(PURPOSE, secret)


def headers_for(endpoint: WebhookEndpoint, *, event_id: str, body: str, now: datetime) -> dict[str, str]:
    """Sign one attempt, with the former secret too while it is being changed."""
    # The library takes the digits of an instant for UTC, whatever its zone.
    at = now.astimezone(UTC)
    keys = [endpoint.secret_sealed]
    if endpoint.former_secret_until is not None and now < endpoint.former_secret_until:
        keys.append(endpoint.former_secret_sealed)
    signatures = [Webhook(unseal(PURPOSE, key)).sign(event_id, at, body) for key in keys]
    return {
        "Content-Type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
