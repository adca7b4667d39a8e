"""Measure the product against floors in the same run: `make bench` or `python -m benchmarks [--quick]`.

Each row runs floor and product in turns (A B A B) on this machine and prints medians; the ratio is what counts, seconds
drift with the machine. Everything talks to 127.0.0.1 and stops by itself.
"""

import argparse
import itertools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.load import Outcome, drive
from benchmarks.processes import Server, prepare, serve

ROUNDS = 3


def in_turns(floor: Callable[[], Outcome], ours: Callable[[], Outcome]) -> tuple[list[Outcome], list[Outcome]]:
    """Run both in turns, so that a machine that slows down slows both."""
    floors, products = [], []
    for _ in range(ROUNDS):
        floors.append(floor())
        products.append(ours())
    return floors, products


def cpu(outcomes: list[Outcome]) -> float:
    return median(outcome.cpu_ms for outcome in outcomes)


def rate(outcomes: list[Outcome]) -> float:
    return median(outcome.per_second for outcome in outcomes)


def score_read(product: Server, floor: Server, people: list[dict[str, str]], requests: int) -> str:
    token = people[0]["session_token"]
    floors, ours = in_turns(
        lambda: drive(floor, "GET", lambda _: "/score", clients=2, requests=requests),
        lambda: drive(
            product,
            "GET",
            lambda _: "/api/v1/me/score",
            clients=2,
            requests=requests,
            headers=lambda _: {"X-Session-Token": token},
        ),
    )
    return (
        f"| score read with reasons | raw WSGI, the same rows by SQL: {cpu(floors):.2f} ms | {cpu(ours):.2f} ms, "
        f"{rate(ours):.0f}/s | {cpu(ours) / cpu(floors):.1f} × CPU (goal ≤ 4) |"
    )


def takes(product: Server, floor: Server, people: list[dict[str, str]], perk: str) -> str:
    """Each person takes the one perk once, 16 at a time; the floor is the same writes in one transaction of sqlite3.

    What SQLite refused as locked is answered 503, and counted among what failed.
    """
    tokens = iter([person["session_token"] for person in people])
    count = len(people) // ROUNDS

    def take() -> Outcome:
        mine = list(itertools.islice(tokens, count))
        return drive(
            product,
            "POST",
            lambda _: f"/api/v1/perks/{perk}/redemptions",
            clients=16,
            requests=count,
            headers=lambda number: {
                "X-Session-Token": mine[number],
                "Idempotency-Key": os.urandom(8).hex(),
                "Content-Type": "application/json",
            },
            body=b"{}",
            expected=201,
        )

    floors, ours = in_turns(lambda: drive(floor, "POST", lambda _: "/take", clients=16, requests=count), take)
    worst, failed = max(one.p99_ms for one in ours), sum(one.failed for one in ours)
    return (
        f"| take one hot perk, 16 clients, {count * ROUNDS} takes | raw sqlite3, one transaction: {rate(floors):.0f}/s,"
        f" {cpu(floors):.2f} ms | {rate(ours):.0f}/s, {cpu(ours):.2f} ms, p99 {worst:.0f} ms, {failed} failed |"
        f" {rate(ours) / rate(floors):.2f} × throughput (goal ≥ 200/s, p99 ≤ 500 ms, none locked) |"
    )


def perk_list(product: Server, people: list[dict[str, str]], requests: int) -> str:
    token = {"X-Session-Token": people[0]["session_token"]}
    floors, ours = in_turns(
        lambda: drive(
            product, "GET", lambda _: "/api/v1/me/score", clients=2, requests=requests, headers=lambda _: token
        ),
        lambda: drive(product, "GET", lambda _: "/api/v1/perks", clients=2, requests=requests, headers=lambda _: token),
    )
    return (
        f"| list of perks with answers | a score read: {cpu(floors):.2f} ms | {cpu(ours):.2f} ms | "
        f"{cpu(ours) / cpu(floors):.1f} × CPU (goal ≤ 2) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests: does it run, not how fast")
    options = parser.parse_args()
    requests, takers = (60, 96) if options.quick else (600, 960)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "VAR_DIR": folder, "RATE_LIMITS": "false", "LOG_LEVEL": "ERROR"}
        print("Preparing the sample and", takers, "people ...", flush=True)
        people, perk = prepare(environment, takers)
        with (
            serve("citizen_app.wsgi:application", environment) as product,
            serve(
                "benchmarks.floors:application", environment | {"FLOOR_DATABASE": str(Path(folder) / "citizen.sqlite3")}
            ) as floor,
        ):
            print("| path | floor | ours | ratio |\n|---|---|---|---|", flush=True)
            print(score_read(product, floor, people, requests), flush=True)
            print(perk_list(product, people, requests), flush=True)
            print(takes(product, floor, people, perk), flush=True)


if __name__ == "__main__":
    main()
