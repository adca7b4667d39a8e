"""What a deployment must not start with, said before it starts (`manage.py check`, run by every migrate)."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

IN_MEMORY_CACHES = ("django.core.cache.backends.locmem.LocMemCache", "django.core.cache.backends.dummy.DummyCache")
SENDING_BACKEND = "django.core.mail.backends.smtp.EmailBackend"


@register(Tags.security)
def production_shares_its_cache(**_options: Any) -> list[CheckMessage]:
    """Sign-in limits and used codes are counted in the cache: each process with its own would multiply them."""
    if settings.PRODUCTION and settings.CACHES["default"]["BACKEND"] in IN_MEMORY_CACHES:
        return [Error("The cache is in each process's memory.", hint="Set REDIS_URL.", id="citizen_app.E001")]
    return []


@register(Tags.security)
def production_sends_its_mail(**_options: Any) -> list[CheckMessage]:
    """Nobody can sign up when the code stays in a file."""
    if settings.PRODUCTION and settings.EMAIL_BACKEND != SENDING_BACKEND:
        return [Error("Mail is not sent anywhere.", hint="Set EMAIL_URL (smtp://…).", id="citizen_app.E002")]
    return []


@register(Tags.security)
def production_keys_differ(**_options: Any) -> list[CheckMessage]:
    """One leaked key must not open what the other guards."""
    if settings.PRODUCTION and settings.SECRET_KEY == settings.SERVER_KEY:
        return [Error("SECRET_KEY and SERVER_KEY are the same.", hint="Draw two.", id="citizen_app.E003")]
    return []


@register(Tags.security)
def production_is_encrypted(**_options: Any) -> list[CheckMessage]:
    """Without TLS, passwords, tokens and codes cross the network for anyone to read."""
    if settings.PRODUCTION and not settings.HTTPS:
        return [Warning("HTTPS is off.", hint="Put TLS in front and set HTTPS=true.", id="citizen_app.W001")]
    return []


@register(Tags.security)
def proxies_are_named(**_options: Any) -> list[CheckMessage]:
    """TLS ends at a proxy, whose address every caller would share in the limits unless it is trusted to name them."""
    if settings.PRODUCTION and settings.HTTPS and not settings.TRUSTED_PROXIES:
        return [
            Warning("No proxy is trusted to name its callers.", hint="Set TRUSTED_PROXIES=1.", id="citizen_app.W002")
        ]
    return []


@register(Tags.security)
def one_relay_delivers(**_options: Any) -> list[CheckMessage]:
    """With a broker, Celery delivers the outbox; with neither, nothing does."""
    if settings.BROKER_URL and settings.OUTBOX_RELAY_THREAD:
        return [
            Warning(
                "Both Celery and a thread of the web process deliver the outbox.",
                hint="Leave OUTBOX_RELAY_THREAD empty or false.",
                id="citizen_app.W003",
            )
        ]
    if settings.PRODUCTION and not settings.BROKER_URL and not settings.OUTBOX_RELAY_THREAD:
        return [Error("Nothing delivers the outbox.", hint="Set BROKER_URL.", id="citizen_app.E004")]
    return []
