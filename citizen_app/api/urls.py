"""Addresses below `/api/v1/` that belong to the account itself, and the catalogue of events."""

from django.urls import path

from citizen_app.api.connections import AuthorizeView, ConnectionListView, ConnectionView
from citizen_app.api.exports import ExportDownloadView, ExportsView, ExportView
from citizen_app.api.me import MeView, PhoneView
from citizen_app.api.notifications import (
    DeviceListView,
    DeviceView,
    NotificationListView,
    NotificationReadView,
    NotificationSettingsView,
    NotificationsReadView,
)
from citizen_app.api.webhooks import EventTypesView

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("me/phone", PhoneView.as_view(), name="me-phone"),
    path("me/connections", ConnectionListView.as_view(), name="connections"),
    path("me/connections/<str:connection_id>", ConnectionView.as_view(), name="connection"),
    path("webhook-events", EventTypesView.as_view(), name="webhook-events"),
    path("oauth/authorize", AuthorizeView.as_view(), name="oauth-authorize"),
    path("me/notifications", NotificationListView.as_view(), name="notifications"),
    path("me/notifications/read-all", NotificationsReadView.as_view(), name="notifications-read"),
    path("me/notifications/<str:notification_id>/read", NotificationReadView.as_view(), name="notification-read"),
    path("me/notification-settings", NotificationSettingsView.as_view(), name="notification-settings"),
    path("me/devices", DeviceListView.as_view(), name="devices"),
    path("me/devices/<str:device_id>", DeviceView.as_view(), name="device"),
    path("me/exports", ExportsView.as_view(), name="exports"),
    path("me/exports/<str:export_id>", ExportView.as_view(), name="export"),
    path("me/exports/<str:export_id>/download", ExportDownloadView.as_view(), name="export-download"),
]
