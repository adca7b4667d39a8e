"""The same key gives the same answer and the effect happens once; what is refused is judged afresh."""

import json
import threading
import time
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test import Client

from citizen_app.accounts.sign_in import session_token_for
from citizen_app.api.idempotency import KeyInvalid, KeyReused, fingerprint_of, once
from citizen_app.models import AuditEvent, IdempotentRequest
from tests.citizen_app.rooms import OutOfBiscuits, a_client, a_person, bearer_of, token_of
from tests.races.at_once import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.citizen_app.rooms")]


@pytest.fixture
def ana():
    return a_person()


@pytest.fixture
def header(ana):
    return token_of(ana)


def order(client, header, body=b'{"biscuits": 3}', *, key="k1", path="/api/orders"):
    headers = header if key is None else header | {"Idempotency-Key": key}
    return client.post(path, body, content_type="application/json", headers=headers)


def effects():
    return AuditEvent.objects.filter(action="order").count()


def kept():
    return IdempotentRequest.objects.count()


def test_a_retry_gets_the_same_bytes_and_no_second_effect(client, header):
    first, again = order(client, header), order(client, header)
    assert (first.status_code, again.status_code) == (201, 201)
    assert list(first.json()) == ["id", "zebra", "apple", "loud"]
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert (effects(), kept()) == (1, 1)


def test_a_renewed_token_is_the_same_caller(client, ana, header):
    first = order(client, header)
    again = order(client, token_of(ana))
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"


def test_another_person_s_key_or_another_address_is_another_key(client, header):
    order(client, header)
    stranger = token_of(a_person("bo@example.org"))
    for answer in (order(client, stranger), order(client, header, path="/api/orders/more")):
        assert answer.status_code == 201
        assert "Idempotent-Replayed" not in answer.headers
    assert effects() == 3


@pytest.mark.parametrize(
    "same", [b'{ "biscuits":3 }', b'{"biscuits": 3.0}', b'{"biscuits": 3e0}', b'{"biscuits": 3}\n']
)
def test_spelling_is_not_another_body(same):
    from citizen_app.api.parsers import parsed

    assert fingerprint_of(parsed(same), {}) == fingerprint_of({"biscuits": 3}, {})


def test_the_order_of_members_is_not_another_body_and_everything_else_is():
    assert fingerprint_of({"a": 1, "b": [1, 2]}, {}) == fingerprint_of({"b": [1, 2], "a": 1}, {})
    several = [
        fingerprint_of(body, query)
        for body, query in [
            ({"a": 1}, {}),
            ({"a": "1"}, {}),
            ({"a": True}, {}),
            ({"a": None}, {}),
            ({}, {}),
            ([], {}),
            ({"a": [1]}, {}),
            ({"a": 1}, {"a": ["1"]}),
            ({"a": Decimal("0.1")}, {}),
            ({"a": "0.1"}, {}),
            ({"a": Decimal("0.10000000000000000001")}, {}),
            ({"a": 2**53}, {}),
            ({"a": 2**53 + 1}, {}),
            ({"a": str(2**53)}, {}),
        ]
    ]
    assert len(set(several)) == len(several)


@pytest.mark.parametrize("other", [b'{"biscuits": 4}', b'{"biscuits": 3, "note": "x"}', b"{}"])
def test_another_body_under_the_same_key_is_422_and_changes_nothing(client, header, other):
    first = order(client, header)
    answer = order(client, header, other)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert (effects(), kept()) == (1, 1)
    assert order(client, header).content == first.content


def test_another_query_under_the_same_key_is_422(client, header):
    order(client, header)
    assert order(client, header, path="/api/orders?loud=1").json()["code"] == "idempotency_key_reused"
    assert effects() == 1


def test_a_missing_key_is_400(client, header):
    answer = order(client, header, key=None)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert (effects(), kept()) == (0, 0)


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "é", "a\tb", "\x7f"])
def test_an_unusable_key_is_400(client, header, key):
    answer = order(client, header, key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")
    assert (effects(), kept()) == (0, 0)


@pytest.mark.parametrize("key", ["k" * 255, '"quoted"', "!~", "a,b", "';DROP_TABLE_x;--"])
def test_any_visible_ascii_is_a_key(client, header, key):
    assert order(client, header, key=key).status_code == 201
    assert order(client, header, key=key).headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(("note", "code"), [("refuse", 409), ("answer", 409), ("x" * 21, 400)])
def test_a_refusal_keeps_nothing_and_is_judged_afresh(client, header, note, code):
    body = json.dumps({"biscuits": 3, "note": note}).encode()
    assert order(client, header, body).status_code == code
    assert (effects(), kept()) == (0, 0)
    assert order(client, header).status_code == 201


def test_a_bug_keeps_nothing_either(client, header):
    client.raise_request_exception = False
    assert order(client, header, b'{"biscuits": 3, "note": "bug"}').status_code == 500
    assert (effects(), kept()) == (0, 0)


def test_a_body_that_cannot_be_read_keeps_nothing(client, header):
    assert order(client, header, b"{").json()["code"] == "malformed_body"
    assert kept() == 0


def test_nobody_known_is_401_before_the_key_is_looked_at(client):
    assert order(client, {}, key=None).status_code == 401


def test_an_address_longer_than_any_of_ours_is_404_not_an_error(client, header):
    assert order(client, header, path="/api/orders/short/take").status_code == 201
    answer = order(client, header, path=f"/api/orders/{'x' * 300}/take")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_secrets_are_never_stored_and_derived_again(client, header):
    first = order(client, header, b"{}", path="/api/secret-orders")
    stored = IdempotentRequest.objects.values_list("body", flat=True).get()
    assert "derived-5" not in json.dumps(stored)
    assert "again" not in json.dumps(stored)
    assert "kept" in json.dumps(stored)  # a member of an object inside is not a secret
    again = order(client, header, b"{}", path="/api/secret-orders")
    assert again.content == first.content
    assert again.headers["Cache-Control"] == "no-store"
    assert effects() == 1


def test_a_secret_shown_once_is_not_shown_again(client, header):
    first = order(client, header, b"{}", path="/api/client-secrets").json()
    assert first["client_secret"] == "hush-hush"
    assert "hush-hush" not in json.dumps(list(IdempotentRequest.objects.values()), default=str)
    again = order(client, header, b"{}", path="/api/client-secrets").json()
    assert again == {"client_id": "abc", "client_secret": None, "secret_already_shown": True}


def test_a_server_is_a_caller_by_its_client_id(client):
    issued = a_client()
    from citizen_app.api.idempotency import caller_of

    class Asked:
        user = None

        class auth:
            kind = "bearer"
            application = issued.application

    assert caller_of(Asked) == f"client:{issued.client_id}"
    assert client.get("/api/server", headers=bearer_of(issued)).status_code == 200


def test_a_retry_costs_few_queries(client, header, django_assert_num_queries):
    order(client, header)
    # person, savepoint, insert that finds the row, the row, release
    with django_assert_num_queries(5):
        order(client, header)


def test_a_page_s_form_that_arrives_twice_is_one_act(ana):
    made = []

    def send(said, key="form-1"):
        return once(
            citizen=ana, path="/perks/x/take", key=key, said=said, work=lambda: made.append(1) or f"red_{len(made)}"
        )

    assert [send({"a": "1"}), send({"a": "1"})] == ["red_1", "red_1"]
    with pytest.raises(KeyReused):
        send({"a": "2"})
    with pytest.raises(KeyInvalid):
        send({"a": "1"}, key="no good")
    assert send({"a": "1"}, key="form-2") == "red_2"
    assert (len(made), kept()) == (2, 2)


def test_a_page_s_form_that_is_refused_keeps_nothing(ana):
    def refuse():
        AuditEvent.objects.create(actor="system", action="order", object="x")
        raise OutOfBiscuits

    with pytest.raises(OutOfBiscuits):
        once(citizen=ana, path="/perks/x/take", key="form-1", said={}, work=refuse)
    assert (effects(), kept()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_one_key_at_the_same_moment_is_one_effect():
    token = {"X-Session-Token": session_token_for(a_person())}
    answers = at_once(*[lambda: order(Client(), token) for _ in range(8)])
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 7
    assert (effects(), kept()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_duplicate_of_a_refused_first_does_the_work(postgresql):
    """The first holds the key's row, the duplicate waits on the index; the first is undone, the duplicate goes on."""
    person = a_person()
    token = {"X-Session-Token": session_token_for(person)}
    answers = []
    with transaction.atomic():
        _hold_the_key(person)
        waiting = threading.Thread(target=lambda: answers.append(_and_close(lambda: order(Client(), token))))
        waiting.start()
        time.sleep(0.3)
        assert not answers
        transaction.set_rollback(True)
    waiting.join(5)
    assert answers[0].status_code == 201
    assert "Idempotent-Replayed" not in answers[0].headers
    assert effects() == 1


@pytest.mark.django_db(transaction=True)
def test_a_duplicate_that_waits_too_long_is_told_to_come_back(postgresql):
    person = a_person()
    token = {"X-Session-Token": session_token_for(person)}
    answers = []

    def impatient():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 200")
        answers.append(order(Client(), token))

    with transaction.atomic():
        _hold_the_key(person)
        waiting = threading.Thread(target=lambda: _and_close(impatient))
        waiting.start()
        waiting.join(5)
        transaction.set_rollback(True)
    assert (answers[0].status_code, answers[0].json()["code"]) == (503, "busy")
    assert answers[0].headers["Retry-After"] == "1"
    assert (effects(), kept()) == (0, 0)


def _hold_the_key(person):
    IdempotentRequest.objects.create(
        caller=f"person:{person.pk}", method="POST", path="/api/orders", key="k1", fingerprint="x"
    )


def _and_close(call):
    try:
        return call()
    finally:
        connection.close()
