"""Refusals outside of a view: problem+json under `/api/`, OAuth's form under `/o/`, a page elsewhere."""

import sys
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader

from citizen_app.api import codes
from citizen_app.api.authentication import CsrfFailed
from citizen_app.api.problems import is_passing, problem_response
from citizen_app.errors import Busy, DomainError, InvalidInput, NotFound, TooLarge, WrongCaller

log = structlog.get_logger(__name__)


def speaks_problems(request: HttpRequest) -> bool:
    """Whether a program reads the answer: the API, and signing in by an app."""
    return request.path.startswith(("/api/", "/_allauth/"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: what Django itself refuses before any view, such as a wrong host or a body that is too big."""
    refusal: DomainError = TooLarge() if isinstance(exception, RequestDataTooBig) else InvalidInput()
    return _refused(request, refusal, "400.html", "invalid_request")


def permission_denied(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    """403."""
    return _refused(request, WrongCaller(), "403.html", "access_denied")


def page_not_found(request: HttpRequest, exception: Http404) -> HttpResponse:
    """404: an address that is not there, said like an object that is not there."""
    return _refused(request, NotFound(), "404.html", "not_found")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 of a form without its token."""
    return _refused(request, CsrfFailed(), "403_csrf.html", "access_denied")


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when the database or Redis only said "not now"; called while the exception is being handled."""
    error = sys.exc_info()[1]
    if isinstance(error, Busy) or is_passing(error):
        return _refused(request, Busy(), "500.html", "temporarily_unavailable", retry_after=1)
    if speaks_problems(request):
        return _server_error_problem(request)
    if request.path.startswith("/o/"):
        return JsonResponse({"error": "server_error"}, status=500)
    # Nothing of the request is looked at: what is broken may be the very thing the context processors need.
    return HttpResponse(loader.get_template("500.html").render(), status=500)


def answer_of_bug(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The answer for an exception nobody caught, logged here with its traceback and without it in the answer."""
    if is_passing(exception):
        return _refused(request, Busy(), "500.html", "temporarily_unavailable", retry_after=1)
    log.error("api.error", path=request.path, exc_info=exception)
    got_request_exception.send(sender=None, request=request)
    return _server_error_problem(request)


def _refused(
    request: HttpRequest, refusal: DomainError, template: str, oauth_error: str, retry_after: int | None = None
) -> HttpResponse:
    status = refusal.kind.value
    response: HttpResponse
    if speaks_problems(request):
        facts: dict[str, Any] = refusal.facts
        response = problem_response(status, refusal.code, refusal.title, refusal.remedy, request, **facts)
        response.headers["Cache-Control"] = "no-store"
    elif request.path.startswith("/o/"):
        response = JsonResponse({"error": oauth_error}, status=status)
    else:
        response = render(request, template, status=status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _server_error_problem(request: HttpRequest) -> HttpResponse:
    code = codes.SERVER_ERROR
    return problem_response(code.status, code.code, code.title, code.remedy, request)
