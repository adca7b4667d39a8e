"""No SQL, whoever sends it, changes an act, takes one away early or moves the chain's head back."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from citizen_app import audit, audit_guards
from citizen_app.audit_chain import chain_batch
from citizen_app.db import violated
from citizen_app.models import AuditChain, AuditEvent

pytestmark = pytest.mark.django_db
EVENT, CHAIN = audit_guards.EVENT, audit_guards.CHAIN


@pytest.fixture(autouse=True)
def _acts():
    """Two acts that are chained and one that waits."""
    for number in range(2):
        audit.record(by=None, action="x", on=f"perk_{number}")
    chain_batch()
    audit.record(by=None, action="x", on="perk_2")


def rows():
    return list(AuditEvent.objects.order_by("pk").values()), list(AuditChain.objects.values())


def refused(statement):
    before = rows()
    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert rows() == before
    return violated(refusal.value)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'person:9'",
        "action = 'y'",
        "object = 'perk_9'",
        "facts = '{\"a\": 1}'",
        "at = '2020-01-01 00:00:00+00:00'",
        "request_id = 'another'",
    ],
)
@pytest.mark.parametrize("which", ["number = 1", "number IS NULL"])
def test_what_an_act_says_is_never_changed(change, which):
    assert refused(f"UPDATE {EVENT} SET {change} WHERE {which}") == audit_guards.NEVER_CHANGES


@pytest.mark.parametrize("change", ["number = 7", "hash = 'f'", "number = NULL, hash = ''"])
def test_an_act_is_chained_once(change):
    assert refused(f"UPDATE {EVENT} SET {change} WHERE number = 1") == audit_guards.NEVER_CHANGES


def test_no_act_goes_before_six_years_are_over():
    for which in ("number = 1", "number IS NULL", "1 = 1"):
        assert refused(f"DELETE FROM {EVENT} WHERE {which}") == audit_guards.KEPT


def test_an_old_act_goes_only_where_the_chain_was_told():
    then = timezone.now() - timedelta(days=2200)
    old = AuditEvent.objects.create(actor="system", action="x", object="y", at=then)
    assert refused(f"DELETE FROM {EVENT} WHERE id = {old.pk}") == audit_guards.KEPT  # not chained
    chain_batch()
    assert refused(f"DELETE FROM {EVENT} WHERE id = {old.pk}") == audit_guards.KEPT  # not told
    AuditChain.objects.update(pruned_number=4, pruned_hash="f" * 64)
    assert refused(f"DELETE FROM {EVENT} WHERE number = 1") == audit_guards.KEPT  # too young
    assert AuditEvent.objects.filter(pk=old.pk).delete()[0] == 1


def test_no_act_is_born_with_a_place():
    columns = "at, actor, action, object, facts, request_id, number, hash"
    values = "'2026-11-01 00:00:00+00:00', 'system', 'x', 'y', '{}', '', 9, 'f'"
    assert refused(f"INSERT INTO {EVENT} ({columns}) VALUES ({values})") == audit_guards.BEGINS_UNCHAINED


def test_the_chain_goes_forward_only():
    for change in ("number = 1", "hash = 'f'", "pruned_hash = 'f'"):
        assert refused(f"UPDATE {CHAIN} SET {change}") == audit_guards.FORWARD
    assert refused(f"DELETE FROM {CHAIN}") == audit_guards.CHAIN_KEPT
    assert refused(f"UPDATE {CHAIN} SET pruned_number = 3, pruned_hash = 'f'") == "audit_chain_begins_before_its_end"


def test_nothing_is_replaced_or_truncated():
    pk = AuditEvent.objects.order_by("pk").values_list("pk", flat=True)[0]
    if connection.vendor == "postgresql":
        assert refused(f"TRUNCATE {EVENT}") == audit_guards.KEPT
        assert refused(f"TRUNCATE {CHAIN}") == audit_guards.KEPT
        return
    columns = "id, at, actor, action, object, facts, request_id, hash"
    values = f"{pk}, '2026-11-01 00:00:00', 'system', 'x', 'y', '{{}}', '', ''"
    statement = f"INSERT OR REPLACE INTO {EVENT} ({columns}) VALUES ({values})"
    assert refused(statement) == audit_guards.NEVER_CHANGES
    columns = "id, number, hash, pruned_number, pruned_hash"
    statement = f"INSERT OR REPLACE INTO {CHAIN} ({columns}) VALUES (1, 0, '', 0, '')"
    assert refused(statement) == audit_guards.CHAIN_KEPT


def test_only_the_name_of_the_request_may_be_emptied():
    AuditEvent.objects.create(actor="system", action="x", object="y", request_id="r-1")
    chain_batch()
    assert AuditEvent.objects.filter(request_id="r-1").update(request_id="") == 1
