"""A till that goes on without a network: a reference client, small enough to be read and copied.

    pip install base45 cryptography requests
    python offline_till.py https://citizen.example pair K7QF2M9X --name "Desk 1"
    python offline_till.py https://citizen.example shift mem_… 2580
    python offline_till.py https://citizen.example scan "CA1:…"
    python offline_till.py https://citizen.example send

Everything it knows is in one SQLite file: its tokens, our public keys, the branch's arrivals, and what it has still to
send. What it honours is in that file before it says so, under a nonce of its own, so that neither a crash nor a second
upload makes two scans of one. Keep the file as you would keep the key of the door: it opens your till.
The device's clock must be right to half a minute: a scan is judged at the moment it says it was made.
"""

import argparse
import base64
import json
import secrets
import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import base45
import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LIST_LIVES = timedelta(hours=48)
CLAIMS_LENGTH, PASS_LENGTH = 46, 165
PATIENCE = 10  # seconds
TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS queue (nonce TEXT PRIMARY KEY, body TEXT NOT NULL, pass_id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS answers (nonce TEXT PRIMARY KEY, pass_id TEXT NOT NULL, answer TEXT NOT NULL);
"""


class Answer(Protocol):
    status_code: int

    def json(self) -> Any: ...


class Connection(Protocol):
    """What sends a request: `requests.Session`, or a stand-in of a test."""

    def request(
        self, method: str, url: str, *, json: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 0
    ) -> Answer: ...


class Offline(Exception):
    """The server could not be reached; nothing is known of what it did."""


class Refused(Exception):
    """The server answered, and the answer is no."""

    def __init__(self, status: int, problem: Any) -> None:
        self.status, self.problem = status, problem
        super().__init__(f"{status} {problem.get('code', '') if isinstance(problem, dict) else ''}")


@dataclass(frozen=True)
class Judged:
    """What the till says by itself. `accepted` will be sent; anything else gives nothing and is not sent.

    The six digits it cannot check, nor whether another till was faster: the server does, when the scan is sent.
    """

    outcome: str  # accepted, unknown_code, expired, wrong_branch, not_listed, outside_hours, needs_network, no_list, …
    detail: str = ""
    title: str | None = None
    benefit: dict[str, Any] | None = None
    first_name: str | None = None
    booking_reference: str | None = None


@dataclass(frozen=True)
class Claims:
    """What a genuine pass says (46 bytes before its signature)."""

    pass_id: str
    merchant_tag: str
    perk_tag: str
    valid_until: datetime


class OfflineTill:
    """One paired device. `server` is its address, `path` its file; `connection` and `clock` are a test's."""

    def __init__(
        self, server: str, path: Path | str, *, connection: Connection | None = None, clock: Any = None
    ) -> None:
        self.server = server.rstrip("/")
        self.connection: Connection = connection or requests.Session()
        self.clock = clock or (lambda: datetime.now(UTC))
        self.kept = sqlite3.connect(path, isolation_level=None)
        self.kept.execute("PRAGMA synchronous = FULL")
        self.kept.executescript(TABLES)

    # With a network

    def pair(self, code: str, name: str = "") -> str:
        """Become a till by the code a manager shows; return its id."""
        body = {"pairing_code": code} | ({"name": name} if name else {})
        told = self._ask("POST", "/api/v1/devices/pair", body)
        self._keep("till", told)
        return str(told["device_id"])

    def open_shift(self, member: str, pin: str) -> None:
        """Come to work: every scan is by a person. The shift's token is kept, and its id with each scan."""
        self._keep("shift", self._ask("POST", "/api/v1/devices/shift", {"member": member, "pin": pin}, self._till()))

    def refresh(self) -> None:
        """Learn our public keys (two while they are rotated) and who is expected here today and tomorrow."""
        keys = self._ask("GET", "/.well-known/pass-keys.json")["keys"]
        page = self._ask("GET", "/api/v1/merchant/arrivals?limit=100", None, self._till())
        arrivals = list(page["results"])
        while page["next"]:
            page = self._ask("GET", page["next"], None, self._till())
            arrivals += page["results"]
        self._keep("keys", keys)
        self._keep("list", {**page, "results": arrivals, "at": self.clock().isoformat()})

    def send(self) -> list[dict[str, Any]]:
        """Send what waits, oldest first, and return the answers; what a network swallows is sent again, the same."""
        answers = []
        waiting = self.kept.execute("SELECT nonce, body, pass_id FROM queue ORDER BY rowid").fetchall()
        for nonce, body, pass_id in waiting:
            try:
                answer = self._ask("POST", "/api/v1/merchant/scans", json.loads(body), self._shift())
            except Refused as refusal:
                if refusal.status not in (400, 409):
                    raise  # a shift is needed, or a moment's patience: it stays in the queue
                answer = {"outcome": "refused", "detail": str(refusal)}
            # Answered and taken off the queue in one step: a crash before it sends once more, and hears the same.
            self.kept.execute("BEGIN IMMEDIATE")
            self.kept.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (nonce, pass_id, json.dumps(answer)))
            self.kept.execute("DELETE FROM queue WHERE nonce = ?", (nonce,))
            self.kept.execute("COMMIT")
            answers.append(answer)
        return answers

    # Without one

    def scan(self, shown: str) -> Judged:
        """Judge what a guest shows, and honour it: it is on disk before this returns `accepted`."""
        now = self.clock()
        judged, claims = self._judge(shown.strip().upper(), now)
        if judged.outcome != "accepted" or claims is None:
            return judged
        nonce = secrets.token_urlsafe(24)
        shift = (self._kept("shift") or {}).get("id")
        body = {"pass": shown.strip().upper(), "nonce": nonce, "scanned_at": now.isoformat()}
        body |= {"shift": shift} if shift else {}
        if self.kept.execute("SELECT 1 FROM answers WHERE pass_id = ?", (claims.pass_id,)).fetchone():
            return Judged("already_redeemed", "This till has honoured it before.", judged.title)
        try:
            self.kept.execute("INSERT INTO queue VALUES (?, ?, ?)", (nonce, json.dumps(body), claims.pass_id))
        except sqlite3.IntegrityError:
            return Judged("already_redeemed", "This till has honoured it before.", judged.title)
        return judged

    @property
    def unsent(self) -> int:
        """How many scans wait to be sent."""
        return int(self.kept.execute("SELECT count(*) FROM queue").fetchone()[0])

    def _judge(self, shown: str, now: datetime) -> tuple[Judged, Claims | None]:
        keys, known = self._kept("keys"), self._kept("list")
        if keys is None or known is None:
            return Judged("no_list", "It has not been online since it was paired."), None
        claims = read_pass(shown, keys)
        if claims is None or claims.merchant_tag != known["merchant"]["pass_tag"]:
            return Judged("unknown_code"), None
        if now - datetime.fromisoformat(known["at"]) > LIST_LIVES:
            return Judged("no_list", "It has not been online for two days."), None
        if now >= claims.valid_until:
            return Judged("expired"), None
        perk = next((one for one in known["perks"] if one["pass_tag"] == claims.perk_tag), None)
        if perk is None:
            return Judged("wrong_branch", "It is not for a perk of this branch."), None
        arrival = next((one for one in known["results"] if one["pass_id"] == claims.pass_id), None)
        if (why := why_not(perk, arrival, claims, now)) is not None:
            return why, None
        if arrival is not None:
            named = {name: arrival[name] for name in ("title", "benefit", "first_name", "booking_reference")}
            return Judged("accepted", **named), claims
        only = perk["benefits"][0] if len(perk["benefits"]) == 1 else None
        return Judged("accepted", title=perk["title"], benefit=only), claims

    def _ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        url = path if path.startswith("http") else self.server + path
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = self.connection.request(method, url, json=body, headers=headers, timeout=PATIENCE)
            told = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise Offline from error
        if answer.status_code >= 500:
            raise Offline
        if answer.status_code >= 400:
            raise Refused(answer.status_code, told)
        return told

    def _till(self) -> str | None:
        return (self._kept("till") or {}).get("token")

    def _shift(self) -> str | None:
        return (self._kept("shift") or {}).get("token")

    def _keep(self, name: str, value: Any) -> None:
        self.kept.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def _kept(self, name: str) -> Any:
        row = self.kept.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None


def read_pass(shown: str, keys: list[dict[str, str]]) -> Claims | None:
    """Return what a pass says if one of the keys signed every bit of it, else None.

    `CA1:<base45>.<6 digits>`: version 1, key id 4, redemption 16, merchant 10, perk 10, valid until 5, signature 64.
    """
    text, dot, digits = shown.removeprefix("CA1:").rpartition(".")
    if not (shown.startswith("CA1:") and dot and len(text) == PASS_LENGTH and len(digits) == 6 and digits.isdecimal()):
        return None
    try:
        whole = base45.b45decode(text)
    except ValueError:
        return None
    claims, signature = whole[:CLAIMS_LENGTH], whole[CLAIMS_LENGTH:]
    key = next((one for one in keys if one["kid"] == claims[1:5].hex() and one["crv"] == "Ed25519"), None)
    if key is None or claims[0] != 1:
        return None
    try:
        Ed25519PublicKey.from_public_bytes(_from_base64url(key["x"])).verify(signature, claims)
    except InvalidSignature:
        return None
    try:
        valid_until = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int.from_bytes(claims[41:], "big"))
    except OverflowError:
        return None
    return Claims(claims[5:21].hex(), claims[21:31].hex(), claims[31:41].hex(), valid_until)


def why_not(perk: dict[str, Any], arrival: dict[str, Any] | None, claims: Claims, now: datetime) -> Judged | None:
    """What the perk's policy, its day and its hours have against a genuine pass of this branch; None is nothing."""
    if perk["offline"] == "refuse":
        return Judged("needs_network", "It is never taken without a connection.")
    zone = ZoneInfo(perk["zone"])
    if perk["is_dated"]:
        if arrival is None and (perk["offline"] == "arrivals_only" or not perk["only_here"]):
            return Judged("not_listed", "It is not on this branch's list of arrivals.")
        # Dated perks end with their day: without the list, the pass's own end says which.
        last = claims.valid_until - timedelta(seconds=1)
        day = arrival["date"] if arrival else last.astimezone(zone).date().isoformat()
        if day != now.astimezone(zone).date().isoformat():
            return Judged("outside_hours", f"It is for {day}.")
    if not is_open(perk["hours"], now.astimezone(zone)):
        return Judged("outside_hours", "It is outside its hours.")
    return None


def is_open(hours: list[dict[str, Any]], local: datetime) -> bool:
    """Whether weekly hours include a local time; a span whose end is not after its start runs over midnight."""
    today, time = local.isoweekday(), f"{local:%H:%M}"
    yesterday = 7 if today == 1 else today - 1
    for span in hours:
        if span["to"] > span["from"]:
            if span["day"] == today and span["from"] <= time < span["to"]:
                return True
        elif (span["day"] == today and time >= span["from"]) or (span["day"] == yesterday and time < span["to"]):
            return True
    return not hours


def _from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server")
    parser.add_argument("--file", default="till.sqlite3")
    commands = parser.add_subparsers(dest="command", required=True)
    pair = commands.add_parser("pair")
    pair.add_argument("code")
    pair.add_argument("--name", default="")
    shift = commands.add_parser("shift")
    shift.add_argument("member")
    shift.add_argument("pin")
    commands.add_parser("refresh")
    commands.add_parser("send")
    commands.add_parser("scan").add_argument("shown")
    said = parser.parse_args()
    till = OfflineTill(said.server, said.file)
    match said.command:
        case "pair":
            print(till.pair(said.code, said.name))
        case "shift":
            till.open_shift(said.member, said.pin)
        case "refresh":
            till.refresh()
        case "scan":
            judged = till.scan(said.shown)
            print(json.dumps(asdict(judged)))
            sys.exit(judged.outcome != "accepted")
        case "send":
            print(json.dumps(till.send()))


if __name__ == "__main__":
    main()
