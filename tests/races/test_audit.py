"""Acts are chained while others are written and while others chain: one chain, every act once."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from django.db import IntegrityError, connection, transaction

from citizen_app import audit, audit_chain
from citizen_app.audit_chain import chain_batch, first_breach
from citizen_app.db import violated
from citizen_app.models import AuditChain, AuditEvent
from tests.races.at_once import at_once
from tests.running import ROOT

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound", "crowd")]


def write(count):
    for number in range(count):
        audit.record(by=None, action="x", on=f"perk_{number}")


def chain_patiently(times):
    return sum(chain_batch() for _ in range(times))


def test_many_who_chain_and_many_who_write_make_one_chain():
    calls = [lambda: write(10)] * 6 + [lambda: chain_patiently(10)] * 6
    at_once(*calls)
    while chain_batch():
        pass
    numbers = list(AuditEvent.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, 61))
    assert AuditChain.objects.get().number == 60
    assert first_breach() is None


def test_writing_never_waits_for_somebody_else_s_act_and_ids_may_commit_out_of_order(postgresql):
    first_is_written, second_has_committed = threading.Event(), threading.Event()

    def slow():
        with transaction.atomic():
            audit.record(by=None, action="x", on="slow")
            first_is_written.set()
            assert second_has_committed.wait(20)
        return AuditEvent.objects.get(object="slow").pk

    def quick():
        assert first_is_written.wait(20)
        audit.record(by=None, action="x", on="quick")
        assert chain_batch() == 1  # what has not committed is not there yet
        second_has_committed.set()
        return AuditEvent.objects.get(object="quick").pk

    slow_pk, quick_pk = at_once(slow, quick)
    assert slow_pk < quick_pk
    assert chain_batch() == 1
    assert list(AuditEvent.objects.order_by("number").values_list("object", flat=True)) == ["quick", "slow"]
    assert first_breach() is None


def chained_beside_another(monkeypatch):
    """Chain while another who chains has read the acts and not written yet; return what both came to."""
    AuditChain.objects.create()
    audit.record(by=None, action="x", on="late")
    late = AuditEvent.objects.get()
    has_read, go_on = threading.Event(), threading.Event()
    real, first = audit_chain.hash_of, threading.Lock()

    def slow_hash(event, **options):
        if first.acquire(blocking=False):
            has_read.set()
            assert go_on.wait(20)
        return real(event, **options)

    monkeypatch.setattr(audit_chain, "hash_of", slow_hash)

    def other():
        try:
            return chain_batch()
        except IntegrityError as refusal:
            return violated(refusal)

    def this():
        assert has_read.wait(20)
        AuditEvent(pk=late.pk - 1, actor="system", action="x", object="its id came first").save(force_insert=True)
        try:
            return chain_batch()
        finally:
            go_on.set()

    return at_once(this, other)


def test_who_chains_beside_another_does_nothing(postgresql, monkeypatch):
    assert chained_beside_another(monkeypatch) == [0, 1]
    assert chain_batch() == 1
    assert first_breach() is None


def test_without_the_chain_s_row_held_both_chain_and_only_the_database_refuses(postgresql, monkeypatch):
    """The negative control."""
    monkeypatch.setattr(audit_chain, "_held_chain", lambda: AuditChain.objects.get())
    this, other = chained_beside_another(monkeypatch)
    assert this == 2
    assert other in {"audit_event_numbered_once", "audit_event_never_changes"}


KILLED = """
import django
django.setup()
import os, signal, sys
from citizen_app import audit_chain
from citizen_app.db import violated
from citizen_app.models import AuditChain
AuditChain.save = lambda *args, **options: (print("now", flush=True), os.kill(os.getpid(), signal.SIGKILL))
audit_chain.chain_batch()
"""


def test_whoever_is_killed_while_chaining_leaves_nothing_half_chained():
    write(5)
    named = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{named['NAME']}"
    else:
        url = f"postgres://{named['USER']}:{named['PASSWORD']}@{named['HOST']}:{named['PORT']}/{named['NAME']}"
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "citizen_app.settings"}
    connection.close()
    run = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (run.returncode, run.stdout.strip()) == (-signal.SIGKILL, "now"), run.stderr
    assert AuditEvent.objects.filter(number=None).count() == 5
    assert chain_batch() == 5
    assert first_breach() is None
