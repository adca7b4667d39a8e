"""A merchant's webhook endpoints, its dating apps' included."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request

from citizen_app.api import webhooks
from citizen_app.api.serializers import Text
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.models import OAuthApplication, WebhookEndpoint
from citizen_app.webhooks.catalogue import TO_MERCHANTS
from perks.api.merchant.access import Acts, acting_of
from perks.models import Merchant, MerchantClient


class MerchantEndpointBody(webhooks.EndpointBody):
    client = Text(max_length=40, required=False, help_text="one of your apps: its connections alone are told")


def own_app(merchant: Merchant, client_id: str | None) -> OAuthApplication | None:
    """The app a body names, or what is wrong with it."""
    if client_id is None:
        return None
    own = MerchantClient.objects.filter(merchant=merchant).select_related("application")
    client = own.filter(pk=MerchantClient.key_of(client_id)).first()
    if client is None or not client.application.is_app:
        raise InvalidInput(FieldError("/client", "invalid", "This is none of your apps."))
    found: OAuthApplication = client.application
    return found


class OfMerchant(webhooks.Door):
    """Endpoints of the merchant the caller acts for."""

    permission_classes = [Acts("webhooks")]
    body_serializer = MerchantEndpointBody

    def ours(self, request: Request) -> webhooks.Ours:
        acting = acting_of(request)
        owner = WebhookEndpoint.Owner.MERCHANT
        return webhooks.Ours(owner, acting.merchant.public_id, TO_MERCHANTS, acting.by)

    def application(self, request: Request, said: dict[str, Any]) -> OAuthApplication | None:
        return own_app(acting_of(request).merchant, said.get("client"))


@extend_schema_view(
    get=extend_schema(operation_id="list_webhook_endpoints"),
    post=extend_schema(operation_id="add_webhook_endpoint", request=MerchantEndpointBody),
)
class EndpointListView(OfMerchant, webhooks.EndpointList):
    """Where your systems hear what happens to your perks."""


@extend_schema_view(
    get=extend_schema(operation_id="get_webhook_endpoint"),
    patch=extend_schema(operation_id="change_webhook_endpoint"),
    delete=extend_schema(operation_id="remove_webhook_endpoint"),
)
class EndpointView(OfMerchant, webhooks.EndpointOne):
    """One of your endpoints."""


@extend_schema_view(get=extend_schema(operation_id="list_webhook_deliveries"))
class DeliveryListView(OfMerchant, webhooks.DeliveryList):
    """What one of your endpoints was told."""


@extend_schema_view(post=extend_schema(operation_id="rotate_webhook_secret"))
class RotateSecretView(OfMerchant, webhooks.RotateSecret):
    """The secret of one of your endpoints."""


@extend_schema_view(post=extend_schema(operation_id="replay_webhooks"))
class ReplayView(OfMerchant, webhooks.Replay):
    """What one of your endpoints has missed."""


@extend_schema_view(post=extend_schema(operation_id="test_webhook_endpoint"))
class PingView(OfMerchant, webhooks.Ping):
    """A test of one of your endpoints."""


@extend_schema_view(post=extend_schema(operation_id="redeliver_webhook"))
class RedeliverView(OfMerchant, webhooks.Redeliver):
    """One event to one of your endpoints."""
