"""Processes of a test's own that it kills, freezes and starts again; nobody else's are touched."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class Process:
    """One command in a group of its own, which is signalled as a whole."""

    def __init__(self, command: list[str], *, log: Path, environment: dict[str, str], port: int = 0) -> None:
        self.command, self.log, self.environment, self.port = command, log, environment, port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """As a power cut would: all of its processes at once, frozen ones too."""
        if self.process is not None:
            self.send(signal.SIGKILL)
            self.process.wait(20)

    def freeze(self) -> None:
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def wait_for_port(self) -> None:
        assert until(lambda: listens(self.port), 40), self.log.read_text()[-2000:]


def redis_server(folder: Path) -> Process:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(folder)]
    return Process(command, log=folder / "redis.log", environment=dict(os.environ), port=port)


def rabbitmq_server(folder: Path) -> Process:
    port, home = free_port(), folder / "rabbitmq"
    home.mkdir()
    (home / "rabbitmq.conf").touch()
    (home / "plugins").write_text("[].")
    environment = os.environ | {
        "HOME": str(home),
        "RABBITMQ_NODENAME": f"faults{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
    }
    return Process([str(RABBITMQ)], log=folder / "rabbitmq.log", environment=environment, port=port)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def until(happened: Callable[[], object], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if happened():
            return True
        time.sleep(0.1)
    return bool(happened())
