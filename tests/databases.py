"""Making the test database quickly, and asking each database only what it can answer differently.

Migrating from nothing takes seconds, most of them spent on drawing up models of the past. On SQLite the file that comes
of it is kept in pytest's cache under a name made of everything it follows from, and the next run (or worker, or process
that a test starts) begins with a copy, on which `migrate` still runs and finds nothing to do.
"""

import fcntl
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase

ROOT = Path(__file__).resolve().parents[1]
# What the migrations are, and what they read while they run.
MADE_OF = (
    "*/migrations/*.py",
    "*/models/*.py",
    "*/*.py",
    "scores/services/publishing.py",
    "scores/consent_texts/*",
    "scores/scorecards/*",
    "requirements.txt",
)
ROOMS = ("citizen_app", "scores", "perks", "requirements.txt")
KEPT = ROOT / ".pytest_cache" / "databases"


def recipe() -> str:
    """A name for what the migrations make: another one as soon as anything they may read is another."""
    told = hashlib.sha256(django.__version__.encode())
    told.update(repr((settings.CONSENT_VERSION, settings.SCORECARD_VERSION)).encode())
    for path in sorted({path for some in MADE_OF for path in ROOT.glob(some)}):
        name = path.relative_to(ROOT)
        if name.parts[0] in ROOMS:
            told.update(f"{name}\n".encode())
            told.update(path.read_bytes())
    return told.hexdigest()[:24]


def kept_file() -> Path:
    return KEPT / f"{recipe()}.db"


@contextmanager
def nobody_else_makes_one() -> Iterator[None]:
    """One process migrates, the others wait for what it makes."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def copy_to(path: Path) -> bool:
    """Begin with the kept database, if there is one."""
    try:
        path.write_bytes(kept_file().read_bytes())
    except FileNotFoundError:
        return False
    return True


def keep(path: Path) -> None:
    """Keep what was just migrated, in place of what was kept before."""
    for old in KEPT.glob("*.db*"):
        old.unlink()
    made = KEPT / f"{recipe()}.new"
    made.unlink(missing_ok=True)
    with sqlite3.connect(path) as source, sqlite3.connect(made) as target:
        source.backup(target)  # also what still stands in the write-ahead log
    source.close()
    target.close()
    made.rename(kept_file())


@contextmanager
def quick_set_up() -> Iterator[bool]:
    """Around the set-up of the test database; True where it begins with a kept copy, to be kept as it is."""
    database = connections["default"].settings_dict
    if not database["ENGINE"].endswith("sqlite3"):
        yield False
        return
    path = Path(database["TEST"]["NAME"])
    with nobody_else_makes_one():
        begins_with_a_copy = copy_to(path)
        yield begins_with_a_copy
        if not begins_with_a_copy:
            keep(path)


# -- What needs no second database ------------------------------------------------------------------------------------
ASKING = frozenset(
    {
        "db",
        "transactional_db",
        "django_db_reset_sequences",
        "django_db_serialized_rollback",
        "django_db_setup",
        "live_server",
        "postgresql",
    }
)


def asks_a_database(item: pytest.Item) -> bool:
    """Whether a test may ask the database: by its mark, by a fixture (or a fixture of those), or by its class.

    pytest-django lets nobody else: a test that is left out here fails on the first lane if it asks nevertheless.
    """
    if item.get_closest_marker("django_db") or item.get_closest_marker("postgresql"):
        return True
    if ASKING & set(getattr(item, "fixturenames", ())):
        return True
    cls = getattr(item, "cls", None)
    return cls is not None and issubclass(cls, TransactionTestCase)
