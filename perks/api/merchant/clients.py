"""A merchant's clients: its servers, and the apps people connect."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import no_store
from citizen_app.api.idempotency import idempotent
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import read_body
from citizen_app.api.views import ApiView
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.models import Citizen
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import ClientSerializer, NewClientSerializer
from perks.api.merchant.bodies import ClientBody
from perks.models import Merchant, MerchantClient
from perks.services.clients import NewClient, add_app, add_client, remove_client
from perks.services.showing_merchants import client_line


class ClientListView(ApiView):
    """Credentials of your own servers and apps; only owners see them."""

    permission_classes = [Acts("clients")]
    query_serializer = {"get": PageQuery}

    @extend_schema(operation_id="list_clients", responses=page_of("ClientPage", ClientSerializer))
    def get(self, request: Request) -> Response:
        """Return your clients, without their secrets."""
        clients = MerchantClient.objects.filter(merchant=acting_of(request).merchant).select_related("application")
        return page(request, clients, shape=lambda rows: [client_line(row) for row in rows])

    @extend_schema(operation_id="add_client", request=ClientBody, responses={201: NewClientSerializer})
    @idempotent(needs_key=False)
    def post(self, request: Request) -> Response:
        """Make credentials at `/o/token/`: a server's at once, an app's once an operator has approved it.

        The secret is shown once.

        With an `Idempotency-Key` a retry makes no second client, and says `secret_already_shown` instead of the secret.
        """
        acting = acting_of(request)
        said = read_body(request, ClientBody)
        made = client_from(said, merchant=acting.merchant, by=acting.person)
        answer: Response = no_store(Response(client_line(made.client) | {"client_secret": made.client_secret}, 201))
        return answer


def client_from(said: dict[str, Any], *, merchant: Merchant, by: Citizen) -> NewClient:
    """Make what a judged `ClientBody` asks for."""
    if said.pop("kind") == "app":
        return add_app(merchant=merchant, by=by, **said)
    if (named := said.pop("app", None)) is not None:
        own = MerchantClient.objects.filter(merchant=merchant).select_related("application")
        app = own.filter(pk=MerchantClient.key_of(named)).first()
        if app is None:
            raise InvalidInput(FieldError("/app", "invalid", "This is none of your apps."))
        said["app"] = app
    return add_client(merchant=merchant, by=by, **said)


class ClientView(ApiView):
    """One of your clients."""

    permission_classes = [Acts("clients")]

    @extend_schema(operation_id="remove_client", responses={204: None})
    def delete(self, request: Request, client_id: str) -> Response:
        """Take its access away at once: secret and tokens open nothing any more."""
        acting = acting_of(request)
        clients = MerchantClient.objects.filter(merchant=acting.merchant).select_related("application")
        remove_client(client=clients.named(client_id), by=acting.person)
        return Response(status=204)
