"""A relay killed -9 before it sends, or between sending and marking: everything is sent, some of it twice."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest
from django.db import connection

from tests.databases import copy_to
from tests.faults.ringing_numbers import AFTER, BEFORE
from tests.running import ROOT

COUNT = 40


def environment_of(database):
    return os.environ | {"DATABASE_URL": f"sqlite:///{database}", "VAR_DIR": str(database.parent)}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    database = tmp_path_factory.mktemp("ring") / "ring.sqlite3"
    copy_to(database)  # where there is one, `migrate` finds nothing to do
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=environment_of(database), check=True)
    return database


@pytest.fixture
def ringing(migrated, tmp_path):
    database = tmp_path / "ring.sqlite3"
    shutil.copy(migrated, database)

    def run(*command):
        ran = [sys.executable, "-m", "tests.faults.ringing", str(tmp_path / "sent"), *command]
        return subprocess.run(ran, cwd=ROOT, env=environment_of(database), capture_output=True, timeout=60).returncode

    def relay_until_done(how):
        """How often it was killed, what was sent, and what is undone; after each kill the leases run out."""
        kills = 0
        while (code := run(how)) == -signal.SIGKILL:
            kills += 1
            with sqlite3.connect(database) as rows:
                rows.execute("UPDATE citizen_app_outboxmessage SET leased_until = due_at WHERE leased_until NOTNULL")
        assert code == 0
        with sqlite3.connect(database) as rows:
            (undone,) = rows.execute("SELECT count(*) FROM citizen_app_outboxmessage WHERE done_at IS NULL").fetchone()
        return kills, [int(line) for line in (tmp_path / "sent").read_text().split()], undone

    assert run("promise", str(COUNT)) == 0
    return relay_until_done


pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="it keeps a file of its own: once is enough")


def test_nothing_is_missing_and_only_what_was_unmarked_is_sent_twice(ringing):
    kills, sent, undone = ringing("relay")
    assert (kills, undone) == (2, 0)
    assert sorted(sent) == sorted([*range(COUNT), AFTER])


def test_marking_before_sending_would_lose_one(ringing):
    """The negative control."""
    kills, sent, undone = ringing("mark-first")
    assert (kills, undone) == (2, 0)
    assert set(range(COUNT)) - set(sent) == {BEFORE}
