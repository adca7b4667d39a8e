"""Dispute, take, withdraw gains nothing (P7): what only the doubt had opened is given back when the doubt is."""

from datetime import timedelta

import pytest

from perks.models import Perk, Redemption
from perks.services.doubt import give_back_what_doubt_reserved
from perks.services.make_goods import take_make_good
from perks.services.redemptions import state_at
from tests.factories.perks import PerkFactory, open_tier, reservation, scored_tier
from tests.factories.scores import NOW
from tests.factories.wronged import become, make_good_of, recorded, refused, win, withdraw, wronged

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def disputing(*, late=1):
    """Somebody with an open dispute over the record that keeps them at 580; with the doubt they stand at 616."""
    citizen, wrong = wronged(late=late)
    become(wrong, "disputed", now=NOW + HOUR)
    return citizen, wrong


def took(citizen, *tiers, hours=2, **fields):
    return reservation(citizen, PerkFactory(tiers=list(tiers), **fields), now=NOW + hours * HOUR)


def states():
    return list(Redemption.objects.order_by("taken_at", "id").values_list("state", flat=True))


def test_what_only_the_doubt_had_opened_is_given_back():
    citizen, record = disputing()
    took(citizen, scored_tier(600), stock=1)
    withdraw(record, opened_at=NOW + HOUR, now=NOW + 3 * HOUR)
    assert states() == ["cancelled"]
    perk = Perk.objects.get()
    assert (perk.taken_count, perk.stock) == (0, 1)


def test_what_was_reached_without_the_doubt_stays():
    citizen, record = disputing()
    took(citizen, scored_tier(560))
    took(citizen, open_tier())
    withdraw(record, opened_at=NOW + HOUR, now=NOW + 3 * HOUR)
    assert states() == ["reserved", "reserved"]


def test_a_higher_tier_that_only_the_doubt_had_opened_is_given_back_whole():
    citizen, record = disputing()
    redemption = took(citizen, scored_tier(560, "5 % off"), scored_tier(600, "10 % off"))
    assert redemption.min_score == 600
    withdraw(record, opened_at=NOW + HOUR, now=NOW + 3 * HOUR)
    assert states() == ["cancelled"]


def test_what_was_reserved_before_the_dispute_stays():
    citizen, record = wronged(now=NOW)
    held = took(citizen, scored_tier(560), hours=0)
    Redemption.objects.filter(pk=held.pk).update(min_score=600)  # whatever it was reached by
    become(record, "disputed", now=NOW + HOUR)
    withdraw(record, opened_at=NOW + HOUR, now=NOW + 3 * HOUR)
    assert states() == ["reserved"]


def test_a_switch_or_a_later_record_does_not_save_it():
    citizen, record = disputing()
    took(citizen, scored_tier(600))
    recorded(citizen, value=0, external_id="better", now=NOW + 3 * HOUR)
    withdraw(record, opened_at=NOW + HOUR, now=NOW + 4 * HOUR)
    assert states() == ["cancelled"]


def test_what_was_used_stays_used_and_what_ran_out_is_left_to_its_sweep():
    citizen, record = disputing()
    used = took(citizen, scored_tier(600))
    Redemption.objects.filter(pk=used.pk).update(state="redeemed", closed_at=NOW + 3 * HOUR)
    ran_out = took(citizen, scored_tier(600), hold_minutes=1)
    withdraw(record, opened_at=NOW + HOUR, now=NOW + 3 * HOUR)
    assert states() == ["redeemed", "reserved"]
    assert state_at(Redemption.objects.get(pk=ran_out.pk), NOW + 3 * HOUR) == "expired"


def test_being_told_twice_changes_nothing():
    citizen, record = disputing()
    took(citizen, scored_tier(600))
    withdraw(record, opened_at=NOW + HOUR, now=NOW + 3 * HOUR)
    again = {"citizen": citizen, "entry_ids": [record.pk], "opened_at": NOW + HOUR, "now": NOW + 4 * HOUR}
    assert give_back_what_doubt_reserved(**again) == 0
    assert states() == ["cancelled"]


def test_a_make_good_is_honoured_whatever_is_withdrawn():
    citizen, wrong = wronged()
    refused(citizen, PerkFactory(tiers=[scored_tier(600)]), now=NOW)
    win(wrong, now=NOW + HOUR)
    other = recorded(citizen, value=1, external_id="other", now=NOW + HOUR)
    become(other, "disputed", now=NOW + 2 * HOUR)
    take_make_good(make_good=make_good_of(citizen), now=NOW + 3 * HOUR)
    withdraw(other, opened_at=NOW + 2 * HOUR, now=NOW + 4 * HOUR)
    assert states() == ["reserved"]
