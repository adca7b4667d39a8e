"""Who did what to which thing, written in the same transaction as the work itself, and chained soon after.

A person is named by their account's number or public id, which name nobody once the account is gone.
"""

from typing import Any

import rfc8785
import structlog
from django.contrib.auth.models import AnonymousUser

from citizen_app.models import AuditEvent, Citizen, OAuthApplication


def record(*, by: Citizen | OAuthApplication | AnonymousUser | None, action: str, on: str, **facts: Any) -> None:
    """Put an act on record: `by` whom (None is the system itself), which `action`, `on` which public id.

    Facts are ids and codes, never personal data, secrets or score values: what is chained cannot be erased before its
    time. An address is refused, and so is what has no canonical JSON.
    """
    if b"@" in rfc8785.dumps(facts):
        raise ValueError(f"The record of acts keeps no addresses: {action}")
    AuditEvent.objects.create(
        actor=actor_of(by),
        action=action,
        object=on,
        facts=facts,
        request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
    )


def actor_of(by: Citizen | OAuthApplication | AnonymousUser | None) -> str:
    """How the one who acts is written: `person:<id>`, `client:<client id>` or `system`."""
    if isinstance(by, OAuthApplication):
        return f"client:{by.client_id}"
    if by is None or by.pk is None:
        return "system"
    return f"person:{by.pk}"
