"""A run over everybody, as it goes on in production: `python -m benchmarks.runs`.

Fill a database with `benchmarks.crowd` first. Scorecards are published that change nobody's value, some people's and
everybody's; each run's portions are done by this process while another reads scores, and its processor time is told
apart by statement: computing, and holding, storing and writing history. The floor is `SUM(value) … GROUP BY citizen`
from the covering index over the same ranges, in turns with them. At last a worker is killed in the middle of a run,
and another takes its portion up.
"""

import argparse
import json
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles
from unittest import mock

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.db import connection, connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.rescoring import Meter, floor  # noqa: E402
from citizen_app.models import OutboxMessage  # noqa: E402
from citizen_app.outbox import run_due  # noqa: E402
from scores import scoring  # noqa: E402
from scores.models import RescoringRun, Score, Scorecard, ScoreChange  # noqa: E402
from scores.services import runs  # noqa: E402
from scores.services.publishing import card_of, current_scorecard, publish_scorecard  # noqa: E402
from scores.services.rescoring import entries_to_score, score_in_force  # noqa: E402
from scores.services.run_statements import FRESH, RunStatements  # noqa: E402

FIRST_LINE = '\'[["base",\' || (f.value::bigint * 1000000) || \',"",null,""]]\''


class FirstScores(RunStatements):
    """The statements that give everybody a first score in bulk, told in one line: for measuring only."""

    def compute(self, *, after: int, upto: int) -> str:
        text = super().compute(after=after, upto=upto)
        return text.rpartition(" AND (s.scorecard_id")[0] + " AND s.as_of < %s"

    @property
    def _lines(self) -> str:
        line = FIRST_LINE if connection.vendor == "postgresql" else FIRST_LINE.replace("::bigint", "")
        told = f"CASE WHEN f.value IS NULL THEN '[]' ELSE {line} END"
        return f"({told})::jsonb" if connection.vendor == "postgresql" else told


def publish(**changes: object) -> Scorecard:
    """The scorecard in force with something else in it, as the next version."""
    document = Scorecard.objects.get(is_current=True).document
    version = f"bench-{Scorecard.objects.count():04}"
    text = re.sub(r'"(-?\d+(?:\.\d+)?)"', r"\1", json.dumps(document | changes))
    text = re.sub(r'"version": [^,]+', f'"version": "{version}"', text, count=1)
    return publish_scorecard(text=text)


def rules_with(code: str, points: str) -> list[dict[str, object]]:
    """The rules in force, the last bin of one of them with other points."""
    rules = Scorecard.objects.get(is_current=True).document["rules"]
    for rule in rules:
        if rule["code"] == code:
            rule["bins"][0]["points"] = points
    return rules


class Spent:
    """Processor time of the database by what it was doing, and how long rows were held."""

    def __init__(self, meter: Meter, *, with_floor: bool) -> None:
        self.meter, self.with_floor = meter, with_floor
        self.cpu = {"floor": 0.0, "compute": 0.0, "write": 0.0}
        self.held: list[float] = []
        self.ranges = 0

    def watch(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        computing = sql.startswith(f"INSERT INTO {FRESH}")
        if computing and self.with_floor:
            bounds = re.search(r"s\.citizen_id > (\d+) AND s\.citizen_id <= (\d+)", sql)
            before = self.meter.cpu()
            with connection.connection.cursor() if connection.vendor == "postgresql" else connection.cursor() as cursor:
                cursor.execute(floor(int(bounds[1]), int(bounds[2])))
                cursor.fetchall()
            self.cpu["floor"] += self.meter.cpu() - before
        before = self.meter.cpu()
        try:
            return execute(sql, params, many, context)
        finally:
            self.cpu["compute" if computing else "write"] += self.meter.cpu() - before
            self.ranges += computing

    def hold(self, real):  # type: ignore[no-untyped-def]
        def store(*args, **kwargs):  # type: ignore[no-untyped-def]
            held = real(*args, **kwargs)
            self.held.append(held)
            return held

        return store


@contextmanager
def readers(seconds: float | None = None) -> Iterator[list[float]]:
    """Another process that reads scores all the while, as the API does; its latencies in milliseconds at the end."""
    connections.close_all()
    latencies: list[float] = []
    stop, answers = multiprocessing.Event(), multiprocessing.Queue()
    process = multiprocessing.Process(target=_read, args=(stop, answers), daemon=True)
    process.start()
    try:
        yield latencies
    finally:
        stop.set()
        latencies += answers.get(timeout=60)
        process.join()


def _read(stop, answers) -> None:  # type: ignore[no-untyped-def]
    keys = list(Score.objects.order_by("pk").values_list("pk", flat=True)[:200_000:97])
    found, place = [], 0
    while not stop.is_set():
        citizen_id = keys[place % len(keys)]
        place += 1
        began = time.perf_counter()
        score = Score.objects.select_related("scorecard").defer("scorecard__document").get(pk=citizen_id)
        scoring.score(card_of(score.scorecard), entries_to_score(citizen_id), score.as_of)
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(0.004)
    answers.put(found)


def p99(latencies: list[float]) -> float:
    return quantiles(latencies, n=100)[98] if len(latencies) > 1 else 0.0


def measured_run(title: str, *, statements: type[RunStatements] = RunStatements, with_floor: bool = True) -> None:
    """Start a run and do all of it here, while a reader reads."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) scores_entry")
            cursor.execute("VACUUM (ANALYZE) scores_score")
    before = ScoreChange.objects.count()
    with readers() as idle:
        time.sleep(6)
    with readers() as busy:
        meter = Meter()
        spent = Spent(meter, with_floor=with_floor)
        began = time.perf_counter()
        run = runs.start_run(cause=RescoringRun.Cause.SCORECARD)
        with (
            connection.execute_wrapper(spent.watch),
            mock.patch.object(runs, "_store", spent.hold(runs._store)),
            mock.patch.object(runs, "RunStatements", statements),
        ):
            while run_due():
                pass
        seconds = time.perf_counter() - began
        memory = meter.memory()
    run.refresh_from_db()
    assert run.finished_at is not None, "the run did not end"
    written = ScoreChange.objects.count() - before
    compared = spent.cpu["floor"] or float("nan")
    held = sorted(spent.held)
    print(
        f"{title}: {run.done_count:,} made in {seconds:.1f} s wall, {run.changed_count:,} changed "
        f"({100 * run.changed_count / max(run.done_count, 1):.1f} %), {written:,} rows of history\n"
        f"  database CPU: floor {spent.cpu['floor']:.1f} s, computing {spent.cpu['compute']:.1f} s "
        f"(x{spent.cpu['compute'] / compared:.2f}), all {spent.cpu['compute'] + spent.cpu['write']:.1f} s "
        f"(x{(spent.cpu['compute'] + spent.cpu['write']) / compared:.2f})\n"
        f"  {spent.ranges} ranges in {len(held)} slices, rows held at most {1000 * held[-1]:.0f} ms, "
        f"median {1000 * held[len(held) // 2]:.0f} ms\n"
        f"  {memory}\n"
        f"  a reader's p99: idle {p99(idle):.2f} ms, meanwhile {p99(busy):.2f} ms ({p99(busy) / p99(idle):.1f} x)",
        flush=True,
    )


def killed_run() -> None:
    """Kill a worker in the middle of a run, let its lease run out, and let another finish."""
    publish(base=_base_plus(1))
    run = runs.start_run(cause=RescoringRun.Cause.SCORECARD)
    before = ScoreChange.objects.count()
    worker = subprocess.Popen([sys.executable, "-m", "benchmarks.runs", "--work"])
    while RescoringRun.objects.get(pk=run.pk).done_count < run.total_count // 3:
        time.sleep(0.05)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    run.refresh_from_db()
    print(f"kill -9 after {run.done_count:,} of {run.total_count:,}; taken up again by another worker ...", flush=True)
    OutboxMessage.objects.filter(topic=runs.RUN_TOPIC, done_at=None).update(leased_until=None)  # as time would
    while run_due():
        pass
    run.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT citizen_id FROM scores_scorechange WHERE scorecard_version = %s "
            "GROUP BY citizen_id HAVING count(*) > 1) AS twice",
            [run.scorecard.version],
        )
        twice = cursor.fetchone()[0]
    written = ScoreChange.objects.count() - before
    print(
        f"  ended: {run.finished_at is not None}, {run.done_count:,} made, {run.changed_count:,} changed, "
        f"{written:,} rows of history, people changed twice: {twice}",
        flush=True,
    )


def _base_plus(points: int) -> str:
    return str(int(Scorecard.objects.get(is_current=True).document["base"]) + points)


def check_some(count: int) -> None:
    """Stored scores of some people against the pure engine."""
    wrong = 0
    keys = list(Score.objects.order_by("pk").values_list("pk", flat=True))
    for score in Score.objects.select_related("scorecard").filter(pk__in=keys[:: max(1, len(keys) // count)]):
        wrong += not score.follows_from(
            scoring.score(card_of(score.scorecard), entries_to_score(score.pk), score.as_of)
        )
        score_in_force(score.pk)
    print(f"stored scores of {count} people that differ from the pure engine: {wrong}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", action="store_true", help="only keep promises, until there are none")
    options = parser.parse_args()
    if options.work:
        while run_due():
            pass
        return
    if Score.objects.filter(revision=1).exists():
        measured_run("first scores, in bulk", statements=FirstScores, with_floor=False)
    publish()
    measured_run("nobody's value changes")
    publish(rules=rules_with("volunteering", "0.5"))
    measured_run("some people's value changes")
    publish(base=_base_plus(1))
    measured_run("everybody's value changes")
    killed_run()
    check_some(100)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory of this process {peak} MB; scorecard in force {current_scorecard().card.version}")
    print(f"at {timezone.now():%Y-%m-%d %H:%M} UTC")


if __name__ == "__main__":
    main()
