"""Whatever is changed, moved, put in or taken out of the record of acts, the first such act is named."""

import hashlib
import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import rfc8785
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from citizen_app import audit, audit_chain, audit_guards
from citizen_app.audit_chain import chain_batch, chain_what_waits, first_breach, prune_acts
from citizen_app.audit_heads import breach_against, signed_head
from citizen_app.models import AuditChain, AuditEvent
from citizen_app.outbox import run_sweeps
from citizen_app.pruning import years_before
from citizen_app.retention import forget_request_names

pytestmark = pytest.mark.django_db
EVENT = audit_guards.EVENT


def acts(count, **fields):
    for number in range(count):
        AuditEvent.objects.create(actor="person:7", action="perk.edit", object=f"perk_{number}", **fields)


@contextmanager
def without_guards():
    """What somebody with the database's own password can do."""
    vendor = connection.vendor
    with connection.cursor() as cursor:
        aside = audit_guards.statements_to_remove(vendor)
        for statement in ["SET session_replication_role = replica"] if vendor == "postgresql" else aside:
            cursor.execute(statement)
        yield cursor
        back = audit_guards.statements_to_install(vendor)
        for statement in ["SET session_replication_role = origin"] if vendor == "postgresql" else back:
            cursor.execute(statement)


def tamper(*statements):
    with without_guards() as cursor:
        for statement in statements:
            cursor.execute(statement)


def verified(**options):
    out = StringIO()
    call_command("verify_audit", stdout=out, **options)
    return json.loads(out.getvalue())


def test_acts_are_chained_in_order_and_each_hash_covers_the_one_before():
    acts(3)
    assert run_sweeps()["audit.chain"] == 3
    first, second, third = AuditEvent.objects.order_by("number")
    assert [first.number, second.number, third.number] == [1, 2, 3]
    body = {
        "number": 2,
        "previous": first.hash,
        "id": second.pk,
        "at": second.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": "person:7",
        "action": "perk.edit",
        "object": "perk_1",
        "facts": {},
    }
    assert second.hash == hashlib.sha256(rfc8785.dumps(body)).hexdigest()
    assert AuditChain.objects.get().hash == third.hash
    assert first_breach() is None
    assert verified() == {"from": 1, "to": 3, "hash": third.hash, "heads": 0}


def test_an_act_that_committed_late_is_chained_behind_those_that_came_before_it():
    acts(1)
    early = AuditEvent.objects.get()
    late = AuditEvent(pk=early.pk + 10, actor="system", action="x", object="late")
    late.save(force_insert=True)
    chain_batch()
    earlier_id = AuditEvent(pk=early.pk + 5, actor="system", action="x", object="took its id first")
    earlier_id.save(force_insert=True)
    chain_batch()
    assert list(AuditEvent.objects.order_by("number").values_list("pk", flat=True)) == [
        early.pk,
        late.pk,
        earlier_id.pk,
    ]
    assert first_breach() is None


def test_more_than_a_batch_is_chained_by_one_sweep(monkeypatch):
    monkeypatch.setattr(audit_chain, "BATCH", 4)
    acts(10)
    assert chain_what_waits(timezone.now()) == 10
    assert chain_what_waits(timezone.now()) == 0
    assert first_breach() is None


@pytest.mark.parametrize(
    ("statements", "number", "what"),
    [
        ([f"UPDATE {EVENT} SET actor = 'person:8' WHERE number = 3"], 3, "is not what was chained here."),
        ([f"UPDATE {EVENT} SET facts = '{{\"a\": 1}}' WHERE number = 2"], 2, "is not what was chained here."),
        ([f"UPDATE {EVENT} SET at = '2020-01-01 00:00:00+00:00' WHERE number = 4"], 4, "is not what was chained here."),
        ([f"DELETE FROM {EVENT} WHERE number = 3"], 3, "is missing."),
        ([f"DELETE FROM {EVENT} WHERE number = 1"], 1, "is missing."),
        ([f"DELETE FROM {EVENT} WHERE number >= 4"], 4, "is missing, at the end of the chain."),
        ([f"DELETE FROM {EVENT}"], 1, "is missing, at the end of the chain."),
        (
            [
                f"UPDATE {EVENT} SET number = 99 WHERE number = 2",
                f"UPDATE {EVENT} SET number = 2 WHERE number = 3",
                f"UPDATE {EVENT} SET number = 3 WHERE number = 99",
            ],
            2,
            "is not what was chained here.",
        ),
        (  # put in, the others moved up
            [
                f"UPDATE {EVENT} SET number = number + 100 WHERE number >= 3",
                f"UPDATE {EVENT} SET number = number - 99 WHERE number >= 103",
                f"INSERT INTO {EVENT} (at, actor, action, object, facts, request_id, number, hash) VALUES "
                "('2026-11-01 00:00:00+00:00', 'person:1', 'x', 'y', '{}', '', 3, 'f')",
            ],
            3,
            "is not what was chained here.",
        ),
        (
            [
                f"INSERT INTO {EVENT} (at, actor, action, object, facts, request_id, number, hash) VALUES "
                "('2026-11-01 00:00:00+00:00', 'person:1', 'x', 'y', '{}', '', 6, 'f')"
            ],
            6,
            "is not what was chained here.",
        ),
    ],
)
def test_the_first_bad_act_is_named(statements, number, what):
    acts(5)
    chain_batch()
    assert first_breach() is None
    tamper(*statements)
    breach = first_breach()
    assert (breach.number, breach.what) == (number, what)
    with pytest.raises(CommandError, match=f"number {number}.*{what}"):
        verified()


def rechained(change):
    """Do what somebody does who knows how the chain is made: change an act and chain all of it anew."""
    with without_guards() as cursor:
        cursor.execute(change)
        cursor.execute(f"UPDATE {EVENT} SET number = NULL, hash = ''")
        cursor.execute(f"DELETE FROM {audit_guards.CHAIN}")
        while chain_batch():
            pass


def test_a_chain_that_was_made_anew_is_not_the_one_of_a_head_kept_elsewhere(tmp_path):
    acts(5)
    kept = tmp_path / "heads.jsonl"
    call_command("export_audit_head", to=kept)
    acts(2)
    call_command("export_audit_head", to=kept)
    assert [json.loads(line)["number"] for line in kept.read_text().splitlines()] == [5, 7]
    assert verified(head=kept)["heads"] == 2
    rechained(f"UPDATE {EVENT} SET actor = 'person:8' WHERE number = 6")
    assert verified()["to"] == 7  # it looks sound by itself
    with pytest.raises(CommandError, match="head 2 at number 7: is not the act this head was signed for"):
        verified(head=kept)


def test_an_end_that_was_cut_off_is_missed_by_the_head(tmp_path):
    acts(5)
    kept = tmp_path / "heads.jsonl"
    call_command("export_audit_head", to=kept)
    rechained(f"DELETE FROM {EVENT} WHERE number = 5")
    assert verified()["to"] == 4
    with pytest.raises(CommandError, match="number 5: is missing: the chain was longer"):
        verified(head=kept)


def test_a_place_where_no_head_can_be_kept_or_read_is_named_in_a_sentence(tmp_path):
    acts(1)
    nowhere = tmp_path / "missing" / "heads.jsonl"
    with pytest.raises(CommandError, match=rf"could not be written to {nowhere}: No such file or directory[.]$"):
        call_command("export_audit_head", to=nowhere)
    with pytest.raises(CommandError, match=rf"could not be read from {nowhere}: No such file or directory[.]$"):
        verified(head=nowhere)
    picture = tmp_path / "heads.png"
    picture.write_bytes(b"\x89PNG\xff")
    with pytest.raises(CommandError, match="it is not a text file"):
        verified(head=picture)


def test_a_head_is_known_by_its_signature_and_its_key(settings):
    acts(1)
    chain_batch()
    head = signed_head(now=timezone.now())
    assert breach_against(head) is None
    for forged in (head | {"number": 0}, head | {"hash": "f" * 64}, head | {"signature": "AAAA"}):
        assert breach_against(forged).what == "the head's signature does not hold."
    for no_head in (None, [], {}, head | {"number": True}, head | {"type": "x"}, {**head, "more": 1}):
        assert breach_against(no_head).what == "the head is not one of ours."
    settings.SERVER_KEY_PREVIOUS, settings.SERVER_KEY = settings.SERVER_KEY, "another" * 10
    assert breach_against(head) is None  # one rotation later
    settings.SERVER_KEY_PREVIOUS, settings.SERVER_KEY = settings.SERVER_KEY, "a third" * 10
    assert breach_against(head).what == "the head is signed by a key that is not trusted here."
    assert breach_against(head, trusted=frozenset({head["key"]})) is None


def test_an_act_that_nothing_chains_is_overdue_after_an_hour():
    acts(1)
    assert verified()["to"] == 0
    acts(1, at=timezone.now() - timedelta(minutes=61))
    overdue = AuditEvent.objects.latest("pk")
    with pytest.raises(CommandError, match=f"row {overdue.pk}: has waited for more than an hour"):
        verified()


def test_a_batch_is_chained_whole_or_not_at_all(monkeypatch):
    acts(3)

    def fails(*args, **options):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(AuditChain, "save", fails)
        with pytest.raises(OSError):
            chain_batch()
    assert AuditEvent.objects.filter(number=None).count() == 3
    assert chain_batch() == 3
    assert first_breach() is None


def test_acts_are_pruned_after_six_years_and_the_rest_still_verifies(monkeypatch):
    monkeypatch.setattr(audit_chain, "BATCH", 2)
    now = timezone.now()
    acts(3, at=now - timedelta(days=365 * 6 + 4))
    acts(2)
    chain_what_waits(now)
    head = signed_head(now=now)
    third = AuditEvent.objects.get(number=3)
    assert prune_acts(now) == 3
    assert list(AuditEvent.objects.order_by("number").values_list("number", flat=True)) == [4, 5]
    chain = AuditChain.objects.get()
    assert (chain.pruned_number, chain.pruned_hash, chain.number) == (3, third.hash, 5)
    assert first_breach() is None
    assert breach_against(head) is None
    assert prune_acts(now) == 0
    acts(1)
    chain_batch()
    assert verified()["from"] == 4
    tamper(f"DELETE FROM {EVENT} WHERE number = 4")
    assert str(first_breach()) == "number 4: is missing."


def test_an_old_act_behind_a_younger_one_waits_for_it():
    acts(1)
    acts(1, at=timezone.now() - timedelta(days=3000))
    chain_batch()
    assert prune_acts() == 0
    assert AuditEvent.objects.count() == 2


def test_names_of_requests_go_with_their_logs_and_the_chain_holds():
    acts(1, at=timezone.now() - timedelta(days=31), request_id="ana-s-phone")
    acts(1, request_id="younger")
    chain_batch()
    assert forget_request_names(timezone.now()) == 1
    assert list(AuditEvent.objects.order_by("pk").values_list("request_id", flat=True)) == ["", "younger"]
    assert first_breach() is None


def test_addresses_are_not_put_on_record():
    with pytest.raises(ValueError, match="no addresses"):
        audit.record(by=None, action="x", on="y", who="ana@example.org")
    with pytest.raises(rfc8785.CanonicalizationError):
        audit.record(by=None, action="x", on="y", figure=2**60)
    assert not AuditEvent.objects.exists()


def test_the_29th_of_february_has_a_day_six_years_before():
    assert years_before(datetime(2028, 2, 29, tzinfo=UTC), 6) == datetime(2022, 2, 28, tzinfo=UTC)
