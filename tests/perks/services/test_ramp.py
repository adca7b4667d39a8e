"""A merchant's first days: what it may offer then, and that nothing of it is left afterwards."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from perks.errors import NotOpenYet, RampLimit
from perks.models import Merchant, Perk, Redemption
from perks.services import ramp
from perks.services.catalogue import approve_perk, edit_perk, pause_perk, publish_perk, resume_perk
from perks.services.eligibility_reading import judge_each
from perks.services.make_goods import take_make_good
from perks.services.redemptions import cancel_redemption, take_perk
from scores import assessments
from tests.factories.gift_cards import card_tier
from tests.factories.people import operator_with
from tests.factories.perks import (
    MerchantFactory,
    PerkFactory,
    citizen_with,
    open_tier,
    person_of,
    reservation,
    scored_tier,
)
from tests.factories.scores import NOW as SCORED
from tests.factories.wronged import make_good_of, refused, win, wronged
from tests.perks.services.told import taken

pytestmark = pytest.mark.django_db


def new_merchant(days=1, **fields):
    return MerchantFactory(approved_at=timezone.now() - timedelta(days=days), **fields)


def perk_of_kind(kind, benefit, merchant, state="approved", **fields):
    """A perk of any kind, written past its own forms: the ramp reads the version that is in force."""
    perk = PerkFactory(merchant=merchant, state=state, tiers=[open_tier()], **fields)
    Perk.objects.filter(pk=perk.pk).update(kind=kind)
    perk.refresh_from_db()
    perk.in_force.tiers = [{"min_score": None, "benefit": benefit}]
    perk.in_force.save()
    return perk


def test_a_fourth_perk_is_refused_with_what_is_allowed_and_from_when():
    merchant = new_merchant()
    owner = person_of(merchant)
    first, *_ = [PerkFactory(merchant=merchant) for _ in range(3)]
    fourth = PerkFactory(merchant=merchant, state="approved")
    with pytest.raises(RampLimit) as refused:
        publish_perk(perk=fourth, by=owner)
    assert refused.value.code == "ramp_limit"
    assert (refused.value.facts["limit"], refused.value.facts["allowed"]) == ("perks", 3)
    assert refused.value.facts["until"] == ramp.ends_at(merchant).isoformat().replace("+00:00", "Z")
    fourth.refresh_from_db()
    assert (fourth.state, fourth.published_at) == ("approved", None)
    pause_perk(perk=first, by=owner)
    publish_perk(perk=fourth, by=owner)
    with pytest.raises(RampLimit):
        resume_perk(perk=first, by=owner)
    assert Perk.objects.get(pk=first.pk).state == "paused"
    resume_perk(perk=first, by=owner, now=ramp.ends_at(merchant))


def test_the_settings_set_the_numbers(settings):
    settings.RAMP_PERKS, settings.RAMP_DAYS = 0, 5
    merchant = new_merchant(days=4)
    perk = PerkFactory(merchant=merchant, state="approved")
    with pytest.raises(RampLimit):
        publish_perk(perk=perk, by=person_of(merchant))
    settings.RAMP_DAYS = 4
    publish_perk(perk=perk, by=person_of(merchant))


@pytest.mark.parametrize(("amount", "is_allowed"), [(1000, True), (1001, False)])
def test_a_gift_card_is_worth_ten_units_at_most(amount, is_allowed):
    merchant = new_merchant(sector="shop")
    face = {"face": {"amount": amount, "currency": "EUR"}, "lives_months": 24}
    perk = perk_of_kind("gift_card", face, merchant)
    if is_allowed:
        ramp.check_publishing(perk, timezone.now())
        return
    with pytest.raises(RampLimit) as refused:
        ramp.check_publishing(perk, timezone.now())
    assert (refused.value.facts["limit"], refused.value.facts["allowed"]) == ("gift_card", 1000)
    ramp.check_publishing(perk, ramp.ends_at(merchant))


@pytest.mark.parametrize(("currency", "most"), [("JPY", 10), ("KWD", 10_000)])
def test_ten_units_are_ten_of_any_currency(settings, currency, most):
    settings.CURRENCY = currency
    perk = perk_of_kind("gift_card", {"face": {"amount": most + 1, "currency": currency}}, new_merchant())
    with pytest.raises(RampLimit) as refused:
        ramp.check_publishing(perk, timezone.now())
    assert refused.value.facts["allowed"] == most


@pytest.mark.parametrize(
    ("percent", "deposit", "is_allowed"),
    [
        (100, {"remainder_items": []}, True),
        (50, {"remainder_items": []}, False),
        (100, {"remainder_items": [{"code": "fuel"}]}, False),
    ],
)
def test_a_deposit_leaves_no_rest(percent, deposit, is_allowed):
    perk = perk_of_kind("deposit_waiver", {"waived_percent": percent}, new_merchant(sector="car_rental"))
    perk.in_force.deposit = deposit
    if is_allowed:
        ramp.check_publishing(perk, timezone.now())
        return
    with pytest.raises(RampLimit) as refused:
        ramp.check_publishing(perk, timezone.now())
    assert refused.value.facts["limit"] == "deposit_remainder"


def test_nothing_is_accepted_without_a_network_whatever_the_perk_says():
    merchant, now = new_merchant(), timezone.now()
    perk = PerkFactory(merchant=merchant, offline="accept")
    assert ramp.offline_policy(perk, now) == "refuse"
    assert ramp.offline_policy(perk, ramp.ends_at(merchant)) == "accept"


def test_the_last_reservation_of_the_first_days_is_the_last(settings):
    settings.RAMP_RESERVATIONS = 2
    merchant = new_merchant()
    perk = PerkFactory(merchant=merchant)
    other = PerkFactory(merchant=merchant)
    cancel_redemption(redemption=reservation(perk=perk))  # given back or not, it was one of them
    reservation(perk=other)
    merchant.refresh_from_db()
    assert ramp.reservations_left(merchant, timezone.now()) == 0
    with pytest.raises(NotOpenYet) as refused:
        take_perk(citizen=citizen_with(), perk=perk)
    opens_at = refused.value.facts["opens_at"]
    assert opens_at == ramp.ends_at(merchant).isoformat().replace("+00:00", "Z")
    assert (taken(perk), Redemption.objects.count()) == (0, 2)
    citizen, now = citizen_with(), timezone.now()
    perk = Perk.objects.select_related("merchant", "in_force").get(pk=perk.pk)
    assessment = assessments.assess(citizen, now=now)
    answer = judge_each(citizen=citizen, perks=[perk], assessment=assessment, now=now)[perk.pk]
    assert [reason.code for reason in answer.reasons] == ["not_open_yet"]
    take_perk(citizen=citizen_with(), perk=perk, now=ramp.ends_at(merchant))


def test_the_guard_counts_even_when_the_judge_read_too_early(settings):
    settings.RAMP_RESERVATIONS = 1
    merchant = new_merchant()
    read_before = Merchant.objects.get(pk=merchant.pk)
    reservation(perk=PerkFactory(merchant=merchant))
    with pytest.raises(NotOpenYet):
        ramp.count_reservation(read_before, timezone.now())
    assert Merchant.objects.get().ramp_taken_count == 1


def test_afterwards_it_costs_no_query_and_counts_nothing(django_assert_num_queries):
    merchant, now = new_merchant(days=31), timezone.now()
    with django_assert_num_queries(0):
        assert ramp.reservations_left(merchant, now) is None
        ramp.count_reservation(merchant, now)
    reservation(perk=PerkFactory(merchant=merchant))
    assert Merchant.objects.get().ramp_taken_count == 0


def test_a_new_merchant_s_taking_costs_one_statement_more():
    def cost(merchant):
        perk, citizen = PerkFactory(merchant=merchant), citizen_with()
        with CaptureQueriesContext(connection) as captured:
            take_perk(citizen=citizen, perk=perk)
        return len(captured)

    cost(new_merchant())
    assert cost(new_merchant()) == cost(new_merchant(days=31)) + 1


def test_what_was_written_before_the_perk_was_on_offer_is_measured_when_it_comes_into_force():
    merchant, operator = new_merchant(sector="shop"), operator_with("merchants")
    owner, perk = person_of(merchant), PerkFactory(
        merchant=merchant, state="approved", kind="gift_card", offline="refuse", tiers=[card_tier(1000)]
    )  # fmt: skip
    edit_perk(perk=perk, by=owner, body={"tiers": [card_tier(2500)]})
    publish_perk(perk=perk, by=owner)
    with pytest.raises(RampLimit):
        approve_perk(perk=perk, by=operator)
    perk.refresh_from_db()
    assert perk.in_force.tiers[0]["benefit"]["face"]["amount"] == 1000
    approve_perk(perk=perk, by=operator, now=ramp.ends_at(merchant))


def test_a_change_of_what_is_on_offer_stays_within_it(monkeypatch):
    merchant = new_merchant()
    perk = PerkFactory(merchant=merchant)
    seen = []
    monkeypatch.setattr(ramp, "check_words", lambda perk, **said: seen.append(said["tiers"]))
    edit_perk(perk=perk, by=person_of(merchant), body={"terms": "Until 15:00."})
    assert seen == [[open_tier()]]


def test_what_is_made_good_in_the_first_days_is_one_of_their_reservations():
    citizen, wrong = wronged()
    merchant = MerchantFactory(approved_at=SCORED)
    perk = PerkFactory(merchant=merchant, tiers=[scored_tier(600)], made_at=SCORED, published_at=SCORED)
    refused(citizen, perk, now=SCORED + timedelta(hours=1))
    win(wrong, now=SCORED + timedelta(days=20))
    take_make_good(make_good=make_good_of(citizen), now=SCORED + timedelta(days=20))
    assert Merchant.objects.get(pk=merchant.pk).ramp_taken_count == 1
