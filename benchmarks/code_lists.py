"""A list of a million codes, uploaded and generated, with its worker killed twice: `python -m benchmarks.code_lists`.

Migrate a database of its own first (DATABASE_URL). The upload is read by one process, the list made by others: two of
them are killed (SIGKILL) on the way, and the sweep finds what they left. It prints seconds and each process's peak
memory, and fails if a code is missing or is there twice.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from citizen_app.models import Citizen, OutboxMessage  # noqa: E402
from citizen_app.outbox import run_due  # noqa: E402
from perks.code_files import make_code, read_codes  # noqa: E402
from perks.models import CodeList, Merchant, OutsideCode  # noqa: E402
from perks.services.code_lists import codes_of, generate_codes, receive_codes, resume_code_lists  # noqa: E402


def told(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def peak_mib() -> float:
    """The most memory this program has held; what `getrusage` says counts the one that started it, too."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024, 1)


def parties() -> tuple[Merchant, Citizen]:
    merchant = Merchant.objects.filter(name="Measured").first() or Merchant.objects.create(
        name="Measured",
        sector="shop",
        country="PT",
        state="active",
        applied_at=timezone.now(),
        approved_at=timezone.now(),
    )
    person = Citizen.objects.filter(email="measured@example.org").first() or Citizen.objects.create(
        email="measured@example.org"
    )
    return merchant, person


def receive(file: Path) -> None:
    """Upload the file; run in a process of its own."""
    merchant, person = parties()
    before, began = peak_mib(), time.monotonic()
    with file.open("rb") as lines:
        made = receive_codes(merchant=merchant, by=person, name="Uploaded", lines=read_codes(lines))
    told(
        received=made.total_count,
        seconds=round(time.monotonic() - began, 1),
        mib_before=before,
        peak_mib=peak_mib(),
        list=str(made.pk),
    )


def work() -> None:
    """Keep promises until there are none; run in a process of its own, which may be killed."""
    before = peak_mib()
    while run_due(limit=1):
        pass
    told(worked=True, mib_before=before, peak_mib=peak_mib())


def run(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.code_lists", *arguments], stdout=subprocess.PIPE, text=True
    )


def make_and_kill(code_list: CodeList, expected: int) -> None:
    """Have a list made by three workers, the first two of which are killed a third and two thirds on the way."""
    began, worked = time.monotonic(), 0.0
    for share in (1 / 3, 2 / 3, None):
        worker, started = run("--work"), time.monotonic()
        while worker.poll() is None:
            code_list.refresh_from_db()
            if share is not None and code_list.done_count >= share * code_list.total_count:
                worker.send_signal(signal.SIGKILL)
                worker.wait()
                told(killed_at=code_list.done_count, seconds=round(time.monotonic() - began, 1))
                break
            time.sleep(0.05)
        worked += time.monotonic() - started
        if share is None:
            sys.stdout.write(worker.communicate()[0])
        # Its lease would run out in a minute: the sweep is asked as if it had.
        OutboxMessage.objects.filter(done_at=None).delete()
        resume_code_lists(now=timezone.now() + timedelta(minutes=2))
    code_list.refresh_from_db()
    rows = OutsideCode.objects.filter(code_list=code_list)
    texts = {code for code, _ in codes_of(code_list)}
    told(
        state=code_list.state,
        done=code_list.done_count,
        free=code_list.free_count,
        duplicate=code_list.duplicate_count,
        malformed=code_list.malformed_count,
        rows=rows.count(),
        distinct=len(texts),
        seconds_of_work=round(worked, 1),
    )
    if not (code_list.state == "ready" and rows.count() == len(texts) == code_list.free_count == expected):
        raise SystemExit("Codes were lost or doubled.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--receive", type=Path)
    parser.add_argument("--work", action="store_true")
    options = parser.parse_args()
    if options.receive:
        return receive(options.receive)
    if options.work:
        return work()
    told(database=connection.vendor, count=options.count)
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        # One code in a hundred stands there twice, one line in a thousand holds none.
        written = []
        for number in range(options.count):
            code = written[-7] if number % 100 == 99 else "=wrong" if number % 1000 == 500 else make_code("U", 12)
            written.append(code)
            file.write(f"{code}\n")
        file.flush()
        distinct = len({code for code in written if code != "=wrong"})
        written.clear()
        uploading = run("--receive", file.name)
        said = uploading.communicate()[0]
        sys.stdout.write(said)
    make_and_kill(CodeList.objects.get(pk=json.loads(said.splitlines()[-1])["list"]), distinct)
    merchant, person = parties()
    generated = generate_codes(merchant=merchant, by=person, name="Generated", count=options.count)
    make_and_kill(generated, options.count)
    return None


if __name__ == "__main__":
    main()
