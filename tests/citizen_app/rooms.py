"""A small API for tests of the plumbing: `@pytest.mark.urls("tests.citizen_app.rooms")`, and callers to call it."""

import hashlib
import secrets
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as ModelInvalid
from django.db import DataError, OperationalError
from django.http import Http404
from django.urls import include, path
from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from citizen_app.accounts.clients import issue_client
from citizen_app.accounts.sign_in import session_token_for
from citizen_app.api.etags import etagged, no_store, require_if_match, version_etag
from citizen_app.api.idempotency import idempotent
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.parsers import IngestionJSONParser
from citizen_app.api.permissions import Anyone, IsCitizen, MachineWith, Nobody, client_of
from citizen_app.api.serializers import StrictBoolean, StrictSerializer, Text, read_body
from citizen_app.api.views import ApiView
from citizen_app.errors import DomainError, Kind, NotFound, RateLimited, WrongState
from citizen_app.models import AuditEvent, Citizen
from citizen_app.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


class OutOfBiscuits(DomainError):
    code, kind, title = "out_of_biscuits", Kind.CONFLICT, "None are left."


class Echo(ApiView):
    permission_classes = [Anyone]

    def get(self, request):
        return Response({"said": "hello"})

    def post(self, request):
        return Response({"said": request.data, "types": _types_of(request.data)})


class BigEcho(Echo):
    parser_classes = [IngestionJSONParser]


class Closed(ApiView):
    permission_classes = [Nobody]

    def get(self, request):
        return Response({})


class Unnamed(ApiView):
    """Says nothing about who may enter."""

    def get(self, request):
        return Response({})


class WhoAmI(ApiView):
    permission_classes = [IsCitizen]

    def get(self, request):
        return Response(
            {
                "id": request.user.public_id,
                "kind": request.auth.kind,
                "second_factor": request.auth.second_factor,
            }
        )

    post = get


class Server(ApiView):
    permission_classes = [MachineWith("merchant:scan")]

    def get(self, request):
        return Response(
            {"client": client_of(request).name, "user": request.user, "scopes": sorted(request.auth.scopes)}
        )


class Failing(ApiView):
    permission_classes = [Anyone]
    refusals = {
        "refused": lambda: OutOfBiscuits("Come back at ten.", left=0, status="not this", at="10:00"),
        "plain": WrongState,
        "missing": Http404,
        "not-found": NotFound,
        "denied": PermissionDenied,
        "limited": lambda: RateLimited(retry_after=7),
        "throttled": lambda: exceptions.Throttled(wait=3.2),
        "field": lambda: exceptions.ValidationError(
            {
                "a/b": ["wrong"],
                "rows": [{}, {"name": [exceptions.ErrorDetail("long", "max_length")]}],
                "tags": {1: [exceptions.ErrorDetail("null", "null")]},
                "non_field_errors": ["together wrong"],
            }
        ),
        "model": lambda: ModelInvalid({"title": ModelInvalid("too long", "max_length"), "__all__": ["both"]}),
        "locked": lambda: OperationalError("database is locked"),
        "table": lambda: OperationalError("no such table: secret_table"),
        "data": lambda: DataError("value secret is out of range"),
        "bug": lambda: RuntimeError("secret"),
    }

    def get(self, request, name):
        raise self.refusals[name]()


class UnrenderableView(ApiView):
    permission_classes = [Anyone]

    def get(self, request):
        return Response({"thing": object()})


class Book(ApiView):
    permission_classes = [IsCitizen]
    query_serializer = {"get": PageQuery}

    def get(self, request):
        def shape(rows):
            return [{"id": row.pk, "action": row.action} for row in rows]

        return page(request, AuditEvent.objects.filter(action="book"), order=("-at", "-id"), shape=shape)


class Order(StrictSerializer):
    biscuits = serializers.IntegerField(min_value=1, max_value=10)
    note = Text(max_length=20, required=False)


class OrderQuery(StrictSerializer):
    loud = StrictBoolean(required=False)


class Orders(ApiView):
    """Takes biscuits: each order leaves one audit event, so a repeated effect can be counted."""

    permission_classes = [IsCitizen]
    query_serializer = OrderQuery
    status = 201

    @idempotent
    def post(self, request):
        body = read_body(request, Order)
        event = AuditEvent.objects.create(actor="system", action="order", object=f"n{body['biscuits']}")
        if body.get("note") == "refuse":
            raise OutOfBiscuits
        if body.get("note") == "answer":
            return Response({"no": True}, 409)
        if body.get("note") == "bug":
            raise RuntimeError("secret")
        return Response({"id": event.pk, "zebra": 1, "apple": [2.5, None], "loud": self.query.get("loud")}, 201)


class NamedOrders(ApiView):
    permission_classes = [IsCitizen]

    @idempotent
    def post(self, request, name):
        return Response({"name": name}, 201)


class SecretOrders(ApiView):
    permission_classes = [IsCitizen]

    @idempotent(secrets=lambda view, request, body: {"code": f"derived-{body['id']}", "qr": {"url": "again"}})
    def post(self, request):
        AuditEvent.objects.create(actor="system", action="order", object="secret")
        return no_store(
            Response({"id": 5, "code": "derived-5", "qr": {"url": "again"}, "perk": {"code": "kept"}, "end": 1}, 201)
        )


class ClientSecrets(ApiView):
    permission_classes = [IsCitizen]

    @idempotent
    def post(self, request):
        return Response({"client_id": "abc", "client_secret": "hush-hush"}, 201)


class Versioned(ApiView):
    permission_classes = [IsCitizen]
    if_match = True

    @etagged
    def get(self, request):
        return Response({"version": 3, "name": request.user.first_name})

    def patch(self, request):
        require_if_match(request, version_etag(3))
        return Response({"version": 4})


urlpatterns = [
    path("api/echo", Echo.as_view()),
    path("api/big-echo", BigEcho.as_view()),
    path("api/closed", Closed.as_view()),
    path("api/unnamed", Unnamed.as_view()),
    path("api/whoami", WhoAmI.as_view()),
    path("api/server", Server.as_view()),
    path("api/failing/<str:name>", Failing.as_view()),
    path("api/unrenderable", UnrenderableView.as_view()),
    path("api/book", Book.as_view()),
    path("api/orders", Orders.as_view()),
    path("api/orders/more", Orders.as_view()),
    path("api/orders/<str:name>/take", NamedOrders.as_view()),
    path("api/secret-orders", SecretOrders.as_view()),
    path("api/client-secrets", ClientSecrets.as_view()),
    path("api/versioned", Versioned.as_view()),
    path("", include("citizen_app.urls")),
]


def a_person(email="ana@example.org", **fields):
    return Citizen.objects.create_user(email, "correct horse battery", **fields)


def token_of(person, *, second_factor=True):
    return {"X-Session-Token": session_token_for(person, second_factor=second_factor)}


def a_client(*, scopes=("merchant:scan",), name="Till"):
    kind = "furnisher" if "source:write" in scopes else "merchant"
    return issue_client(name=name, owner_kind=kind, owner="mer_x", scopes=list(scopes), by=None)


def bearer_of(issued, *, scope="merchant:scan", seconds=600, token=None):
    """An access token as `/o/token/` would give it, without the form around it, and its header."""
    token = token or secrets.token_urlsafe(32)
    get_access_token_model().objects.create(
        application=issued.application,
        token=token,
        token_checksum=hashlib.sha256(token.encode()).hexdigest(),
        expires=timezone.now() + timedelta(seconds=seconds),
        scope=scope,
    )
    return {"Authorization": f"Bearer {token}"}


def _types_of(value):
    if isinstance(value, dict):
        return {name: type(inner).__name__ for name, inner in value.items()}
    return type(value).__name__
