"""The public change log of the scorecard: what counts, since when and why, for people and for programs."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.generic import View

from citizen_app.errors import NotFound
from scores.models import Scorecard
from scores.scorecard_writing import scorecard_yaml
from scores.services.change_log import Published, published_scorecard, published_scorecards


class ChangeLog(View):
    """Every published scorecard, newest first."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "docs/scorecards.html", {"published": published_scorecards()})


class Version(View):
    """One published scorecard, and what it changed."""

    def get(self, request: HttpRequest, version: str) -> HttpResponse:
        return render(request, "docs/scorecard.html", {"one": _named(version)})


class Document(View):
    """The document itself."""

    def get(self, request: HttpRequest, version: str, form: str) -> HttpResponse:
        document = Scorecard.objects.values_list("document", flat=True).get(pk=_named(version).row.pk)
        if form == "json":
            return JsonResponse(document, json_dumps_params={"indent": 2, "ensure_ascii": False})
        return HttpResponse(scorecard_yaml(document), content_type="application/yaml; charset=utf-8")


def _named(version: str) -> Published:
    try:
        return published_scorecard(version)
    except NotFound as missing:
        raise Http404 from missing
