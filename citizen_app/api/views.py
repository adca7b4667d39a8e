"""The base of every API view: closed, JSON, and deaf to nothing it was not asked."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from citizen_app.api.etags import NO_STORE
from citizen_app.api.problems import MalformedBody
from citizen_app.api.serializers import StrictSerializer, read_query, refuse_unknown_parameters

QuerySerializers = type[StrictSerializer] | Mapping[str, type[StrictSerializer]] | None


class ApiView(APIView):
    """Parses, authorises, fetches, calls one service and shapes the answer.

    A subclass names exactly one kind of caller (`permission_classes`). `query_serializer` declares the query, for the
    whole view or by method in lower case ({"get": PerkQuery}); its values are in `self.query`. What is not declared is
    refused with `unknown_parameter`. `if_match` says that its PATCH asks for `If-Match` (`require_if_match`);
    `refusals`, for the description, which statuses it refuses with beside those of every view.
    """

    query_serializer: ClassVar[QuerySerializers] = None
    if_match: ClassVar[bool] = False
    refusals: ClassVar[frozenset[int]] = frozenset()
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]  # OPTIONS is 405 like any other
    query: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
            # Behind WSGI such a body would look absent, and the request would be judged without it.
            raise MalformedBody("Send the body with its `Content-Length`, not in chunks.")
        declared = self.query_serializer_for(request.method or "")
        if declared is None:
            refuse_unknown_parameters(request)
            self.query = {}
        else:
            self.query = read_query(request, declared)

    @classmethod
    def headers_for(cls, method: str) -> Mapping[str, str]:
        """The headers that a method takes beside those of every request, each with its description."""
        return {}

    @classmethod
    def query_serializer_for(cls, method: str) -> type[StrictSerializer] | None:
        """The serializer of a method's query, or None when it takes no parameters."""
        declared = cls.query_serializer
        if isinstance(declared, Mapping):
            return declared.get("get" if method == "HEAD" else method.lower())
        return declared

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        # An answer that says nothing about keeping it is kept nowhere.
        final.headers.setdefault("Cache-Control", NO_STORE)
        return final
