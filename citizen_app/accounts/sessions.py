"""Session tokens and cookies that a copy of the session table cannot make, and limits that answer 429.

The key of a session row is what both would otherwise be. Each is signed with `SECRET_KEY` under a salt of its own, so
a raw key opens nothing, a cookie is no token and a token is no cookie.
"""

from collections.abc import Callable
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.core.exceptions import RateLimited
from allauth.core.internal.ratelimit import get_rates
from allauth.headless.internal import sessionkit
from allauth.headless.tokens.strategies.sessions import SessionTokenStrategy
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.middleware import SessionMiddleware
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from citizen_app import errors
from citizen_app.api.problems import problem_response
from citizen_app.api.throttles import address_of, hit

HEADLESS_PATH = "/_allauth/"
CHALLENGES = {"headless:app:mfa:login_webauthn", "mfa_login_webauthn"}
"""The addresses where anybody may ask for a passkey's challenge."""
WAIT_SECONDS = 60  # most of allauth's limits count over a minute


class SignedSessionTokenStrategy(SessionTokenStrategy):
    """The `X-Session-Token` of the app: the session's key, signed."""

    @property
    def signer(self) -> signing.Signer:
        return signing.Signer(salt="app.session.token")

    def create_session_token(self, request: HttpRequest) -> str:
        return str(self.signer.sign(super().create_session_token(request)))

    def lookup_session(self, session_token: str) -> SessionBase | None:
        try:
            key = self.signer.unsign(session_token)
        except signing.BadSignature:
            return None
        session: SessionBase | None = sessionkit.lookup_session(key)
        return session


class SignedSessionMiddleware(SessionMiddleware):
    """Django's session middleware with a signed cookie; in the place of Django's in `MIDDLEWARE`."""

    salt = "web.session.cookie"

    def process_request(self, request: HttpRequest) -> None:
        key = None
        cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if cookie:
            try:
                key = signing.Signer(salt=self.salt).unsign(cookie)
            except signing.BadSignature:
                key = None  # forged, or signed with a key long rotated away: nobody
        request.session = self.SessionStore(key)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie is not None and cookie.value:
            signed = signing.Signer(salt=self.salt).sign(cookie.value)
            cookie.set(cookie.key, signed, signed)
        return response


def end_session(key: str) -> None:
    """End a session wherever it is kept: its next request is nobody's."""
    sessionkit.session_store(key).delete()


class RateLimited429Middleware:
    """Every limit on signing in answers 429 with `Retry-After`; after allauth's `AccountMiddleware`.

    allauth answers some of its limits itself, without the header, and lets others escape as an exception.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        limit = getattr(request, "limit_reached", None)
        if limit is not None and response.status_code == 200:
            response.status_code = 429
            response["Retry-After"] = str(getattr(limit, "retry_after", WAIT_SECONDS))
        if response.status_code == 429 and "Retry-After" not in response:
            if request.path.startswith(HEADLESS_PATH):
                return too_many(request)
            response["Retry-After"] = str(WAIT_SECONDS)
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        # allauth counts who answers a challenge, not who asks for one; each asking stores a session.
        if request.method == "GET" and is_challenge(request):
            try:
                hit("passkey_challenges", address_of(request))
            except errors.RateLimited as limit:
                return too_many(request, limit.facts["retry_after"])
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, errors.RateLimited):
            return too_many(request, exception.facts["retry_after"])
        if isinstance(exception, errors.DomainError) and request.path.startswith(HEADLESS_PATH):
            return problem_response(
                exception.kind.value, exception.code, exception.title, exception.detail, request, **exception.facts
            )
        if isinstance(exception, RateLimited):
            return too_many(request, getattr(exception, "retry_after", WAIT_SECONDS))
        return None


class TooManySignIns(RateLimited):
    """Too many wrong passwords or codes: signing in with this address waits (another way in stays open)."""

    @property
    def retry_after(self) -> int:
        rates = get_rates(app="allauth.account", action="login_failed", config=account_settings.RATE_LIMITS)
        return max((int(rate.duration) for rate in rates), default=WAIT_SECONDS)


def is_challenge(request: HttpRequest) -> bool:
    """Whether this request is about signing in with a passkey, without knowing yet who."""
    return request.resolver_match is not None and request.resolver_match.view_name in CHALLENGES


def note_limit(request: HttpRequest, limit: RateLimited) -> None:
    """Let the page that is being made for this request answer 429: it says itself what happened."""
    request.limit_reached = limit  # type: ignore[attr-defined]


def too_many(request: HttpRequest, retry_after: int = WAIT_SECONDS) -> HttpResponse:
    """Return 429 with `Retry-After` in seconds: a problem for an app or the API, a page for a browser."""
    refusal = errors.RateLimited(retry_after=retry_after)
    if request.path.startswith((HEADLESS_PATH, "/api/")):
        return problem_response(
            refusal.kind.value, refusal.code, refusal.title, refusal.remedy, request, retry_after=retry_after
        )
    response = render(request, "429.html", {"retry_after": retry_after}, status=429)
    response["Retry-After"] = str(retry_after)
    return response
