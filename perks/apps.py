"""The app's registration with Django."""

from django.apps import AppConfig


class PerksConfig(AppConfig):
    name = "perks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what this room does about promises, sweeps, leaving, invariants and other rooms' pages."""
        from perks import invariants, tasks  # noqa: F401  (importing registers)
        from perks.services import asking, forgetting  # noqa: F401
        from perks.web import panels  # noqa: F401
