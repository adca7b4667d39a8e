"""Whether a webhook is ever lost, late because of others, or out of order: `python -m benchmarks.webhooks`.

Twenty receivers on this machine: one is dead, one slow, one answers 500 to half of the calls, one answers 410, one is
killed in the middle and started again, fifteen are ordinary. First events come at an even pace, to the ordinary ones
alone and then to all: how long after it was promised does an event reach an ordinary receiver? Then all events come at
once, while the relay is killed (-9) again and again. Every live receiver must have acknowledged each event, those of
one object in their order; at last the dead one comes back and what it missed is replayed. `DATABASE_URL` says where;
the database must be empty. How long things wait is shortened (`benchmarks.webhook_relay`).
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

OWNER = "mer_00000000000000000000000001"
STEPS = 4  # events of each object
SLOW = 1.5  # seconds of the slow one while latency is measured
STATES = ("reserved", "redeemed", "reserved", "redeemed")


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", *command])
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Run:
    """The endpoints, what was promised, and what the receivers' log says of it."""

    def __init__(self, ports: dict[str, int], log: Path) -> None:
        self.ports, self.log = ports, log
        self.promised: dict[str, float] = {}
        self.made = 0
        self.burst: list[str] = []

    def promise(self, count: int, *, pace: float = 0.0) -> list[str]:
        """Promise events, `pace` a second or as fast as it goes; the first of all objects, then the second …"""
        from django.db import transaction
        from django.utils import timezone

        from citizen_app.webhooks.events import event

        begun, ids = time.time(), []
        objects = max(count // STEPS, 1)
        for number in range(count):
            if pace:
                time.sleep(max(0.0, begun + number / pace - time.time()))
            step = number // objects % STEPS
            name = f"red_{self.made + number % objects:026d}"
            with transaction.atomic():
                promised = event(
                    f"redemption.{STATES[step]}",
                    kind="redemption",
                    public_id=name,
                    state=STATES[step],
                    sequence=1 + number // objects,
                    now=timezone.now(),
                    merchant=OWNER,
                    perk="perk_00000000000000000000000001",
                )
                promised.save(force_insert=True)
            self.promised[promised.payload["id"]] = time.time()
            ids.append(promised.payload["id"])
        self.made += objects
        return ids

    def calls(self) -> list[list[Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def acknowledged(self) -> dict[int, dict[str, list[Any]]]:
        """Per port and event, the first call that was acknowledged."""
        first: dict[int, dict[str, list[Any]]] = defaultdict(dict)
        for call in self.calls():
            if call[2] == 200:
                first[call[1]].setdefault(call[3], call)
        return first


def wait_until(done: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise AssertionError(f"Not in {seconds:.0f} s: {what}")
        time.sleep(0.2)


def tidied(stop: threading.Event) -> None:
    """What autovacuum does where it is on: without statistics a look for what is due reads a backlog squared."""
    from django.db import connection

    while connection.vendor == "postgresql" and not stop.wait(10):
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def nothing_waits(ports: list[int]) -> bool:
    from citizen_app.models import OutboxMessage, WebhookDelivery

    if OutboxMessage.objects.filter(topic="webhook", done_at=None).exists():
        return False
    urls = [address(port) for port in ports]
    return not WebhookDelivery.objects.pending().filter(endpoint__url__in=urls).exists()


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}/hook"


def switch(kinds: list[str], run: Run, *, on: bool) -> None:
    from citizen_app.models import WebhookEndpoint

    state = {"state": "on", "disabled_because": ""} if on else {"state": "disabled", "disabled_because": "owner"}
    WebhookEndpoint.objects.filter(url__in=[address(run.ports[kind]) for kind in kinds]).update(**state)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def delays(run: Run, ids: list[str], ports: list[int]) -> dict[str, float]:
    """How many milliseconds after its promise an event reached an ordinary receiver."""
    first = run.acknowledged()
    waited = [(first[port][one][0] - run.promised[one]) * 1000 for port in ports for one in ids]
    return {"p50_ms": round(percentile(waited, 0.5)), "p99_ms": round(percentile(waited, 0.99))}


def out_of_order(run: Run, ports: list[int]) -> int:
    """How many events were acknowledged after a later one of the same object."""
    wrong = 0
    for port in ports:
        latest: dict[str, int] = {}
        for call in sorted(run.acknowledged()[port].values(), key=lambda call: call[0]):
            wrong += call[5] < latest.get(call[4], 0)
            latest[call[4]] = max(call[5], latest.get(call[4], 0))
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--receivers", type=int, default=20)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--paced", type=int, default=200, help="events of each of the two measured rounds")
    parser.add_argument("--pace", type=float, default=4.0, help="events a second in those")
    parser.add_argument("--patience", type=float, default=3600.0, help="seconds until the burst must be delivered")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "VAR_DIR": folder,
            "CALL_OUT_TO_LOOPBACK": "true",
            "OUTBOX_RELAY_THREAD": "false",
            "WEBHOOK_CALLERS": "24",
            "LOG_LEVEL": "CRITICAL",
        }
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
        django.setup()
        stop = threading.Event()
        threading.Thread(target=tidied, args=(stop,), daemon=True).start()
        try:
            print(json.dumps(measure(options, Path(folder)), indent=1), flush=True)
        finally:
            stop.set()


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from django.utils import timezone

    from citizen_app.models import Citizen, WebhookDelivery, WebhookEndpoint
    from citizen_app.webhooks.replaying import replay
    from citizen_app.webhooks.signing import new_secret, sealed

    odd = ["dead", "slow", "flaky", "gone", "restarted"]
    names = odd + [f"ordinary {number}" for number in range(options.receivers - len(odd))]
    run = Run(dict(zip(names, free_ports(len(names)), strict=True)), folder / "calls.ndjson")
    for port in run.ports.values():
        WebhookEndpoint.objects.create(
            owner_kind="merchant",
            owner=OWNER,
            url=address(port),
            secret_sealed=sealed(new_secret()),
            created_at=timezone.now(),
        )
    ordinary = [run.ports[name] for name in names if name.startswith("ordinary")]
    told: dict[str, Any] = {"events": options.events, "receivers": len(names), "kills": options.kills}
    begun = time.time()

    def receivers(*kinds: str) -> list[str]:
        return [f"{run.ports[kind.partition('=')[0]]}:{kind.partition(' ')[0]}" for kind in kinds]

    always = receivers("gone", "flaky", *[name for name in names if name.startswith("ordinary")])
    log = str(run.log)
    with running("benchmarks.webhook_receivers", log, *always):
        with (
            running("benchmarks.webhook_relay"),
            running("benchmarks.webhook_receivers", log, *receivers(f"slow={SLOW}")),
        ):
            switch(odd, run, on=False)
            run.promise(1)  # until the relay runs
            wait_until(lambda: nothing_waits(ordinary), 120, "the first event")
            ids = run.promise(options.paced, pace=options.pace)
            wait_until(lambda: nothing_waits(ordinary), 300, "the ordinary ones alone")
            told["alone"] = delays(run, ids, ordinary)
            switch(["dead", "slow", "flaky"], run, on=True)
            ids = run.promise(options.paced, pace=options.pace)
            wait_until(lambda: nothing_waits(ordinary), 300, "the ordinary ones beside the others")
            told["beside_dead_slow_and_flaky"] = delays(run, ids, ordinary)
        # What the slow one has not heard of yet is no part of the burst.
        WebhookDelivery.objects.all().delete()
        switch(odd, run, on=True)
        burst(options, run, log, receivers("slow=0.02"), [f"{run.ports['restarted']}:ordinary"], told)
        live = [run.ports[name] for name in names if name not in ("dead", "gone")]
        told |= judged(run, live, run.burst)
        told["gone"] = WebhookEndpoint.objects.get(url=address(run.ports["gone"])).state
        # The dead one comes back, and is told what it missed.
        dead = WebhookEndpoint.objects.get(url=address(run.ports["dead"]))
        told["dead_one_waiting_or_given_up"] = WebhookDelivery.objects.filter(endpoint=dead, ended_at=None).count()
        told["dead_one_waiting_or_given_up"] += WebhookDelivery.objects.filter(endpoint=dead, state="failed").count()
        with (
            running("benchmarks.webhook_receivers", log, f"{run.ports['dead']}:ordinary"),
            running("benchmarks.webhook_relay"),
        ):
            replay(endpoint=dead, since=None, by=Citizen.objects.create(email="owner@example.org"))
            wait_until(lambda: nothing_waits([run.ports["dead"]]), options.patience, "what the dead one missed")
        told["missing_after_replay"] = len(set(run.burst) - set(run.acknowledged()[run.ports["dead"]]))
    told["seconds"] = round(time.time() - begun)
    return told


def burst(
    options: argparse.Namespace, run: Run, log: str, slow: list[str], restarted: list[str], told: dict[str, Any]
) -> None:
    """Promise everything at once, kill the relay again and again, and one of the receivers in the middle."""
    live = [port for name, port in run.ports.items() if name not in ("dead", "gone")]
    relay = ["benchmarks.webhook_relay"]
    with running("benchmarks.webhook_receivers", log, *slow):
        begun = time.monotonic()
        with running("benchmarks.webhook_receivers", log, *restarted) as other:
            with running(*relay) as first:
                run.burst = run.promise(options.events)
                time.sleep(2)
                first.send_signal(signal.SIGKILL)
            other.send_signal(signal.SIGKILL)
        for killed in range(1, options.kills):
            with running(*relay) as process:
                time.sleep(3 + killed)
                process.send_signal(signal.SIGKILL)
        with running("benchmarks.webhook_receivers", log, *restarted), running(*relay):
            wait_until(lambda: nothing_waits(live), options.patience, "all live receivers have everything")
        told["burst_seconds"] = round(time.monotonic() - begun)


def judged(run: Run, live: list[int], ids: list[str]) -> dict[str, Any]:
    first = run.acknowledged()
    of_burst = set(ids)
    acknowledged = [call for call in run.calls() if call[2] == 200 and call[3] in of_burst and call[1] in live]
    return {
        "missing": sum(one not in first[port] for port in live for one in ids),
        "out_of_order": out_of_order(run, live),
        "twice": len(acknowledged) - len({(call[1], call[3]) for call in acknowledged}),
        "deliveries": len(live) * len(ids),
    }


if __name__ == "__main__":
    main()
