"""Threat 24, at the same moment: one signed request that is sent many times at once is worked once."""

from collections import Counter
from threading import Barrier

import pytest
from django.db import connection, transaction

from scores.errors import SignatureReplayed
from scores.models import Entry, SignedBatch, SourceKey, UsedNonce
from tests.factories.scores import EnrolmentFactory, SourceFactory, furnisher_client, link, row
from tests.factories.signatures import Signer, SigningServer, both, bytes_of
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]
ENTRIES, KEYS = "/api/v1/sources/entries", "/api/v1/sources/keys"
TIMES = 12


@pytest.fixture(autouse=True)
def _required(settings):
    settings.SOURCE_SIGNATURES = "required"


@pytest.fixture
def bank():
    source = SourceFactory(code="bank")
    link(EnrolmentFactory().citizen, source, subject="ana-7")
    return SigningServer(source)


def replayed(bank, path, body, headers):
    """The very same request from many sides at once; who is told to come back in a moment does."""
    clients = [furnisher_client(bank.source) for _ in range(TIMES)]

    def send(client):
        for _ in range(20):
            answer = client.generic("POST", path, body, content_type="application/json", headers=headers)
            if answer.status_code != 503:
                break
        return answer.status_code, answer.json().get("code")

    return Counter(at_once(*[lambda client=client: send(client) for client in clients]))


def test_threat_24_one_signed_batch_sent_12_times_at_once_is_worked_once(bank):
    body = bytes_of({"entries": [row("ana-7", 1)]})
    answers = replayed(bank, ENTRIES, body, bank.signer.headers("POST", ENTRIES, body))
    assert answers == {(200, None): 1, (409, "signature_replayed"): TIMES - 1}
    assert (Entry.objects.count(), SignedBatch.objects.count(), UsedNonce.objects.count()) == (1, 1, 1)


def test_threat_24_one_registration_sent_12_times_at_once_is_one_key(bank):
    new = Signer()
    body = bytes_of({"public_key": new.public_key})
    by_old = bank.signer.headers("POST", KEYS, body, label="old")
    answers = replayed(bank, KEYS, body, both(by_old, new.headers("POST", KEYS, body, label="new")))
    assert answers == {(201, None): 1, (409, "signature_replayed"): TIMES - 1}
    assert SourceKey.objects.filter(source=bank.source).count() == 2


def test_threat_24_a_first_key_registered_12_times_at_once_is_one(bank):
    SourceKey.objects.all().delete()
    new = Signer()
    body = bytes_of({"public_key": new.public_key})
    answers = replayed(bank, KEYS, body, new.headers("POST", KEYS, body))
    assert answers[201, None] == 1
    assert set(answers) <= {(201, None), (200, None), (409, "signature_replayed")}
    assert (SourceKey.objects.count(), UsedNonce.objects.count()) == (1, 1)


def test_keys_registered_at_once_are_four_at_most(bank):
    signers = [Signer() for _ in range(8)]

    def register(new):
        body = bytes_of({"public_key": new.public_key})
        by_old = bank.signer.headers("POST", KEYS, body, label="old")
        headers = both(by_old, new.headers("POST", KEYS, body, label="new"))
        client = furnisher_client(bank.source)
        for _ in range(20):
            answer = client.generic("POST", KEYS, body, content_type="application/json", headers=headers)
            if answer.status_code != 503:
                break
        return answer.json().get("code")

    answers = Counter(at_once(*[lambda new=new: register(new) for new in signers]))
    assert answers == {None: 3, "too_many_keys": 5}
    assert SourceKey.objects.live().filter(source=bank.source).count() == 4


@pytest.mark.usefixtures("postgresql")
@pytest.mark.parametrize("looks_first", [False, True], ids=["no guard", "looks, then writes"])
def test_without_the_unique_constraint_the_same_replays_are_worked_again(bank, monkeypatch, looks_first):
    """The negative control: what the constraint alone holds, no look beforehand does."""
    [once] = [one for one in UsedNonce._meta.constraints if one.name == "signature_used_once"]
    all_have_looked = Barrier(TIMES)
    if looks_first:

        def look_then_write(signature, *, now):
            if UsedNonce.objects.filter(key=signature.key, nonce=signature.claim.nonce).exists():
                raise SignatureReplayed
            all_have_looked.wait(timeout=30)
            UsedNonce.objects.create(key=signature.key, nonce=signature.claim.nonce, used_at=now)

        monkeypatch.setattr("scores.api.signed.use_once", look_then_write)
    with connection.schema_editor() as editor:
        editor.remove_constraint(UsedNonce, once)
    try:
        body = bytes_of({"entries": [row("ana-7", 1)]})
        answers = replayed(bank, ENTRIES, body, bank.signer.headers("POST", ENTRIES, body))
    finally:
        UsedNonce.objects.all().delete()
        with transaction.atomic(), connection.schema_editor() as editor:
            editor.add_constraint(UsedNonce, once)
    assert answers == {(200, None): TIMES}
