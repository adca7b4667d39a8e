"""The app's registration with Django."""

from django.apps import AppConfig


class CitizenAppConfig(AppConfig):
    name = "citizen_app"
    default_auto_field = "django.db.models.BigAutoField"
