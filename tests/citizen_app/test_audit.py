"""Who did what, in the transaction of the work, with the request's name and nobody's data."""

import pytest
import structlog
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from citizen_app import audit
from citizen_app.models import AuditEvent
from tests.citizen_app.rooms import a_client, a_person

pytestmark = pytest.mark.django_db


def test_an_act_names_who_what_and_on_which_thing():
    ana = a_person()
    with structlog.contextvars.bound_contextvars(request_id="req-7"):
        audit.record(by=ana, action="perk.approve", on="perk_x", version=3)
    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.object) == (f"person:{ana.pk}", "perk.approve", "perk_x")
    assert (event.facts, event.request_id) == ({"version": 3}, "req-7")


def test_servers_and_the_system_act_too():
    issued = a_client()
    before = AuditEvent.objects.count()
    for by in (issued.application, None, AnonymousUser()):
        audit.record(by=by, action="x", on="y")
    actors = list(AuditEvent.objects.order_by("id").values_list("actor", flat=True))[before:]
    assert actors == [f"client:{issued.client_id}", "system", "system"]
    assert set(AuditEvent.objects.values_list("request_id", flat=True)) == {""}


def test_work_that_is_undone_leaves_no_act():
    with transaction.atomic():
        audit.record(by=None, action="x", on="y")
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()
