"""The quickstart works as written: its blocks run against the real product, on a database and port of their own."""

import subprocess
import sys

import pytest
from django.db import connection

from tests.running import ROOT, running_product

PEOPLE = 3  # besides the demo's own: the flow needs nobody else


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it starts the embedded default: once is enough")
def test_the_quickstart_runs_as_it_is_written(tmp_path):
    with running_product(tmp_path, people=PEOPLE) as product:
        run = subprocess.run(
            [sys.executable, "docs/quickstart.py", product.base],
            cwd=ROOT,
            env=product.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "the lines add up to" in run.stdout
    assert "has a score of" in run.stdout
    assert "The quickstart works." in run.stdout
