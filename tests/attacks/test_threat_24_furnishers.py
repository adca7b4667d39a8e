"""Threat 24: forged or replayed furnisher data that lowers a person's score. What is not signed right does nothing."""

import base64
import hashlib
import json
from datetime import timedelta

import pytest
import rfc8785
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from citizen_app.models import AuditEvent
from citizen_app.outbox import run_sweeps
from scores.models import Entry, EntryProof, SignedBatch, UsedNonce
from scores.services.enrolment import leave
from scores.services.linking import unlink_source
from scores.services.source_keys import revoke_key
from scores.signing import Proof, raw_key, signed_text
from tests.attacks.stored import changed, everything
from tests.factories.people import operator_with
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, furnisher_client, link, row
from tests.factories.signatures import COVERED, SERVER, Signer, SigningServer, both, bytes_of, key_of, sha256

pytestmark = pytest.mark.django_db
BATCH = {"entries": [row("ana-7", 1, value=120)]}  # four months late: it lowers a score
ENTRIES = "/api/v1/sources/entries"
RETRACTION = "/api/v1/sources/entries/r1?subject=ana-7"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def _required(settings):
    settings.SOURCE_SIGNATURES = "required"


@pytest.fixture
def citizen():
    return EnrolmentFactory().citizen


@pytest.fixture
def bank(citizen):
    """The bank's server, which signs; the citizen has linked it."""
    source = SourceFactory(code="bank")
    link(citizen, source, subject="ana-7")
    return SigningServer(source)


def assert_refused(answer, code, status=401):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]  # what would change it
    assert ("Accept-Signature" in answer.headers) == ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_threat_24_a_signed_batch_is_taken_and_a_replay_of_it_is_409_and_does_nothing(bank):
    headers = bank.signer.headers("POST", ENTRIES, bytes_of(BATCH))
    assert bank.send("POST", "entries", BATCH, headers=headers).json()["accepted"] == 1
    before = everything()
    assert_refused(bank.send("POST", "entries", BATCH, headers=headers), "signature_replayed", 409)
    assert changed(before) == []
    assert bank.send("POST", "entries", BATCH).json() == {"accepted": 0, "duplicates": 1, "rejected": []}


def test_threat_24_a_replayed_retraction_does_not_strike_what_was_sent_again(bank):
    bank.send("POST", "entries", BATCH)
    headers = bank.signer.headers("DELETE", RETRACTION)
    assert bank.send("DELETE", "entries/r1", headers=headers, subject="ana-7").status_code == 204
    before = everything()
    assert_refused(bank.send("DELETE", "entries/r1", headers=headers, subject="ana-7"), "signature_replayed", 409)
    assert changed(before) == []


def headers_of(bank, **other):
    return bank.signer.headers("POST", ENTRIES, bytes_of(BATCH), **other)


NEVER_SIGNED = {"Content-Digest": "", "Signature": "", "Signature-Input": ""}
FORGED = {
    # what is wrong, how the request is signed, and how it is refused
    "unsigned": (lambda bank: {}, "signature_missing"),
    "only the digest": (lambda bank: {"Content-Digest": headers_of(bank)["Content-Digest"]}, "signature_missing"),
    "only the input": (
        lambda bank: {name: text for name, text in headers_of(bank).items() if name != "Signature"},
        "signature_malformed",
    ),
    "no digest": (
        lambda bank: {name: text for name, text in headers_of(bank).items() if name != "Content-Digest"},
        "signature_malformed",
    ),
    "empty": (lambda bank: dict(NEVER_SIGNED), "signature_malformed"),
    "no dictionary": (lambda bank: headers_of(bank) | {"Signature-Input": "sig=("}, "signature_malformed"),
    "too long": (lambda bank: headers_of(bank) | {"Signature": "x" * 5000}, "signature_malformed"),
    "not covering the method": (lambda bank: headers_of(bank, covered=COVERED[1:]), "signature_malformed"),
    "not covering the address": (lambda bank: headers_of(bank, covered=COVERED[::2]), "signature_malformed"),
    "not covering the digest": (lambda bank: headers_of(bank, covered=COVERED[:2]), "signature_malformed"),
    "without a tag": (lambda bank: headers_of(bank, parameters={"tag": None}), "signature_malformed"),
    "for another use": (lambda bank: headers_of(bank, parameters={"tag": "furnisher-v2"}), "signature_malformed"),
    "without a nonce": (lambda bank: headers_of(bank, parameters={"nonce": None}), "signature_malformed"),
    "a short nonce": (lambda bank: headers_of(bank, parameters={"nonce": "a" * 15}), "signature_malformed"),
    "a long nonce": (lambda bank: headers_of(bank, parameters={"nonce": "a" * 129}), "signature_malformed"),
    "a number for a nonce": (lambda bank: headers_of(bank, parameters={"nonce": 10**15}), "signature_malformed"),
    "without created": (lambda bank: headers_of(bank, parameters={"created": None}), "signature_malformed"),
    "created as a text": (lambda bank: headers_of(bank, parameters={"created": "now"}), "signature_malformed"),
    "created beyond time": (lambda bank: headers_of(bank, parameters={"created": 10**14}), "signature_malformed"),
    "without keyid": (lambda bank: headers_of(bank, parameters={"keyid": None}), "signature_malformed"),
    "121 seconds old": (lambda bank: headers_of(bank, later=-121), "signature_expired"),
    "6 seconds ahead": (lambda bank: headers_of(bank, later=6), "signature_expired"),
    "expired by its own word": (
        lambda bank: headers_of(bank, parameters={"expires": int(NOW.timestamp()) - 1}),
        "signature_expired",
    ),
    "another algorithm": (lambda bank: headers_of(bank, parameters={"alg": "hmac-sha256"}), "signature_invalid"),
    "an unknown parameter": (lambda bank: headers_of(bank, parameters={"more": "x"}), "signature_invalid"),
    "of another method": (lambda bank: bank.signer.headers("PUT", ENTRIES, bytes_of(BATCH)), "signature_invalid"),
    "of another query": (lambda bank: headers_of(bank, url=f"{SERVER}{ENTRIES}?dry_run=1"), "signature_invalid"),
    "of another path": (lambda bank: headers_of(bank, url=f"{SERVER}/api/v1/sources/links"), "signature_invalid"),
    "of another host": (lambda bank: headers_of(bank, url=f"http://elsewhere{ENTRIES}"), "signature_invalid"),
    "over plain http as https": (
        lambda bank: headers_of(bank, url=f"https://testserver{ENTRIES}"),
        "signature_invalid",
    ),
    "with another's signature": (
        lambda bank: headers_of(bank) | {"Signature": headers_of(bank)["Signature"]},
        "signature_invalid",
    ),
    "another nonce put in": (
        lambda bank: headers_of(bank) | {"Signature-Input": headers_of(bank)["Signature-Input"]},
        "signature_invalid",
    ),
    "another digest put in": (
        lambda bank: headers_of(bank) | {"Content-Digest": bank.signer.headers("POST", ENTRIES)["Content-Digest"]},
        "signature_invalid",
    ),
    "another body": (lambda bank: bank.signer.headers("POST", ENTRIES, b"{}"), "digest_mismatch"),
    "a digest of the wrong length": (
        lambda bank: headers_of(bank, digest=f"sha-256=:{base64.b64encode(b'x' * 31).decode()}:"),
        "digest_mismatch",
    ),
    "another kind of digest": (
        lambda bank: headers_of(
            bank, digest=f"sha-512=:{base64.b64encode(hashlib.sha512(bytes_of(BATCH)).digest()).decode()}:"
        ),
        "signature_malformed",
    ),
    "two digests, one wrong": (
        lambda bank: headers_of(
            bank,
            digest=f"{headers_of(bank)['Content-Digest']}, sha-512=:{base64.b64encode(b'x' * 64).decode()}:",
        ),
        "digest_mismatch",
    ),
    "two signatures": (
        lambda bank: both(headers_of(bank), Signer().headers("POST", ENTRIES, bytes_of(BATCH), label="more")),
        "signature_malformed",
    ),
    "a key nobody registered": (
        lambda bank: Signer().headers("POST", ENTRIES, bytes_of(BATCH)),
        "signature_key_unknown",
    ),
    "the right key's name, another key": (
        lambda bank: Signer().headers("POST", ENTRIES, bytes_of(BATCH), parameters={"keyid": bank.signer.keyid}),
        "signature_invalid",
    ),
}


@pytest.mark.parametrize(("headers", "code"), FORGED.values(), ids=FORGED.keys())
@pytest.mark.parametrize("mode", ["required", "optional"])
def test_threat_24_what_is_not_signed_right_is_refused_and_nothing_is_stored(bank, settings, headers, code, mode):
    settings.SOURCE_SIGNATURES = mode
    before = everything()
    answer = bank.send("POST", "entries", BATCH, headers=headers(bank))
    if mode == "optional" and code == "signature_missing":
        assert answer.json()["accepted"] == 1
        assert not SignedBatch.objects.exists()
        return
    assert_refused(answer, code)
    assert changed(before) == []


@pytest.mark.parametrize("later", [-120, 0, 5])
def test_a_signature_of_up_to_two_minutes_is_taken(bank, later):
    assert bank.send("POST", "entries", BATCH, headers=headers_of(bank, later=later)).json()["accepted"] == 1


def test_behind_a_proxy_that_ends_tls_the_address_is_the_one_that_was_asked_for(bank, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    proxied = {"X-Forwarded-Proto": "https", "Host": "testserver"}
    outside = headers_of(bank, url=f"https://testserver{ENTRIES}")
    assert bank.send("POST", "entries", BATCH, headers=outside | proxied).json()["accepted"] == 1
    assert_refused(bank.send("POST", "entries", BATCH, headers=headers_of(bank) | proxied), "signature_invalid")


def test_every_character_of_an_id_can_be_signed_in_an_address(bank):
    name, subject = "Az.09_:-", "b:8._-"
    link(EnrolmentFactory().citizen, bank.source, subject=subject)
    assert bank.send("POST", "entries", {"entries": [row(subject, external_id=name)]}).json()["accepted"] == 1
    assert bank.send("DELETE", f"entries/{name}", subject=subject).status_code == 204  # %3A in the query
    path = f"/api/v1/sources/entries/{name}?subject={subject}"
    assert bank.client.delete(path, headers=bank.signer.headers("DELETE", path)).status_code == 204


def test_a_signature_of_somebody_on_the_way_is_not_ours_to_judge(bank):
    proxy = Signer().headers("POST", ENTRIES, bytes_of(BATCH), label="proxy", parameters={"tag": "proxy"})
    assert bank.send("POST", "entries", BATCH, headers=both(proxy, headers_of(bank))).json()["accepted"] == 1


def test_threat_24_a_key_of_another_source_signs_nothing_here_and_is_like_one_nobody_has(bank):
    bureau = SigningServer(SourceFactory(code="bureau"))
    before = everything()
    by_another, by_nobody = (
        bank.send("POST", "entries", BATCH, headers=signer.headers("POST", ENTRIES, bytes_of(BATCH)))
        for signer in (bureau.signer, Signer())
    )
    assert_refused(by_another, "signature_key_unknown")
    assert by_another.json() == by_nobody.json()
    # Nor does the bank's own signature help whoever calls as the bureau.
    assert_refused(bureau.send("POST", "entries", BATCH, headers=headers_of(bank)), "signature_key_unknown")
    assert changed(before) == []


def test_threat_24_a_revoked_key_signs_nothing_from_the_next_request_on(bank):
    assert bank.send("POST", "entries", BATCH).status_code == 200
    revoke_key(key=bank.key, by=None)
    before = everything()
    assert_refused(bank.send("DELETE", "entries/r1", subject="ana-7"), "signature_key_unknown")
    assert changed(before) == []
    assert Entry.objects.get(external_id="r1").status == "active"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "links", {"link_code": "AAAAAAAA", "subject": "x"}),
        ("POST", "entries", BATCH),
        ("DELETE", "entries/r1?subject=ana-7", None),
        ("POST", "disputes/dsp_x/answer", {"position": "confirm"}),
        ("POST", "keys", {"public_key": Signer().public_key}),
        ("DELETE", "keys/key_x", None),
    ],
)
def test_threat_24_whatever_changes_something_must_be_signed_and_reading_need_not_be(bank, method, path, body):
    before = everything()
    assert_refused(bank.client.generic(method, f"/api/v1/sources/{path}", bytes_of(body)), "signature_missing")
    assert changed(before) == []
    for each in ("links", "keys", "disputes"):
        assert bank.client.get(f"/api/v1/sources/{each}").status_code == 200


def test_a_signature_on_what_only_reads_must_be_right_too(bank):
    path = "/api/v1/sources/links"
    assert bank.send("GET", "links").status_code == 200
    wrong = bank.signer.headers("GET", path + "?limit=1")
    assert_refused(bank.send("GET", "links", headers=wrong), "signature_invalid")


def test_who_calls_is_asked_before_what_is_signed(bank):
    anybody = bank.client.__class__()
    answer = anybody.post(ENTRIES, BATCH, headers=headers_of(bank))
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert not UsedNonce.objects.exists()


def test_threat_24_lines_are_signed_like_any_body_and_one_changed_byte_is_refused(bank):
    lines = b"".join(bytes_of(row("ana-7", number)) + b"\n" for number in range(2_000))
    sent = {"content_type": "application/x-ndjson"}
    headers = bank.signer.headers("POST", ENTRIES, lines)
    before = everything()
    for other in (lines.replace(b"r1999", b"r1998"), lines[:-1], lines + b"\n", b"{" + lines):
        assert_refused(bank.send("POST", "entries", other, headers=headers, **sent), "digest_mismatch")
    assert changed(before) == []
    # A body that was changed on its way has used nothing up: as it was signed, it is taken.
    assert bank.send("POST", "entries", lines, headers=headers, **sent).json()["accepted"] == 2_000


def test_sixteen_mebibytes_are_read_once_and_one_byte_more_is_too_large(bank, settings):
    line = bytes_of(row("ana-7", 1)) + b"\n"
    full = line + b"\n" * (16 * 1024 * 1024 - len(line))
    assert bank.send("POST", "entries", full, content_type="application/x-ndjson").json()["accepted"] == 1
    assert_refused(
        bank.send("POST", "entries", full + b"\n", content_type="application/x-ndjson"), "too_large", status=413
    )


def test_a_signed_refusal_by_the_domain_is_its_own_and_has_used_the_signature_up(bank):
    headers = bank.signer.headers("POST", ENTRIES, b'{"entries": 1}')
    assert bank.send("POST", "entries", b'{"entries": 1}', headers=headers).json()["code"] == "invalid_input"
    assert_refused(bank.send("POST", "entries", b'{"entries": 1}', headers=headers), "signature_replayed", 409)


# -- Evidence


def test_threat_24_what_proves_a_batch_is_kept_with_it_and_can_be_looked_at_again(bank):
    rows = [row("ana-7", 1), row("ana-7", 2, value="30.0"), row("nobody", 3)]
    rows.append(row("ana-7", 4, kind="credit.utilisation", value=0.3))
    # Written otherwise than in its canonical form, as a bank may.
    body = json.dumps({"entries": rows}, indent=1).replace("0.3\n", "0.30\n").encode()
    assert b"0.30\n" in body
    headers = bank.signer.headers("POST", ENTRIES, body)
    answer = bank.send("POST", "entries", body, headers=headers).json()
    assert (answer["accepted"], [one["code"] for one in answer["rejected"]]) == (3, ["not_linked"]), answer
    batch = SignedBatch.objects.get()
    assert (batch.source, batch.key, batch.created_at, batch.recorded_at) == (bank.source, bank.key, NOW, NOW)
    assert batch.content_digest == headers["Content-Digest"]
    assert f'nonce="{batch.nonce}"' in headers["Signature-Input"]
    proof = Proof(batch.target_uri, batch.content_digest, batch.signature_params, batch.signature)
    public_key = Ed25519PublicKey.from_public_bytes(raw_key(batch.key.public_key))
    public_key.verify(base64.b64decode(batch.signature), signed_text("POST", proof))
    hashes = dict(EntryProof.objects.values_list("entry__external_id", "row_sha256"))
    wanted = {each["external_id"]: each for each in rows if each["subject"] != "nobody"}
    assert hashes == {name: sha256(rfc8785.dumps(each)).hex() for name, each in wanted.items()}
    assert set(EntryProof.objects.values_list("batch", flat=True)) == {batch.pk}


def test_a_corrected_row_within_a_batch_has_its_own_proof(bank):
    batch = {"entries": [row("ana-7", 1, value=3), row("ana-7", 2, replaces="r1")]}
    assert bank.send("POST", "entries", batch).json()["accepted"] == 2
    proofs = {proof.entry.external_id: proof for proof in EntryProof.objects.select_related("entry")}
    assert {name: proof.row_sha256 for name, proof in proofs.items()} == {
        each["external_id"]: sha256(rfc8785.dumps(each)).hex() for each in batch["entries"]
    }


def test_a_batch_that_brought_nothing_and_a_dry_run_keep_no_evidence(bank):
    bank.send("POST", "entries", {"entries": [row("nobody", 1)]})
    bank.send("POST", "entries", BATCH, dry_run=1)
    assert not SignedBatch.objects.exists()
    bank.send("POST", "entries", BATCH)
    bank.send("POST", "entries", BATCH)  # a duplicate
    assert SignedBatch.objects.count() == 1


@pytest.mark.parametrize("ending", ["leaving", "unlinking"])
def test_p8_p10_proofs_go_with_their_entries_and_a_batch_with_the_last_of_them(bank, citizen, clock, ending):
    other = EnrolmentFactory().citizen
    link(other, bank.source, subject="rui-8")
    bank.send("POST", "entries", {"entries": [row("ana-7", 1), row("rui-8", 2)]})
    bank.send("POST", "entries", {"entries": [row("ana-7", 3)]})
    if ending == "leaving":
        assert leave(citizen=citizen).erased["entry_proofs"] == 2
    else:
        unlink_source(citizen=citizen, source_code="bank")
    assert list(EntryProof.objects.values_list("entry__external_id", flat=True)) == ["r2"]
    clock.shift(timedelta(days=1, seconds=1))
    assert run_sweeps()["scores.signed_batches"] == 1
    assert SignedBatch.objects.get() == EntryProof.objects.get().batch


def test_nonces_are_forgotten_once_no_signature_with_them_could_be_taken_again(bank, clock):
    headers = headers_of(bank)
    bank.send("POST", "entries", BATCH, headers=headers)
    clock.shift(timedelta(seconds=126))
    assert run_sweeps()["scores.used_nonces"] == 0
    clock.shift(timedelta(minutes=6))
    assert run_sweeps()["scores.used_nonces"] == 1
    bank.client = furnisher_client(bank.source)
    assert_refused(bank.send("POST", "entries", BATCH, headers=headers), "signature_expired")


def test_a_signature_costs_one_query_for_the_key_and_one_row_for_the_nonce(bank):
    bank.send("POST", "entries", BATCH)

    def asked(headers=None):
        with CaptureQueriesContext(connection) as queries:
            bank.send("POST", "entries", {"entries": []}, headers=headers)
        return [query["sql"] for query in queries if "oauth2_provider" not in query["sql"]]

    signed = asked()
    assert sum('"scores_sourcekey"' in sql for sql in signed if sql.startswith("SELECT")) == 1
    assert sum('"scores_usednonce"' in sql for sql in signed) == 1
    # What can be refused without asking is: an old signature costs no query at all.
    assert asked(bank.signer.headers("POST", ENTRIES, b'{"entries": []}', later=-121)) == []
    # And a forged one costs the key's, and is not read any further.
    forged = Signer().headers("POST", ENTRIES, b"", parameters={"keyid": bank.signer.keyid})
    assert len(asked(forged)) == 1


# -- Keys


def register(bank, new, *signers, name="2027", public_key=None):
    body = {"public_key": public_key or new.public_key, "name": name}
    path = "/api/v1/sources/keys"
    signed = [
        one.headers("POST", path, bytes_of(body), label=f"s{place}") for place, one in enumerate(signers or [new])
    ]
    return bank.client.generic(
        "POST",
        path,
        bytes_of(body),
        content_type="application/json",
        headers=signed[0] if len(signed) == 1 else both(*signed),
    )


@pytest.mark.parametrize("mode", ["required", "optional"])
def test_the_first_key_is_registered_by_the_token_and_its_own_signature(citizen, settings, mode):
    settings.SOURCE_SIGNATURES = mode
    source, signer = SourceFactory(code="bank"), Signer()
    link(citizen, source, subject="ana-7")
    bank = type("Bank", (), {"client": furnisher_client(source)})
    before = everything()
    unsigned = bank.client.post("/api/v1/sources/keys", {"public_key": signer.public_key})
    assert_refused(unsigned, "signature_missing")
    assert_refused(register(bank, signer, Signer()), "signature_key_unknown")
    assert changed(before) == []
    answer = register(bank, signer)
    assert answer.status_code == 201
    told = answer.json()
    assert told["id"].startswith("key_")
    assert (told["keyid"], told["public_key"], told["name"]) == (signer.keyid, signer.public_key, "2027")
    assert (told["state"], told["registered_at"], told["revoked_at"]) == ("live", "2026-11-23T12:00:00Z", None)
    assert bank.client.get("/api/v1/sources/keys").json()["results"] == [told]
    event = AuditEvent.objects.get(action="source_key.register")
    assert (event.actor, event.object) == (f"client:{source.application.client_id}", "source:bank")
    assert event.facts == {"key": told["id"], "keyid": signer.keyid}
    again = register(bank, signer)  # who lost the answer may ask again
    assert (again.status_code, again.json()) == (200, told)


def test_threat_24_a_stolen_token_brings_no_second_key_in(bank):
    thief, before = Signer(), everything()
    assert_refused(register(bank, thief), "live_key_needed")
    assert changed(before) == []


def test_nobody_registers_a_key_they_do_not_have(bank):
    theirs = Signer()
    before = everything()
    assert_refused(register(bank, theirs, bank.signer), "key_proof_missing")
    assert set(changed(before)) == {"scores_usednonce"}
    body_of_another = register(bank, theirs, Signer(), bank.signer)
    assert_refused(body_of_another, "signature_key_unknown")
    assert set(changed(before)) == {"scores_usednonce"}


def test_keys_are_changed_with_overlap(bank):
    new = Signer()
    told = register(bank, new, bank.signer, new)
    assert told.status_code == 201
    for signer in (bank.signer, new):
        assert (
            bank.send("POST", "entries", BATCH, headers=signer.headers("POST", ENTRIES, bytes_of(BATCH))).status_code
            == 200
        )
    path = f"/api/v1/sources/keys/{bank.key.public_id}"
    for _ in range(2):  # safe to repeat
        revoked = bank.client.delete(path, headers=new.headers("DELETE", path))
        assert revoked.status_code == 204
    assert AuditEvent.objects.filter(action="source_key.revoke").count() == 1
    assert_refused(bank.send("POST", "entries", BATCH), "signature_key_unknown")
    states = {one["keyid"]: one["state"] for one in bank.client.get("/api/v1/sources/keys").json()["results"]}
    assert states == {bank.signer.keyid: "revoked", new.keyid: "live"}


def test_threat_24_a_replayed_registration_brings_a_revoked_key_not_back(bank):
    new = Signer()
    body = bytes_of({"public_key": new.public_key})
    path = "/api/v1/sources/keys"
    headers = both(bank.signer.headers("POST", path, body, label="a"), new.headers("POST", path, body, label="b"))
    assert bank.send("POST", "keys", body, headers=headers).status_code == 201
    assert_refused(bank.send("POST", "keys", body, headers=headers), "signature_replayed", 409)
    revoke_key(key=bank.source.keys.get(keyid=new.keyid), by=None)
    before = everything()
    assert_refused(bank.send("POST", "keys", body, headers=headers), "signature_replayed", 409)
    assert changed(before) == []
    assert_refused(register(bank, new, bank.signer, new), "key_known", 409)


def test_a_key_is_one_source_s(bank):
    bureau = SigningServer(SourceFactory(code="bureau"))
    assert_refused(register(bureau, bank.signer, bureau.signer, bank.signer), "key_known", 409)
    assert bank.source.keys.count() == bureau.source.keys.count() == 1


def test_four_keys_are_in_force_at_most(bank):
    for _ in range(3):
        key_of(bank.source)
    fifth = Signer()
    answer = register(bank, fifth, bank.signer, fifth)
    assert_refused(answer, "too_many_keys", 409)
    assert answer.json()["limit"] == 4
    assert bank.source.keys.count() == 4
    revoke_key(key=bank.source.keys.exclude(pk=bank.key.pk).first(), by=None)
    assert register(bank, fifth, bank.signer, fifth).status_code == 201


def test_an_operator_revokes_lost_keys_by_command_and_the_source_begins_again(bank, capsys, citizen):
    second, operator = key_of(bank.source), operator_with("support")
    elsewhere = SigningServer(SourceFactory(code="bureau"))
    with pytest.raises(CommandError, match="No operator"):
        call_command("revoke_source_keys", "bank", by=citizen.email)
    assert bank.source.keys.live().count() == 2
    call_command("revoke_source_keys", "bank", by=operator.email)
    assert set(json.loads(capsys.readouterr().out)["revoked"]) == {bank.key.keyid, second.keyid}
    assert_refused(bank.send("POST", "entries", BATCH), "signature_key_unknown")
    events = AuditEvent.objects.filter(action="source_key.revoke")
    assert set(events.values_list("actor", flat=True)) == {f"person:{operator.pk}"}
    assert elsewhere.source.keys.live().count() == 1
    assert register(bank, Signer()).status_code == 201


def test_an_operator_who_may_no_longer_act_revokes_nothing(bank):
    operator = operator_with("support")
    operator.is_active = False
    operator.save()
    with pytest.raises(CommandError):
        call_command("revoke_source_keys", "bank", by=operator.email)
    assert bank.source.keys.live().count() == 1


BAD_KEYS = {
    "too short": "A" * 42,
    "padded": "A" * 43 + "=",
    "the other alphabet": "+" * 43,
    "bits too many": "A" * 42 + "B",
    "a point of order one": base64.urlsafe_b64encode(b"\x01" + b"\x00" * 31).decode().rstrip("="),
    "the same, its last bit set": base64.urlsafe_b64encode(b"\x01" + b"\x00" * 30 + b"\x80").decode().rstrip("="),
    "not a text": 7,
}


@pytest.mark.parametrize("public_key", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_what_is_no_key_is_refused_at_its_place(bank, public_key):
    before = everything()
    answer = register(bank, Signer(), public_key=public_key)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/public_key", "invalid")]
    assert changed(before) == []


def test_the_description_names_the_headers_of_a_signature(bank):
    operations = bank.client.get("/api/v1/schema", headers={"Accept": "application/json"})
    paths = json.loads(operations.content)["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}
            signed = path.startswith("/api/v1/sources/") and method in ("post", "patch", "delete")
            assert ({"Content-Digest", "Signature-Input", "Signature"} <= named) == signed, (method, path)
