"""Every error leaves the API as RFC 9457 `application/problem+json`, whoever raised it."""

from collections.abc import Iterator
from typing import Any

import structlog
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as ModelInvalid
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from citizen_app.api import codes
from citizen_app.api.renderers import PROBLEM_MEDIA_TYPE, rendered
from citizen_app.errors import (
    Busy,
    DomainError,
    FieldError,
    InvalidInput,
    Kind,
    NotFound,
    RateLimited,
    TooLarge,
    WrongCaller,
)

log = structlog.get_logger(__name__)

BUSY_SECONDS = 1
# SQLSTATE: lock not available, deadlock, serialisation failure, cancelled, shut down or starting, no more connections.
_PASSING_STATES = {"55P03", "40P01", "40001", "57014", "57P01", "57P02", "57P03", "53300"}
# The contract's closed list; whatever else a serializer or a model says is `invalid`.
_FIELD_CODES = {
    "required": "required",
    "unknown_field": "unknown_field",
    "invalid": "invalid",
    "null": "null",
    "too_long": "too_long",
    "out_of_range": "out_of_range",
    "max_length": "too_long",
    "max_string_length": "too_long",
    "max_value": "out_of_range",
    "min_value": "out_of_range",
    "max_digits": "out_of_range",
    "max_whole_digits": "out_of_range",
    "max_decimal_places": "out_of_range",
    "overflow": "out_of_range",
}


class MalformedBody(DomainError):
    code, kind, title = "malformed_body", Kind.INVALID, "The body cannot be read."
    remedy = "Send one JSON text in UTF-8; the detail says where reading stopped."


def problem_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever a view raised into an answer (REST framework's `EXCEPTION_HANDLER`); bugs become a bare 500."""
    request = context.get("request")
    match exc:
        case DomainError():
            return _refusal(exc, request)
        case exceptions.ValidationError():
            return _refusal(InvalidInput(*field_errors(exc.detail)), request)
        case ModelInvalid():
            return _refusal(InvalidInput(*_model_errors(exc)), request)
        case Http404() | exceptions.NotFound():
            return _refusal(NotFound(), request)
        case RequestDataTooBig():
            return _refusal(TooLarge(), request)
        case exceptions.Throttled():
            return _refusal(RateLimited(retry_after=max(1, int(getattr(exc, "wait", None) or 1))), request)
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            challenge = getattr(exc, "auth_header", None)
            return answer_of(codes.NOT_AUTHENTICATED, request, challenge=challenge)
        case PermissionDenied() | exceptions.PermissionDenied():
            return _refusal(WrongCaller(), request)
        case exceptions.MethodNotAllowed():
            return answer_of(codes.METHOD_NOT_ALLOWED, request)
        case exceptions.NotAcceptable():
            return answer_of(codes.NOT_ACCEPTABLE, request)
        case exceptions.UnsupportedMediaType():
            return answer_of(codes.UNSUPPORTED_MEDIA_TYPE, request)
        case exceptions.ParseError():
            return _refusal(MalformedBody(), request)
    if is_passing(exc):
        return _refusal(Busy(), request)
    raw = getattr(request, "_request", request)
    log.error("api.error", path=getattr(raw, "path", ""), exc_info=exc)
    # What Django does for an exception nobody caught: error trackers listen, and the test client raises it again.
    got_request_exception.send(sender=None, request=raw)
    return answer_of(codes.SERVER_ERROR, request)


def problem_response(
    status: int, code: str, title: str, detail: str, request: HttpRequest | None, **facts: Any
) -> HttpResponse:
    """Return a problem outside of REST framework (unknown addresses, middleware), already rendered."""
    body = problem(status, code, title, detail, request.path if request else "", facts)
    return HttpResponse(rendered(body), status=status, content_type=PROBLEM_MEDIA_TYPE, headers=_headers(facts))


def problem(
    status: int, code: str, title: str, detail: str, instance: str, facts: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the members of a problem; facts stand beside the standard ones and cannot take their place."""
    standard = {
        "type": f"/docs/errors#{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": instance,
    }
    return standard | {name: value for name, value in (facts or {}).items() if name not in standard}


def is_passing(exc: BaseException | None) -> bool:
    """Whether the database only said "not now": a lock waited for too long, a deadlock, a restart."""
    if not isinstance(exc, OperationalError | InterfaceError):
        return False
    state = getattr(exc.__cause__, "sqlstate", "")
    # psycopg gives no SQLSTATE when the connection was refused or lost; class 08 is the server saying the same.
    lost = state is None or (state or "").startswith("08")
    return lost or state in _PASSING_STATES or "is locked" in str(exc)


def field_errors(detail: Any, pointer: str = "") -> Iterator[FieldError]:
    """Flatten REST framework's nested errors to RFC 6901 pointers and the contract's closed list of codes."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            deeper = pointer if name in (NON_FIELD_ERRORS, "non_field_errors") else f"{pointer}/{_escaped(name)}"
            yield from field_errors(inner, deeper)
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            # A list of messages about this place, or the errors of a list's members, one mapping each.
            yield from field_errors(inner, f"{pointer}/{index}" if isinstance(inner, dict) else pointer)
    else:
        yield FieldError(pointer, _FIELD_CODES.get(getattr(detail, "code", ""), "invalid"), str(detail))


def _model_errors(exc: ModelInvalid) -> Iterator[FieldError]:
    places = exc.error_dict if hasattr(exc, "error_dict") else {NON_FIELD_ERRORS: exc.error_list}
    for name, errors in places.items():
        pointer = "" if name == NON_FIELD_ERRORS else f"/{_escaped(name)}"
        for error in errors:
            for sentence in error.messages:
                yield FieldError(pointer, _FIELD_CODES.get(error.code or "", "invalid"), sentence)


def _escaped(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


def _refusal(exc: DomainError, request: Any) -> Response:
    detail = exc.detail or exc.remedy
    body = problem(exc.kind.value, exc.code, exc.title, detail, _path_of(request), exc.facts)
    headers = {**exc.headers, **_headers(exc.facts)}
    if exc.kind is Kind.BUSY:
        headers.setdefault("Retry-After", str(BUSY_SECONDS))
    return Response(body, exc.kind.value, content_type=PROBLEM_MEDIA_TYPE, headers=headers)


def answer_of(code: codes.Code, request: Any, *, challenge: str | None = None, **facts: Any) -> Response:
    """Return the problem of a code in the catalogue; a 401 carries its challenge."""
    body = problem(code.status, code.code, code.title, code.remedy, _path_of(request), facts)
    headers = _headers(facts)
    if code.status == codes.NOT_AUTHENTICATED.status:
        headers["WWW-Authenticate"] = challenge or 'Bearer realm="api"'
    return Response(body, code.status, content_type=PROBLEM_MEDIA_TYPE, headers=headers)


def _headers(facts: dict[str, Any]) -> dict[str, str]:
    return {"Retry-After": str(facts["retry_after"])} if "retry_after" in facts else {}


def _path_of(request: Any) -> str:
    return "" if request is None else request.path
