"""The relay of the embedded default: one thread of the web process that keeps what the outbox promised."""

import os
import threading
import time

import structlog
from django.conf import settings
from django.db import close_old_connections

from citizen_app import outbox
from citizen_app.webhooks.dispatching import dispatch_forever

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
SWEEP_SECONDS = 60.0

_started_in: int | None = None
_starting = threading.Lock()


def start_relay_thread() -> bool:
    """Start the relay of this process unless the settings give the work to Celery or it already runs."""
    global _started_in
    with _starting:
        if not settings.OUTBOX_RELAY_THREAD or _started_in == os.getpid():
            return False
        _started_in = os.getpid()
    # A daemon: stopping the process between two steps loses nothing, the rows are still there.
    threading.Thread(target=relay_forever, name="outbox-relay", daemon=True).start()
    # Of its own: endpoints that hang must not keep mail and scores waiting.
    threading.Thread(target=dispatch_forever, name="webhooks", daemon=True).start()
    return True


def relay_forever(stop: threading.Event | None = None) -> None:
    """Deliver at once what is promised in this process, within a second what others promised, and sweep each minute."""
    stop = stop or threading.Event()
    swept_at = time.monotonic()
    while not stop.is_set():
        outbox.wake.wait(POLL_SECONDS)
        outbox.wake.clear()  # before looking: what is promised from here on sets it again
        close_old_connections()
        try:
            while outbox.run_due():
                pass
            if time.monotonic() - swept_at >= SWEEP_SECONDS:
                swept_at = time.monotonic()
                outbox.run_due_sweeps()
        except Exception:
            # The database may be away for a while; the promises are not lost, only late.
            log.exception("relay.failed")
            stop.wait(POLL_SECONDS)
        finally:
            close_old_connections()
