"""Leaving (P10): what is erased, what is honoured, and what is forgotten once it has closed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from perks.errors import BelowThreshold
from perks.models import Redemption, RefusedAttempt
from perks.services.forgetting import forget_those_who_left
from perks.services.redemptions import cancel_redemption, expire_redemptions, remembering_refusals, take_perk
from scores.services.enrolment import leave
from tests.factories.perks import PerkFactory, citizen_with, reservation, scored_tier

pytestmark = pytest.mark.django_db


def test_leaving_takes_the_person_out_of_what_is_closed_and_erases_refusals():
    citizen = citizen_with(500)
    closed = cancel_redemption(redemption=reservation(citizen))
    Redemption.objects.update(booking_reference="R-17")
    locked = PerkFactory(tiers=[scored_tier(600)])
    with pytest.raises(BelowThreshold), remembering_refusals(citizen=citizen, perk=locked):
        take_perk(citizen=citizen, perk=locked)
    receipt = leave(citizen=citizen)
    assert (receipt.erased["redemptions"], receipt.erased["refused_attempts"]) == (1, 1)
    assert receipt.erased["make_goods"] == 0
    closed.refresh_from_db()
    assert (closed.citizen, closed.state, closed.booking_reference) == (None, "cancelled", "")
    assert not RefusedAttempt.objects.exists()


def test_what_is_reserved_stays_until_it_has_closed():
    citizen, now = citizen_with(), timezone.now()
    redemption = reservation(citizen, PerkFactory(hold_minutes=60), now=now)
    Redemption.objects.update(booking_reference="R-17")
    receipt = leave(citizen=citizen, now=now)
    (kept,) = [one for one in receipt.kept if redemption.public_id in one.what]
    assert kept.until == redemption.expires_at
    redemption.refresh_from_db()
    assert (redemption.citizen, redemption.state, redemption.booking_reference) == (citizen, "reserved", "R-17")
    late = now + timedelta(hours=2)
    assert forget_those_who_left(now=late) == 0
    expire_redemptions(now=late)
    assert forget_those_who_left(now=late) == 0
    assert forget_those_who_left(now=late + timedelta(hours=1)) == 1
    redemption.refresh_from_db()
    assert (redemption.citizen, redemption.booking_reference) == (None, "")


def test_other_people_keep_theirs():
    other = cancel_redemption(redemption=reservation())
    leave(citizen=citizen_with())
    assert forget_those_who_left(now=timezone.now() + timedelta(days=9)) == 0
    other.refresh_from_db()
    assert other.citizen is not None
