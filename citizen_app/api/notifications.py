"""What you are told of, how you want to be told, and the browsers that may tell you."""

from typing import Any, Literal, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.authentication import Credential
from citizen_app.api.etags import etagged, no_store
from citizen_app.api.pagination import PageQuery, page
from citizen_app.api.permissions import IsCitizen
from citizen_app.api.schema import page_of
from citizen_app.api.serializers import NoBody, StrictBoolean, StrictSerializer, Text, read_body
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen, Notification, PushDevice
from citizen_app.notifying.choices import ALWAYS, CHOOSABLE, Channel, Choices, Quiet, change_choices, choices_of
from citizen_app.notifying.devices import add_device, devices_of, take_off_device
from citizen_app.notifying.events import GROUPS
from citizen_app.notifying.inbox import inbox_of, lines_of, mark_all_read, mark_read
from citizen_app.notifying.pushes import public_key


class NotificationLine(serializers.Serializer):
    """One thing you were told of; never a score."""

    id = serializers.CharField()
    event = serializers.CharField(help_text="`score.changed`, `code.used`, `asked`, `dispute.answered`, …")
    group = serializers.ChoiceField(list(GROUPS))
    title = serializers.CharField()
    text = serializers.CharField()
    about = serializers.CharField(allow_null=True, help_text="the id of what it is about")
    path = serializers.CharField(help_text="the page that tells more")
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


class NotificationQuery(PageQuery):
    unread = StrictBoolean(required=False, help_text="true: only what you have not read")


class ReadCount(serializers.Serializer):
    read = serializers.IntegerField(help_text="how many were unread")


class NotificationGroup(serializers.Serializer):
    """Events that are switched on and off together."""

    code = serializers.CharField()
    title = serializers.CharField()
    tells = serializers.CharField()


class QuietTimeBody(StrictSerializer):
    """By your own clock; it may run over midnight."""

    begins = serializers.TimeField(format="%H:%M", input_formats=["%H:%M"])
    ends = serializers.TimeField(format="%H:%M", input_formats=["%H:%M"], help_text="the first minute after it")


class NotificationSettings(serializers.Serializer):
    """What reaches you by which channel. The inbox has everything."""

    email = serializers.ListField(child=serializers.CharField(), help_text="groups that come by mail")
    push = serializers.ListField(child=serializers.CharField(), help_text="groups that your browsers notify you of")
    always = serializers.ListField(child=serializers.CharField(), help_text="groups that come by mail in any case")
    quiet = QuietTimeBody(allow_null=True)
    zone = serializers.CharField(help_text="of your account")
    groups = NotificationGroup(many=True)
    push_key = serializers.CharField(help_text="what a browser subscribes with (`applicationServerKey`, base64url)")


class NotificationSettingsChange(StrictSerializer):
    """What you leave out stays. Nothing is on that you did not switch on, but mails about what you have running."""

    email = serializers.ListField(
        child=serializers.ChoiceField(CHOOSABLE[Channel.EMAIL]), required=False, max_length=20
    )
    push = serializers.ListField(child=serializers.ChoiceField(CHOOSABLE[Channel.PUSH]), required=False, max_length=20)
    quiet = QuietTimeBody(required=False, allow_null=True, help_text="null: never")


class PushKeys(StrictSerializer):
    p256dh = Text(max_length=200)
    auth = Text(max_length=100)


class PushDeviceBody(StrictSerializer):
    """What the browser's Push API gave (`PushSubscription.toJSON()`)."""

    kind = serializers.ChoiceField(["web_push"])
    endpoint = Text(max_length=500)
    keys = PushKeys()


class PushDeviceLine(serializers.Serializer):
    """One browser that notifies you; its address and keys are not told again."""

    id = serializers.CharField(source="public_id")
    kind = serializers.SerializerMethodField()
    service = serializers.CharField(help_text="the host of its push service")
    created_at = serializers.DateTimeField()
    last_ok_at = serializers.DateTimeField(allow_null=True, help_text="when a message last reached its push service")

    def get_kind(self, device: PushDevice) -> str:
        return "web_push"


class NotificationListView(ApiView):
    """What you were told of."""

    permission_classes = [IsCitizen]
    query_serializer = NotificationQuery

    @extend_schema(operation_id="list_notifications", responses=page_of("NotificationPage", NotificationLine))
    @etagged
    def get(self, request: Request) -> Response:
        """Return what you were told of, latest first."""
        mine: QuerySet[Notification] = inbox_of(citizen=_citizen_of(request))
        if (unread := self.query.get("unread")) is not None:
            mine = mine.filter(read_at__isnull=unread)
        return page(request, mine, order=("-created_at", "-id"), shape=_shape)


class NotificationReadView(ApiView):
    """Marking one as read."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})

    @extend_schema(operation_id="read_notification", request=None, responses=NotificationLine)
    def post(self, request: Request, notification_id: str) -> Response:
        """Mark it as read. Again is no change."""
        read_body(request, NoBody)
        row = mark_read(citizen=_citizen_of(request), notification_id=notification_id)
        return no_store(Response(_shape([row])[0]))


class NotificationsReadView(ApiView):
    """Marking everything as read."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="read_all_notifications", request=None, responses=ReadCount)
    def post(self, request: Request) -> Response:
        """Mark everything as read."""
        read_body(request, NoBody)
        return no_store(Response({"read": mark_all_read(citizen=_citizen_of(request))}))


class NotificationSettingsView(ApiView):
    """What reaches you by which channel, and when not."""

    permission_classes = [IsCitizen]

    @extend_schema(operation_id="get_notification_settings", responses=NotificationSettings)
    @etagged
    def get(self, request: Request) -> Response:
        """Return your choices."""
        citizen = _citizen_of(request)
        return Response(_settings(citizen, choices_of([citizen.pk])[citizen.pk]))

    @extend_schema(
        operation_id="put_notification_settings", request=NotificationSettingsChange, responses=NotificationSettings
    )
    def put(self, request: Request) -> Response:
        """Choose by which channel which groups reach you; each channel is a consent, on record with its ticks."""
        citizen, body = _citizen_of(request), read_body(request, NotificationSettingsChange)
        quiet: Quiet | Literal["as it is"] | None = "as it is"
        if "quiet" in body:
            quiet = Quiet(**body["quiet"]) if body["quiet"] else None
        choices = change_choices(
            citizen=citizen, email=body.get("email"), push=body.get("push"), quiet=quiet, via="app"
        )
        return no_store(Response(_settings(citizen, choices)))


class DeviceListView(ApiView):
    """The browsers that notify you."""

    permission_classes = [IsCitizen]
    query_serializer = {"get": PageQuery}
    refusals = frozenset({409})  # too_many_devices

    @extend_schema(operation_id="list_push_devices", responses=page_of("PushDevicePage", PushDeviceLine))
    @etagged
    def get(self, request: Request) -> Response:
        """Return your browsers, latest first."""
        mine = devices_of(citizen=_citizen_of(request))
        return page(request, mine, order=("-created_at", "-id"), shape=lambda rows: list(_lines(rows)))

    @extend_schema(operation_id="add_push_device", request=PushDeviceBody, responses={201: PushDeviceLine})
    def post(self, request: Request) -> Response:
        """Let a browser notify you until you sign out there; one that is known is the same. You choose of what."""
        body = read_body(request, PushDeviceBody)
        device = add_device(
            citizen=_citizen_of(request),
            session_key=cast(Credential, request.auth).session_key,
            endpoint=body["endpoint"],
            keys=body["keys"],
        )
        return no_store(Response(PushDeviceLine(device).data, status.HTTP_201_CREATED))


class DeviceView(ApiView):
    """One browser that notifies you."""

    permission_classes = [IsCitizen]
    refusals = frozenset({404})

    @extend_schema(operation_id="remove_push_device", responses={204: None})
    def delete(self, request: Request, device_id: str) -> Response:
        """Let it notify you no more."""
        citizen = _citizen_of(request)
        take_off_device(citizen=citizen, device=devices_of(citizen=citizen).named(device_id))
        return Response(status=204)


def _shape(rows: list[Notification]) -> list[dict[str, Any]]:
    return list(NotificationLine(lines_of(rows), many=True).data)


def _lines(rows: list[PushDevice]) -> list[dict[str, Any]]:
    return list(PushDeviceLine(rows, many=True).data)


def _settings(citizen: Citizen, choices: Choices) -> dict[str, Any]:
    told = {
        "email": [code for code in CHOOSABLE[Channel.EMAIL] if choices.wants(code, Channel.EMAIL)],
        "push": [code for code in CHOOSABLE[Channel.PUSH] if choices.wants(code, Channel.PUSH)],
        "always": list(ALWAYS),
        "quiet": choices.quiet,
        "zone": citizen.zone,
        "groups": GROUPS.values(),
        "push_key": public_key(),
    }
    return dict(NotificationSettings(told).data)


def _citizen_of(request: Request) -> Citizen:
    return cast(Citizen, request.user)
