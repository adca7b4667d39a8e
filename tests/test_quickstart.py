"""The quickstart works as written: its blocks run against the real product, on a database and port of their own."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = "3"  # besides the demo's own: the flow needs nobody else


@pytest.fixture
def product(tmp_path):
    """The embedded default, as `make run` starts it, ended by its own process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment |= {"VAR_DIR": str(tmp_path), "PORT": str(port)}
    for command in (["migrate", "--verbosity", "0"], ["seed_demo", "--people", PEOPLE]):
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True, capture_output=True
        )
    command = [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1"]
    command += [
        "--port",
        str(port),
        "--workers",
        "1",
        "--blocking-threads",
        "8",
        "--no-ws",
        "citizen_app.wsgi:application",
    ]
    with (tmp_path / "web.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            for _ in range(200):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/ready", timeout=1)
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}", environment
        finally:
            server.terminate()
            server.wait(timeout=20)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it starts the embedded default: once is enough")
def test_the_quickstart_runs_as_it_is_written(product):
    base, environment = product
    run = subprocess.run(
        [sys.executable, "docs/quickstart.py", base],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "the lines add up to" in run.stdout
    assert "has a score of" in run.stdout
    assert "The quickstart works." in run.stdout
