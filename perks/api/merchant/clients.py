"""A merchant's servers."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import no_store
from citizen_app.api.idempotency import idempotent
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import read_body
from citizen_app.api.views import ApiView
from perks.api.merchant.access import Acts, acting_of
from perks.api.merchant.answers import ClientSerializer, NewClientSerializer
from perks.api.merchant.bodies import ClientBody
from perks.models import MerchantClient
from perks.services.clients import add_client, remove_client
from perks.services.showing_merchants import client_line


class ClientListView(ApiView):
    """Credentials of your own servers; only owners see them."""

    permission_classes = [Acts("clients")]
    query_serializer = {"get": PageQuery}

    @extend_schema(operation_id="list_clients", responses=page_of("ClientPage", ClientSerializer))
    def get(self, request: Request) -> Response:
        """Return your servers' credentials, without their secrets."""
        clients = MerchantClient.objects.filter(merchant=acting_of(request).merchant).select_related("application")
        return page(request, clients, shape=lambda rows: [client_line(row) for row in rows])

    @extend_schema(operation_id="add_client", request=ClientBody, responses={201: NewClientSerializer})
    @idempotent(needs_key=False)
    def post(self, request: Request) -> Response:
        """Make credentials for client_credentials at `/o/token/`; the secret is shown once.

        With an `Idempotency-Key` a retry makes no second client, and says `secret_already_shown` instead of the secret.
        """
        acting = acting_of(request)
        said = read_body(request, ClientBody)
        made = add_client(merchant=acting.merchant, by=acting.person, name=said["name"], scopes=said["scopes"])
        answer: Response = no_store(Response(client_line(made.client) | {"client_secret": made.client_secret}, 201))
        return answer


class ClientView(ApiView):
    """One of your servers' credentials."""

    permission_classes = [Acts("clients")]

    @extend_schema(operation_id="remove_client", responses={204: None})
    def delete(self, request: Request, client_id: str) -> Response:
        """Take its access away at once: secret and tokens open nothing any more."""
        acting = acting_of(request)
        clients = MerchantClient.objects.filter(merchant=acting.merchant).select_related("application")
        remove_client(client=clients.named(client_id), by=acting.person)
        return Response(status=204)
