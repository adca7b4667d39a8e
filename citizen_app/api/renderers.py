"""How answers are written: compact UTF-8 JSON, money and points never as floats."""

from typing import Any

from rest_framework import renderers
from rest_framework.utils.encoders import JSONEncoder

PROBLEM_MEDIA_TYPE = "application/problem+json"


class JSONRenderer(renderers.JSONRenderer):
    """The API's only representation."""

    charset = None  # JSON is UTF-8 by definition (RFC 8259, 8.1)
    encoder_class = JSONEncoder

    def get_indent(self, accepted_media_type: str, renderer_context: Any) -> None:
        """Never indent: the `indent` parameter of a media type would give one answer two spellings (and ETags)."""


def rendered(data: Any) -> bytes:
    """Return the bytes the API sends for `data`."""
    return JSONRenderer().render(data)
