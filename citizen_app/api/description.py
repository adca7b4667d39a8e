"""The description of the API, served to whoever builds on it."""

from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from citizen_app.api.permissions import Anyone
from citizen_app.api.renderers import JSONRenderer
from citizen_app.api.schema import described
from citizen_app.api.views import ApiView

MEDIA_TYPE = "application/yaml"


class _AnythingGoes(BaseContentNegotiation):
    """There is one form; refusals are problems whatever is accepted."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        renderer = JSONRenderer()
        return renderer, renderer.media_type


class DescriptionView(ApiView):
    """OpenAPI 3.1, as YAML: the same bytes as the committed `docs/openapi.yaml`."""

    permission_classes = [Anyone]
    content_negotiation_class = _AnythingGoes

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Return the description."""
        return HttpResponse(_written_once(), content_type=MEDIA_TYPE, headers={"Cache-Control": "public, max-age=300"})


@lru_cache
def _written_once() -> str:
    """The views of a running process do not change, and writing them all down takes half a second."""
    return described()
