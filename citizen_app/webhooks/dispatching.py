"""Many endpoints at once: one thread looks for what is due, others call, and the slow ones cannot take them all."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from citizen_app.webhooks.delivering import Turn, take_turn, work_turn
from citizen_app.webhooks.events import wake

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0


class Dispatcher:
    """Callers of this process, `WEBHOOK_CALLERS` in all: a quarter of them for slow endpoints, the rest for the others.

    An endpoint is slow once a call failed or took two seconds, until one did not: however many hang until their
    deadline, they occupy that quarter alone.
    """

    def __init__(self) -> None:
        slow = max(settings.WEBHOOK_CALLERS // 4, 1)
        self._room = {False: max(settings.WEBHOOK_CALLERS - slow, 1), True: slow}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(sum(self._room.values()), thread_name_prefix="webhooks")
        self._calls = 0

    def run(self, stop: threading.Event, *, until_idle: bool = False, seconds: float | None = None) -> int:
        """Deliver until told to stop, for at most some seconds, or (`until_idle`) while anything is due."""
        begun = time.monotonic()
        while not stop.is_set() and (seconds is None or time.monotonic() - begun < seconds):
            wake.clear()  # before looking: what is promised from here on sets it again
            found = self._hand_out()
            if until_idle and not found and self._is_idle():
                break
            if not found:
                wake.wait(POLL_SECONDS)
        self._pool.shutdown()
        return self._calls

    def _hand_out(self) -> bool:
        """Give each free caller an endpoint; whether any was due."""
        found = False
        for slow in (False, True):
            while self._has_room(slow):
                close_old_connections()
                turn = take_turn(timezone.now(), slow=slow)
                if turn is None:
                    break
                found = True
                with self._lock:
                    self._room[slow] -= 1
                self._pool.submit(self._work, turn, slow)
        return found

    def _has_room(self, slow: bool) -> bool:
        with self._lock:
            return self._room[slow] > 0

    def _is_idle(self) -> bool:
        with self._lock:
            return sum(self._room.values()) == self._pool._max_workers

    def _work(self, turn: Turn, slow: bool) -> None:
        calls = 0
        try:
            calls = work_turn(turn)
        except Exception:
            # The lease runs out by itself, and what was not written down is tried again.
            log.exception("webhooks.failed", endpoint=str(turn.endpoint_id))
        finally:
            connection.close()
            with self._lock:
                self._room[slow] += 1
                self._calls += calls
            wake.set()


def dispatch_forever(stop: threading.Event | None = None) -> None:
    """Keep delivering in this process; the database may be away for a while."""
    stop = stop or threading.Event()
    while not stop.is_set():
        try:
            Dispatcher().run(stop)
        except Exception:
            log.exception("webhooks.dispatcher_failed")
            stop.wait(POLL_SECONDS)
        finally:
            close_old_connections()
