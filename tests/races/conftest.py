"""Races are run for real: committed rows, threads, a connection each, on both databases."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from citizen_app.invariants import broken
from tests.factories.scores import NOW

LOCK = Path(tempfile.gettempdir()) / f"citizen-app-crowd-{os.getuid()}.lock"


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    """Records here are dated in 2026; the clock goes on from a noon in November."""
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def crowd() -> Iterator[None]:
    """Let no two tests open dozens of connections at the same moment: PostgreSQL gives a hundred in all."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def sound(transactional_db: None) -> Iterator[None]:
    """Check after the race that every sentence of `verify_invariants` still holds."""
    yield
    assert {sentence: facts for sentence, facts in broken().items() if facts} == {}
