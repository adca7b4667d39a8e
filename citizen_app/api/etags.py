"""Answers that need not be sent twice, and changes that must not overwrite somebody else's."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from citizen_app.api.renderers import rendered
from citizen_app.errors import DomainError, Kind

NO_STORE = "no-store"
PRIVATE = "private, no-cache"


class PreconditionFailed(DomainError):
    code, kind, title = "precondition_failed", Kind.PRECONDITION_FAILED, "It has changed since you read it."
    remedy = "Read it again, repeat your change on what you find, and send its new `ETag` in `If-Match`."


class PreconditionRequired(DomainError):
    code, kind, title = "precondition_required", Kind.PRECONDITION_REQUIRED, "Say which version you are changing."
    remedy = "Send the `ETag` you read in `If-Match`."


class _Rendered(Response):
    """An answer whose bytes are already written, because their hash was needed."""

    written: bytes

    @property
    def rendered_content(self) -> bytes:  # type: ignore[override]  # as in Response itself
        self["Content-Type"] = "application/json"
        return self.written


def etagged(handler: Callable[..., Response | HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Give a citizen's read, JSON or a picture, an `ETag` of its bytes; answer 304 to who already has them."""

    @wraps(handler)
    def wrapper(view: APIView, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = handler(view, request, *args, **kwargs)
        if response.status_code != 200:
            return response
        written = rendered(response.data) if isinstance(response, Response) else response.content
        headers = dict(response.headers) | {"ETag": etag_of(written), "Cache-Control": PRIVATE}
        headers.pop("Content-Type", None)
        known = parse_etags(request.headers.get("If-None-Match", ""))
        if "*" in known or any(tag.removeprefix("W/") == headers["ETag"] for tag in known):
            unchanged = HttpResponse(status=304, headers=headers)
            del unchanged.headers["Content-Type"]
            return unchanged
        if not isinstance(response, Response):
            for name, value in headers.items():
                response[name] = value
            return response
        answer = _Rendered(response.data, headers=headers)
        answer.written = written
        return answer

    wrapper.is_etagged = True  # type: ignore[attr-defined]  # the description tells of 304
    return wrapper


def etag_of(content: bytes) -> str:
    """Return the strong entity tag of these bytes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def version_etag(version: int) -> str:
    """Return the entity tag of a row with a version counter, for `require_if_match` and the answers before it."""
    return f'"{version}"'


def require_if_match(request: Request, etag: str) -> None:
    """Refuse a change that does not name the version it was made on (428) or names an old one (412)."""
    stated = request.headers.get("If-Match")
    if stated is None:
        raise PreconditionRequired
    if etag not in parse_etags(stated) and stated.strip() != "*":
        raise PreconditionFailed


def no_store(response: HttpResponseBase) -> Any:
    """Mark an answer that carries a code, a pass or an export: no cache may keep it."""
    response.headers["Cache-Control"] = NO_STORE
    return response
