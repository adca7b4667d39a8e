"""Starting and ending the servers that are measured, and the CPU they used."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server: its port, and the process that leads its group."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """User and system time of the leader and everything it started, from /proc."""
        return sum(cpu_ticks(pid) for pid in _family(self.pid)) / _TICK

    def kill(self) -> None:
        """End it as a power cut would: all of its processes at once, whatever they were doing."""
        for pid in _family(self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def serve(application: str, environment: dict[str, str]) -> Iterator[Server]:
    """Serve a WSGI application with the server and the threads of the embedded default; end it afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("granian")),
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    command += ["--workers", "1", "--blocking-threads", "16", "--no-ws", "--log-level", "error", application]
    process = subprocess.Popen(command, env=environment)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/live", timeout=1)
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        else:
            raise RuntimeError(f"{application} did not start")
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def prepare(environment: dict[str, str], people: int) -> tuple[list[dict[str, str]], str]:
    """Migrate, load the sample, and make people with a session each and one published perk open to all of them."""
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], env=environment, check=True)
    subprocess.run([*manage, "seed_demo", "--verbosity", "0"], env=environment, check=True)
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.people", str(people)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(made.stdout.splitlines()[-1])
    return told["people"], told["perk"]


def _family(pid: int) -> list[int]:
    family, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        family.append(one)
        try:
            children = Path(f"/proc/{one}/task/{one}/children").read_text().split()
        except OSError:
            continue
        waiting += [int(child) for child in children]
    return family


def cpu_ticks(pid: int) -> int:
    """User and system time of one process, in ticks; nothing for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
