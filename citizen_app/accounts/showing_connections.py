"""A connection as its person reads it."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from citizen_app.accounts.connections import LAPSES_AFTER
from citizen_app.models import Connection, OAuthApplication


def connection_lines(connections: Sequence[Connection]) -> list[dict[str, Any]]:
    """Each with its app, what it may read, since when, and until when unless the app uses it before."""
    return [
        {
            "id": one.public_id,
            "app": app_line(one.application),
            "scopes": scope_lines(one.scopes),
            "state": "running" if one.ended_at is None else "ended",
            "connected_at": one.connected_at,
            "lapses_at": one.renewed_at + LAPSES_AFTER if one.ended_at is None else None,
            "ended_at": one.ended_at,
            "ended_because": one.ended_because or None,
        }
        for one in connections
    ]


def app_line(application: OAuthApplication) -> dict[str, Any]:
    """An app as people are told of it."""
    return {
        "client_id": application.client_id,
        "name": application.name,
        "privacy_url": application.privacy_url or None,
        "terms_url": application.terms_url or None,
    }


def scope_lines(scopes: Sequence[str]) -> list[dict[str, str]]:
    texts: Any = settings.OAUTH2_PROVIDER["SCOPES"]
    return [{"code": scope, "text": texts.get(scope, scope)} for scope in scopes]
