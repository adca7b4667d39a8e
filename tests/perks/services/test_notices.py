"""What citizens are told of their codes: once for each scan, and in time before a reservation runs out."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from citizen_app.models import Notification, OutboxMessage
from citizen_app.outbox import run_due
from perks.models import Redemption
from perks.services import noticing
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from scores.services.enrolment import leave
from tests.factories.notifications import told
from tests.factories.perks import PerkFactory, citizen_with, person_of, reservation

pytestmark = pytest.mark.django_db


def used(taken, nonce="n1", by=None):
    code, by = secrets_of(taken).code, by or person_of(taken.merchant)
    return scan_code(merchant=taken.merchant, by=by, shown=Shown(code=code), nonce=nonce)[0]


def test_a_code_that_was_used_is_told_once_for_each_scan_that_was_accepted():
    citizen = citizen_with()
    taken = reservation(citizen, PerkFactory())
    by = person_of(taken.merchant)
    assert used(taken, by=by).outcome == "accepted"
    assert used(taken, by=by).outcome == "accepted"  # the same nonce is the same scan
    assert used(taken, "n2", by=by).outcome == "already_redeemed"
    run_due()
    assert told(citizen) == ["code.used"]
    row = Notification.objects.get()
    assert (row.about, row.facts["merchant"]) == (taken.public_id, taken.merchant.name)
    noticing.tell_used(redemption=taken.public_id, scan=OutboxMessage.objects.get(topic="code.used").payload["scan"])
    assert told(citizen) == ["code.used"]


def test_who_left_is_not_told_that_their_reservation_was_honoured():
    citizen = citizen_with()
    taken = reservation(citizen, PerkFactory())
    leave(citizen=citizen)
    assert used(taken).outcome == "accepted"
    run_due()
    assert told(citizen) == []


@pytest.mark.parametrize(("minutes", "lead"), [(60, None), (300, 60), (4320, 1440)])
def test_a_reservation_that_runs_out_is_told_in_time_and_an_hour_s_not(minutes, lead):
    citizen = citizen_with()
    taken = reservation(citizen, PerkFactory(hold_minutes=minutes))
    promises = OutboxMessage.objects.filter(topic="reservation.ends")
    if lead is None:
        assert not promises.exists()
        return
    due_at = promises.get().due_at
    assert due_at == taken.expires_at - timedelta(minutes=lead)
    with time_machine.travel(due_at, tick=False):
        for _ in range(2):
            noticing.tell_end(redemption=taken.public_id)
    assert told(citizen) == ["reservation.ends"]


def test_what_was_used_or_is_over_does_not_run_out():
    citizen = citizen_with()
    taken = reservation(citizen, PerkFactory(hold_minutes=300))
    noticing.tell_end(redemption=taken.public_id, now=taken.expires_at + timedelta(seconds=1))
    Redemption.objects.filter(pk=taken.pk).update(state="cancelled", closed_at=timezone.now())
    noticing.tell_end(redemption=taken.public_id)
    assert told(citizen) == []
