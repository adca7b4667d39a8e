"""Webhooks out, the same for every owner: a door says who may enter and whose endpoints these are."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etag_of, no_store, require_if_match
from citizen_app.api.idempotency import idempotent
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import Anyone
from citizen_app.api.renderers import rendered
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import StrictSerializer, Text, read_body
from citizen_app.api.views import ApiView
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.models import OAuthApplication, WebhookDelivery, WebhookEndpoint
from citizen_app.webhooks import endpoints, replaying
from citizen_app.webhooks.catalogue import EVENTS
from citizen_app.webhooks.showing import delivery_lines, endpoint_lines


class EndpointBody(StrictSerializer):
    url = Text(max_length=500, help_text="https, on the public internet; a path of its own is best")
    events = serializers.ListField(
        child=Text(max_length=40),
        max_length=len(EVENTS),
        required=False,
        help_text="types of `GET /api/v1/webhook-events`; none: all of yours",
    )


class EndpointChanges(EndpointBody):
    state = serializers.ChoiceField(WebhookEndpoint.State.values, required=False)


class SinceBody(StrictSerializer):
    since = serializers.DateTimeField(required=False, help_text="at most 30 days ago; unless said, all that is kept")


class EndpointSerializer(serializers.Serializer):
    id = serializers.CharField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField(), help_text="none: all")
    client_id = serializers.CharField(allow_null=True, help_text="of the app whose connections alone it hears of")
    state = serializers.ChoiceField(WebhookEndpoint.State.values)
    disabled_because = serializers.ChoiceField(
        WebhookEndpoint.Because.values, allow_null=True, help_text="gone: it answered 410"
    )
    failing = serializers.BooleanField(help_text="it failed so often that it is called every two minutes only")
    former_secret_until = serializers.DateTimeField(allow_null=True, help_text="until then two secrets sign")
    created_at = serializers.DateTimeField()
    waiting = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="given up, and kept for 30 days to be replayed")


class NewEndpointSerializer(EndpointSerializer):
    secret = serializers.CharField(allow_null=True, help_text="whsec_…, shown once; null in a replay")
    secret_already_shown = serializers.BooleanField(required=False, help_text="true in a replay by `Idempotency-Key`")


class AttemptSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True)
    milliseconds = serializers.IntegerField()
    failure = serializers.CharField(allow_null=True, help_text="why there was no answer")
    answer = serializers.CharField(help_text="its first kilobyte", allow_blank=True)


class DeliverySerializer(serializers.Serializer):
    id = serializers.CharField()
    event_id = serializers.CharField(help_text="the `webhook-id` of every attempt")
    type = serializers.CharField()
    at = serializers.DateTimeField(help_text="when it happened")
    object_id = serializers.CharField()
    sequence = serializers.IntegerField()
    state = serializers.ChoiceField(WebhookDelivery.State.values)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    attempts = AttemptSerializer(many=True)


class ReplaySerializer(serializers.Serializer):
    deliveries = serializers.IntegerField(help_text="how many are being sent")


class EventTypeSerializer(serializers.Serializer):
    type = serializers.CharField()
    audience = serializers.ChoiceField(["merchant", "app", "furnisher", "anybody"])
    summary = serializers.CharField()
    body_schema = serializers.DictField(help_text="JSON Schema, 2020-12")
    example = serializers.DictField()


class EventTypesSerializer(serializers.Serializer):
    results = EventTypeSerializer(many=True)


class EventTypesView(ApiView):
    """The catalogue of events, for everybody."""

    permission_classes = [Anyone]

    @extend_schema(operation_id="list_webhook_events", responses=EventTypesSerializer)
    def get(self, request: Request) -> Response:
        """Return every type of event, whom it is for, the JSON Schema of its body and an example."""
        lines = [
            {
                "type": each.type,
                "audience": each.audience,
                "summary": each.summary,
                "body_schema": each.schema(),
                "example": each.example(),
            }
            for each in EVENTS.values()
        ]
        return Response({"results": lines})


@dataclass(frozen=True, slots=True)
class Ours:
    """Whose endpoints a request is about, which types its owner may hear of, and who asks."""

    owner_kind: str
    owner: str
    types: tuple[str, ...]
    by: endpoints.By

    def endpoints(self) -> Any:
        own = WebhookEndpoint.objects.of(self.owner_kind, self.owner)
        return own.select_related("application")

    def deliveries(self) -> Any:
        own = WebhookDelivery.objects.filter(endpoint__owner_kind=self.owner_kind, endpoint__owner=self.owner)
        return own.select_related("endpoint", "event")

    def judge(self, said: dict[str, Any]) -> dict[str, Any]:
        """Refuse types that are not for this owner."""
        wrong = [
            FieldError(f"/events/{place}", "invalid", "There is no such event for you.")
            for place, event in enumerate(said.get("events", ()))
            if event not in self.types
        ]
        if wrong:
            raise InvalidInput(*wrong)
        return said


def shown(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return endpoint_lines([endpoint], now=timezone.now())[0]


def etag(endpoint: WebhookEndpoint) -> str:
    """The version of what its owner says of it: what is counted changes by itself."""
    said = [endpoint.url, endpoint.events, endpoint.state, endpoint.secret_sealed]
    return etag_of(rendered(said))


def answer(endpoint: WebhookEndpoint, status: int = 200, **more: Any) -> Response:
    response: Response = no_store(Response(shown(endpoint) | more, status, headers={"ETag": etag(endpoint)}))
    return response


class Door(ApiView):
    """What a room's view says: whose endpoints a request is about. Closed until it also says who may enter."""

    body_serializer: ClassVar[type[EndpointBody]] = EndpointBody

    def ours(self, request: Request) -> Ours:
        raise NotImplementedError

    def application(self, request: Request, said: dict[str, Any]) -> OAuthApplication | None:
        """The app whose connections alone the endpoint shall hear of."""
        return None


class EndpointList(Door):
    query_serializer = {"get": PageQuery}

    @extend_schema(responses=page_of("WebhookEndpointPage", EndpointSerializer))
    def get(self, request: Request) -> Response:
        """Return your endpoints, newest first, without their secrets."""
        return page(
            request, self.ours(request).endpoints(), shape=lambda rows: endpoint_lines(rows, now=timezone.now())
        )

    @extend_schema(request=EndpointBody, responses={201: NewEndpointSerializer})
    def post(self, request: Request) -> Response:
        """Tell an address of yours what happens. Its secret, which signs every event, is shown once."""
        said = self.ours(request).judge(read_body(request, self.body_serializer))
        endpoints.judge_address(said["url"])  # looks its name up: before the transaction
        added: Response = self._add(request)
        return added

    @idempotent(needs_key=False, secret_fields=("secret",))
    def _add(self, request: Request) -> Response:
        ours = self.ours(request)
        said = read_body(request, self.body_serializer)
        made = endpoints.add_endpoint(
            owner_kind=ours.owner_kind,
            owner=ours.owner,
            url=said["url"],
            events=said.get("events", ()),
            application=self.application(request, said),
            by=ours.by,
        )
        return answer(made.endpoint, 201, secret=made.secret)


class EndpointOne(Door):
    if_match = True

    @extend_schema(responses=EndpointSerializer)
    def get(self, request: Request, endpoint_id: str) -> Response:
        """Return one of your endpoints; its `ETag` is what a change names in `If-Match`."""
        return answer(self.ours(request).endpoints().named(endpoint_id))

    @extend_schema(request=EndpointChanges(partial=True), responses=EndpointSerializer)
    def patch(self, request: Request, endpoint_id: str) -> Response:
        """Change its address, its events, or whether it is on. Disabled, what waits for it is given up."""
        ours = self.ours(request)
        said = ours.judge(read_body(request, EndpointChanges, partial=True))
        endpoint = ours.endpoints().named(endpoint_id)
        if said.get("url", endpoint.url) != endpoint.url:
            endpoints.judge_address(said["url"])
        with transaction.atomic():
            endpoint = ours.endpoints().select_for_update(of=("self",)).named(endpoint_id)
            require_if_match(request, etag(endpoint))
            endpoint = endpoints.change_endpoint(endpoint=endpoint, changes=said, by=ours.by)
        return answer(endpoint)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, endpoint_id: str) -> Response:
        """Remove it: it is told nothing any more, and its log is gone."""
        ours = self.ours(request)
        endpoints.remove_endpoint(endpoint=ours.endpoints().named(endpoint_id), by=ours.by)
        return Response(status=204)


class DeliveryList(Door):
    query_serializer = PageQuery

    @extend_schema(responses=page_of("WebhookDeliveryPage", DeliverySerializer))
    def get(self, request: Request, endpoint_id: str) -> Response:
        """Return what this endpoint was told in the last 30 days, newest first, with every attempt."""
        endpoint = self.ours(request).endpoints().named(endpoint_id)
        return page(request, endpoint.deliveries.select_related("event"), shape=delivery_lines)


class RotateSecret(Door):
    @extend_schema(request=None, responses=NewEndpointSerializer)
    @idempotent(needs_key=False, secret_fields=("secret",))
    def post(self, request: Request, endpoint_id: str) -> Response:
        """Make a new secret, shown once. For 24 hours the former one signs, too: a receiver accepts either."""
        ours = self.ours(request)
        made = endpoints.rotate_secret(endpoint=ours.endpoints().named(endpoint_id), by=ours.by)
        return answer(made.endpoint, secret=made.secret)


class Replay(Door):
    @extend_schema(request=SinceBody, responses={202: ReplaySerializer})
    def post(self, request: Request, endpoint_id: str) -> Response:
        """Send everything this endpoint has missed since a moment: what failed, and what happened while it was off."""
        ours = self.ours(request)
        endpoint = ours.endpoints().named(endpoint_id)
        said = read_body(request, SinceBody)
        return Response({"deliveries": replaying.replay(endpoint=endpoint, since=said.get("since"), by=ours.by)}, 202)


class Ping(Door):
    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, endpoint_id: str) -> Response:
        """Send it a test event, `endpoint.ping`."""
        ours = self.ours(request)
        delivery = replaying.send_ping(endpoint=ours.endpoints().named(endpoint_id), by=ours.by)
        return Response(delivery_lines([delivery])[0], 202)


class Redeliver(Door):
    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, delivery_id: str) -> Response:
        """Send one event again, under the same `webhook-id`, whatever became of it."""
        ours = self.ours(request)
        delivery = replaying.redeliver(delivery=ours.deliveries().named(delivery_id), by=ours.by)
        return Response(delivery_lines([delivery])[0], 202)
