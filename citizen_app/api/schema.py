"""The description of the API (OpenAPI 3.1), made from the views themselves so that it is always true."""

from copy import deepcopy
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from drf_spectacular.validation import validate_schema
from rest_framework import serializers

from citizen_app.accounts.scopes import OF_PEOPLE
from citizen_app.api import codes
from citizen_app.api.permissions import Anyone, Caller
from citizen_app.api.renderers import PROBLEM_MEDIA_TYPE
from citizen_app.api.views import ApiView
from citizen_app.errors import FieldError

MACHINES: Final = "clientCredentials"
SECURITY_SCHEMES: dict[str, dict[str, Any]] = {
    "sessionToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Session-Token",
        "description": "A person's app: the token from `/_allauth/app/v1/…`; replace it whenever a new one is given.",
    },
    "browserSession": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sid",
        "description": "A person's browser (`__Host-sid` over https); unsafe methods also need `X-CSRFToken`.",
    },
    "clientCredentials": {
        "type": "oauth2",
        "description": "A server: `Authorization: Bearer` with a token from `/o/token/`, which lives ten minutes.",
        "flows": {"clientCredentials": {"tokenUrl": "/o/token/", "scopes": {}}},
    },
    "authorizationCode": {
        "type": "oauth2",
        "description": "An app somebody connected: `Authorization: Bearer`, by authorization code with PKCE (S256).",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "/o/authorize/",
                "tokenUrl": "/o/token/",
                "refreshUrl": "/o/token/",
                "scopes": {},
            }
        },
    },
    "tillToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "A paired till: `Authorization: Bearer till_…`. Alone it reads its arrivals and opens shifts.",
    },
    "testToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "A test citizen of a sandbox: `Authorization: Bearer sbx_…`, for ten minutes of its clock.",
    },
    "shiftToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "Somebody at work on a till: `Authorization: Bearer shift_…`, until they go.",
    },
}


class OneCredentialScheme(OpenApiAuthenticationExtension):
    """How the one authentication class looks in the description: its schemes, narrowed by the view's caller."""

    target_class = "citizen_app.api.authentication.OneCredential"
    name = list(SECURITY_SCHEMES)

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        from django.conf import settings

        texts: Any = settings.OAUTH2_PROVIDER["SCOPES"]
        definitions = [deepcopy(definition) for definition in SECURITY_SCHEMES.values()]
        for definition in definitions:
            for grant, flow in definition.get("flows", {}).items():
                asked_for = {
                    scope: text for scope, text in texts.items() if (scope in OF_PEOPLE) == (grant != MACHINES)
                }
                flow["scopes"] = asked_for
        return definitions

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[str]]]:
        callers = auto_schema.view.permission_classes
        return [
            way
            for caller in callers
            if isinstance(caller, type) and issubclass(caller, Caller)
            for way in caller.security()
        ]


class ContractSchema(AutoSchema):
    """What every endpoint has in common: its problems, its query, the header of a retry."""

    def get_summary(self) -> str | None:
        """The first sentence of what the view says of itself: a line for the page that lists all addresses."""
        told = " ".join(str(self.get_description()).split("\n\n")[0].split())
        sentence = told.partition(". ")[0].rstrip(".:")
        return sentence or None

    def get_override_parameters(self) -> list[Any]:
        parameters: list[Any] = []
        if isinstance(self.view, ApiView) and (query := self.view.query_serializer_for(self.method)):
            parameters.append(query)
        own = self.view.headers_for(self.method) if isinstance(self.view, ApiView) else {}
        for headers in (*(getattr(caller, "headers", {}) for caller in self.view.permission_classes), own):
            parameters += [
                OpenApiParameter(name, str, OpenApiParameter.HEADER, description=described)
                for name, described in headers.items()
            ]
        if self._takes_key():
            parameters.append(
                OpenApiParameter(
                    "Idempotency-Key",
                    str,
                    OpenApiParameter.HEADER,
                    required=self._is_idempotent(),
                    description="1 to 255 visible ASCII characters: new for each intention, the same for its retries.",
                )
            )
        if self._asks_for_version():
            parameters.append(
                OpenApiParameter(
                    "If-Match",
                    str,
                    OpenApiParameter.HEADER,
                    required=True,
                    description="The `ETag` of the version you are changing.",
                )
            )
        return parameters

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        _register_problem(self.registry)
        for status in self._problem_statuses():
            operation["responses"].setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})
        if getattr(getattr(self.view, self.method.lower(), None), "is_etagged", False):
            operation["responses"]["304"] = {"description": "What `If-None-Match` names is still what there is."}
        operation["responses"] = dict(sorted(operation["responses"].items()))
        return operation

    def _problem_statuses(self) -> set[int]:
        # A credential that is sent to a public address must be a good one, too.
        statuses = {400, 401, 406, 429, 500, 503} | getattr(self.view, "refusals", frozenset())
        if Anyone not in self.view.permission_classes or self.method != "GET":
            statuses.add(403)
        if "{" in self.path or any(getattr(caller, "headers", None) for caller in self.view.permission_classes):
            statuses.add(404)  # what the path, or a header, names may be a stranger's
        if self.method in {"POST", "PUT", "PATCH"}:
            statuses |= {409, 413, 415}
        if self.method == "DELETE":
            statuses.add(409)
        if self._takes_key():
            statuses.add(422)
        if self._asks_for_version():
            statuses |= {412, 428}
        return statuses

    def _asks_for_version(self) -> bool:
        return self.method == "PATCH" and getattr(self.view, "if_match", False)

    def _takes_key(self) -> bool:
        """Whether a retry by `Idempotency-Key` is safe here, needed or not."""
        return self._is_idempotent() or getattr(getattr(self.view, self.method.lower(), None), "takes_key", False)

    def _is_idempotent(self) -> bool:
        return getattr(getattr(self.view, self.method.lower(), None), "is_idempotent", False)


def page_of(name: str, row: type[serializers.BaseSerializer]) -> serializers.BaseSerializer:
    """Describe a list's page of `row`s, for `@extend_schema(responses=page_of("EntryPage", EntrySerializer))`."""
    return inline_serializer(
        name,
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": row(many=True),
        },
    )


def describe_problems(result: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Add the shape of a problem and the list of codes (a postprocessing hook)."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _problem_schema()
    by_status: dict[int, list[codes.Code]] = {}
    for code in codes.catalogue():
        by_status.setdefault(code.status, []).append(code)
    components["responses"] = {
        f"Problem{status}": {
            "description": "\n".join(f"- `{code.code}`: {code.title}" for code in listed),
            "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, listed in sorted(by_status.items())
    }
    components["schemas"] = dict(sorted(components["schemas"].items()))
    return result


def described() -> str:
    """Return the whole description as YAML, the same bytes each time."""
    text: str = OpenApiYamlRenderer().render(_checked(), renderer_context={}).decode()
    return text


def described_in_json() -> str:
    """Return the same description as JSON, for programs that read no YAML."""
    text: str = OpenApiJsonRenderer().render(_checked(), renderer_context={}).decode()
    return text


def _checked() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(schema)
    return schema


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    error = {
        "type": "object",
        "required": list(FieldError.__slots__),
        "properties": {
            "pointer": text | {"description": "Where (RFC 6901), in the body or among the parameters."},
            "code": {
                "type": "string",
                "enum": ["required", "unknown_field", "invalid", "null", "too_long", "out_of_range"],
            },
            "detail": text,
        },
    }
    return {
        "type": "object",
        "description": "A refusal (RFC 9457). Decide by `code`; facts may stand beside the members named here.",
        "required": ["type", "title", "status", "detail", "code", "instance"],
        "properties": {
            "type": text | {"format": "uri-reference"},
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "code": text | {"enum": list(dict.fromkeys(code.code for code in codes.catalogue()))},
            "instance": text | {"format": "uri-reference"},
            "errors": {"type": "array", "items": error},
        },
        "additionalProperties": True,
    }


def _register_problem(registry: Any) -> None:
    registry.register_on_missing(
        ResolvedComponent(name="Problem", type=ResolvedComponent.SCHEMA, object="Problem", schema={"type": "object"})
    )
