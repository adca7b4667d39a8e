"""How often one caller may ask, and who is one caller."""

import pytest
import time_machine
from limits.errors import StorageError

from citizen_app.api import throttles
from citizen_app.api.throttles import LIMITS, add_limit, address_of, forget_counts, hit
from citizen_app.errors import Busy, RateLimited
from citizen_app.redis_circuit import Circuit
from tests.citizen_app.rooms import a_client, a_person, bearer_of, token_of

pytestmark = pytest.mark.urls("tests.citizen_app.rooms")


@pytest.fixture(autouse=True)
def _fresh_counts(settings):
    settings.RATE_LIMITS = True
    forget_counts()
    yield
    forget_counts()


@pytest.fixture
def low(monkeypatch):
    for name in ("anonymous", "citizen", "client", "scans"):
        monkeypatch.setitem(LIMITS, name, "2/minute")


def test_an_address_that_asks_too_often_is_told_how_long_to_wait(client, low):
    with time_machine.travel("2026-11-30T12:00:00Z", tick=False) as clock:
        assert [client.get("/api/echo").status_code for _ in range(2)] == [200, 200]
        clock.shift(10)
        refused = client.get("/api/echo")
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert refused.json()["retry_after"] == int(refused.headers["Retry-After"])
        assert 50 <= int(refused.headers["Retry-After"]) <= 51
        clock.shift(int(refused.headers["Retry-After"]) + 1)
        assert client.get("/api/echo").status_code == 200


def test_the_window_moves(client, low):
    with time_machine.travel("2026-11-30T12:00:00Z", tick=False) as clock:
        client.get("/api/echo")
        clock.shift(40)
        client.get("/api/echo")
        clock.shift(21)  # the first has left, the second has not
        assert client.get("/api/echo").status_code == 200
        assert client.get("/api/echo").status_code == 429


@pytest.mark.django_db
def test_people_clients_and_addresses_are_counted_each_for_itself(client, low):
    ana, bo = token_of(a_person()), token_of(a_person("bo@example.org"))
    server = bearer_of(a_client())
    for _ in range(2):
        assert client.get("/api/echo", headers=ana).status_code == 200
        assert client.get("/api/server", headers=server).status_code == 200
        assert client.get("/api/echo").status_code == 200
    for header, path in ((ana, "/api/echo"), (server, "/api/server"), ({}, "/api/echo")):
        assert client.get(path, headers=header).status_code == 429
    assert client.get("/api/echo", headers=bo).status_code == 200
    # A new token is the same person, another token of the client the same client.
    assert client.get("/api/server", headers=bearer_of(a_client())).status_code == 200


@pytest.mark.django_db
def test_a_renewed_token_is_the_same_person(client, low):
    ana = a_person()
    for _ in range(2):
        client.get("/api/echo", headers=token_of(ana))
    assert client.get("/api/echo", headers=token_of(ana)).status_code == 429


def test_a_limit_of_one_s_own_is_counted_per_key(monkeypatch):
    monkeypatch.setitem(LIMITS, "typed", "2/minute")
    hit("typed", "mer_a")
    hit("typed", "mer_a")
    hit("typed", "mer_b")
    with pytest.raises(RateLimited) as caught:
        hit("typed", "mer_a")
    assert 1 <= caught.value.facts["retry_after"] <= 60


def test_a_limit_is_published_once(monkeypatch):
    monkeypatch.setattr(throttles, "LIMITS", dict(LIMITS))
    add_limit("biscuits", "5/minute")
    add_limit("biscuits", "5/minute")
    with pytest.raises(ValueError, match="biscuits"):
        add_limit("biscuits", "6/minute")
    with pytest.raises(ValueError, match="nonsense"):
        add_limit("other", "nonsense")


def test_limits_can_be_switched_off(client, low, settings):
    settings.RATE_LIMITS = False
    assert {client.get("/api/echo").status_code for _ in range(5)} == {200}


def test_counts_are_atomic(monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setitem(LIMITS, "typed", "50/minute")

    def once(_):
        try:
            hit("typed", "x")
        except RateLimited:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(once, range(200))) == 50


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "", "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1"),  # nobody is trusted: callers may not name themselves
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1, 203.0.113.9", "203.0.113.9"),  # what the caller wrote before is not looked at
        (2, "10.0.0.1, 203.0.113.9, 198.51.100.2", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),  # it did not come through both of our proxies
        (1, "nonsense", "unknown"),
        (1, "", "192.0.2.1"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_an_address_is_what_our_own_proxies_say(rf, settings, proxies, forwarded, expected):
    settings.TRUSTED_PROXIES = proxies
    request = rf.get("/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": forwarded} if forwarded else {})
    assert address_of(request) == expected


def test_a_forged_header_does_not_get_round_the_limit(client, low):
    codes = [client.get("/api/echo", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(3)]
    assert codes == [200, 200, 429]


def test_when_counting_is_down_calls_go_on_and_guesses_do_not(client, monkeypatch):
    def down(*args):
        raise StorageError(ConnectionError("gone"))

    monkeypatch.setattr(throttles._limiter(), "hit", down)
    monkeypatch.setattr(throttles, "circuit", Circuit(ping=lambda: None))
    assert client.get("/api/echo").status_code == 200
    with pytest.raises(Busy):
        hit("token_client", "abc")


def test_the_published_limits_are_these():
    published = ("citizen", "client", "anonymous", "scans", "token_address", "token_client")
    assert {name: LIMITS[name] for name in published} == {
        "citizen": "600/minute",
        "client": "3000/minute",
        "anonymous": "60/minute",
        "scans": "1200/minute",
        "token_address": "60/minute",
        "token_client": "30/minute",
    }
