"""The addresses of this room."""

from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from citizen_app.web.closing import CloseAccount
from citizen_app.web.connections import Connections, EndConnection
from citizen_app.web.devices import EndSession
from citizen_app.web.exports import DataFile, TakeYourData
from citizen_app.web.installing import manifest
from citizen_app.web.notifications import (
    Inbox,
    MailsOff,
    NotificationChoices,
    OpenNotification,
    RemoveDevice,
    push_worker,
)
from citizen_app.web.operator_messages import DecideMessages, DropMessages, Messages
from citizen_app.web.phone import PhonePage
from citizen_app.web.pictures import picture

urlpatterns: list[URLPattern | URLResolver] = [
    # Browsers ask for it beside answers that are no page of ours and name no icon.
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("img/mark.svg")), name="favicon"),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("me/apps", Connections.as_view(), name="my_apps"),
    path("me/apps/<str:connection_id>/end", EndConnection.as_view(), name="my_app_end"),
    path("me/devices/<int:session_id>/end", EndSession.as_view(), name="end-session"),
    path("me/inbox", Inbox.as_view(), name="inbox"),
    path("me/inbox/settings", NotificationChoices.as_view(), name="notification_settings"),
    path("me/inbox/worker.js", push_worker, name="push_worker"),
    path("me/inbox/browsers/<str:device_id>/remove", RemoveDevice.as_view(), name="device_remove"),
    path("me/inbox/<str:notification_id>/open", OpenNotification.as_view(), name="notification_open"),
    path("mails/off/<str:token>", MailsOff.as_view(), name="mails_off"),
    path("me/phone", PhonePage.as_view(), name="phone"),
    path("pictures/<path:file>", picture, name="picture"),
    path("me/close", CloseAccount.as_view(), name="close"),
    path("me/data", TakeYourData.as_view(), name="data"),
    path("me/data/<str:export_id>", DataFile.as_view(), name="data_file"),
    path("operator/messages", Messages.as_view(), name="operator_messages"),
    path("operator/messages/replay", DecideMessages.as_view(), name="operator_messages_replay"),
    path("operator/messages/drop", DropMessages.as_view(), name="operator_messages_drop"),
]
