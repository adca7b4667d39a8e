"""Taking, scanning and being refused over HTTP on PostgreSQL: `DATABASE_URL=… python -m benchmarks.taking [--quick]`.

On a database `benchmarks.filling` has filled. The floors run in the same rounds: raw WSGI with the same statements by
psycopg, pgbench with the same statements, and the product's own score read. CPU is that of server and database.
"""

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from benchmarks import floors_postgresql as floors
from benchmarks.load import Outcome, drive
from benchmarks.processes import Server, cpu_ticks, serve

ROUNDS = 3
PGBENCH = Path("/usr/lib/postgresql/15/bin/pgbench")


@dataclass(frozen=True)
class WithDatabase(Server):
    """A server whose CPU counts that of the database's processes for the same database."""

    def cpu_seconds(self) -> float:
        rows = _asking().execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return super().cpu_seconds() + sum(cpu_ticks(pid) for (pid,) in rows) / os.sysconf("SC_CLK_TCK")


@cache
def _asking() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


class Run:
    """Numbered calls to one server, no number twice."""

    def __init__(self, product: Server, told: dict[str, Any], requests: int) -> None:
        self.product, self.told, self.requests = product, told, requests
        self._takes, self._scans = itertools.count(), itertools.count()

    def score(self) -> Outcome:
        return self._drive("GET", "/api/v1/me/score", [0] * self.requests, clients=2)

    def take(self) -> Outcome:
        numbers = list(itertools.islice(self._takes, self.requests))
        perks = self.told["open"]
        return self._drive(
            "POST", lambda n: f"/api/v1/perks/{perks[n * 7 % len(perks)]}/redemptions", numbers, expected=201
        )

    def hot(self) -> Outcome:
        path = f"/api/v1/perks/{self.told['hot']}/redemptions"
        return self._drive("POST", path, range(len(self.told["people"])), clients=64, expected=201)

    def refused(self) -> Outcome:
        path = f"/api/v1/perks/{self.told['sold_out']}/redemptions"
        return self._drive("POST", path, range(self.requests), clients=2, expected=409)

    def scan(self) -> Outcome:
        shown = [self.told["shown"][n] for n in itertools.islice(self._scans, self.requests)]
        return drive(
            self.product,
            "POST",
            lambda _: "/api/v1/merchant/scans",
            clients=2,
            requests=len(shown),
            headers=lambda n: {"X-Session-Token": shown[n]["till"], "Content-Type": "application/json"},
            body=lambda n: json.dumps({"code": shown[n]["code"], "nonce": os.urandom(8).hex()}).encode(),
            expected=201,
        )

    def _drive(self, method: str, path: Any, numbers: Any, *, clients: int = 16, expected: int = 200) -> Outcome:
        people = self.told["people"]
        return drive(
            self.product,
            method,
            (lambda n: path(numbers[n])) if callable(path) else lambda _: path,
            clients=clients,
            requests=len(numbers),
            headers=lambda n: {
                "X-Session-Token": people[numbers[n] % len(people)],
                "Idempotency-Key": os.urandom(8).hex(),
                "Content-Type": "application/json",
            },
            body=b"{}" if method == "POST" else None,
            expected=expected,
        )


def pgbench(folder: Path, seconds: int, clients: int, perk: str) -> float:
    """Transactions a second of the same statements; `perk` is SQL for one's number."""
    key = "(lpad(to_hex(1600000000000 + :n::bigint), 12, '0') || '7' || lpad(to_hex(:n::bigint), 19, 'b'))::uuid"
    lines = [f"\\set person random({floors.TAKERS_FROM}, {floors.TAKERS_FROM + 1999})", f"\\set n {perk}"]
    named = {"%(person)s": ":person::bigint", "%(perk)s": key, "%(new)s": "gen_random_uuid()"}
    for statement in floors.TAKING:
        said = " ".join(statement.split())
        for name, value in named.items():
            said = said.replace(name, value)
        lines.append(f"{said};")
    script = folder / "take.sql"
    script.write_text("\n".join(lines))
    command = [
        str(PGBENCH),
        "-n",
        "-c",
        str(clients),
        "-j",
        "2",
        "-T",
        str(seconds),
        "-M",
        "prepared",
        "-f",
        str(script),
    ]
    told = subprocess.run([*command, os.environ["DATABASE_URL"]], check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([\d.]+)", told)
    return float(found[1]) if found else 0.0


def middle(outcomes: list[Outcome], name: str) -> float:
    return median(getattr(outcome, name) for outcome in outcomes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests: does it run, not how fast")
    parser.add_argument("--hot-clients", type=int, default=64, help="of pgbench on one row; each is a connection")
    asked = parser.parse_args()
    requests, seconds = (30, 1) if asked.quick else (300, 4)
    people = 4 * requests + 23
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.desk_people", str(people), str(ROUNDS * requests)],
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(made.stdout.splitlines()[-1])
    environment = {**os.environ, "RATE_LIMITS": "false", "LOG_LEVEL": "ERROR", "OUTBOX_RELAY_THREAD": "false"}
    with (
        tempfile.TemporaryDirectory() as folder,
        serve("citizen_app.wsgi:application", environment) as product,
        serve("benchmarks.floors_postgresql:application", environment) as raw,
    ):
        raw = WithDatabase(raw.port, raw.pid)
        run = Run(WithDatabase(product.port, product.pid), told, requests)
        run.score()  # warm
        seen: dict[str, list[Outcome]] = {}
        bench: list[float] = []
        for _ in range(ROUNDS):
            # The raw server's backends idle while the product runs, and the other way round: their CPU stands still.
            seen.setdefault("raw take", []).append(
                drive(raw, "POST", lambda _: "/take", clients=16, requests=requests, body=b"{}")
            )
            for name in ("score", "take", "scan", "refused"):
                seen.setdefault(name, []).append(getattr(run, name)())
            bench.append(pgbench(Path(folder), seconds, 16, "10 * random(1, 1000)"))
        hot = run.hot()
        hot_bench = pgbench(Path(folder), seconds, asked.hot_clients, "30020")
    report(seen, median(bench), hot, hot_bench)


def report(seen: dict[str, list[Outcome]], bench: float, hot: Outcome, hot_bench: float) -> None:
    cpu = {name: middle(outcomes, "cpu_ms") for name, outcomes in seen.items()}
    rate = {name: middle(outcomes, "per_second") for name, outcomes in seen.items()}
    failed = {name: sum(outcome.failed for outcome in outcomes) for name, outcomes in seen.items()}
    print("| path | floor | ours | ratio |\n|---|---|---|---|")
    print(
        f"| take, 1,000 perks, 16 clients | pgbench {bench:.0f}/s; raw WSGI {cpu['raw take']:.2f} ms |"
        f" {rate['take']:.0f}/s, {cpu['take']:.2f} ms, {failed['take']} failed |"
        f" {rate['take'] / bench:.2f} × pgbench (goal ≥ 0.25), {cpu['take'] / cpu['raw take']:.1f} × CPU (goal ≤ 2.5) |"
    )
    print(
        f"| take one hot perk, 64 clients | pgbench, guarded update last {hot_bench:.0f}/s | {hot.per_second:.0f}/s,"
        f" p99 {hot.p99_ms:.0f} ms, {hot.failed} failed | {hot.per_second / hot_bench:.2f} × (goal ≥ 2) |"
    )
    for name, floor, goal in (("refused", "score", 1.5), ("scan", "take", 1.0)):
        print(
            f"| {name} | {floor}: {cpu[floor]:.2f} ms | {cpu[name]:.2f} ms, {failed[name]} otherwise |"
            f" {cpu[name] / cpu[floor]:.2f} × CPU (goal ≤ {goal}) |"
        )


if __name__ == "__main__":
    main()
