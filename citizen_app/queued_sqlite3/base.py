"""Django's SQLite, with one queue of writers in a process: whoever came first writes first.

SQLite's own waiting is a poll that anybody may overtake, so that under load a few wait for seconds. Here a transaction
waits in line before its `BEGIN IMMEDIATE`, and is out of the line when it ends, however it ends. Other processes, and
single writes outside of a transaction, meet SQLite's own lock as before.
"""

import threading
from collections import deque
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base


class WritersQueue:
    """A lock that is handed on in the order it was asked for, and waited for no longer than said."""

    def __init__(self) -> None:
        self._guard, self._waiting, self._is_held = threading.Lock(), deque[threading.Event](), False

    def enter(self, timeout: float) -> bool:
        """Wait for one's turn; False when it did not come in time."""
        with self._guard:
            if not self._is_held:
                self._is_held = True
                return True
            turn = threading.Event()
            self._waiting.append(turn)
        if turn.wait(timeout):
            return True
        with self._guard:
            if turn.is_set():  # it came at the very last moment
                return True
            self._waiting.remove(turn)
            return False

    def leave(self) -> None:
        """Hand it to who has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_held = False


_queues: dict[str, WritersQueue] = {}


class DatabaseWrapper(base.DatabaseWrapper):
    """One thread's connection; it stands in its file's queue while it is in a transaction."""

    _queue: WritersQueue | None = None

    def _start_transaction_under_autocommit(self) -> None:
        if getattr(self, "transaction_mode", None) != "IMMEDIATE":  # it may only read: SQLite lets any number do that
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
            return
        queue = _queues.setdefault(str(self.settings_dict["NAME"]), WritersQueue())
        if not queue.enter(self.settings_dict["OPTIONS"].get("timeout", 5)):
            raise OperationalError("database is locked")
        self._queue = queue
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._leave()
            raise

    def _leave(self) -> None:
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.leave()

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._leave()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._leave()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]
        finally:
            self._leave()
