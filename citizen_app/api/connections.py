"""The apps a person let in, and letting one in from inside the citizen's own app."""

from typing import Any, cast

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.accounts import consents
from citizen_app.accounts.authorising import Asked, allow, deny, read_request
from citizen_app.accounts.connections import CONSENT, LAPSES_AFTER, disconnect, require_may_connect
from citizen_app.accounts.showing_connections import app_line, connection_lines, scope_lines
from citizen_app.api.authentication import require_confirmed
from citizen_app.api.etags import etagged
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import StrictSerializer, read_body
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen, Connection


class AppLine(serializers.Serializer):
    client_id = serializers.CharField()
    name = serializers.CharField()
    privacy_url = serializers.URLField(allow_null=True)
    terms_url = serializers.URLField(allow_null=True)


class ScopeLine(serializers.Serializer):
    code = serializers.CharField()
    text = serializers.CharField()


class ConnectionLine(serializers.Serializer):
    id = serializers.CharField()
    app = AppLine()
    scopes = ScopeLine(many=True)
    state = serializers.ChoiceField(["running", "ended"])
    connected_at = serializers.DateTimeField()
    lapses_at = serializers.DateTimeField(allow_null=True, help_text="unless the app uses it before")
    ended_at = serializers.DateTimeField(allow_null=True)
    ended_because = serializers.ChoiceField(Connection.Ended.values, allow_null=True)


class AuthorizationQuery(StrictSerializer):
    """The query an app sent, as it is; what is not named in the remarks is ignored."""

    client_id = serializers.CharField(max_length=2000)
    redirect_uri = serializers.CharField(max_length=2000)
    response_type = serializers.CharField(max_length=2000, required=False, help_text="code")
    scope = serializers.CharField(max_length=2000, required=False)
    state = serializers.CharField(max_length=2000, required=False)
    nonce = serializers.CharField(max_length=2000, required=False)
    code_challenge = serializers.CharField(max_length=2000, required=False)
    code_challenge_method = serializers.CharField(max_length=2000, required=False, help_text="S256")
    prompt = serializers.CharField(max_length=2000, required=False, help_text="none: login_required")
    response_mode = serializers.CharField(max_length=2000, required=False, help_text="query")
    request = serializers.CharField(max_length=2000, required=False, help_text="not supported")
    request_uri = serializers.CharField(max_length=2000, required=False, help_text="not supported")
    approval_prompt = serializers.CharField(max_length=2000, required=False, help_text="ignored")
    display = serializers.CharField(max_length=2000, required=False, help_text="ignored")
    ui_locales = serializers.CharField(max_length=2000, required=False, help_text="ignored")
    login_hint = serializers.CharField(max_length=2000, required=False, help_text="ignored")
    id_token_hint = serializers.CharField(max_length=2000, required=False, help_text="ignored")
    acr_values = serializers.CharField(max_length=2000, required=False, help_text="ignored")


class ConsentAnswer(StrictSerializer):
    allow = serializers.BooleanField(help_text="false: no")
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=10, required=False, help_text="those that were ticked"
    )


class AppConsentText(serializers.Serializer):
    version = serializers.CharField()
    language = serializers.CharField()
    text = serializers.CharField()
    sha256 = serializers.CharField()


class AuthorizationRequest(serializers.Serializer):
    client = AppLine()
    scopes = ScopeLine(many=True)
    lapses_after_days = serializers.IntegerField(help_text="how long a connection lasts that its app does not use")
    consent = AppConsentText()


class Redirect(serializers.Serializer):
    redirect = serializers.URLField(help_text="open it: the app's own address with a code, or with the error")


class AuthorizeView(ApiView):
    """An app asks to be let in, and the citizen's own app took its link."""

    permission_classes = [IsCitizen]
    query_serializer = {"get": AuthorizationQuery, "post": AuthorizationQuery}

    @extend_schema(operation_id="read_authorization_request", responses=AuthorizationRequest)
    def get(self, request: Request) -> Response:
        """Return who asks for what, to be shown with nothing ticked; refused where this person cannot connect apps."""
        citizen, asked = _citizen_of(request), self._asked()
        with transaction.atomic():
            require_may_connect(citizen=citizen, application=asked.application)
        text = consents.current_text(CONSENT, language=citizen.language)
        told = {
            "client": app_line(asked.application),
            "scopes": scope_lines(asked.scopes),
            "lapses_after_days": LAPSES_AFTER.days,
            "consent": text,
        }
        return Response(AuthorizationRequest(told).data)

    @extend_schema(operation_id="answer_authorization_request", request=ConsentAnswer, responses=Redirect)
    def post(self, request: Request) -> Response:
        """Say yes with what was ticked, or no; a yes needs a session that proved lately who it is."""
        citizen, asked = _citizen_of(request), self._asked()
        body = read_body(request, ConsentAnswer)
        if not body["allow"]:
            return Response({"redirect": deny(asked=asked, citizen=citizen, via="app")})
        require_confirmed(request)
        where = allow(asked=asked, citizen=citizen, scopes=body.get("scopes", []), via="app")
        return Response({"redirect": where})

    def _asked(self) -> Asked:
        return read_request(self.query)


class ConnectionListView(ApiView):
    """The apps you let in."""

    permission_classes = [IsCitizen]
    query_serializer = PageQuery

    @extend_schema(operation_id="list_connections", responses=page_of("ConnectionPage", ConnectionLine))
    @etagged
    def get(self, request: Request) -> Response:
        """Return the apps that are and were connected, latest first."""
        mine = Connection.objects.filter(citizen=_citizen_of(request)).select_related("application")
        return page(request, mine, order=("-connected_at", "-id"), shape=_shape)


class ConnectionView(ApiView):
    """One app you let in."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="end_connection", responses={204: None})
    def delete(self, request: Request, connection_id: str) -> Response:
        """End it: from its next request on the app reads nothing. Again is 204, too."""
        citizen = _citizen_of(request)
        mine = Connection.objects.filter(citizen=citizen).select_related("application")
        connection = mine.named(connection_id)
        if connection.ended_at is None:
            disconnect(citizen=citizen, application=connection.application, via="app")
        return Response(status=204)


def _shape(connections: list[Connection]) -> list[dict[str, Any]]:
    return list(ConnectionLine(connection_lines(connections), many=True).data)


def _citizen_of(request: Request) -> Citizen:
    return cast(Citizen, request.user)
