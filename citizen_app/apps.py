"""The app's registration with Django."""

from django.apps import AppConfig


class CitizenAppConfig(AppConfig):
    name = "citizen_app"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported for what they register: system checks, chaining acts, the erasing of files and the delivery of mail.
        from citizen_app import audit_chain, checks, inbox, kept_files, retention  # noqa: F401
        from citizen_app.accounts import connections, events, exported, exports, mail, passkeys, phones, sms  # noqa: F401

        events.listen_to_allauth()
        passkeys.install()
