"""What Celery beat asks for in production; the relay thread of the embedded default calls the same functions."""

import threading

from celery import shared_task

from citizen_app import outbox
from citizen_app.webhooks.dispatching import Dispatcher


@shared_task
def deliver_outbox() -> int:
    """Keep the promises that are due, for as long as there are any."""
    done = 0
    while count := outbox.run_due():
        done += count
    return done


@shared_task
def deliver_webhooks() -> int:
    """Call endpoints while anything is due to one, for most of a minute; others may do so beside it."""
    return Dispatcher().run(threading.Event(), until_idle=True, seconds=50)


@shared_task
def sweep() -> dict[str, int]:
    """Ask again for whatever was forgotten."""
    return outbox.run_sweeps()
