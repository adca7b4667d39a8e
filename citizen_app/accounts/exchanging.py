"""Codes and refresh tokens for access tokens: one exchange at a time, and what comes a second time ends the first.

Every exchange for one person's connection to one app waits for the one before (the row is the lock, so that it holds
across processes and needs no cache), and disconnecting waits in the same line.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from citizen_app.models import Connection

CODE, REFRESH = "authorization_code", "refresh_token"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a client wants to exchange, and the connection it belongs to, held until the transaction ends."""

    grant_type: str
    secret: str
    connection: Connection | None


def hold(*, grant_type: str, secret: str) -> Exchange:
    """Wait for whoever exchanges for the same connection; None of it where the code or token is nobody's."""
    if grant_type == CODE:
        given = get_grant_model().objects.filter(code=hash_of(secret))
    else:
        given = get_refresh_token_model().objects.filter(token_checksum=hash_of(secret))
    belongs_to = given.values_list("user", "application").first()
    if belongs_to is None:
        return Exchange(grant_type, secret, None)
    running = Connection.objects.running().filter(citizen=belongs_to[0], application=belongs_to[1])
    return Exchange(grant_type, secret, running.select_for_update().first())


def exchanged(exchange: Exchange, *, now: datetime | None = None) -> None:
    """Note that the app used its connection, and with which code, so that the code is known if it comes again."""
    changes: dict[str, Any] = {"renewed_at": now or timezone.now()}
    if exchange.grant_type == CODE:
        changes["spent_code"] = hash_of(exchange.secret)
    if exchange.connection is not None:
        Connection.objects.filter(pk=exchange.connection.pk).update(**changes)


@transaction.atomic
def was_refused(exchange: Exchange, *, client_id: str, now: datetime | None = None) -> None:
    """A code that its own client brings again has been seen by somebody else: what it gave is taken back (RFC 6749).

    The provider does the same for refresh tokens (their family). The connection stays: its person may let the app in
    again, or end it.
    """
    if exchange.grant_type != CODE:
        return
    spent = Connection.objects.running().filter(spent_code=hash_of(exchange.secret), application__client_id=client_id)
    for connection in spent.select_for_update(of=("self",)):
        end_access(
            citizen_id=connection.citizen_id, application_id=connection.application_id, now=now or timezone.now()
        )


def end_access(*, citizen_id: int, application_id: int, now: datetime) -> None:
    """Revoke and delete what an app calls with, and renews it by, for this person."""
    of_both = {"user": citizen_id, "application": application_id}
    # Revoked first: deleting access tokens would cut the thread by which a used refresh token is known for used.
    get_refresh_token_model().objects.filter(**of_both, revoked=None).update(revoked=now, access_token=None)
    get_access_token_model().objects.filter(**of_both).delete()


def hash_of(secret: str) -> str:
    """How a code or token is kept: what was drawn by lot needs no slower hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
