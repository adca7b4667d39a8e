"""What becomes of a request while Redis is away, frozen or slow: nothing, except where guesses are counted.

The first calls wait a quarter of a second; then the circuit is open and nobody waits, until a thread of its own has
heard from Redis again. Sign-in limits and used codes are kept there: those refuse (`Busy`) rather than forget.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import redis
import structlog
from django.conf import settings
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from citizen_app.errors import Busy

log = structlog.get_logger(__name__)
T = TypeVar("T")

PROBE_SECONDS: Final = 1.0
PATIENCE: Final = 0.25
"""Seconds. The library's own way is ten, and again three times."""


def connection_options() -> dict[str, Any]:
    """What every connection to Redis is opened with."""
    return {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, "retry": Retry(NoBackoff(), 0)}


class Circuit:
    """Open from the first failure until `ping` succeeds again; meanwhile every call is refused at once."""

    def __init__(self, ping: Callable[[], object]) -> None:
        self._ping = ping
        self._changing = threading.Lock()
        self.is_open = False

    def call(self, work: Callable[..., T], *args: Any, failures: type[Exception], **options: Any) -> T:
        """Do the work, or refuse with `Busy`."""
        if self.is_open:
            raise Busy
        try:
            return work(*args, **options)
        except failures as error:
            self._open(error)
            raise Busy from error

    def _open(self, error: Exception) -> None:
        with self._changing:
            if self.is_open:
                return
            self.is_open = True
        log.error("redis.away", error=type(error).__name__)
        # A daemon: a process that ends has nobody waiting for Redis.
        threading.Thread(target=self._wait, name="redis-probe", daemon=True).start()

    def _wait(self) -> None:
        while self.is_open:
            time.sleep(PROBE_SECONDS)
            try:
                self._ping()
            except redis.RedisError:
                continue
            self.is_open = False
        log.warning("redis.back")


def _ping() -> None:
    with redis.Redis.from_url(settings.REDIS_URL, **connection_options()) as client:
        client.ping()


circuit = Circuit(_ping)


class _Redis(redis.Redis):
    def execute_command(self, *args: Any, **options: Any) -> Any:
        return circuit.call(super().execute_command, *args, failures=redis.RedisError, **options)


class _Client(RedisCacheClient):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._client = _Redis


class GuardedRedisCache(RedisCache):
    """Django's cache in Redis behind the circuit (`CACHES` names it): away, it refuses and never says "not there"."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
        self._options |= connection_options()  # type: ignore[attr-defined]
