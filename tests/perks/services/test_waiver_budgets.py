"""A budget of money for waivers: what is waived of the class is spent when it is taken, to the unit and no further."""

from datetime import timedelta

import pytest
import time_machine

from citizen_app.errors import InvalidInput
from citizen_app.invariants import broken
from perks.errors import BudgetSpent
from perks.models import DepositAgreement, Perk, Redemption
from perks.services.catalogue import edit_perk
from perks.services.deposits import pick_up_deposit
from perks.services.make_goods import take_make_good
from perks.services.perk_body import read_body
from perks.services.redemptions import cancel_redemption, expire_redemptions, take_perk
from tests.factories.deposits import accepted, money, offered, somebody, waiver_perk
from tests.factories.gift_cards import card_perk
from tests.factories.perks import PerkFactory, make_good_for, person_of
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db


def perk_with(budget, **fields):
    return waiver_perk(budget_amount=budget, budget_currency="EUR", **fields)


def spent(perk):
    return Perk.objects.get(pk=perk.pk).budget_spent


def test_the_waived_part_of_the_class_is_spent():
    perk = perk_with(150_000, percent=50, tiers=[{"min_score": None, "benefit": {"waived_percent": 50}}])
    van = take(perk, "van")
    assert spent(perk) == 45_000
    assert van.benefit == {"waived_percent": 50, "waived": money(45_000)}
    assert DepositAgreement.objects.get().waived_amount == 45_000
    assert not [sentence for sentence, facts in broken().items() if facts and "budget" in sentence.lower()]


def take(perk, vehicle_class="compact", now=NOW):
    branch = perk.merchant.branches.get()
    day = now.date()
    return take_perk(
        citizen=somebody(), perk=perk, date=day, until=day, branch=branch, vehicle_class=vehicle_class, now=now
    )


def test_it_is_spent_to_the_unit_and_a_class_too_dear_is_refused():
    perk = perk_with(100_000)
    take(perk)
    with pytest.raises(BudgetSpent):
        take(perk, "van")
    assert (spent(perk), Redemption.objects.count(), DepositAgreement.objects.count()) == (50_000, 1, 1)
    take(perk)
    with pytest.raises(BudgetSpent):
        take(perk)
    assert (spent(perk), Perk.objects.get(pk=perk.pk).taken_count) == (100_000, 2)


def test_a_class_that_is_none_is_said_before_money():
    perk = perk_with(1)
    with pytest.raises(InvalidInput):
        take(perk, "boat")
    assert spent(perk) == 0


@pytest.mark.parametrize(("release", "left"), [("all", 0), ("stock", 50_000), ("nothing", 50_000)])
def test_what_is_given_back_returns_as_the_release_policy_says(release, left):
    perk = perk_with(50_000, release_on_cancel=release)
    cancel_redemption(redemption=take(perk), now=NOW)
    assert spent(perk) == left


def test_an_expired_offer_returns_it():
    perk = perk_with(50_000)
    take(perk)
    expire_redemptions(now=NOW + timedelta(days=1))
    assert spent(perk) == 0


def test_the_desk_moves_no_money_of_the_budget():
    perk = perk_with(50_000)
    agreement = accepted(perk=perk)
    pick_up_deposit(agreement=agreement, by=person_of(perk.merchant), branch=agreement.redemption.branch, now=NOW)
    assert spent(perk) == 50_000


def test_a_budget_that_is_set_later_counts_what_was_taken_before():
    perk = waiver_perk()
    offered(perk=perk)
    edit_perk(perk=perk, by=person_of(perk.merchant), body={"budget": money(60_000)}, now=NOW)
    with pytest.raises(BudgetSpent):
        take(perk)
    with pytest.raises(InvalidInput):
        edit_perk(perk=perk, by=person_of(perk.merchant), body={"budget": money(49_999)}, now=NOW)
    perk.refresh_from_db()
    assert (perk.budget_amount, perk.budget_spent) == (60_000, 50_000)


def test_cards_taken_without_a_budget_keep_none_from_being_set():
    perk = card_perk()
    Perk.objects.filter(pk=perk.pk).update(budget_spent=1000)
    perk.refresh_from_db()
    edit_perk(perk=perk, by=person_of(perk.merchant), body={"budget": money(9000)}, now=NOW)
    perk.refresh_from_db()
    assert (perk.budget_amount, perk.budget_currency, perk.budget_spent) == (9000, "EUR", 1000)


def test_what_has_no_money_has_no_budget():
    perk = PerkFactory(kind="priority", tiers=[{"min_score": None, "benefit": {"text": "First"}}], state="draft")
    with pytest.raises(InvalidInput):
        read_body({"budget": money(100)}, merchant=perk.merchant, perk=perk)


def test_a_make_good_takes_what_its_class_costs():
    perk = perk_with(100_000)
    make_good = make_good_for(somebody(), perk)
    branch, day = perk.merchant.branches.get(), NOW.date()
    redemption = take_make_good(make_good=make_good, date=day, until=day, branch=branch, vehicle_class="van", now=NOW)
    assert (spent(perk), redemption.offered_benefit) == (90_001, {"waived_percent": 100})
    with time_machine.travel(NOW):
        assert not [sentence for sentence, facts in broken().items() if facts]
