"""What a deployment must not start with, said before it starts (`manage.py check`, run by every migrate)."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from citizen_app.accounts.passkeys import android_apps

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
def passkeys_have_their_site(**_options: Any) -> list[CheckMessage]:
    """A passkey belongs to one site for good: not to a name that every machine gives itself, nor to plain http."""
    try:
        android_apps()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="com.example.app:AB:CD:… (32 pairs)", id="citizen_app.E005")]
    is_site = settings.PASSKEY_RP_ID != "localhost" and ":" not in settings.PASSKEY_RP_ID
    if settings.PRODUCTION and not (is_site and all(one.startswith("https://") for one in settings.PASSKEY_ORIGINS)):
        return [Error("Passkeys have no site of their own.", hint="Set PASSKEY_RP_ID.", id="citizen_app.E006")]
    return []


@register(Tags.security)
def production_prints_no_codes(**_options: Any) -> list[CheckMessage]:
    """What the console's gateway writes is in every log."""
    if settings.PRODUCTION and settings.SMS_BACKEND == "citizen_app.accounts.sms.Console":
        return [
            Error("Short messages are written to the console.", hint="Name a gateway, or none.", id="citizen_app.E007")
        ]
    return []


@register(Tags.security)
def production_is_encrypted(**_options: Any) -> list[CheckMessage]:
    """Without TLS, passwords, tokens and codes cross the network for anyone to read."""
    if settings.PRODUCTION and not settings.HTTPS:
        return [Warning("HTTPS is off.", hint="Put TLS in front and set HTTPS=true.", id="citizen_app.W001")]
    return []


@register(Tags.security)
def furnishers_sign(**_options: Any) -> list[CheckMessage]:
    """An access token alone, leaked from a log, would be enough to write what lowers somebody's score."""
    if settings.PRODUCTION and settings.SOURCE_SIGNATURES != "required":
        hint = "Leave SOURCE_SIGNATURES empty, or set it to required."
        return [Warning("Furnishers may send records unsigned.", hint=hint, id="citizen_app.W004")]
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
