"""A furnisher's server: a reference client that signs what it sends, small enough to be read and copied.

    pip install cryptography requests
    export FURNISHER_ID=… FURNISHER_SECRET=…
    python furnisher.py https://citizen.example bank.keys register "2027"
    python furnisher.py https://citizen.example bank.keys link K7QF2M9X customer-1
    python furnisher.py https://citizen.example bank.keys links --changed-since 2026-11-01T00:00:00Z
    python furnisher.py https://citizen.example bank.keys send records.ndjson
    python furnisher.py https://citizen.example bank.keys retract payment-7 customer-1
    python furnisher.py https://citizen.example bank.keys disputes
    python furnisher.py https://citizen.example bank.keys answer dsp_… confirm "It was paid in March."
    python furnisher.py https://citizen.example bank.keys rotate "2028"

The token (client credentials, ten minutes) says who calls. The signature (RFC 9421, Ed25519) says that this request,
its address and its body are yours, and that nobody sends them twice. Send only about the subjects that `links` tells
are on or off; the rest is refused row by row, and nothing of it is kept. Records of one batch may be sent again: a row
that is there already is a duplicate, and harmless. Keep the file of keys as you keep the client's secret.
"""

import argparse
import base64
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PATIENCE = 30  # seconds
JSON, LINES = "application/json", "application/x-ndjson"


class Refused(Exception):
    """The server's answer is a problem (RFC 9457): `code` says which, `detail` what would change it."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail') or problem.get('title')}")
        self.status, self.code, self.problem = status, problem.get("code"), problem


class Key:
    """One key pair. `keyid` follows from the public key alone: its thumbprint (RFC 7638)."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
        self.public = _base64url(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        jwk = f'{{"crv":"Ed25519","kty":"OKP","x":"{self.public}"}}'
        self.keyid = _base64url(hashlib.sha256(jwk.encode()).digest())

    def sign(self, label: str, method: str, url: str, digest: str) -> tuple[str, str]:
        """Return this key's part of `Signature-Input` and of `Signature`."""
        parameters = (
            f'("@method" "@target-uri" "content-digest");created={int(time.time())};keyid="{self.keyid}"'
            f';nonce="{secrets.token_urlsafe(24)}";tag="furnisher-v1"'
        )
        signed = (
            f'"@method": {method}\n"@target-uri": {url}\n"content-digest": {digest}\n"@signature-params": {parameters}'
        )
        signature = base64.b64encode(self.private.sign(signed.encode())).decode()
        return f"{label}={parameters}", f"{label}=:{signature}:"


class Furnisher:
    """One source's client. Its keys are in the file `path`, the one it signs with first."""

    def __init__(self, server: str, client_id: str, client_secret: str, path: Path | str) -> None:
        self.server, self.secret, self.path = server.rstrip("/"), (client_id, client_secret), Path(path)
        self.keys = [Key(seed) for seed in json.loads(self.path.read_text())] if self.path.exists() else []
        self.connection = requests.Session()
        self._token, self._until = "", 0.0

    # -- Keys

    def register(self, name: str = "") -> dict[str, Any]:
        """Make a key and have it taken into force: signed by itself, and by the one in force where there is one."""
        states = {key["keyid"]: key["state"] for key in self._pages("keys")}
        live = [key for key in self.keys if states.get(key.keyid) == "live"]
        # One that an earlier try has made and the server has not heard of is tried again.
        new = next((key for key in self.keys if key.keyid not in states), None) or Key(secrets.token_bytes(32).hex())
        # On disk before anybody knows it: an answer that is lost on the way loses no key.
        self._keep([*live, new])
        told: dict[str, Any] = self.ask("POST", "keys", {"public_key": new.public, "name": name}, keys=[*live[:1], new])
        return told

    def rotate(self, name: str = "") -> dict[str, Any]:
        """Change to a new key: register it, sign with it, and only then revoke all others."""
        told = self.register(name)
        self._keep(self.keys[-1:])
        for key in self._pages("keys"):
            if key["state"] == "live" and key["keyid"] != told["keyid"]:
                self.ask("DELETE", f"keys/{key['id']}")
        return told

    # -- Work

    def link(self, code: str, subject: str) -> dict[str, Any]:
        """Redeem the code a citizen gave you: from now on you may send records about `subject`."""
        told: dict[str, Any] = self.ask("POST", "links", {"link_code": code, "subject": subject})
        return told

    def links(self, changed_since: str | None = None) -> Iterator[dict[str, Any]]:
        """The subjects who let you in, latest change first; forget those whose state is `ended`."""
        return self._pages("links", f"&changed_since={changed_since.replace('+', '%2B')}" if changed_since else "")

    def send(self, rows: list[dict[str, Any]], *, dry_run: bool = False) -> dict[str, Any]:
        """Send records, at most 10,000; each is answered for itself."""
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        told: dict[str, Any] = self.ask("POST", "entries" + "?dry_run=1" * dry_run, lines)
        return told

    def retract(self, external_id: str, subject: str) -> None:
        """Take a record back."""
        self.ask("DELETE", f"entries/{external_id}?subject={subject}")

    def disputes(self, state: str = "unanswered") -> Iterator[dict[str, Any]]:
        """What citizens dispute of your records, by the day to answer: silence strikes them."""
        return self._pages("disputes", f"&state={state}")

    def answer(
        self, dispute: str, position: str, statement: str, entry: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Answer a dispute: `confirm`, `withdraw`, or `correct` with what the record should have said."""
        body = {"position": position, "statement": statement} | ({"entry": entry} if entry else {})
        told: dict[str, Any] = self.ask("POST", f"disputes/{dispute}/answer", body)
        return told

    # -- How it is said

    def ask(self, method: str, path: str, body: Any = None, *, keys: list[Key] | None = None) -> Any:
        """Send one request, signed where it changes something; `path` is below `/api/v1/sources/`, or a whole address.

        A 503 and a network that fails are tried again, each time signed anew: a signature is good for one use.
        """
        url = path if path.startswith(self.server) else f"{self.server}/api/v1/sources/{path}"
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        for left in (2, 1, 0):
            headers = {"Authorization": f"Bearer {self._bearer()}"}
            if body is not None:
                headers["Content-Type"] = LINES if isinstance(body, bytes) else JSON
            if method != "GET":
                headers |= _signed(method, url, raw, self.keys[:1] if keys is None else keys)
            try:
                answer = self.connection.request(method, url, data=raw, headers=headers, timeout=PATIENCE)
            except requests.ConnectionError:
                if not left:
                    raise
            else:
                if answer.status_code < 400:
                    return answer.json() if answer.content else None
                if answer.status_code != 503 or not left:
                    raise Refused(answer.status_code, answer.json())
            time.sleep(1)
        return None

    def _pages(self, path: str, query: str = "") -> Iterator[dict[str, Any]]:
        address: str | None = f"{path}?limit=100{query}"
        while address:
            told = self.ask("GET", address)
            yield from told["results"]
            address = told["next"]

    def _bearer(self) -> str:
        if time.monotonic() > self._until:
            form = {"grant_type": "client_credentials", "scope": "source:write"}
            answer = self.connection.post(f"{self.server}/o/token/", data=form, auth=self.secret, timeout=PATIENCE)
            answer.raise_for_status()
            told = answer.json()
            self._token, self._until = told["access_token"], time.monotonic() + told["expires_in"] - 60
        return self._token

    def _keep(self, keys: list[Key]) -> None:
        self.keys = keys
        beside = self.path.with_name(self.path.name + ".new")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(json.dumps([key.seed for key in keys]))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)


def _signed(method: str, url: str, body: bytes, keys: list[Key]) -> dict[str, str]:
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    parts = [key.sign(f"sig{place}", method, url, digest) for place, key in enumerate(keys)]
    if not parts:
        return {}
    inputs, signatures = zip(*parts, strict=True)
    return {"Content-Digest": digest, "Signature-Input": ", ".join(inputs), "Signature": ", ".join(signatures)}


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def main() -> None:
    """Run one command and print its answer, a JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server")
    parser.add_argument("keys", help="the file of your keys")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("register", "rotate"):
        commands.add_parser(name).add_argument("name", nargs="?", default="")
    link, retract, answer = (commands.add_parser(name) for name in ("link", "retract", "answer"))
    for command, names in ((link, ("code", "subject")), (retract, ("external_id", "subject"))):
        for name in names:
            command.add_argument(name)
    commands.add_parser("links").add_argument("--changed-since")
    commands.add_parser("send").add_argument("file", type=Path)
    commands.add_parser("disputes").add_argument("--state", default="unanswered")
    for name in ("dispute", "position", "statement"):
        answer.add_argument(name)
    answer.add_argument("--entry", type=json.loads)
    said = parser.parse_args()
    client = Furnisher(said.server, os.environ["FURNISHER_ID"], os.environ["FURNISHER_SECRET"], said.keys)
    told: Any = None
    try:
        match said.command:
            case "register" | "rotate":
                told = getattr(client, said.command)(said.name)
            case "link":
                told = client.link(said.code, said.subject)
            case "links":
                told = list(client.links(said.changed_since))
            case "send":
                lines = said.file.read_text(encoding="utf-8").splitlines()
                told = client.send([json.loads(line) for line in lines if line.strip()])
            case "retract":
                client.retract(said.external_id, said.subject)
            case "disputes":
                told = list(client.disputes(said.state))
            case "answer":
                told = client.answer(said.dispute, said.position, said.statement, said.entry)
    except Refused as refusal:
        sys.exit(str(refusal))
    for one in told if isinstance(told, list) else [] if told is None else [told]:
        print(json.dumps(one))


if __name__ == "__main__":
    main()
