"""P7, its last sentence: a won dispute lists the refusals it caused and offers those perks again.

Nothing here opens a dispute: what its services promise in their transaction (`scores.services.outcomes`) is all that
the room of perks knows of one.
"""

from datetime import timedelta

import pytest
import time_machine

from perks.models import MakeGood, RefusedAttempt
from scores.models import Entry
from tests.factories.people import api_client_for
from tests.factories.perks import PerkFactory, scored_tier
from tests.factories.scores import NOW
from tests.factories.wronged import RIGHTLY, WRONGLY, become, refused, win, withdraw, wronged

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def test_p7_a_won_dispute_lists_exactly_the_refusals_it_caused():
    citizen, wrong = wronged()
    between = [WRONGLY + 20, RIGHTLY // 10 * 10]
    opened = [PerkFactory(tiers=[scored_tier(threshold)]) for threshold in between]
    shut = [PerkFactory(tiers=[scored_tier(RIGHTLY + 24)]), PerkFactory(tiers=[scored_tier(600)], stock=0)]
    attempts = [refused(citizen, perk, now=NOW + HOUR) for perk in opened + shut]
    win(wrong, now=NOW + 40 * HOUR)
    made_good = RefusedAttempt.objects.exclude(make_good=None)
    assert set(made_good) == set(attempts[:2])
    with time_machine.travel(NOW + 41 * HOUR):
        listed = api_client_for(citizen).get("/api/v1/me/make-goods").json()["results"]
    assert {one["perk"]["id"] for one in listed} == {perk.public_id for perk in opened}
    assert {one["state"] for one in listed} == {"offered"}


def test_p7_a_lost_dispute_makes_nothing_good():
    citizen, right = wronged()
    refused(citizen, PerkFactory(tiers=[scored_tier(600)]), now=NOW + HOUR)
    become(right, Entry.Status.DISPUTED, now=NOW + 2 * HOUR)
    become(right, Entry.Status.ACTIVE, now=NOW + 40 * HOUR)
    assert not MakeGood.objects.exists()


def test_p7_to_dispute_to_take_and_to_withdraw_gains_nothing():
    citizen, right = wronged()
    perk = PerkFactory(tiers=[scored_tier(600)])
    become(right, Entry.Status.DISPUTED, now=NOW)
    with time_machine.travel(NOW + HOUR):
        client = api_client_for(citizen)
        path = f"/api/v1/perks/{perk.public_id}/redemptions"
        assert client.post(path, {}, headers={"Idempotency-Key": "k"}).status_code == 201
    withdraw(right, opened_at=NOW, now=NOW + 2 * HOUR)
    with time_machine.travel(NOW + 3 * HOUR):
        (held,) = client.get("/api/v1/me/redemptions").json()["results"]
        assert held["state"] == "cancelled"
        refusal = client.post(path, {}, headers={"Idempotency-Key": "k2"})
    assert (refusal.status_code, refusal.json()["code"]) == (403, "below_threshold")
    assert not MakeGood.objects.exists()
