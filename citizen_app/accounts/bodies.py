"""The bodies of the app's sign-in API are read within the same bounds as the rest of the API."""

from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from citizen_app.accounts.sessions import HEADLESS_PATH
from citizen_app.api.parsers import parsed
from citizen_app.api.problems import MalformedBody, problem_response
from citizen_app.errors import DomainError, FieldError, InvalidInput, TooLarge

BODILESS = {"GET", "HEAD", "OPTIONS"}
WITH_MEMBERS = {"credential"}  # a passkey as the phone makes it; `accounts.passkeys` reads it


class SignInBodiesMiddleware:
    """Refuses what allauth's parser would choke on (depth, surrogates, NUL, NaN, not an object) as a problem."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(HEADLESS_PATH) and request.method not in BODILESS:
            try:
                check_body(request)
            except DomainError as refusal:
                return problem_response(
                    refusal.kind.value, refusal.code, refusal.title, refusal.detail, request, **refusal.facts
                )
        return self.get_response(request)


def check_body(request: HttpRequest) -> None:
    """Raise the refusal this body deserves; none, or one JSON object that is flat (a passkey apart), is fine."""
    try:
        raw = request.body
    except RequestDataTooBig as error:
        raise TooLarge from error
    if not raw:
        return
    body = parsed(raw)
    if not isinstance(body, dict):
        raise MalformedBody("Send an object.")
    nested = [name for name, value in body.items() if name not in WITH_MEMBERS and not _is_flat(value)]
    if nested:
        raise InvalidInput(*(FieldError(f"/{name}", "invalid", "Send a text.") for name in nested))


def _is_flat(value: object) -> bool:
    # Lists name what to act on (sessions to end); a form would take an object for its Python text.
    members = value if isinstance(value, list) else [value]
    return not any(isinstance(member, dict | list) for member in members)
