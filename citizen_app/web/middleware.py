"""Outermost: the request's name in every log line and answer, no name that cannot be, and no traceback as an answer."""

import re
import uuid
from collections.abc import Callable

import structlog
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from citizen_app.web.errors import answer_of_bug, speaks_problems

HEADER = "X-Request-ID"
_USABLE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,64}")


class RequestIdMiddleware:
    """Takes the caller's `X-Request-ID` where it is safe to repeat, else makes one; logs and answers carry it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        stated = request.headers.get(HEADER, "")
        request_id = stated if _USABLE.fullmatch(stated) else uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response.headers[HEADER] = request_id
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Whatever escapes a view of the API (rendering included) is a problem, in DEBUG too; pages stay Django's."""
        return answer_of_bug(request, exception) if speaks_problems(request) else None

    def process_view(self, request: HttpRequest, view: object, args: object, named: dict[str, object]) -> None:
        """NUL is in no name of anything; PostgreSQL would refuse the question with it as an error of ours."""
        if any("\x00" in str(text) for text in named.values()):
            raise Http404
