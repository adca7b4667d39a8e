"""The real product in a process of its own, as `make run` starts it: migrated, with the demo, on a free port."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.databases import copy_to

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Running:
    """A running product: its address, the folder with its mails and the demo's secrets, and its environment."""

    base: str
    var: Path
    environment: dict[str, str]


@contextmanager
def running_product(var: Path, *, people: int, **variables: str) -> Iterator[Running]:
    """Serve the embedded default (but for `variables`) with the demo and `people` of the sample; end it by its own
    process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    # Whatever database or broker the tests themselves use, this is the embedded default.
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment |= {"VAR_DIR": str(var), "PORT": str(port), "OIDC_ISSUER": f"{base}/o", **variables}
    copy_to(var / "citizen.sqlite3")  # where there is one, `migrate` finds nothing to do
    for command in (["migrate", "--verbosity", "0"], ["seed_demo", "--people", str(people)]):
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True, capture_output=True
        )
    serve = [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1"]
    serve += [
        "--port",
        str(port),
        "--workers",
        "1",
        "--blocking-threads",
        "8",
        "--no-ws",
        "citizen_app.wsgi:application",
    ]
    with (var / "web.log").open("w") as log:
        server = subprocess.Popen(serve, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_until_ready(base)
            yield Running(base, var, environment)
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait_until_ready(base: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{base}/healthz/ready", timeout=2)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the product does not get ready")
