"""What a deployment's Stripe settings must not be, said before it starts. Without a key there is nothing to say."""

import os
import urllib.parse
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

LIVE, TEST = ("sk_live_", "rk_live_"), ("sk_test_", "rk_test_")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@register(Tags.security)
def the_key_fits_the_mode(**_options: Any) -> list[CheckMessage]:
    """A live key takes real money: it is used where somebody has said so, and nowhere else."""
    key = settings.STRIPE_API_KEY
    if not key:
        return []
    if not key.startswith(LIVE + TEST):
        hint = "A restricted key begins with rk_live_ or rk_test_."
        return [Error("STRIPE_API_KEY is no key of Stripe's.", hint=hint, id="perks.E001")]
    if key.startswith(LIVE) != settings.STRIPE_LIVEMODE:
        hint = "STRIPE_LIVEMODE=true goes with a live key, and only with one."
        return [Error("STRIPE_API_KEY and STRIPE_LIVEMODE differ.", hint=hint, id="perks.E002")]
    return []


@register(Tags.security)
def another_base_is_the_stand_in(**_options: Any) -> list[CheckMessage]:
    """Whoever answers at another address gets the key: only the stand-in may, on this machine, and no live key."""
    base = settings.STRIPE_API_BASE
    if not base:
        return []
    if urllib.parse.urlsplit(base).hostname not in LOOPBACK:
        hint = "Leave STRIPE_API_BASE empty: it is for the stand-in on 127.0.0.1."
        return [Error("STRIPE_API_BASE is not on this machine.", hint=hint, id="perks.E003")]
    if settings.PRODUCTION or settings.STRIPE_API_KEY.startswith(LIVE):
        return [Error("The stand-in takes no live key and no production.", id="perks.E004")]
    return []


@register(Tags.security)
def events_are_signed(**_options: Any) -> list[CheckMessage]:
    """Without a secret no event of Stripe's is believed; with one for both, either door takes the other's events."""
    if not settings.STRIPE_API_KEY:
        return []
    platform, connect = set(settings.STRIPE_WEBHOOK_SECRETS), set(settings.STRIPE_CONNECT_WEBHOOK_SECRETS)
    if not all(platform) or not all(connect) or not platform or not connect:
        hint = "Set STRIPE_WEBHOOK_SECRETS and STRIPE_CONNECT_WEBHOOK_SECRETS."
        return [Error("A webhook address has no secret.", hint=hint, id="perks.E005")]
    if platform & connect:
        return [Error("Both webhook addresses have the same secret.", hint="Make two endpoints.", id="perks.E006")]
    return []


@register(Tags.security)
def the_version_is_the_sdks(**_options: Any) -> list[CheckMessage]:
    """The SDK's types describe one version of the API; another would answer what they do not say."""
    if not settings.STRIPE_API_KEY:
        return []
    import stripe  # half a second, which a deployment without billing does not pay

    from perks.payments.client import API_VERSION

    if stripe.api_version != API_VERSION:
        hint = f"The SDK speaks {stripe.api_version}: read its changes, then change API_VERSION with the pin."
        return [Error("API_VERSION is not the installed SDK's.", hint=hint, id="perks.E007")]
    return []


@register(Tags.security)
def the_sdk_prints_nothing(**_options: Any) -> list[CheckMessage]:
    """At debug the SDK prints what it sends and what is answered: people's addresses and secrets of payments."""
    if settings.STRIPE_API_KEY and os.environ.get("STRIPE_LOG") == "debug":
        return [Error("STRIPE_LOG=debug prints people's data.", hint="Unset it.", id="perks.E008")]
    return []
