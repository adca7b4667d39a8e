"""What Celery beat asks for in production; the relay thread of the embedded default calls the same functions."""

from celery import shared_task

from citizen_app import outbox


@shared_task
def deliver_outbox() -> int:
    """Keep the promises that are due, for as long as there are any."""
    done = 0
    while count := outbox.run_due():
        done += count
    return done


@shared_task
def sweep() -> dict[str, int]:
    """Ask again for whatever was forgotten."""
    return outbox.run_sweeps()
