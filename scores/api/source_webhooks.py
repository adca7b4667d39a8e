"""A source's webhook endpoints, kept by its own client: signed like everything it changes."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request

from citizen_app.api import webhooks
from citizen_app.api.permissions import client_of
from citizen_app.models import WebhookEndpoint
from citizen_app.webhooks.catalogue import TO_FURNISHERS
from scores.api.signed import SourceApiView


class OfSource(webhooks.Door, SourceApiView):
    """Endpoints of the source whose client is calling."""

    def ours(self, request: Request) -> webhooks.Ours:
        code = self.source(request).code
        return webhooks.Ours(WebhookEndpoint.Owner.SOURCE, code, TO_FURNISHERS, client_of(request))


@extend_schema_view(
    get=extend_schema(operation_id="list_source_webhook_endpoints"),
    post=extend_schema(operation_id="add_source_webhook_endpoint"),
)
class EndpointListView(webhooks.EndpointList, OfSource):
    """Where your systems hear of links and disputes."""


@extend_schema_view(
    get=extend_schema(operation_id="get_source_webhook_endpoint"),
    patch=extend_schema(operation_id="change_source_webhook_endpoint"),
    delete=extend_schema(operation_id="remove_source_webhook_endpoint"),
)
class EndpointView(webhooks.EndpointOne, OfSource):
    """One of your endpoints."""


@extend_schema_view(get=extend_schema(operation_id="list_source_webhook_deliveries"))
class DeliveryListView(webhooks.DeliveryList, OfSource):
    """What one of your endpoints was told."""


@extend_schema_view(post=extend_schema(operation_id="rotate_source_webhook_secret"))
class RotateSecretView(webhooks.RotateSecret, OfSource):
    """The secret of one of your endpoints."""


@extend_schema_view(post=extend_schema(operation_id="replay_source_webhooks"))
class ReplayView(webhooks.Replay, OfSource):
    """What one of your endpoints has missed."""


@extend_schema_view(post=extend_schema(operation_id="test_source_webhook_endpoint"))
class PingView(webhooks.Ping, OfSource):
    """A test of one of your endpoints."""


@extend_schema_view(post=extend_schema(operation_id="redeliver_source_webhook"))
class RedeliverView(webhooks.Redeliver, OfSource):
    """One event to one of your endpoints."""
