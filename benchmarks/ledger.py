"""Whether gift cards lose or double a cent while the server is killed: `python -m benchmarks.ledger`.

A driver outside the product takes, charges, refunds, undoes and takes back cards over HTTP from several tills at once,
sends many of its requests twice, and writes down every answer it was given. Meanwhile the server is killed (-9) again
and again and started anew; whatever was not answered is sent again with its key or nonce until it is. Then the list of
answers is compared with the stored ledger: everything acknowledged is there once, nothing is there besides, and the
sums are equal. `DATABASE_URL` says where; the database must be empty.
"""

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.processes import Server, serve

PATIENCE = 120  # seconds for one request to be answered, restarts included
EUR = "EUR"


@dataclass
class Card:
    """A card as the driver knows it from answers alone."""

    id: str
    redemption: str
    code: str
    charges: dict[str, int] = field(default_factory=dict)  # the amount of each charge
    last_scan: str = ""


class Driver:
    """Random operations on shared cards; every answer is appended to a file before anything follows from it."""

    def __init__(self, town: dict[str, Any], operations: int, log: Path) -> None:
        self.town, self.operations = town, operations
        self.cards: list[Card] = []
        self.answers = log.open("w", encoding="utf-8")
        self.lock = threading.Lock()
        self.started = self.repeated = self.resent = 0
        self.server: Server | None = None
        self.outcomes: Counter[str] = Counter()

    def work(self, number: int) -> None:
        """One client: operation after operation until there are enough."""
        chance = random.Random(number)
        while True:
            with self.lock:
                if self.started >= self.operations:
                    return
                self.started += 1
                card = chance.choice(self.cards[-40:]) if self.cards else None
            if card is None or chance.random() < 0.08:
                self.take(chance)
            else:
                chance.choices((self.charge, self.refund, self.undo), (60, 27, 13))[0](chance, card)

    def take(self, chance: random.Random) -> None:
        """Take a card; now and then its merchant takes it back whole before anybody else knows of it."""
        token = chance.choice(self.town["citizens"])
        told = self.send(chance, token, f"perks/{self.town['perk']}/redemptions", {}, key=True)
        if told["status"] != 201:
            self.outcomes[f"take {told['body'].get('code')}"] += 1
            return
        body = told["body"]
        card = Card(body["gift_card"]["id"], body["id"], body["code"])
        self.note("take", card=card.id, amount=self.town["face"])
        if chance.random() < 0.1:
            self.reverse(chance, card)
        with self.lock:
            self.cards.append(card)

    def charge(self, chance: random.Random, card: Card) -> None:
        amount, nonce = chance.choice((1, 50, 300, 700, 1500, 6000)), uuid.uuid4().hex
        said = {"code": card.code, "nonce": nonce, "amount": {"amount": amount, "currency": EUR}}
        told = self.send(chance, chance.choice(self.town["tills"]), "merchant/scans", said)
        outcome = told["body"].get("outcome", told["body"].get("code"))
        self.outcomes[f"charge {outcome}"] += 1
        if outcome == "accepted":
            paid = told["body"]["gift_card"]
            with self.lock:
                card.charges[paid["charge"]] = amount
                card.last_scan = told["body"]["id"]
            self.note("charge", card=card.id, id=paid["charge"], amount=amount, after=paid["balance"]["amount"])

    def refund(self, chance: random.Random, card: Card) -> None:
        with self.lock:
            charges = list(card.charges.items())
        if not charges:
            self.charge(chance, card)
            return
        charge, charged = chance.choice(charges)
        amount = chance.choice((charged, charged, max(1, charged // 2), charged + 1))
        said = {"amount": {"amount": amount, "currency": EUR}, "charge": charge}
        told = self.send(chance, self.town["owner"], f"merchant/gift-cards/{card.id}/refund", said, key=True)
        self.outcomes[f"refund {told['body'].get('code', 'done')}"] += 1
        if told["status"] == 200:
            self.note("refund", card=card.id, id=told["body"]["id"], amount=amount, charge=charge)

    def undo(self, chance: random.Random, card: Card) -> None:
        if not card.last_scan:
            self.charge(chance, card)
            return
        said = {"scan": card.last_scan}
        told = self.send(chance, self.town["owner"], f"merchant/redemptions/{card.redemption}/reverse", said, key=True)
        self.outcomes[f"undo {told['body'].get('code', 'done')}"] += 1
        if told["status"] == 200:
            self.note("undo", card=card.id, scan=said["scan"])

    def reverse(self, chance: random.Random, card: Card) -> None:
        said = {"reason": "A mistake."}
        told = self.send(chance, self.town["owner"], f"merchant/redemptions/{card.redemption}/reverse", said, key=True)
        self.outcomes[f"reverse {told['body'].get('code', told['body'].get('state'))}"] += 1
        if told["status"] == 200:
            self.note("reverse", card=card.id)

    def send(
        self, chance: random.Random, token: str, path: str, said: dict[str, Any], *, key: bool = False
    ) -> dict[str, Any]:
        """Send until it is answered, always under the same key; now and then once more, which must change nothing."""
        headers = {"X-Session-Token": token, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        told = self.answered(path, said, headers)
        if told["status"] < 300 and chance.random() < 0.15:
            again = self.answered(path, said, headers)
            with self.lock:
                self.repeated += 1
            # Once it is spent a card has no code to show: all else of the answer stays.
            same = {**again["body"], **{name: told["body"].get(name) for name in ("code", "pass", "seed", "qr")}}
            asked = {**told["body"], **{name: told["body"].get(name) for name in ("code", "pass", "seed", "qr")}}
            if again["status"] >= 300 or same != asked:
                raise AssertionError(f"{path}: the second answer was another: {told} {again}")
        return told

    def answered(self, path: str, said: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        until, tries = time.monotonic() + PATIENCE, 0
        while time.monotonic() < until:
            server = self.server
            tries += 1
            try:
                if server is None:
                    raise ConnectionRefusedError
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
                try:
                    connection.request("POST", f"/api/v1/{path}", json.dumps(said), headers)
                    response = connection.getresponse()
                    body = json.loads(response.read())
                finally:
                    connection.close()
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.1)
                continue
            if response.status >= 500:
                time.sleep(0.1)
                continue
            if tries > 1:
                with self.lock:
                    self.resent += 1
            return {"status": response.status, "body": body}
        raise AssertionError(f"{path} was never answered.")

    def note(self, what: str, **facts: Any) -> None:
        with self.lock:
            self.answers.write(json.dumps({"what": what, **facts}) + "\n")
            self.answers.flush()


def drive(driver: Driver, environment: dict[str, str], *, kills: int, clients: int) -> None:
    """Let the clients work while the server is killed `kills` times, spread over the run, and started anew."""
    with ThreadPoolExecutor(clients) as pool:
        working = [pool.submit(driver.work, number) for number in range(clients)]
        for killed in range(kills + 1):
            with serve("citizen_app.wsgi:application", environment) as server:
                driver.server = server
                mark = driver.operations * (killed + 1) // (kills + 1)
                while driver.started < mark and not all(one.done() for one in working):
                    time.sleep(0.01)
                if killed < kills:
                    driver.server = None
                    server.kill()
                    continue
                for one in working:
                    one.result()
    for one in working:
        one.result()


def compare(log: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Compare the answers with what is stored, in a process that reads the database itself."""
    run = [sys.executable, "-m", "benchmarks.ledger_check", str(log)]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    checked: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return checked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--log", type=Path, default=Path("var/ledger-answers.ndjson"))
    asked = parser.parse_args()
    environment = os.environ | {"RATE_LIMITS": "false", "LOG_LEVEL": "ERROR"}
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], env=environment, check=True)
    made = [sys.executable, "-m", "benchmarks.ledger_town", str(asked.people)]
    town = json.loads(subprocess.run(made, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout)
    asked.log.parent.mkdir(parents=True, exist_ok=True)
    driver = Driver(town, asked.operations, asked.log)
    began = time.perf_counter()
    drive(driver, environment, kills=asked.kills, clients=asked.clients)
    seconds = time.perf_counter() - began
    subprocess.run([*manage, "verify_invariants"], env=environment, check=True)
    told = {
        "operations": asked.operations,
        "kills": asked.kills,
        "seconds": round(seconds),
        "sent_twice": driver.repeated,
        "sent_again_after_no_answer": driver.resent,
        "outcomes": dict(sorted(driver.outcomes.items())),
        **compare(asked.log, environment),
    }
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
