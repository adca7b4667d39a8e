"""What Celery beat asks for in production; the relay thread of the embedded default calls the same functions."""

import threading
import time

from celery import shared_task

from citizen_app import outbox
from citizen_app.webhooks.dispatching import Dispatcher

LONGEST_SECONDS = 60
AT_ONCE = 10
"""So many that, each with the longest wait for somebody outside, they end before the task's time limit."""


@shared_task
def deliver_outbox() -> int:
    """Keep the promises that are due, for as long as there are any; the next task goes on after a minute."""
    done, until = 0, time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < until and (count := outbox.run_due(limit=AT_ONCE)):
        done += count
    return done


@shared_task
def deliver_webhooks() -> int:
    """Call endpoints while anything is due to one, for most of a minute; others may do so beside it."""
    return Dispatcher().run(threading.Event(), until_idle=True, seconds=50)


@shared_task
def sweep() -> dict[str, int]:
    """Ask again for whatever was forgotten, where nobody else is asking."""
    return outbox.run_due_sweeps()
