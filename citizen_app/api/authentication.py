"""Who is calling: one credential per request, and what it proves.

A person's app sends `X-Session-Token`, a server `Authorization: Bearer`, a browser its session cookie with a CSRF
token. A device (`recognise_device`) is a bearer too, known by how its token begins. Whatever is
unknown, expired, revoked or only half signed in is 401.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from allauth.core.internal.sessionkit import get_session_user
from allauth.headless import app_settings as headless_settings
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from oauth2_provider.settings import oauth2_settings
from oauthlib.common import Request as OAuthRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from citizen_app.accounts.freshness import latest_of, proofs_in, require_recent
from citizen_app.errors import DomainError, Kind
from citizen_app.models import Citizen, OAuthApplication

CHALLENGES = 'Bearer realm="api", X-Session-Token realm="api"'


class TwoCredentials(DomainError):
    code, kind, title = "two_credentials", Kind.INVALID, "Send one credential: the request carries more than one."
    remedy = "Send either `X-Session-Token`, or `Authorization: Bearer`, or a browser's session cookie."


class CsrfFailed(DomainError):
    code, kind, title = "csrf_failed", Kind.FORBIDDEN, "The request does not prove that it comes from our own pages."
    remedy = "Reload the page and try again; a script sends the page's token in `X-CSRFToken`."


@dataclass(frozen=True, slots=True)
class Credential:
    """What the request proved (`request.auth`); `request.user` is the person, or None for a server."""

    kind: Literal["session_token", "browser", "bearer", "device"]
    application: OAuthApplication | None = None
    scopes: frozenset[str] = frozenset()
    second_factor: bool = False
    device: Any = None
    confirmed_at: float = 0.0  # when the session last saw who it is
    caller: str = ""  # how a device is written where callers are counted and told apart
    session_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device of some room's: what its token stands for there, and how it is written."""

    device: Any
    caller: str


_DEVICES: dict[str, Callable[[str], KnownDevice | None]] = {}


def recognise_device(prefix: str, find: Callable[[str], KnownDevice | None]) -> None:
    """Let another room answer for bearer tokens that begin with `prefix`; no provider's token does."""
    if _DEVICES.setdefault(prefix, find) is not find:
        raise ValueError(f"Two rooms answer for {prefix}")


class OneCredential(BaseAuthentication):
    """The only authentication class: looks which credential there is, and judges that one."""

    def authenticate(self, request: Request) -> tuple[Citizen | None, Credential] | None:
        # A cookie beside a header counts too: a page must not lend its session to a script that brings a token.
        offered = [name for name in ("X-Session-Token", "Authorization") if name in request.headers]
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            offered.append("Cookie")
        if len(offered) > 1:
            raise TwoCredentials
        match offered:
            case ["X-Session-Token"]:
                return self._by_session_token(request)
            case ["Authorization"]:
                return self._by_bearer(request)
            case ["Cookie"]:
                return self._by_browser(request)
        return None

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGES

    def _by_session_token(self, request: Request) -> tuple[Citizen, Credential]:
        session = headless_settings.TOKEN_STRATEGY.lookup_session(request.headers["X-Session-Token"])
        # A session that still waits for its second factor or its e-mail code has no user yet.
        citizen = get_session_user(session) if session else None
        if citizen is None:
            raise AuthenticationFailed
        return citizen, _of_session("session_token", citizen, session)

    def _by_bearer(self, request: Request) -> tuple[Citizen | None, Credential]:
        scheme, _, token = request.headers["Authorization"].partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AuthenticationFailed
        find = next((find for prefix, find in _DEVICES.items() if token.strip().startswith(prefix)), None)
        if find is not None:
            if (known := find(token.strip())) is None:
                raise AuthenticationFailed
            return None, Credential("device", device=known.device, caller=known.caller)
        # The provider's own validator: one query for token, client and person; a suspended client or an inactive
        # person fails there. Only the header is looked at, never a token in the query or the body.
        wanted = OAuthRequest(request.build_absolute_uri(request.path), request.method)
        if not oauth2_settings.OAUTH2_VALIDATOR_CLASS().validate_bearer_token(token.strip(), [], wanted):
            raise AuthenticationFailed
        return wanted.user, Credential("bearer", application=wanted.client, scopes=frozenset(wanted.scopes))

    def _by_browser(self, request: Request) -> tuple[Citizen, Credential] | None:
        raw = request._request
        citizen = raw.user
        if not (citizen.is_authenticated and citizen.is_active):
            # An anonymous session (a form was open once) is nobody, on a public address too.
            return None
        _CsrfCheck(_any_view).check(raw)
        return citizen, _of_session("browser", citizen, raw.session)


def _of_session(kind: Literal["session_token", "browser"], citizen: Citizen, session: SessionBase) -> Credential:
    proofs = proofs_in(citizen, session)
    return Credential(
        kind,
        second_factor=_shows_second_factor(proofs),
        confirmed_at=latest_of(proofs),
        session_key=session.session_key or "",
    )


def require_confirmed(request: Request) -> None:
    """Refuse an act of a person whose session has not seen within five minutes who they are."""
    require_recent(cast(Credential, request.auth).confirmed_at)


def _any_view(request: HttpRequest) -> HttpResponse:
    """Stands for the view that is asked for: the check only looks whether it is exempt."""
    return HttpResponse()


class _CsrfCheck(CsrfViewMiddleware):
    """Django's CSRF check, asked about one request, as a refusal with a code."""

    def check(self, request: HttpRequest) -> None:
        self.process_request(request)
        self.process_view(request, _any_view, (), {})

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        raise CsrfFailed


def has_second_factor(citizen: Citizen, session: SessionBase) -> bool:
    """Whether the person opened this session (or confirmed it since) with a second factor."""
    return _shows_second_factor(proofs_in(citizen, session))


def _shows_second_factor(proofs: list[dict[str, Any]]) -> bool:
    return any(proof.get("method") == "mfa" for proof in proofs)
