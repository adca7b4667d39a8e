"""Pages for those who build on the API: every error with what would change it, and the description to try out."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from citizen_app.api.codes import catalogue


@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    """Every code, its status, its sentence and its remedy; a problem's `type` leads to its anchor here."""
    return render(request, "docs/errors.html", {"codes": catalogue()})


@require_safe
def api(request: HttpRequest) -> HttpResponse:
    """The description as a page, from committed assets and without inline scripts."""
    return render(request, "docs/api.html")
