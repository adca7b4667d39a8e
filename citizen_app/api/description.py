"""The description of the API, served to whoever builds on it."""

from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from citizen_app.api.permissions import Anyone
from citizen_app.api.renderers import JSONRenderer
from citizen_app.api.schema import described, described_in_json
from citizen_app.api.views import ApiView

YAML, JSON = "application/yaml", "application/json"
# What each form is also asked by; YAML first, which whoever names none of them gets.
_FORM_OF = {
    YAML: YAML,
    "application/vnd.oai.openapi": YAML,
    JSON: JSON,
    "application/vnd.oai.openapi+json": JSON,
}


class _AnythingGoes(BaseContentNegotiation):
    """The view chooses between its two forms; refusals are problems whatever is accepted."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        renderer = JSONRenderer()
        return renderer, renderer.media_type


class DescriptionView(ApiView):
    """OpenAPI 3.1: the same bytes as the committed `docs/openapi.yaml`, or as JSON to who accepts that."""

    permission_classes = [Anyone]
    content_negotiation_class = _AnythingGoes

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Return the description."""
        form = _FORM_OF.get(request._request.get_preferred_type(list(_FORM_OF)) or YAML, YAML)
        headers = {"Cache-Control": "public, max-age=300", "Vary": "Accept"}
        return HttpResponse(_written_once(form), content_type=form, headers=headers)


@lru_cache
def _written_once(form: str) -> str:
    """The views of a running process do not change, and writing them all down takes half a second."""
    return described_in_json() if form == JSON else described()
