"""The furnisher's reference client works as written: against the real product, which takes nothing unsigned."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import requests
from django.db import connection

from tests.running import ROOT, Running, running_product

CLIENT = ROOT / "docs" / "clients" / "furnisher.py"
pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="it starts the embedded default: once is enough")


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Iterator[Running]:
    with running_product(tmp_path_factory.mktemp("furnisher"), people=1, SOURCE_SIGNATURES="required") as running:
        yield running


def manage(product, *command):
    run = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=product.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


class Bank:
    """A source and its client's command line; `keys` is the client's file."""

    def __init__(self, product, code, keys):
        self.product, self.keys, self.code = product, keys, code
        self.made = manage(product, "create_source", code, "--kinds", "credit.payment")

    def run(self, *command):
        secrets = {"FURNISHER_ID": self.made["client_id"], "FURNISHER_SECRET": self.made["client_secret"]}
        return subprocess.run(
            [sys.executable, CLIENT, self.product.base, self.keys, *command],
            env=self.product.environment | secrets,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def __call__(self, *command):
        run = self.run(*command)
        assert run.returncode == 0, run.stderr
        return [json.loads(line) for line in run.stdout.splitlines()]

    def imported(self):
        place = importlib.util.spec_from_file_location("furnisher", CLIENT)
        module = importlib.util.module_from_spec(place)
        place.loader.exec_module(module)
        return module, module.Furnisher(
            self.product.base, self.made["client_id"], self.made["client_secret"], self.keys
        )


class App:
    """A citizen's app."""

    def __init__(self, product, email):
        options = ["--password", "a long walk home", "--first-name", "Ana", "--enrol", "--session"]
        token = manage(product, "create_citizen", email, *options)["session_token"]
        self.base, self.headers = f"{product.base}/api/v1", {"X-Session-Token": token}

    def ask(self, method, path, **options):
        answer = requests.request(method, f"{self.base}/{path}", headers=self.headers, timeout=10, **options)
        assert answer.status_code < 300, answer.text
        return answer.json()


def test_a_furnisher_registers_links_sends_retracts_answers_and_rotates_all_signed(product, tmp_path):
    bank, app = Bank(product, "savings-bank", tmp_path / "bank.keys"), App(product, "ana@savings.example.org")

    # A key of its own: without one nothing can be written.
    code = app.ask("POST", "me/sources/savings-bank/link")["link_code"]
    refused = bank.run("link", code, "customer-1")
    assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "401 signature_missing")
    [key] = bank("register", "2026")
    assert (key["state"], key["name"]) == ("live", "2026")
    assert bank.keys.stat().st_mode & 0o777 == 0o600

    [link] = bank("link", code, "customer-1")
    assert (link["subject"], link["state"]) == ("customer-1", "on")
    assert bank("links") == [link]
    assert bank("links", "--changed-since", link["since"]) == [link]
    assert bank("links", "--changed-since", "2100-01-01T00:00:00+02:00") == []

    days = [date.today() - timedelta(days=31 * number) for number in range(1, 5)]
    rows = [
        {"external_id": f"p{n}", "subject": "customer-1", "kind": "credit.payment", "occurred_on": str(day), "value": 9}
        for n, day in enumerate(days)
    ]
    file = tmp_path / "records.ndjson"
    file.write_text("\n".join(map(json.dumps, [*rows, {**rows[0], "external_id": "x", "subject": "stranger"}])))
    [told] = bank("send", str(file))
    assert (told["accepted"], [one["code"] for one in told["rejected"]]) == (4, ["not_linked"])
    assert bank("send", str(file))[0]["duplicates"] == 4

    assert bank("retract", "p3", "customer-1") == []
    entries = {one["id"]: one["status"] for one in app.ask("GET", "me/entries?source=savings-bank")["results"]}
    assert sorted(entries.values()) == ["active", "active", "active", "struck"]

    # A dispute, answered twice: only the first counts.
    disputed = next(name for name, status in entries.items() if status == "active")
    opened = app.ask(
        "POST",
        "me/disputes",
        files={
            "entries": (None, disputed),
            "ground": (None, "wrong_value"),
            "statement": (None, "I paid on the day."),
            "share_evidence": (None, "false"),
        },
    )
    [asked] = bank("disputes")
    assert asked["statement"] == "I paid on the day."
    [answered] = bank("answer", asked["id"], "withdraw", "You are right.")
    assert answered["answer"] == "withdraw"
    assert app.ask("GET", f"me/disputes/{opened['id']}")["state"] == "upheld"
    assert "409 wrong_state" in bank.run("answer", asked["id"], "confirm", "No.").stderr
    assert bank("disputes") == []

    # Another key, and the first one is good for nothing any more.
    before = bank.keys.read_text()
    [new] = bank("rotate", "2027")
    assert bank("send", str(file))[0]["duplicates"] == 4
    after = bank.keys.read_text()
    bank.keys.write_text(before)
    assert bank.run("send", str(file)).stderr.startswith("401 signature_key_unknown")
    bank.keys.write_text(after)
    _, client = bank.imported()
    states = {one["keyid"]: one["state"] for one in client._pages("keys")}
    assert states == {key["keyid"]: "revoked", new["keyid"]: "live"}


def test_threat_24_over_http_one_signed_request_works_once_and_a_changed_one_never(product, tmp_path):
    bank = Bank(product, "replayed-bank", tmp_path / "bank.keys")
    bank("register")
    module, client = bank.imported()
    url = f"{product.base}/api/v1/sources/entries"
    headers = {"Authorization": f"Bearer {client._bearer()}", "Content-Type": "application/x-ndjson"}
    row = b'{"external_id": "a", "subject": "b", "kind": "credit.payment", "occurred_on": "2026-10-31"}\n'
    signed = module._signed("POST", url, row, client.keys)

    def send(body, address=url, **more):
        answer = requests.post(address, data=body, headers=headers | signed | more, timeout=10)
        return answer.status_code, answer.json().get("code")

    assert send(row.replace(b'"a"', b'"c"')) == (401, "digest_mismatch")
    assert send(row, f"{url}?dry_run=1") == (401, "signature_invalid")
    # The same address by another of its names is another address.
    assert send(row, url.replace("127.0.0.1", "localhost")) == (401, "signature_invalid")
    assert send(row) == (200, None)
    assert send(row) == (409, "signature_replayed")


def test_the_client_finishes_a_registration_whose_answer_was_lost(product, tmp_path):
    bank = Bank(product, "forgetful-bank", tmp_path / "bank.keys")
    module, client = bank.imported()
    for _ in range(2):  # the first key, then a second beside it
        lost = client.ask

        def no_answer(method, path, *args, ask=lost, **options):
            told = ask(method, path, *args, **options)
            if method == "POST":
                raise requests.ConnectionError
            return told

        client.ask = no_answer
        with pytest.raises(requests.ConnectionError):
            client.register()
        _, client = bank.imported()
        assert client.send([]) == {"accepted": 0, "duplicates": 0, "rejected": []}
    bank.keys.write_text(json.dumps([*json.loads(bank.keys.read_text()), "77" * 32]))  # made, and never sent
    _, client = bank.imported()
    assert client.register("third")["keyid"] == module.Key("77" * 32).keyid
