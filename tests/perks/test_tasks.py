"""The sweeps give back, end and forget; an event has no endpoint to go to yet and is done."""

from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.models import OutboxMessage
from citizen_app.outbox import run_due, run_sweeps
from perks.models import Perk
from tests.factories.perks import PerkFactory, reservation

pytestmark = pytest.mark.django_db


def test_the_sweep_gives_back_what_ran_out_and_ends_what_is_over():
    now = timezone.now()
    perk = PerkFactory(hold_minutes=10, valid_until_at=now + timedelta(hours=1))
    reservation(perk=perk, now=now)
    counts = run_sweeps(now + timedelta(hours=2))
    assert (counts["perks.expire_redemptions"], counts["perks.end_lapsed"], counts["perks.forget"]) == (1, 1, 0)
    perk = Perk.objects.get()
    assert (perk.state, perk.taken_count) == ("ended", 0)


def test_an_event_without_endpoints_is_done():
    reservation()
    run_due()
    assert OutboxMessage.objects.filter(topic="webhook", done_at=None).count() == 0
    assert OutboxMessage.objects.filter(topic="webhook").count() == 1
