"""Addresses below `/api/v1/` that belong to the account itself."""

from django.urls import path

from citizen_app.api.me import MeView

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
]
