"""The list of perks over a large catalogue on PostgreSQL: `DATABASE_URL=… python -m benchmarks.listing [--quick]`.

On a database `benchmarks.filling` has filled. The floor is a score read, in the same rounds; CPU is that of server and
database.
"""

import argparse
import json
import os
import subprocess
import sys

from benchmarks.load import Outcome, drive
from benchmarks.processes import serve
from benchmarks.taking import ROUNDS, WithDatabase, middle

PATHS = {
    "score": "/api/v1/me/score",
    "list of 25": "/api/v1/perks",
    "what can be taken": "/api/v1/perks?eligible=true",
    "of one category": "/api/v1/perks?category=stay-7",
    "of one purpose": "/api/v1/perks?purpose=retail&eligible=true",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests: does it run, not how fast")
    requests = 20 if parser.parse_args().quick else 200
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.desk_people", "20", "0"], check=True, capture_output=True, text=True
    )
    people = json.loads(made.stdout.splitlines()[-1])["people"]
    environment = {**os.environ, "RATE_LIMITS": "false", "LOG_LEVEL": "ERROR", "OUTBOX_RELAY_THREAD": "false"}
    seen: dict[str, list[Outcome]] = {name: [] for name in PATHS}
    with serve("citizen_app.wsgi:application", environment) as served:
        product = WithDatabase(served.port, served.pid)
        for number in range(ROUNDS + 1):
            for name, path in PATHS.items():
                outcome = drive(
                    product,
                    "GET",
                    lambda _, path=path: path,
                    clients=2,
                    requests=requests if number else 20,
                    headers=lambda n: {"X-Session-Token": people[n % len(people)]},
                )
                if number:  # the first round warms up
                    seen[name].append(outcome)
    cpu = {name: middle(outcomes, "cpu_ms") for name, outcomes in seen.items()}
    print("| path | floor | ours | ratio |\n|---|---|---|---|")
    for name in list(PATHS)[1:]:
        failed, p99 = sum(outcome.failed for outcome in seen[name]), middle(seen[name], "p99_ms")
        print(
            f"| {name} | a score read, {cpu['score']:.2f} ms | {cpu[name]:.2f} ms,"
            f" p99 {p99:.0f} ms, {failed} failed | {cpu[name] / cpu['score']:.2f} × CPU (goal ≤ 2) |"
        )


if __name__ == "__main__":
    main()
