"""Measure ingestion on PostgreSQL: `DATABASE_URL=postgres://… python -m benchmarks.ingestion [--citizens N] …`.

The database named is used for this alone: people are made in it once (`benchmarks.crowd`), and each run adds a source
with its links and entries. By HTTP, floor and product take turns with rows nobody sent before, and then with the same
rows once more; the floor is COPY into a staging table and INSERT … ON CONFLICT of the same rows into the same table,
links and people looked up beforehand. Then files are imported by processes of their own, whose memory is compared, the
outbox is delivered, and what the API answers of people drawn by lot is held against `score_entries` of their lines.
"""

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.processes import Server, serve  # noqa: E402
from citizen_app.accounts.sign_in import session_token_for  # noqa: E402
from citizen_app.models import Citizen, OutboxMessage  # noqa: E402
from scores.models import Enrolment, Link, Score  # noqa: E402
from scores.services.batches import Row, judge  # noqa: E402
from scores.services.furnishers import MadeSource, create_source  # noqa: E402
from scores.services.rescoring import scoring_day  # noqa: E402

BATCH = 10_000
ROUNDS = 3
KINDS = ("credit.payment", "credit.utilisation", "fulfilment.booking")
SCORECARD = "scores/scorecards/2026-11.yaml"
MANAGE = (sys.executable, "manage.py")


def make_people(count: int) -> list[str]:
    """The addresses of `count` enrolled people without records, made where the database is empty."""
    if not Enrolment.objects.exists():
        subprocess.run([sys.executable, "-m", "benchmarks.crowd", str(count), "0"], check=True)
        Score.objects.update(as_of=scoring_day(timezone.now()))  # no month has turned since
    assert Enrolment.objects.count() == count, "Name an empty database, or as many people as it has."
    return list(Citizen.objects.order_by("pk").values_list("email", flat=True))


def rows(tag: str, count: int, *, people: int, each: int) -> Iterator[dict[str, Any]]:
    """Rows of so many people, `each` of one person in a row; with `each` 1 nobody comes twice before all have come."""
    lots = random.Random(tag)
    for number in range(count):
        kind = KINDS[number % 3]
        value = {
            "credit.payment": lots.choice((-1, -1, -1, 0, 0, 1)),
            "credit.utilisation": lots.randrange(10_000) / 1e4,
        }
        months = lots.randrange(70)
        year, month = divmod(12 * 2026 + 9 - months, 12)
        yield {
            "external_id": f"{tag}.{number}",
            "subject": f"S-{number // each % people}",
            "kind": kind,
            "occurred_on": date(year, month + 1, 1 + lots.randrange(28)).isoformat(),
            "value": value.get(kind, lots.choice((0, 0, 0, 0, 1))),
        }


def ndjson(some: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in some)


class Floor:
    """The least that keeps the promise «once each»: what a batch comes to, written by COPY and ON CONFLICT."""

    def __init__(self, made: MadeSource) -> None:
        links = Link.objects.filter(source=made.source).values_list("subject", "pk", "enrolment_id")
        self._links = {subject: (citizen_id, pk) for subject, pk, citizen_id in links}
        self._now = timezone.now()

    def prepared(self, some: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
        judged = [
            judge(0, row | {"value": str(row["value"])}, kinds=KINDS, today=scoring_day(self._now)) for row in some
        ]
        return [
            (*self._links[row.subject], *row[1:2], *row[3:6], self._now, row.lapses_on, "active")
            for row in judged
            if isinstance(row, Row)
        ]

    def write(self, prepared: list[tuple[Any, ...]]) -> None:
        columns = "citizen_id, link_id, external_id, kind_number, occurred_on, value, recorded_at, lapses_on, status"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMP TABLE staged ON COMMIT DROP AS SELECT {columns} FROM scores_entry WITH NO DATA"
            )
            with cursor.copy(f"COPY staged ({columns}) FROM STDIN") as copy:
                for row in prepared:
                    copy.write_row(row)
            cursor.execute(
                f"INSERT INTO scores_entry ({columns}) SELECT {columns} FROM staged "
                "ON CONFLICT (link_id, external_id) DO NOTHING"
            )


class Furnisher:
    """A furnisher's server: one keep-alive connection, one batch after the other."""

    def __init__(self, server: Server, made: MadeSource) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": made.client.client_id,
            "client_secret": made.client.client_secret,
            "scope": "source:write",
        }
        url = f"http://127.0.0.1:{server.port}/o/token/"
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode()) as answer:
            token = json.load(answer)["access_token"]
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}

    def send(self, body: bytes) -> tuple[int, int]:
        self._connection.request("POST", "/api/v1/sources/entries", body=body, headers=self._headers)
        answer = json.loads(self._connection.getresponse().read())
        assert answer["rejected"] == [], answer["rejected"][:3]
        return answer["accepted"], answer["duplicates"]


def memory_mib(pid: int) -> float:
    """The most memory a process and its children have had, from /proc."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    return max([own, *(memory_mib(int(child)) for child in children)])


def cpu_seconds(server: Server) -> float:
    """CPU of this process, of the server, and of every connection to the database (on this machine), from /proc.

    Steadier than the clock where others use the machine too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        backends = [pid for (pid,) in cursor.fetchall()]
    spent = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in backends) / 1e9
    return spent + server.cpu_seconds() + time.process_time()


class Spent(NamedTuple):
    """What a number of rows took."""

    seconds: float
    cpu: float


def spent_on(server: Server, work: Callable[[], Any]) -> Spent:
    cpu, began = cpu_seconds(server), time.perf_counter()
    work()
    return Spent(time.perf_counter() - began, cpu_seconds(server) - cpu)


class Rates(NamedTuple):
    """Rows in a second, and microseconds of CPU for a row: medians of the rounds."""

    per_second: float
    cpu: float


def by_http(server: Server, made: MadeSource, shape: str, *, people: int, batches: int) -> list[Rates]:
    """Floor and product, and both with the same rows again."""
    floor, each = Floor(made), 10 if shape == "together" else 1
    found: list[list[Spent]] = [[], [], [], []]
    stamp = time.time_ns()
    for turn in range(ROUNDS):
        furnisher = Furnisher(server, made)
        sent = {
            who: list(rows(f"{who}{shape}{turn}.{stamp}", batches * BATCH, people=people, each=each))
            for who in ("floor", "ours")
        }
        cut = range(0, batches * BATCH, BATCH)
        prepared = [floor.prepared(sent["floor"][start : start + BATCH]) for start in cut]
        bodies = [ndjson(sent["ours"][start : start + BATCH]) for start in cut]

        def ours(expected: tuple[int, int], furnisher: Furnisher = furnisher, bodies: list[bytes] = bodies) -> None:
            for body in bodies:
                assert furnisher.send(body) == expected

        def floors(prepared: list[list[tuple[Any, ...]]] = prepared) -> None:
            for some in prepared:
                floor.write(some)

        found[0].append(spent_on(server, floors))
        found[1].append(spent_on(server, lambda: ours((BATCH, 0))))
        found[2].append(spent_on(server, floors))
        found[3].append(spent_on(server, lambda: ours((0, BATCH))))
    count = batches * BATCH
    return [
        Rates(count / median(one.seconds for one in turns), median(one.cpu for one in turns) * 1e6 / count)
        for turns in found
    ]


class Ended(NamedTuple):
    """A command that ended: its answer, its seconds and the most memory it had."""

    answer: dict[str, Any]
    seconds: float
    peak_mib: float


def command(*arguments: str) -> Ended:
    """Run a management command in a process of its own."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([*MANAGE, *arguments], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    assert process.returncode == 0, (arguments, said[-500:])
    answer = json.loads(said) if said.startswith(b"{") else {}
    return Ended(answer, time.perf_counter() - began, usage.ru_maxrss / 1024)


def fingerprint_of_entries() -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(id), sum(hashtext(e::text)::bigint) FROM scores_entry e")
        return tuple(cursor.fetchone())


def imports(made: MadeSource, folder: Path, *, people: int, entries: int, each: int) -> Path:
    """Import a tenth of the entries and all of them, and all of them again."""
    peaks = {}
    for count in (entries // 10, entries):
        path = folder / f"{count}.ndjson"
        with path.open("wb") as file:
            for row in rows(f"file{count}.{time.time_ns()}", count, people=people, each=each):
                file.write(json.dumps(row).encode() + b"\n")
        ended = command("import_entries", made.source.code, str(path), "--no-progress")
        assert ended.answer["accepted"] == count, ended.answer
        peaks[count] = ended.peak_mib
        print(
            f"import of {count:,}: {ended.seconds:.1f} s, {count / ended.seconds:,.0f} rows/s, {ended.peak_mib:.1f} MiB"
        )
    print(f"peak memory of {entries:,} against {entries // 10:,}: {peaks[entries] / peaks[entries // 10]:.3f} ×")
    before = fingerprint_of_entries()
    second = command("import_entries", made.source.code, str(path), "--no-progress")
    again = command("import_entries", made.source.code, str(path), "--no-progress", "--again")
    assert (second.answer["state"], again.answer["accepted"], again.answer["duplicates"]) == (
        "finished_before",
        0,
        entries,
    )
    assert fingerprint_of_entries() == before
    print(f"the same file a second time: {second.seconds:.1f} s, nothing to do, every row as it was")
    print(
        f"the same file with --again: {again.seconds:.1f} s, {entries / again.seconds:,.0f} rows/s, every row as it was"
    )
    return path


def compare_with_score_entries(
    server: Server, paths: list[Path], emails: list[str], folder: Path, *, lots: int
) -> None:
    """What the API answers of people drawn by lot is what their lines make."""
    drawn = {f"S-{number}": emails[number] for number in random.Random(7).sample(range(len(emails)), lots)}
    extract = folder / "drawn.ndjson"
    with extract.open("wb") as file:
        for path in paths:
            with path.open("rb") as lines:
                for line in lines:
                    row = json.loads(line, parse_float=str)
                    if row["subject"] in drawn:
                        file.write(
                            json.dumps({name: row[name] for name in row if name != "external_id"}).encode() + b"\n"
                        )
    today = scoring_day(timezone.now()).isoformat()
    told = subprocess.run(
        [*MANAGE, "score_entries", "--scorecard", SCORECARD, "--as-of", today, str(extract)],
        stdout=subprocess.PIPE,
        check=True,
    )
    expected = {row["subject"]: (row["state"], row["value"]) for row in map(json.loads, told.stdout.splitlines())}
    found = {}
    for subject in expected:
        token = session_token_for(Citizen.objects.get(email=drawn[subject]))
        url = urllib.request.Request(
            f"http://127.0.0.1:{server.port}/api/v1/me/score", headers={"X-Session-Token": token}
        )
        with urllib.request.urlopen(url) as answer:
            body = json.load(answer)
        found[subject] = body["state"], body["value"]
    assert found == expected, [one for one in expected if found[one] != expected[one]][:5]
    scored = sum(state == "scored" for state, _ in expected.values())
    print(f"the API's value of {len(expected)} people drawn by lot ({scored} scored) is that of score_entries")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--citizens", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--batches", type=int, default=5, help="of 10,000 rows, in each of three rounds by HTTP")
    parser.add_argument("--only", choices=["http", "import"])
    options = parser.parse_args()
    if connection.vendor != "postgresql":
        raise SystemExit("Name a PostgreSQL database of its own in DATABASE_URL.")
    subprocess.run([*MANAGE, "migrate", "--verbosity", "0"], check=True)
    print(f"Making {options.citizens:,} people ...", flush=True)
    emails = make_people(options.citizens)
    environment = {**os.environ, "RATE_LIMITS": "false", "LOG_LEVEL": "ERROR", "OUTBOX_RELAY_THREAD": "false"}
    with (
        tempfile.TemporaryDirectory() as name,
        serve("citizen_app.wsgi:application", environment) as server,
    ):
        folder = Path(name)
        if options.only != "import":
            measure_http(server, emails, folder, batches=options.batches)
        if options.only != "http":
            measure_import(server, emails, folder, entries=options.entries)


def linked_source(emails: list[str], folder: Path, what: str) -> MadeSource:
    """A new source that everybody has linked."""
    made = create_source(code=f"{what}-{time.time_ns() // 1_000_000_000}", kinds=KINDS, name=f"Measured by {what}")
    path = folder / f"{what}-links.ndjson"
    with path.open("w") as file:
        file.writelines(f'{{"email": "{email}", "subject": "S-{number}"}}\n' for number, email in enumerate(emails))
    first, second = (command("link_subjects", made.source.code, str(path)) for _ in range(2))
    assert (first.answer["linked"], second.answer["already"]) == (len(emails), len(emails))
    told = [f"{len(emails) / one.seconds:,.0f}/s" for one in (first, second)]
    print(f"link_subjects of {len(emails):,}: {told[0]}, a second time {told[1]}, {first.peak_mib:.0f} MiB", flush=True)
    return made


def measure_http(server: Server, emails: list[str], folder: Path, *, batches: int) -> None:
    made = linked_source(emails, folder, "http")
    print("| rows by HTTP | floor | ours | ratio | floor, again | ours, again | again ÷ first |\n" + "|---" * 7 + "|")
    for shape in ("together", "spread"):
        floor, ours, floor_again, ours_again = by_http(server, made, shape, people=len(emails), batches=batches)
        told = [f"{one.per_second:,.0f}/s, {one.cpu:.0f} µs" for one in (floor, ours, floor_again, ours_again)]
        told.insert(2, f"{ours.per_second / floor.per_second:.0%}, by CPU {floor.cpu / ours.cpu:.0%} (goal ≥ 60 %)")
        told.append(f"{ours_again.per_second / ours.per_second:.0%} (goal ≥ 100 %)")
        print(f"| {shape} | " + " | ".join(told) + " |", flush=True)
        print(f"most memory of the server so far: {memory_mib(server.pid):.0f} MiB", flush=True)


def measure_import(server: Server, emails: list[str], folder: Path, *, entries: int) -> None:
    # Scores are made of these files alone: nothing else may be on record about these people.
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE scores_entry CASCADE")
    OutboxMessage.objects.filter(done_at=None).delete()
    made = linked_source(emails, folder, "file")
    path = imports(made, folder, people=len(emails), entries=entries, each=1)
    delivered = command("relay_outbox", "--once")
    print(f"everybody rescored through the outbox: {delivered.seconds:.0f} s, {delivered.peak_mib:.0f} MiB", flush=True)
    files = [folder / f"{entries // 10}.ndjson", path]
    compare_with_score_entries(server, files, emails, folder, lots=min(100, len(emails)))


if __name__ == "__main__":
    main()
