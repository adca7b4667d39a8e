"""While Redis is away nobody waits for it; sign-in, which counts there, says so."""

import time

import pytest
import redis
from django.core.cache import caches

from citizen_app import redis_circuit
from citizen_app.errors import Busy
from citizen_app.redis_circuit import Circuit, GuardedRedisCache

NOBODY = "redis://127.0.0.1:1/0"


def until(happened):
    for _ in range(500):
        if happened():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def circuit(monkeypatch):
    """A circuit of the test's own, and what its probe will hear; it is closed in the end."""
    heard = []

    def ping():
        if not heard:
            raise redis.ConnectionError

    made = Circuit(ping)
    monkeypatch.setattr(redis_circuit, "PROBE_SECONDS", 0.01)
    monkeypatch.setattr(redis_circuit, "circuit", made)
    yield made, heard
    heard.append("pong")
    assert until(lambda: not made.is_open)


def test_after_one_failure_nobody_asks_until_redis_answers_again(circuit):
    circuit, heard = circuit
    asked = []

    def ask(answer):
        asked.append(answer)
        if answer == "away":
            raise redis.TimeoutError
        return answer

    assert circuit.call(ask, "here", failures=redis.RedisError) == "here"
    with pytest.raises(Busy):
        circuit.call(ask, "away", failures=redis.RedisError)
    with pytest.raises(Busy):
        circuit.call(ask, "not asked", failures=redis.RedisError)
    assert asked == ["here", "away"]
    heard.append("pong")
    assert until(lambda: not circuit.is_open)
    assert circuit.call(ask, "here again", failures=redis.RedisError) == "here again"


def test_what_is_no_failure_of_redis_is_the_caller_s_own(circuit):
    circuit, _ = circuit
    with pytest.raises(ZeroDivisionError):
        circuit.call(lambda: 1 // 0, failures=redis.RedisError)
    assert not circuit.is_open


def test_the_cache_refuses_and_never_says_that_something_is_not_there(circuit):
    cache = GuardedRedisCache(NOBODY, {})
    with pytest.raises(Busy):
        cache.get("used-code")
    assert circuit[0].is_open
    with pytest.raises(Busy):
        cache.add("used-code", True)


def test_signing_in_answers_503_meanwhile(circuit, client, monkeypatch, db):
    client.raise_request_exception = False
    wrong = {"email": "ana@example.org", "password": "wrong"}
    with monkeypatch.context() as patched:
        patched.setattr(caches._connections, "default", GuardedRedisCache(NOBODY, {}), raising=False)
        page = client.post("/accounts/login/", {"login": wrong["email"], "password": "wrong"})
        told = client.post("/_allauth/app/v1/auth/login", wrong, content_type="application/json")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "1")
    assert (told.status_code, told.json()["code"]) == (503, "busy")
