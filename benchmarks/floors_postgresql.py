"""The floors on PostgreSQL: raw WSGI and psycopg with the statements of a request, nothing checked. No product."""

import json
import os
import random
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

_local = threading.local()
PEOPLE_FROM = 1_000_001
TAKERS_FROM = PEOPLE_FROM + 12_000
"""The floors take for people of their own: what they leave reserved counts against nobody who is measured."""

PERSON = "SELECT * FROM citizen_app_citizen WHERE id = %(person)s"
SCORE = """SELECT s.*, e.state FROM scores_enrolment e JOIN scores_score s USING (citizen_id)
    JOIN scores_scorecard c ON c.id = s.scorecard_id WHERE e.citizen_id = %(person)s"""
PERK = """SELECT p.*, v.*, m.* FROM perks_perk p JOIN perks_perkversion v ON v.id = p.in_force_id
    JOIN perks_merchant m ON m.id = p.merchant_id WHERE p.id = %(perk)s"""
HOLD = "SELECT 1 FROM scores_enrolment WHERE citizen_id = %(person)s FOR NO KEY UPDATE"
OWN = """SELECT perk_id, state, taken_at FROM perks_redemption
    WHERE citizen_id = %(person)s AND (perk_id = %(perk)s OR state = 'reserved')"""
TAKEN = """INSERT INTO perks_redemption (id, perk_id, version_id, merchant_id, citizen_id, state, benefit,
    booking_reference, code_hash, code_attempt, taken_at, expires_at, reversal_reason, release, counts_for_limits,
    counts_for_stock, sequence, forgets_citizen) SELECT %(new)s, id, in_force_id, merchant_id, %(person)s,
    'reserved', '{}', '', %(new)s::text, 0, now(), now() + interval '1 day', '', '{}', true, true, 1, false
    FROM perks_perk WHERE id = %(perk)s"""
TOLD = """INSERT INTO citizen_app_outboxmessage (topic, payload, created_at, due_at, attempt_count, last_error)
    VALUES ('bench', '{}', now(), now() + interval '9 years', 0, '')"""
KEPT = """INSERT INTO citizen_app_idempotentrequest (caller, method, path, key, fingerprint, status, body, created_at)
    VALUES ('bench', 'POST', '/', %(new)s::text, '', 201, '{}', now())
    ON CONFLICT (caller, method, path, key) DO NOTHING"""
STOCK = """UPDATE perks_perk SET taken_count = taken_count + 1
    WHERE id = %(perk)s AND taken_count < stock - promised_count"""
TAKING = (PERSON, PERK, "BEGIN", HOLD, SCORE, OWN, TAKEN, TOLD, KEPT, STOCK, "COMMIT")
"""What a taking reads and writes, statement by statement, the contended row last."""


def perk_key(number: int) -> uuid.UUID:
    """The key that `benchmarks.filling` gives to the perk of a number."""
    return uuid.UUID(f"{1600000000000 + number:012x}7" + f"{number:x}".rjust(19, "b"))


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    return _local.connection  # type: ignore[no-any-return]


def _score() -> bytes:
    said = {"person": PEOPLE_FROM + random.randrange(1_000)}
    rows = _connection()
    rows.execute(PERSON, said).fetchone()
    return json.dumps(rows.execute(SCORE, said).fetchone(), default=str).encode()


def _take() -> bytes:
    person, perk = TAKERS_FROM + random.randrange(2_000), perk_key(10 * (1 + random.randrange(1_000)))
    said = {"person": person, "perk": perk, "new": uuid.uuid4()}
    rows = _connection()
    for statement in TAKING:
        done = rows.execute(statement, said)
        if done.description:
            done.fetchall()
    return b"{}"


def application(environ: dict[str, str], start_response: Callable[..., object]) -> Iterable[bytes]:
    answer = {"/score": _score, "/take": _take}.get(environ["PATH_INFO"], lambda: b"{}")()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]
