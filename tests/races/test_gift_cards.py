"""Money on gift cards: budgets, balances and refunds hold whoever comes at the same moment."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from citizen_app.models import Notification
from perks import gift_card_guards
from perks.models import GiftCard, GiftCardPosting, Perk, Redemption, Scan
from perks.models.gift_cards import GiftCardQuerySet
from perks.services.gift_card_sweeps import expire_gift_cards, warn_before_expiry
from perks.services.gift_cards import refund_charge
from perks.services.redemptions import reverse_redemption, take_perk
from scores.services.enrolment import leave
from tests.factories.gift_cards import balance_of, card_perk, charge, scan_card, taken_card
from tests.factories.perks import citizen_with, person_of
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
TILLS = 16


@pytest.fixture(autouse=True)
def _asked_as_often_as_they_like(settings):
    settings.RATE_LIMITS = False


def charges(card, amount, number=TILLS):
    """As many tills as said, each with its own scan of the card."""
    tills = [person_of(card.merchant, "cashier") for _ in range(number)]
    return [lambda till=till: scan_card(card, amount, by=till).outcome for till in tills]


def kinds(card):
    return Counter(GiftCardPosting.objects.filter(card=card).values_list("kind", flat=True))


@pytest.mark.usefixtures("sound", "crowd")
def test_a_budget_of_four_cards_issues_four_to_sixteen_people():
    perk = card_perk(2500, stock=None, budget_amount=10_000, budget_currency="EUR")
    people = [citizen_with(document=True) for _ in range(16)]
    results = at_once(*[lambda one=one: bool(take_perk(citizen=one, perk=perk)) for one in people])
    assert Counter(results) == {True: 4, "budget_spent": 12}
    perk.refresh_from_db()
    assert (perk.taken_count, perk.budget_spent, GiftCard.objects.count()) == (4, 10_000, 4)


@pytest.mark.usefixtures("sound", "crowd")
def test_sixteen_tills_take_off_a_card_no_more_than_is_on_it():
    """Lesson 14."""
    card = taken_card(4500)
    results = at_once(*charges(card, 1000))
    assert Counter(results) == {"accepted": 4, "insufficient_balance": 12}
    assert (balance_of(card), kinds(card)["charge"]) == (500, 4)


@pytest.mark.usefixtures("sound")
def test_sixteen_sendings_of_one_scan_charge_once():
    card = taken_card(4500)
    till = person_of(card.merchant, "cashier")
    results = at_once(*[lambda: scan_card(card, 1000, by=till, nonce="one-nonce").pk] * TILLS)
    assert len(set(results)) == 1
    assert (balance_of(card), kinds(card)["charge"]) == (3500, 1)


@pytest.mark.usefixtures("sound")
def test_sixteen_refunds_give_back_no_more_than_the_charge():
    """Lesson 13."""
    card = taken_card(4500)
    taken, owner = charge(card, 1000), person_of(card.merchant)
    refund = lambda: bool(refund_charge(card=card, charge=taken, amount=400, by=owner))  # noqa: E731
    assert Counter(at_once(*[refund] * TILLS)) == {True: 2, "refund_above_charge": 14}
    assert balance_of(card) == 4300


@pytest.mark.usefixtures("sound")
def test_a_charge_is_undone_once_and_not_refunded_too():
    card = taken_card(4500)
    taken, owner = charge(card, 1000), person_of(card.merchant)
    scan_id = taken.scan.public_id
    undo = lambda: bool(reverse_redemption(redemption=card.redemption, by=owner, scan_id=scan_id))  # noqa: E731
    refund = lambda: bool(refund_charge(card=card, charge=taken, amount=1000, by=owner))  # noqa: E731
    results = Counter(at_once(*[undo, refund] * 6))
    assert results.pop(True) == 1
    assert set(results) <= {"wrong_state", "refund_above_charge"}
    assert balance_of(card) == 4500


@pytest.mark.usefixtures("sound")
def test_a_card_is_taken_back_whole_or_charged_and_never_both():
    card = taken_card(4500)
    owner, later = person_of(card.merchant), timezone.now() + timedelta(minutes=20)

    def take_back():
        return reverse_redemption(redemption=card.redemption, by=owner, reason="A mistake.", now=later).state

    taken_back, *scans = at_once(take_back, *charges(card, 100, 3))
    if taken_back == "reversed":
        assert (scans, balance_of(card)) == (["reversed"] * 3, 0)
    else:
        assert (taken_back, scans, balance_of(card)) == ("gift_card_in_use", ["accepted"] * 3, 4200)


@pytest.mark.usefixtures("sound", "crowd")
@pytest.mark.parametrize("spent", [0, 1000])
def test_charging_refunding_ending_and_leaving_at_once_lose_no_cent(spent):
    card = taken_card(4500, months=1)
    owner, citizen = person_of(card.merchant), card.citizen
    taken = charge(card, spent) if spent else None
    refunds = [lambda: bool(refund_charge(card=card, charge=taken, amount=300, by=owner))] * 4 if taken else []
    results = at_once(
        *charges(card, 700, 5),
        *refunds,
        *[lambda: expire_gift_cards(now=card.expires_at)] * 2,
        lambda: bool(leave(citizen=citizen)),
        lambda: warn_before_expiry(now=card.expires_at - timedelta(days=7)),
    )
    assert set(results) <= {
        "accepted",
        "insufficient_balance",
        "expired",
        "refund_above_charge",
        "gift_card_over",
        True,
        False,
    }
    card.refresh_from_db()
    assert (card.state, card.balance, card.citizen_id, kinds(card)["issue"]) == ("expired", 0, None, 1)
    # Everything that was put on it went somewhere, and each answer stands in the ledger.
    assert kinds(card)["charge"] == results[:5].count("accepted") + bool(spent)
    assert kinds(card)["refund"] == results[5 : 5 + len(refunds)].count(True)


@pytest.mark.usefixtures("sound")
def test_two_relays_send_one_notice():
    card = taken_card(4500)
    at = card.expires_at - timedelta(days=30)
    assert sorted(at_once(*[lambda: warn_before_expiry(now=at)] * 8)) == [0] * 7 + [1]
    assert Notification.objects.filter(about=card.public_id).count() == 1


# Negative controls


@pytest.mark.usefixtures("postgresql", "crowd", "sound")
def test_where_the_services_forget_to_hold_the_card_the_database_still_refuses(monkeypatch):
    """The guard of the services is the card's row: without it refunds meet, and the ledger has the last word."""

    def not_held(cards, pk):
        return cards.select_related("merchant").get(pk=pk)

    card = taken_card(4500)
    taken, owner = charge(card, 1000), person_of(card.merchant)
    monkeypatch.setattr(GiftCardQuerySet, "held", not_held)

    def refund():
        try:
            return bool(refund_charge(card=card, charge=taken, amount=400, by=owner))
        except IntegrityError:
            return "refused by the database"

    results = Counter(at_once(*[refund] * 32))
    assert results["refused by the database"] >= 1
    assert results[True] <= 2
    assert balance_of(card) == 3500 + 400 * results[True]


@pytest.mark.usefixtures("postgresql", "crowd")
def test_without_guards_a_card_is_overspent():
    """Lesson 14: read the balance, decide, write it smaller, and more is accepted than was on the card."""
    card = taken_card(4500)

    @transaction.atomic
    def charge_naively():
        found = GiftCard.objects.get(pk=card.pk)
        if found.balance < 1000:
            return "insufficient_balance"
        found.balance -= 1000
        found.save(update_fields=["balance"])
        return "accepted"

    with connection.cursor() as cursor:
        for statement in gift_card_guards.statements_to_remove(connection.vendor):
            cursor.execute(statement)
    try:
        assert Counter(at_once(*[charge_naively] * 64))["accepted"] > 4
    finally:
        with connection.cursor() as cursor:
            for statement in gift_card_guards.statements_to_install(connection.vendor):
                cursor.execute(statement)


@pytest.mark.usefixtures("postgresql", "crowd")
def test_without_its_guarded_update_a_budget_is_overspent():
    perk = card_perk(2500, stock=None, budget_amount=10_000, budget_currency="EUR")

    @transaction.atomic
    def take_naively():
        found = Perk.objects.get(pk=perk.pk)
        if found.budget_spent + 2500 > (found.budget_amount or 0):
            return "budget_spent"
        found.budget_spent += 2500
        found.save(update_fields=["budget_spent"])
        return "taken"

    assert Counter(at_once(*[take_naively] * 64))["taken"] > 4
    assert not Redemption.objects.exists()
    assert not Scan.objects.exists()
