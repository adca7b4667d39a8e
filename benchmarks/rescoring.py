"""Computing everybody's score against the least that could read the same rows: `python -m benchmarks.rescoring`.

The floor is `SUM(value) … GROUP BY citizen_id` from the covering index alone; ours is the population statement, all of
its columns read by an outer aggregate. Both run over the same ranges of citizens in turns, range by range, on one
connection; what counts is the ratio of processor time (the database's process on PostgreSQL, this one on SQLite).
Fill a database with `benchmarks.crowd` first, and leave it alone meanwhile.
"""

import argparse
import os
import resource
import time
from datetime import UTC, datetime
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.db.models import Max, Min  # noqa: E402

from scores.models import Enrolment  # noqa: E402
from scores.services.population import statement, statement_for_range  # noqa: E402
from scores.services.publishing import current_scorecard  # noqa: E402

MEGABYTE = 1024


def floor(after: int, upto: int) -> str:
    return (
        "SELECT count(*), sum(s) FROM (SELECT citizen_id, sum(value) AS s FROM scores_entry"
        f" WHERE citizen_id > {after} AND citizen_id <= {upto} GROUP BY citizen_id) AS found"
    )


def ours(after: int, upto: int) -> str:
    current, today = current_scorecard(), datetime.now(UTC).date()
    sql, _ = statement_for_range(current.card, as_of=today, after=after, upto=upto)
    numbers = [name for name in statement(current.card, as_of=today).columns if name != "state"]
    return f"SELECT count(*), max(state), {', '.join(f'sum({name})' for name in numbers)} FROM ({sql}) AS found"


class Meter:
    """The processor time spent and the memory held by whoever computes."""

    def __init__(self) -> None:
        self.is_here = connection.vendor == "sqlite"
        connection.ensure_connection()
        self.process = "self" if self.is_here else str(connection.connection.info.backend_pid)

    def cpu(self) -> float:
        if self.is_here:
            return time.process_time()
        fields = Path(f"/proc/{self.process}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> str:
        """Peak resident memory of this process, and what the database's holds of its own and held at most."""
        here = f"client {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MEGABYTE} MB"
        if self.is_here:
            return here
        lines = Path(f"/proc/{self.process}/status").read_text().splitlines()
        held = {line.split(":")[0]: int(line.split()[1]) // MEGABYTE for line in lines if line.endswith("kB")}
        return f"{here}, backend RssAnon {held['RssAnon']} MB (VmHWM {held['VmHWM']} MB, shared buffers included)"


def measure(step: int, rounds: int) -> None:
    ends = Enrolment.objects.aggregate(first=Min("pk"), last=Max("pk"))
    ways = {"floor": floor, "statement": ours}
    spent = {way: [0.0, 0.0] for way in ways}
    meter = Meter()
    with connection.cursor() as cursor:
        if not meter.is_here:
            cursor.execute("SET max_parallel_workers_per_gather = 0")
            cursor.execute("SET jit = off")
        for _ in range(rounds):
            for after in range(ends["first"] - 1, ends["last"], step):
                for way, sql in ways.items():
                    text = sql(after, after + step)
                    began, cpu = time.perf_counter(), meter.cpu()
                    cursor.execute(text)
                    cursor.fetchall()
                    spent[way][0] += meter.cpu() - cpu
                    spent[way][1] += time.perf_counter() - began
    for way, (cpu, wall) in spent.items():
        ratio = cpu / spent["floor"][0]
        print(f"ranges of {step:7,}: {way:9} {cpu / rounds:7.2f} s CPU, {wall / rounds:7.2f} s wall, x{ratio:.2f}")
    print(f"{meter.memory()}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranges", type=int, nargs="+", default=[10_000], metavar="CITIZENS")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    for step in options.ranges:
        measure(step, options.rounds)


if __name__ == "__main__":
    main()
