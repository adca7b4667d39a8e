"""Nothing that was promised to a receiver is lost, though the relay and a receiver are killed and others fail.

The small version of `python -m benchmarks.webhooks`, whose figures are in docs/performance.md.
"""

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.running import ROOT

EVENTS, RECEIVERS = 80, 8


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it starts the embedded default: once is enough")
def test_every_live_receiver_hears_everything_in_order_though_the_relay_is_killed(tmp_path):
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path}/webhooks.sqlite3"}
    sizes = [
        "--events",
        str(EVENTS),
        "--receivers",
        str(RECEIVERS),
        "--kills",
        "3",
        "--paced",
        "8",
        "--pace",
        "8",
        "--patience",
        "240",
    ]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.webhooks", *sizes],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    told = json.loads(run.stdout[run.stdout.index("{") :])
    assert (told["missing"], told["out_of_order"], told["gone"]) == (0, 0, "disabled")
    assert told["deliveries"] == EVENTS * (RECEIVERS - 2)  # but to the dead one and to the one that is gone
    assert told["dead_one_waiting_or_given_up"] == EVENTS
    assert told["missing_after_replay"] == 0
