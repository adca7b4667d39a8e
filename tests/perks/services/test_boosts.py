"""Boosts: taken and judged once, frozen for a term, judged again on a day nobody foresees, ended by its citizen."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from citizen_app.errors import InvalidInput
from citizen_app.models import OutboxMessage
from citizen_app.public_ids import uuid7
from perks.errors import CitizenLimitReached, DocumentNeeded
from perks.models import BoostGrant, Merchant, Perk, Redemption
from perks.services import boosts
from perks.services.boosts import DRAWN_OVER, TERM, boost_of, end_boosts, judge_boosts_again
from perks.services.catalogue import draft_perk, end_perk
from perks.services.redemptions import is_shown, take_perk
from scores.models import Score
from scores.services.enrolment import leave, pause_enrolment
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, person_of
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def boost_perk(**fields):
    merchant = fields.pop("merchant", None) or MerchantFactory(sector=Merchant.Sector.DATING_APP)
    tiers = [{"min_score": 600, "benefit": {"boost": fields.pop("boost", "1.20")}}]
    return PerkFactory(**{"merchant": merchant, "kind": "visibility_boost", "tiers": tiers, "made_at": NOW} | fields)


def dater(value=640):
    citizen = citizen_with(value, purpose="dating", document=True)
    set_value(citizen, value)
    return citizen


def taken(citizen=None, perk=None, **fields):
    return take_perk(citizen=citizen or dater(), perk=perk or boost_perk(**fields), now=NOW)


def set_value(citizen, value):
    score = Score.objects.get(pk=citizen.pk)
    score.purposes["dating"]["value"] = value
    score.as_of = NOW.date().replace(year=NOW.year + 1)  # later months do not make it anew
    score.save()


def test_taking_one_grants_it_for_a_term_and_shows_no_code():
    redemption = taken()
    grant = BoostGrant.objects.get()
    assert (redemption.state, redemption.expires_at) == ("redeemed", NOW + TERM)
    assert (grant.boost, grant.term_ends_at, grant.ended_at) == ("1.20", NOW + TERM, None)
    assert not is_shown(redemption, NOW)
    assert boost_of(redemption) == {
        "boost": "1.20",
        "state": "running",
        "judged_again_after": (NOW + TERM).isoformat().replace("+00:00", "Z"),
        "ended_at": None,
        "ended_because": None,
    }


def test_it_needs_a_checked_document():
    with pytest.raises(DocumentNeeded):
        take_perk(citizen=citizen_with(640, purpose="dating"), perk=boost_perk(), now=NOW)
    assert not BoostGrant.objects.exists()


def test_the_day_of_the_next_judging_is_drawn_evenly_after_the_term():
    drawn = [boosts._draw(NOW) - NOW - TERM for _ in range(2000)]
    assert all(timedelta(0) <= wait < DRAWN_OVER for wait in drawn)
    tenths = [sum(DRAWN_OVER * n / 10 <= wait < DRAWN_OVER * (n + 1) / 10 for wait in drawn) for n in range(10)]
    assert min(tenths) > 120
    assert max(tenths) < 290


def test_nothing_changes_within_a_term_whatever_the_score_does():
    citizen = dater()
    taken(citizen)
    set_value(citizen, 500)
    assert judge_boosts_again(now=NOW + TERM - DAY) == 0
    assert BoostGrant.objects.running().count() == 1


def test_who_still_reaches_it_keeps_it_for_another_term():
    redemption = taken()
    due = NOW + TERM + DRAWN_OVER
    assert judge_boosts_again(now=due) == 1
    grant = BoostGrant.objects.running().get()
    assert (grant.term_ends_at, grant.granted_at) == (due + TERM, NOW)
    redemption.refresh_from_db()
    assert (redemption.state, redemption.expires_at) == ("redeemed", due + TERM)
    assert judge_boosts_again(now=due + DAY) == 0


def test_who_no_longer_reaches_it_loses_it_and_may_take_it_again_once_they_do():
    citizen, perk = dater(), boost_perk(stock=1)
    redemption = taken(citizen, perk)
    with pytest.raises(CitizenLimitReached):
        take_perk(citizen=citizen, perk=perk, now=NOW + DAY)
    set_value(citizen, 590)
    due = NOW + TERM + DRAWN_OVER
    assert judge_boosts_again(now=due) == 1
    redemption.refresh_from_db()
    perk.refresh_from_db()
    grant = BoostGrant.objects.get()
    assert (grant.ended_because, grant.ended_at) == ("not_reached", due)
    assert (redemption.state, redemption.counts_for_limits, perk.taken_count) == ("expired", False, 0)
    set_value(citizen, 610)
    take_perk(citizen=citizen, perk=perk, now=due + DAY)
    assert BoostGrant.objects.running().count() == 1


def test_p10_pausing_ends_it_at_once_and_tells_nobody():
    citizen = dater()
    redemption = taken(citizen)
    OutboxMessage.objects.all().delete()
    pause_enrolment(citizen=citizen, now=NOW + DAY)
    grant = BoostGrant.objects.get()
    assert (grant.ended_because, grant.ended_at) == ("paused", NOW + DAY)
    redemption.refresh_from_db()
    assert redemption.state == "expired"
    assert not OutboxMessage.objects.filter(topic="webhook").exists()
    pause_enrolment(citizen=citizen, now=NOW + 2 * DAY)
    assert BoostGrant.objects.get().ended_at == NOW + DAY


def test_p10_leaving_keeps_no_row_of_it():
    citizen = dater()
    redemption = taken(citizen)
    receipt = leave(citizen=citizen, now=NOW + DAY)
    assert receipt.erased["boosts"] == 1
    assert not BoostGrant.objects.exists()
    redemption.refresh_from_db()
    assert (redemption.citizen, redemption.state) == (None, "expired")


def test_disconnecting_one_app_leaves_the_other():
    citizen = dater()
    one, other = boost_perk(), boost_perk()
    taken(citizen, one)
    taken(citizen, other)
    assert end_boosts(citizen=citizen, why="disconnected", now=NOW + DAY, merchant_id=one.merchant_id) == 1
    assert [grant.merchant_id for grant in BoostGrant.objects.running()] == [other.merchant_id]


def test_an_ended_perk_gives_its_boost_until_the_next_judging():
    perk = boost_perk()
    taken(perk=perk)
    end_perk(perk=perk, by=person_of(perk.merchant), now=NOW + DAY)
    assert BoostGrant.objects.running().count() == 1
    judge_boosts_again(now=NOW + TERM + DRAWN_OVER)
    assert BoostGrant.objects.get().ended_because == "over"


def test_another_boost_of_the_same_app_takes_the_place_of_the_first():
    citizen, app = dater(), MerchantFactory(sector=Merchant.Sector.DATING_APP)
    first = taken(citizen, boost_perk(merchant=app))
    taken(citizen, boost_perk(merchant=app, boost="1.50"))
    assert [grant.boost for grant in BoostGrant.objects.running()] == ["1.50"]
    first.refresh_from_db()
    assert first.state == "expired"


def test_the_database_keeps_one_running_boost_per_person_and_app():
    redemption = taken()
    grant = BoostGrant.objects.get()
    other = Redemption.objects.get(pk=redemption.pk)
    other.pk, other.code_hash = uuid7(), "other"
    other.save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        BoostGrant.objects.create(
            redemption=other,
            merchant=grant.merchant,
            citizen=grant.citizen,
            boost="1.20",
            granted_at=NOW,
            term_ends_at=NOW,
            judged_again_at=NOW,
        )


def test_boosts_are_offered_by_dating_apps_only():
    hotel = MerchantFactory()
    body = {"kind": "visibility_boost", "title": "Be seen", "tiers": boost_perk().version_in_force.tiers}
    with pytest.raises(InvalidInput) as refused:
        draft_perk(merchant=hotel, by=person_of(hotel), body=body, now=NOW)
    assert [(error["pointer"], error["code"]) for error in refused.value.facts["errors"]] == [("/kind", "invalid")]
    assert not Perk.objects.filter(merchant=hotel).exists()


@pytest.mark.parametrize("fields", [{"state": "suspended"}, {"state": "closed"}, {"standing_state": "suspended"}])
def test_a_merchant_that_can_offer_nothing_gives_no_further_term(fields):
    perk = boost_perk()
    redemption = taken(perk=perk)
    Merchant.objects.filter(pk=perk.merchant_id).update(**fields)
    assert BoostGrant.objects.running().count() == 1  # frozen for its term
    judge_boosts_again(now=NOW + TERM + DRAWN_OVER)
    assert BoostGrant.objects.get().ended_because == "over"
    redemption.refresh_from_db()
    assert redemption.state == "expired"
