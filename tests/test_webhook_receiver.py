"""The example receiver works as written: over HTTP it verifies, takes once, and ends right in whatever order."""

import importlib.util
import json
import random
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from citizen_app.webhooks.catalogue import EVENTS
from citizen_app.webhooks.signing import new_secret
from tests.running import ROOT

SECRET, FORMER = new_secret(), new_secret()


def example():
    place = importlib.util.spec_from_file_location("receiver", ROOT / "docs" / "clients" / "webhook_receiver.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


RECEIVER = example()


def event(number, sequence, state):
    body = EVENTS["redemption.redeemed"].example()
    thing = {"kind": "redemption", "id": f"red_{number}", "state": state}
    return body | {"id": f"evt_{number}_{sequence}", "sequence": sequence, "object": thing}


@pytest.fixture
def running(tmp_path):
    inbox = RECEIVER.Inbox(tmp_path / "events.sqlite3")
    server = RECEIVER.receiver(0, inbox, [SECRET, FORMER])
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield inbox, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def sent(url, said, *, secret=SECRET, at=None, **headers):
    body, at = json.dumps(said).encode(), at or datetime.now(UTC)
    headers = {
        "webhook-id": said["id"],
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(said["id"], at, body.decode()),
    } | headers
    try:
        return urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5).status
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code


def rows(inbox, table):
    return inbox.rows.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()


def test_it_takes_each_event_once_and_keeps_the_latest_of_each_object(running):
    inbox, url = running
    for said in (event(1, 2, "redeemed"), event(1, 1, "reserved"), event(2, 1, "reserved"), event(1, 2, "redeemed")):
        assert sent(url, said) == 204
    assert len(rows(inbox, "seen")) == 3
    assert rows(inbox, "object") == [("red_1", 2, "redeemed"), ("red_2", 1, "reserved")]
    assert sent(url, event(3, 1, "reserved"), secret=FORMER) == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "garbage"},
        {"webhook-signature": "v1,a,b"},
        {"webhook-signature": "v1,***"},
        {"webhook-signature": ""},
        {"webhook-id": "evt_other"},
        {"webhook-timestamp": "soon"},
    ],
)
def test_it_refuses_what_is_not_signed_right(running, headers):
    inbox, url = running
    assert sent(url, event(1, 1, "reserved"), **headers) == 400
    assert rows(inbox, "seen") == []


def test_it_refuses_a_stranger_s_secret_and_what_is_old_or_of_the_future(running):
    inbox, url = running
    assert sent(url, event(1, 1, "reserved"), secret=new_secret()) == 400
    for minutes in (-6, 6):
        assert sent(url, event(1, 1, "reserved"), at=datetime.now(UTC) + timedelta(minutes=minutes)) == 400
    assert rows(inbox, "seen") == []


def test_every_order_of_four_events_ends_in_the_same_state():
    told = [event(1, sequence, f"state-{sequence}") for sequence in (1, 2, 3)] + [event(2, 1, "state-1")]
    for order in permutations(told):
        inbox = RECEIVER.Inbox(":memory:")
        assert [inbox.take(said) for said in order] == [True] * 4
        assert rows(inbox, "object") == [("red_1", 3, "state-3"), ("red_2", 1, "state-1")]
        inbox.rows.close()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5)), min_size=1, max_size=12), st.randoms())
def test_duplicates_in_any_order_end_in_the_right_state(said, chance):
    told = [event(number, sequence, f"state-{sequence}") for number, sequence in said]
    told += chance.sample(told, random.Random(0).randint(0, len(told)))
    chance.shuffle(told)
    inbox = RECEIVER.Inbox(":memory:")
    new = sum(inbox.take(one) for one in told)
    assert new == len(set(said)) == len(rows(inbox, "seen"))
    latest = {f"red_{number}": max(seq for other, seq in said if other == number) for number, _ in said}
    assert {name: (seq, state) for name, seq, state in rows(inbox, "object")} == {
        name: (seq, f"state-{seq}") for name, seq in latest.items()
    }
    inbox.rows.close()
