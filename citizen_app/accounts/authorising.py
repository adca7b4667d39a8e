"""An app asks a person to be let in (OAuth 2.0 with PKCE, OpenID Connect): what it asks, and the answer it is sent.

Both doors, the web page and the citizen's own app, read the same request and send the same answer. Whoever cannot
connect and whoever does not want to look the same to the app: `access_denied` (threat 27).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.utils.functional import cached_property
from oauth2_provider.settings import oauth2_settings
from oauthlib.common import add_params_to_uri, urldecode

from citizen_app.accounts.connections import connect, refuse
from citizen_app.accounts.redirects import is_registered
from citizen_app.accounts.scopes import OF_PEOPLE
from citizen_app.errors import DomainError, Kind
from citizen_app.models import Citizen, OAuthApplication

PARAMETERS: Final = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)
"""What is read of a request. The rest is ignored, above all `approval_prompt`: nobody skips a consent."""
SAYS_MORE: Final = ("prompt", "response_mode", "request", "request_uri")
LONGEST: Final = 2000
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class AuthorizationInvalid(DomainError):
    """Carries `error`, OAuth's name of what is wrong, and `redirect`, where to send the person with it (or null)."""

    code, kind, title = "authorization_invalid", Kind.INVALID, "This app's request to be connected is not valid."
    remedy = "The app's makers can correct it: `error` and `detail` say what is wrong."


@dataclass(frozen=True)
class Asked:
    """A request that may be shown to a person: which app, for what, and how it wants its answer."""

    application: OAuthApplication
    scopes: tuple[str, ...]
    parameters: Mapping[str, str]

    @cached_property
    def query(self) -> str:
        return urlencode(self.parameters)


def read_request(parameters: Mapping[str, str]) -> Asked:
    """Read an authorization request, or raise `AuthorizationInvalid`.

    Nothing is sent to an address that is not, exactly, one of the app's; an app that waits for its review or is
    suspended is like one that is not there.
    """
    said = {name: parameters[name] for name in (*PARAMETERS, *SAYS_MORE) if parameters.get(name)}
    if any(len(value) > LONGEST or not value.isprintable() for value in said.values()):
        raise _fatal("invalid_request", "A parameter is far too long, or not made of printable characters.")
    application = OAuthApplication.objects.filter(client_id=said.get("client_id", "")).first()
    if application is None or not application.is_app or not application.is_usable(None):
        raise _fatal("invalid_client", "No app of this client id can be connected.")
    redirect_uri = said.get("redirect_uri", "")
    if not is_registered(redirect_uri, application):
        raise _fatal("invalid_request", "The redirect URI is not, exactly, one that the app has registered.")
    asked = Asked(
        application,
        tuple(dict.fromkeys(said.get("scope", "").split())),
        {name: value for name, value in said.items() if name in PARAMETERS},
    )
    if (wrong := _what_is_wrong(said, asked)) is not None:
        error, detail = wrong
        raise AuthorizationInvalid(detail, error=error, redirect=_answer(asked, error=error, error_description=detail))
    return asked


def _what_is_wrong(said: Mapping[str, str], asked: Asked) -> tuple[str, str] | None:
    """What the app itself is told."""
    if "none" in said.get("prompt", "").split():
        # The same for everybody: it must not tell who is signed in here, or connected.
        return "login_required", "A person is always asked."
    for name in ("request", "request_uri"):
        if name in said:
            return f"{name}_not_supported", "Send the parameters themselves."
    if said.get("response_type") != "code":
        return "unsupported_response_type", "Only the response type code is offered."
    if said.get("response_mode", "query") != "query":
        return "invalid_request", "Answers are sent in the query."
    if said.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(said.get("code_challenge", "")):
        return "invalid_request", "PKCE with the method S256 is required."
    if len(said.get("nonce", "")) > 255:
        return "invalid_request", "The nonce is longer than 255 characters."
    allowed = OF_PEOPLE & set(asked.application.allowed_scopes)
    if not asked.scopes or not set(asked.scopes) <= allowed:
        return "invalid_scope", f"An app may ask for {' and '.join(sorted(allowed))}."
    return None


@transaction.atomic
def allow(*, asked: Asked, citizen: Citizen, scopes: Collection[str], via: str, now: datetime | None = None) -> str:
    """Let the app in with those of its scopes the person ticked, and return where to send them with the code.

    Ticking nothing is a no. Raises what stands in the way of connecting (`not_enrolled`, `document_needed`, ...).
    """
    granted = [scope for scope in asked.scopes if scope in scopes]
    if not granted:
        return deny(asked=asked, citizen=citizen, via=via, now=now)
    connect(citizen=citizen, application=asked.application, scopes=granted, via=via, now=now)
    server = oauth2_settings.OAUTH2_SERVER_CLASS(
        oauth2_settings.OAUTH2_VALIDATOR_CLASS(), **oauth2_settings.server_kwargs
    )
    headers, _, _ = server.create_authorization_response(
        f"{settings.OIDC_ISSUER}/authorize/?{asked.query}",
        http_method="GET",
        body="",
        headers={},
        scopes=granted,
        credentials={"user": citizen},
    )
    answered = dict(urldecode(headers["Location"].partition("?")[2]))
    if "code" not in answered:
        raise RuntimeError(f"The provider refused what was judged right: {answered.get('error')}.")
    return _answer(asked, code=answered["code"])


def deny(*, asked: Asked, citizen: Citizen, via: str, now: datetime | None = None) -> str:
    """The person said no; return where to send them. The app is not told why, and reads nothing more or less for it."""
    refuse(citizen=citizen, application=asked.application, via=via, now=now)
    return _answer(asked, error="access_denied")


def _answer(asked: Asked, **answer: str) -> str:
    """The app's own address with an answer, the state it sent, and who answers (RFC 9207)."""
    said: dict[str, Any] = {**answer, "state": asked.parameters.get("state"), "iss": settings.OIDC_ISSUER}
    uri: str = add_params_to_uri(
        asked.parameters["redirect_uri"], [(name, value) for name, value in said.items() if value]
    )
    return uri


def _fatal(error: str, detail: str) -> AuthorizationInvalid:
    """Something the app is not told, because it is not sure to be the app."""
    return AuthorizationInvalid(detail, error=error, redirect=None)
