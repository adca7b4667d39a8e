"""The floors: raw WSGI and sqlite3, the least that could give such an answer. They check nothing and are no product."""

import json
import os
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable

_local = threading.local()
_writing = threading.Lock()


def _connection() -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(os.environ["FLOOR_DATABASE"], isolation_level=None, timeout=20)
        _local.connection.execute("PRAGMA journal_mode=WAL")
    return _local.connection


def _score() -> bytes:
    """The rows a score read needs: the person, the score with its enrolment, the scorecard's key, the last change."""
    rows = _connection()
    person = rows.execute("SELECT * FROM citizen_app_citizen LIMIT 1").fetchone()
    score = rows.execute(
        "SELECT s.*, e.state FROM scores_score s JOIN scores_enrolment e USING (citizen_id) WHERE citizen_id = ?",
        (person[0],),
    ).fetchone()
    card = rows.execute("SELECT id, sha256 FROM scores_scorecard WHERE is_current").fetchone()
    change = rows.execute(
        "SELECT * FROM scores_scorechange WHERE citizen_id = ? ORDER BY id DESC LIMIT 1", (person[0],)
    ).fetchone()
    told = [json.loads(column) if isinstance(column, str) and column[:1] in "{[" else column for column in score or ()]
    return json.dumps([told, card, change], default=str).encode()


def _take() -> bytes:
    """The writes of taking a perk in one transaction: an idempotency row, the taking, its outbox row, the stock."""
    rows = _connection()
    with _writing:  # waiting in the process is fairer than SQLite's own retries
        rows.execute("BEGIN IMMEDIATE")
        rows.execute("CREATE TABLE IF NOT EXISTS floor_stock (id INTEGER PRIMARY KEY, taken INTEGER)")
        rows.execute("CREATE TABLE IF NOT EXISTS floor_rows (key TEXT PRIMARY KEY, body TEXT)")
        key = uuid.uuid4().hex
        for table in ("request", "redemption", "outbox"):
            rows.execute("INSERT INTO floor_rows VALUES (?, ?)", (f"{table}-{key}", "{}"))
        rows.execute("INSERT INTO floor_stock VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET taken = taken + 1")
        rows.execute("COMMIT")
    return b"{}"


def application(environ: dict[str, str], start_response: Callable[..., object]) -> Iterable[bytes]:
    answer = {"/score": _score, "/take": _take}.get(environ["PATH_INFO"], lambda: b"{}")()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]
