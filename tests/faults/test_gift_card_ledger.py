"""The server is killed while gift cards are taken, charged and refunded: no answer it gave is lost, none counts twice.

The small version of `python -m benchmarks.ledger`, whose figures for 10,000 operations are in docs/performance.md.
"""

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.running import ROOT

OPERATIONS = 150


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it starts the embedded default: once is enough")
def test_what_was_answered_is_stored_once_though_the_server_was_killed(tmp_path):
    log = tmp_path / "answers.ndjson"
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path}/ledger.sqlite3", "VAR_DIR": str(tmp_path)}

    def run(module, *arguments):
        command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400)

    sizes = ["--operations", str(OPERATIONS), "--kills", "1", "--clients", "4", "--people", "3", "--log", str(log)]
    driven = run("ledger", *sizes)
    assert driven.returncode == 0, driven.stdout + driven.stderr
    assert '"lost": 0' in driven.stdout
    answers = log.read_text().splitlines()
    assert len(answers) > OPERATIONS / 4

    # The comparison notices what it is there to notice: an answer that is not stored, and one that nobody was given.
    charge = next(line for line in answers if json.loads(line)["what"] == "charge")
    log.write_text("\n".join([*answers, json.dumps(json.loads(charge) | {"id": "gcp_0000000000001"})]) + "\n")
    assert "charge: answered and not stored" in run("ledger_check", str(log)).stderr
    log.write_text("\n".join(line for line in answers if line != charge) + "\n")
    assert "charge: stored and never answered" in run("ledger_check", str(log)).stderr
