"""Redis and RabbitMQ stopped, frozen, slow, full and flushed: people take perks and tills scan them all the same.

The production set-up (two web processes on PostgreSQL, Celery's workers and beat) with a Redis and a RabbitMQ of its
own. What was promised meanwhile is done within one sweep of their return.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import redis

from tests.faults.processes import RABBITMQ, Process, free_port, rabbitmq_server, redis_server, until
from tests.running import ROOT

ADMIN = os.environ.get("POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
BIN = Path(sys.executable).parent
CLIENTS, SECONDS = 2, 3
ONE_SWEEP = 60
LONGEST_P99 = 1.0
"""Seconds, on a machine that does other things too; the figures that count are printed."""


def missing() -> str:
    for binary in ("redis-server", str(RABBITMQ)):
        if shutil.which(binary) is None:
            return f"there is no {binary}"
    try:
        psycopg.connect(ADMIN, connect_timeout=2).close()
    except psycopg.OperationalError:
        return f"there is no PostgreSQL at {ADMIN}"
    return ""


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")


@dataclass
class Town:
    """The running product, its services, and who stands in it."""

    port: int
    url: str
    redis: Process
    rabbitmq: Process
    beats: list[Process]
    worker: Process
    told: dict
    table: list[str] = field(default_factory=list)

    def undone(self) -> int:
        """How many promises are due and not done."""
        with psycopg.connect(self.url) as asking:
            waiting = "done_at IS NULL AND due_at <= now()"
            return asking.execute(f"SELECT count(*) FROM citizen_app_outboxmessage WHERE {waiting}").fetchone()[0]

    def serve(self, name: str, *, before=None, meanwhile=None) -> "Waits":
        """Guests take and tills scan for a while; `before` happens first, `meanwhile` in the middle of it."""
        if before is not None:
            before()
        waits, ends = Waits(), time.monotonic() + SECONDS
        with ThreadPoolExecutor(CLIENTS) as pool:
            going = [pool.submit(self._line, line, waits, ends) for line in self.told["lines"][:CLIENTS]]
            if meanwhile is not None:
                time.sleep(SECONDS / 4)
                meanwhile()
            for one in going:
                one.result()
        p50, p99, longest = (waits.quantile(share) * 1000 for share in (0.5, 0.99, 1))
        self.table.append(f"| {name} | {len(waits.all)} | {len(waits.wrong)} | {p50:.0f} | {p99:.0f} | {longest:.0f} |")
        return waits

    def _line(self, line, waits, ends) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)

        def ask(path, body, token, **headers):
            headers |= {"X-Session-Token": token, "Content-Type": "application/json"}
            began = time.perf_counter()
            connection.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
            response = connection.getresponse()
            told = json.loads(response.read())
            waits.add(time.perf_counter() - began, response.status, told)
            return told

        while time.monotonic() < ends:
            taken = ask(f"perks/{self.told['perk']}/redemptions", {}, line["guest"], **{"Idempotency-Key": uuid4().hex})
            scan = {"nonce": str(uuid4()), "branch": self.told["branch"], "code": taken.get("code", "")}
            assert ask("merchant/scans", scan, line["till"]).get("outcome") == "accepted"
        connection.close()


class Waits:
    """How long each answer took, and what was not a success."""

    def __init__(self) -> None:
        self.all: list[float] = []
        self.wrong: list[object] = []
        self._adding = threading.Lock()

    def add(self, wait: float, status: int, told: object) -> None:
        with self._adding:
            self.all.append(wait)
            if status != 201:
                self.wrong.append((status, told))

    def quantile(self, share: float) -> float:
        return sorted(self.all)[min(len(self.all) - 1, int(len(self.all) * share))]


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    name, port = f"faults_{os.getpid()}", free_port()
    url = ADMIN.rpartition("/")[0] + f"/{name}"
    cache, broker = redis_server(folder), rabbitmq_server(folder)
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_URL")} | {
        "DATABASE_URL": url,
        "REDIS_URL": f"redis://127.0.0.1:{cache.port}/0",
        "BROKER_URL": f"amqp://guest:guest@127.0.0.1:{broker.port}//",
        "WEB_PROCESSES": "2",
        "VAR_DIR": str(folder),
        "LOG_LEVEL": "WARNING",
    }

    def ours(*command: str, log: str) -> Process:
        return Process([str(BIN / command[0]), *command[1:]], log=folder / log, environment=environment)

    granian = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "2"]
    web = ours(*granian, "--blocking-threads", "8", "--no-ws", "citizen_app.wsgi:application", log="web.log")
    celery = ["celery", "-A", "citizen_app"]
    worker, webhooks = (
        ours(*celery, "worker", "-Q", queue, "-n", f"{queue}@{name}", "-c", "1", "-l", "WARNING", log=f"{queue}.log")
        for queue in ("celery", "webhooks")
    )
    beats = [
        ours(*celery, "beat", "--schedule", f"{folder}/beat{number}", "--pidfile", "", log=f"beat{number}.log")
        for number in range(2)
    ]
    everything = [cache, broker, web, worker, webhooks, *beats]
    with psycopg.connect(ADMIN, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    try:
        cache.start()
        broker.start()
        for command in (["migrate", "--verbosity", "0"], ["seed_demo", "--people", "3"]):
            ran = [sys.executable, "manage.py", *command]
            subprocess.run(ran, cwd=ROOT, env=environment, check=True, capture_output=True)
        made = [sys.executable, "-m", "tests.faults.desk", str(CLIENTS)]
        told = subprocess.run(made, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
        broker.wait_for_port()
        for one in (web, worker, webhooks, *beats):
            one.start()
        assert until(lambda: is_ready(port), 40), (folder / "web.log").read_text()[-2000:]
        yield Town(port, url, cache, broker, beats, worker, json.loads(told.splitlines()[-1]))
    finally:
        for one in everything:
            one.kill()
        with psycopg.connect(ADMIN, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def is_ready(port: int) -> bool:
    with suppress(OSError):
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/ready", timeout=2).status == 200
    return False


def test_no_state_of_redis_or_the_broker_changes_an_answer(town):
    cache = redis.Redis(port=town.redis.port, socket_timeout=5)

    def both(act):
        return lambda: [getattr(one, act)() for one in (town.redis, town.rabbitmq)]

    def returned(since: float) -> None:
        assert until(lambda: town.undone() == 0, ONE_SWEEP), f"{town.undone()} promises are not kept"
        town.table.append(f"| ... what was promised is done | | | | | after {time.monotonic() - since:.1f} s |")

    town.serve("warming up")
    returned(time.monotonic())
    town.table.clear()

    phases = [town.serve("healthy")]
    phases.append(town.serve("killed while they serve", meanwhile=both("kill")))
    phases.append(town.serve("away"))
    both("start")()
    town.redis.wait_for_port()
    town.rabbitmq.wait_for_port()
    returned(time.monotonic())

    phases.append(town.serve("frozen while they serve", meanwhile=both("freeze")))
    phases.append(town.serve("frozen"))
    both("thaw")()
    returned(time.monotonic())

    paused = SECONDS * 1000
    phases.append(town.serve("Redis answers after seconds", before=lambda: cache.client_pause(paused, all=True)))
    time.sleep(1.5)  # until the probe has heard from it
    phases.append(town.serve("Redis is full", before=lambda: cache.config_set("maxmemory", 1)))
    cache.config_set("maxmemory", 0)
    phases.append(town.serve("Redis is flushed, the queue purged", meanwhile=lambda: (cache.flushall(), purge(town))))
    returned(time.monotonic())
    phases.append(town.serve("healthy again"))
    returned(time.monotonic())

    print("\n| Redis and RabbitMQ | answers | not 201 | p50 ms | p99 ms | longest ms |\n|---|---|---|---|---|---|")
    print("\n".join(town.table))
    for phase in phases:
        assert phase.wrong == []
        assert phase.quantile(0.99) < LONGEST_P99
        assert phase.quantile(0.5) < 2 * max(phases[0].quantile(0.5), phases[-1].quantile(0.5))


def purge(town: Town) -> None:
    import kombu

    with kombu.Connection(f"amqp://guest:guest@127.0.0.1:{town.rabbitmq.port}//") as connection:
        for queue in ("celery", "webhooks"):
            connection.default_channel.queue_purge(queue)


def test_a_worker_killed_in_the_middle_of_its_work_loses_nothing(town):
    town.serve("the worker is killed", meanwhile=town.worker.kill)
    town.worker.start()
    began = time.monotonic()
    # What it had in hand is leased for five minutes: time passes.
    with psycopg.connect(town.url) as asking:
        asking.execute("UPDATE citizen_app_outboxmessage SET leased_until = now() WHERE leased_until IS NOT NULL")
    assert until(lambda: town.undone() == 0, ONE_SWEEP)
    print(f"\nafter kill -9 of the worker everything promised is done in {time.monotonic() - began:.1f} s")


def test_two_beats_run_each_sweep_and_none_at_once(town):
    def held() -> tuple[int, int]:
        with psycopg.connect(town.url) as asking:
            return asking.execute("SELECT count(*), count(leased_until) FROM citizen_app_scheduledrun").fetchone()

    # What beat asked for meanwhile may have gone with the broker; it asks again each minute.
    assert until(lambda: held()[0] > 0 and held()[1] == 0, 2 * ONE_SWEEP), held()
