"""The example app works as written, against the running product: connect, read, look up, renew, disconnect."""

import importlib.util
import json
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
import requests
from django.db import connection

from tests.running import ROOT, running_product

BACK = "http://127.0.0.1:9000/back"
LONGEST = 60  # lines: what an engineer reads before the first coffee is over


def example():
    place = importlib.util.spec_from_file_location("dating_app", ROOT / "docs" / "clients" / "dating_app.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def command(product, *words):
    run = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=product.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


class Person:
    """Somebody's own app: it answers what other apps ask of them."""

    def __init__(self, product, email):
        made = command(product, "create_citizen", email, "--session")
        self.base, self.headers = product.base, {"X-Session-Token": made["session_token"]}

    def call(self, method, path, **said):
        headers = self.headers | said.pop("headers", {})
        answer = requests.request(method, f"{self.base}/api/v1/{path}", headers=headers, timeout=30, **said)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def answer(self, link, *, allow=True, scopes=("openid", "boost:read")):
        """Open an app's link in the citizen's app, and answer it; where that leads back to."""
        said = {"allow": allow, "scopes": list(scopes) if allow else []}
        return self.call("POST", f"oauth/authorize?{urlsplit(link).query}", json=said)["redirect"]


def somebody_who_reaches_a_boost(product):
    """One of the demo's guests, and the boost."""
    for name in ("ana", "rui"):
        guest = Person(product, f"{name}@demo.example.org")
        for boost in guest.call("GET", "perks?kind=visibility_boost")["results"]:
            if boost["eligibility"]["answer"] == "eligible":
                return guest, boost
    raise AssertionError("no guest of the demo reaches a boost")


def app_lines_of(person):
    """What the person's list says of apps that asked; readings are told within seconds."""
    for _ in range(100):
        asked = person.call("GET", "me/inquiries")["results"]
        if told := [one for one in asked if one["asked_by"]["kind"] == "app"]:
            return told
        time.sleep(0.2)
    raise AssertionError("no reading was told")


def connect(app, person, **said):
    link = app.link()
    (state,) = app.waiting
    return app.came_back(person.answer(link, **said), state)


def test_the_example_app_is_short():
    lines = (ROOT / "docs" / "clients" / "dating_app.py").read_text().splitlines()
    assert len(lines) <= LONGEST
    assert max(map(len, lines)) <= 120


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it starts the embedded default: once is enough")
def test_the_example_app_connects_reads_looks_up_renews_and_forgets_who_disconnected(tmp_path):
    with running_product(tmp_path, people=0) as product:
        guest, boost = somebody_who_reaches_a_boost(product)
        merchant = boost["merchant"]["id"]
        made = command(product, "create_app", "Evenly", "--merchant", merchant, "--redirect-uri", BACK, "--approve")
        server = (made["server"]["client_id"], made["server"]["client_secret"])
        app = example().DatingApp(product.base, made["client_id"], made["client_secret"], BACK, server)

        subject = connect(app, guest)
        assert (app.boost_of(subject), app.boosts_of([subject, "nobody"])) == (1.0, {subject: 1.0, "nobody": 1.0})
        guest.call("POST", f"perks/{boost['id']}/redemptions", json={}, headers={"Idempotency-Key": "take"})
        assert (app.boost_of(subject), app.boosts_of([subject])) == (1.2, {subject: 1.2})

        # An access token that has run out is renewed, once.
        before = dict(app.tokens[subject])
        app.tokens[subject] = before | {"access_token": "run out"}
        assert app.boost_of(subject) == 1.2
        assert app.tokens[subject]["refresh_token"] != before["refresh_token"]

        # Somebody who says no comes back with an error, and is nobody to the app.
        link = app.link()
        (state,) = app.waiting
        with pytest.raises(PermissionError):
            app.came_back(guest.answer(link, allow=False), state)

        # And who disconnects is as anybody without a boost from the next request on.
        (running,) = [one for one in guest.call("GET", "me/connections")["results"] if one["state"] == "running"]
        guest.call("DELETE", f"me/connections/{running['id']}")
        assert (app.boost_of(subject), app.boosts_of([subject])) == (1.0, {subject: 1.0})
        assert subject not in app.tokens

        # Who shares whether there is a boost, and no name, is connected all the same: only a look-up has no answer.
        unnamed = connect(app, guest, scopes=["boost:read"])
        assert unnamed != subject
        assert "id_token" not in app.tokens[unnamed]
        app.tokens[unnamed] = app.tokens[unnamed] | {"access_token": "run out"}
        guest.call("POST", f"perks/{boost['id']}/redemptions", json={}, headers={"Idempotency-Key": "again"})
        assert app.boost_of(unnamed) == 1.2
        assert app.boosts_of([unnamed]) == {unnamed: 1.0}

        # All of it is on the person's list, as one line of the day.
        assert [(one["asked_by"]["id"], one["what"]) for one in app_lines_of(guest)] == [(merchant, "boost")]
