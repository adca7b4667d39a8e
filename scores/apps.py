"""The app's registration with Django."""

from django.apps import AppConfig


class ScoresConfig(AppConfig):
    name = "scores"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what this room does about accounts, promises, sweeps and invariants."""
        from citizen_app.accounts import events
        from scores import invariants, tasks  # noqa: F401  (importing registers)
        from scores.services import connecting, digests, exported, identity, notices, retention  # noqa: F401

        events.on_email_verified(identity.email_was_verified)
        events.on_mfa_changed(identity.second_factor_changed)
