"""Guess codes at one till and at many, while others go on: `python -m benchmarks.guessing [--codes N] [--tills N]`.

A real server of the embedded default, on a folder of its own. Four runs: all codes from one till; all from many tills
of the same merchant; both while another merchant's till scans right codes and the attacked merchant's own till scans
passes; and, with limits off so that each guess is judged, codes nobody has against codes of another merchant's guests.
Answers must be equal byte for byte but for the scan's own id, and take the same time within noise.
"""

import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

from benchmarks.processes import Server, serve
from perks import codes, passes

LONGEST_WAIT = 1.0
"""Seconds within which a right code is answered at another merchant, and a pass at the attacked one."""
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass
class Answers:
    """What came back: how often each status and body, and how long each took (seconds)."""

    said: Counter[tuple[int, str]] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)

    @property
    def shapes(self) -> dict[int, int]:
        """By status, how many different bodies."""
        return dict(Counter(status for status, _ in self.said))

    def counted(self) -> dict[int, int]:
        found: Counter[int] = Counter()
        for (status, _), times in self.said.items():
            found[status] += times
        return dict(found)

    def quantile(self, share: float) -> float:
        return sorted(self.waits)[min(len(self.waits) - 1, int(len(self.waits) * share))]


class Till:
    """One till on a connection of its own."""

    def __init__(self, server: Server, token: str, branch: str) -> None:
        self._line, self._token, self._branch = HTTPConnection("127.0.0.1", server.port, timeout=60), token, branch

    def scan(self, **shown: str) -> tuple[int, dict[str, Any], float]:
        body = json.dumps({"nonce": str(uuid4()), "branch": self._branch, **shown})
        headers = {"X-Session-Token": self._token, "Content-Type": "application/json"}
        began = time.perf_counter()
        try:
            self._line.request("POST", "/api/v1/merchant/scans", body, headers)
        except BrokenPipeError:
            # A throttle answers before it has read the body, which `http.client` sends in a packet of its own: once in
            # thousands the server ends the connection before that packet has come. Another line is what a client takes.
            self._line.close()
            self._line.request("POST", "/api/v1/merchant/scans", body, headers)
        response = self._line.getresponse()
        raw = response.read()
        return response.status, json.loads(raw), time.perf_counter() - began


def without_its_own(answer: dict[str, Any]) -> str:
    """The body but for what each request has for itself: the scan's id, and the seconds still to wait."""
    return json.dumps({name: value for name, value in answer.items() if name not in ("id", "retry_after")})


def wrong_codes(seed: int) -> Iterator[str]:
    """Codes of the right shape, with the right check character, that nobody has (45 bits of chance)."""
    lots = random.Random(seed)
    while True:
        body = "".join(lots.choice(ALPHABET) for _ in range(9))
        yield next(body + last for last in ALPHABET if codes.normalise(body + last) is not None)


def guess(server: Server, tokens: list[str], branch: str, count: int, *, clients: int = 8) -> Answers:
    """Send `count` wrong codes, each client going round the tills that are its own."""
    answers, numbers, lock = Answers(), itertools.count(), threading.Lock()

    def client(place: int) -> None:
        tills = [Till(server, token, branch) for token in tokens[place::clients] or tokens[:1]]
        mine, own = wrong_codes(place), Answers()
        while (number := next(numbers)) < count:
            status, body, wait = tills[number % len(tills)].scan(code=next(mine))
            own.said[status, without_its_own(body)] += 1
            own.waits.append(wait)
        with lock:
            answers.said.update(own.said)
            answers.waits += own.waits

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    return answers


@contextmanager
def meanwhile(server: Server, told: dict[str, Any], pause: float) -> Iterator[dict[str, Answers]]:
    """Guests go on: right codes at another merchant's till, passes at the attacked merchant's own."""
    heard = {"attacked": Answers(), "other": Answers()}
    over = threading.Event()

    def go_on(name: str) -> None:
        till = Till(server, told[name]["till"], told[name]["branch"])
        for phone in itertools.cycle(told[name]["shown"]):
            if name == "other":
                shown = {"code": phone["code"]}
            else:
                digits = passes.digits_at(phone["seed"], datetime.now(UTC))
                shown = {"pass": passes.shown_pass(phone["pass"], digits)}
            status, body, wait = till.scan(**shown)
            heard[name].said[status, str(body.get("outcome", body.get("code")))] += 1
            heard[name].waits.append(wait)
            if over.wait(pause):
                return

    threads = [threading.Thread(target=go_on, args=[name]) for name in heard]
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        over.set()
        for thread in threads:
            thread.join()


def compare(server: Server, told: dict[str, Any], count: int) -> tuple[Answers, Answers, float]:
    """Codes nobody has and codes of another merchant's guests, by turns at one till; and how far they are apart.

    The distance is the share of pairs in which the stranger's took longer (Mann-Whitney's U over all pairs): a half
    where time tells nothing.
    """
    till = Till(server, told["guessing"][0], told["attacked"]["branch"])
    nobody, stranger = Answers(), Answers()
    theirs, wrong = itertools.cycle(told["other"]["shown"]), wrong_codes(99)
    turns = [nobody, stranger]
    for number in range(2 * count):
        answers = turns[(number + number // 2) % 2]  # ab ba ab …: whatever drifts, drifts for both
        code = next(wrong) if answers is nobody else next(theirs)["code"]
        status, body, wait = till.scan(code=code)
        answers.said[status, without_its_own(body)] += 1
        answers.waits.append(wait)
    return nobody, stranger, share_above(stranger.waits, nobody.waits)


def share_above(some: list[float], others: list[float]) -> float:
    """How often one of `some` is above one of `others`, over all pairs (clocks give no two the same)."""
    ranked = sorted([(value, True) for value in some] + [(value, False) for value in others])
    ranks = sum(rank for rank, (_, is_ours) in enumerate(ranked, start=1) if is_ours)
    return (ranks - len(some) * (len(some) + 1) / 2) / (len(some) * len(others))


def noise(count: int) -> float:
    """Three standard errors of `share_above` between two samples of `count` of the same kind."""
    return 3 * ((2 * count + 1) / (12 * count * count)) ** 0.5


@contextmanager
def town(tills: int, right: int, **settings: str) -> Iterator[tuple[Server, dict[str, Any]]]:
    """A server on a folder of its own, and who stands at its tills."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        environment |= {"VAR_DIR": folder, "LOG_LEVEL": "ERROR", **settings}
        manage = [sys.executable, "manage.py"]
        subprocess.run([*manage, "migrate", "--verbosity", "0"], env=environment, check=True)
        subprocess.run([*manage, "seed_demo", "--people", "3"], env=environment, check=True, capture_output=True)
        made = [sys.executable, "-m", "benchmarks.guessing_people", str(tills), str(right)]
        ran = subprocess.run(made, env=environment, check=True, capture_output=True, text=True)
        with serve("citizen_app.wsgi:application", environment) as server:
            yield server, json.loads(ran.stdout.splitlines()[-1])


def said_of(name: str, answers: Answers) -> str:
    return (
        f"| {name} | {len(answers.waits)} | {answers.counted()} | {answers.shapes} | "
        f"{statistics.median(answers.waits) * 1000:.1f} | {answers.quantile(0.99) * 1000:.1f} | "
        f"{max(answers.waits) * 1000:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codes", type=int, default=100_000)
    parser.add_argument("--tills", type=int, default=200)
    parser.add_argument("--judged", type=int, default=5_000, help="of each of the two kinds of wrong code")
    options = parser.parse_args()
    print(
        "| run | scans | by status | bodies by status | p50 ms | p99 ms | longest ms |\n|---|---|---|---|---|---|---|"
    )
    failed = []
    for name, tills in (("one till", 1), (f"{options.tills} tills", options.tills)):
        with town(tills, 40) as (server, told), meanwhile(server, told, 0.25) as heard:
            answers = guess(server, told["guessing"], told["attacked"]["branch"], options.codes)
        print(said_of(f"wrong codes, {name}", answers), flush=True)
        for who, what in (("other", "right codes at another merchant"), ("attacked", "passes at the attacked one")):
            print(said_of(f"meanwhile {what}: {sorted(heard[who].said)}", heard[who]), flush=True)
            failed += [what] if max(heard[who].waits) > LONGEST_WAIT else []
        # Two limits refuse, each in words of its own: of wrong codes, and of requests. Neither looks at the code.
        failed += [f"bodies of {name}"] if answers.shapes[201] != 1 or answers.shapes[429] > 2 else []
    with town(1, 40, RATE_LIMITS="false") as (server, told):
        nobody, stranger, share = compare(server, told, options.judged)
    print(said_of("judged: codes nobody has", nobody), flush=True)
    print(said_of("judged: another merchant's codes", stranger), flush=True)
    print(
        f"One of another merchant's took longer in {share:.4f} of pairs (0.5 ± {noise(options.judged):.4f} is noise)."
    )
    failed += ["bodies"] if set(nobody.said) != set(stranger.said) or len(nobody.said) != 1 else []
    failed += ["time"] if abs(share - 0.5) > noise(options.judged) else []
    print("FAILED: " + ", ".join(failed) if failed else "Nothing can be told apart, and nobody else waits.")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
