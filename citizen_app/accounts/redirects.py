"""Where an app's answers may be sent: exact addresses over https, told before anybody is asked (RFC 9700)."""

from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from citizen_app.models import OAuthApplication

LONGEST: Final = 500
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def why_no_redirect(uri: str) -> str | None:
    """What is wrong with an address an app wants its answers sent to; None where it may be registered.

    An https address, whole and without tricks; http to this very machine only while developing, never in production.
    """
    if not (0 < len(uri) <= LONGEST) or not uri.isascii() or not uri.isprintable() or any(c in uri for c in ' \\*"<>'):
        return f"An address has at most {LONGEST} visible ASCII characters, no space, backslash, quote or wildcard."
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "This is no address."
    if not host or parts.username is not None or parts.password is not None:
        return "Name a host, and nothing before it."
    if "#" in uri:
        return "An address here ends before any fragment."
    if any(part in ("..", ".") for part in parts.path.split("/")):
        return "Write the path as it is, without . or .. in it."
    if parts.scheme == "https":
        return None
    if parts.scheme == "http" and host in LOOPBACK and not settings.PRODUCTION:
        return None
    return "Answers are sent over https."


def is_registered(uri: str, application: OAuthApplication) -> bool:
    """Whether the app's answers may go there: the very address it registered, which may still be registered now."""
    return uri in application.redirect_uris.split() and why_no_redirect(uri) is None
