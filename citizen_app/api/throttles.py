"""How often one caller may ask: atomic counts in a moving window, published per kind of caller.

The counts are in this process's memory in the embedded default (one process) and in Redis where `REDIS_URL` is set.
`Retry-After` is the contract.
"""

import ipaddress
import math
import time
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from citizen_app.errors import Busy, RateLimited
from citizen_app.redis_circuit import circuit, connection_options

if TYPE_CHECKING:  # REST framework loads this module while it loads its views
    from rest_framework.views import APIView

# Published in the documentation. A view with a limit of its own names it in `rate_limit`.
LIMITS: dict[str, str] = {
    "citizen": "600/minute",
    "client": "3000/minute",
    "device": "600/minute",
    "anonymous": "60/minute",
    "scans": "1200/minute",
    "token_address": "60/minute",
    "token_client": "30/minute",
    "passkey_challenges": "30/minute",
    # Short messages: each costs money, and some numbers are made to earn it.
    "sms_person": "5/day",
    "sms_number": "5/day",
    "sms_address": "20/day",
    "sms_country": "1000/day",
}


class CallerThrottle(BaseThrottle):
    """Counts every request against its caller: the person, the client, or else the address."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        kind, key = _caller_of(request)
        count_call(getattr(view, "rate_limit", None) or kind, key)
        return True


def add_limit(name: str, rate: str) -> None:
    """Publish a limit of an app's own, such as typed codes per merchant: `add_limit("typed_codes", "10/minute")`."""
    parse(rate)
    if LIMITS.setdefault(name, rate) != rate:
        raise ValueError(f"Two rates of one limit: {name}")


def count_call(limit_name: str, *keys: str) -> None:
    """The same as `hit` for an ordinary call, which guesses at nothing: it goes on when the counts are away."""
    with suppress(Busy):
        hit(limit_name, *keys)


def hit(limit_name: str, *keys: str) -> None:
    """Count one try against the limit `limit_name` of `keys`, or refuse it with the seconds to wait.

    When the counts are away nobody may guess meanwhile: `Busy`.
    """
    if not settings.RATE_LIMITS:
        return
    limiter, item = _limiter(), _item(LIMITS[limit_name])
    if circuit.call(limiter.hit, item, limit_name, *keys, failures=StorageError):
        return
    # The window's oldest entry leaves at the reset time; the next try fits then.
    window = circuit.call(limiter.get_window_stats, item, limit_name, *keys, failures=StorageError)
    raise RateLimited(retry_after=max(1, math.ceil(window.reset_time - time.time())))


def address_of(request: HttpRequest | Request) -> str:
    """The caller's address: as many proxies as we run may name it, nobody else's header counts.

    An IPv6 caller is its /64, of which one household has as many addresses as it likes.
    """
    address = request.META.get("REMOTE_ADDR") or ""
    if settings.TRUSTED_PROXIES:
        named = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        if len(named) >= settings.TRUSTED_PROXIES:
            address = named[-settings.TRUSTED_PROXIES]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"  # a socket without addresses: all of its callers share one limit
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)


def forget_counts() -> None:
    """Start all counts again (tests, and nobody else)."""
    _limiter().storage.reset()


def _caller_of(request: Request) -> tuple[str, str]:
    credential: Any = request.auth
    if credential is None:
        return "anonymous", address_of(request)
    if request.user is None:
        if credential.kind == "device":
            return "device", credential.caller
        return "client", credential.application.client_id
    if credential.application is not None:
        # Each app that acts for a person counts alone: a count they shared would tell one of them of the other, and
        # that both know the same person.
        return "citizen", f"{credential.application.client_id}:{request.user.pk}"
    return "citizen", str(request.user.pk)


@lru_cache
def _limiter() -> MovingWindowRateLimiter:
    if not settings.REDIS_URL:
        return MovingWindowRateLimiter(MemoryStorage())
    return MovingWindowRateLimiter(RedisStorage(settings.REDIS_URL, wrap_exceptions=True, **connection_options()))


@lru_cache
def _item(rate: str) -> RateLimitItem:
    return parse(rate)
