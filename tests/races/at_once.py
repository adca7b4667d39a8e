"""Start many calls at the same moment, each on its own database connection."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import OperationalError, connection

from citizen_app.errors import DomainError

LOCK_NOT_AVAILABLE = "55P03"
TRIES = 5


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Return what each call returned, or the code of the refusal it raised, in the order given.

    Who has waited for a lock too long is told to come back in a moment, and does. Nothing else is tried again: a
    deadlock, for one, is a mistake of ours.
    """
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()  # before the start, so that the calls themselves meet
            start.wait(timeout=60)
            return _patiently(call)
        except DomainError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def _patiently(call: Callable[[], Any]) -> Any:
    for _ in range(TRIES - 1):
        try:
            return call()
        except OperationalError as error:
            if not waited_too_long(error):
                raise
    return call()


def waited_too_long(error: OperationalError) -> bool:
    """Whether the database only ran out of patience for somebody else's lock."""
    return getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE or "is locked" in str(error)
