"""One deposit agreement, and everything both sides and the clock may do to it at the same moment: one legal end.

The last tests are the negative controls: the same steps without their guards are lost to each other.
"""

from collections import Counter
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import transaction

from perks.models import DepositAgreement, Redemption
from perks.services.deposit_claims import claim_damage, contest_claim, decide_claim
from perks.services.deposits import accept_deposit, move_on_deposits, pick_up_deposit, return_deposit
from perks.services.redemptions import cancel_redemption, expire_redemptions, reverse_redemption
from tests.factories.deposits import ITEMS, accepted, active, claimed, contested, money, offered, returned
from tests.factories.people import operator_with
from tests.factories.perks import person_of
from tests.factories.scores import NOW
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def fresh(agreement):
    """The agreement as each caller reads it for themselves."""
    return DepositAgreement.objects.select_related("redemption", "merchant", "citizen").get(pk=agreement.pk)


def stands(agreement):
    row = fresh(agreement)
    return row.state, row.redemption.state


@pytest.mark.usefixtures("sound")
def test_accepted_cancelled_expired_and_picked_up_there_is_one_legal_end():
    for _ in range(4):
        agreement = offered()
        desk, over = person_of(agreement.merchant), agreement.redemption.expires_at
        branch = agreement.redemption.branch
        accept, cancel, expire, pick_up = at_once(
            lambda one=agreement: accept_deposit(agreement=fresh(one), by=one.citizen, now=NOW).state,
            lambda one=agreement: cancel_redemption(redemption=fresh(one).redemption, now=NOW).state,
            lambda at=over: expire_redemptions(now=at),
            lambda one=agreement, by=desk, at=branch: (
                pick_up_deposit(agreement=fresh(one), by=by, branch=at, now=NOW).state
            ),
        )
        assert (stands(agreement), cancel, expire, pick_up == "active") in {
            (("cancelled", "cancelled"), "cancelled", 0, False),
            (("expired", "expired"), "wrong_state", 1, False),
            (("active", "redeemed"), "wrong_state", 0, True),
            # The sweep was first, and the scan in time all the same.
            (("active", "redeemed"), "wrong_state", 1, True),
        }, (stands(agreement), accept, cancel, expire, pick_up)
        if pick_up == "active":
            assert accept == "accepted"


@pytest.mark.usefixtures("sound")
def test_two_desks_hand_over_once():
    agreement = accepted()
    desks = [person_of(agreement.merchant, "cashier") for _ in range(8)]
    branch = agreement.redemption.branch
    results = at_once(
        *[
            lambda by=by: pick_up_deposit(agreement=fresh(agreement), by=by, branch=branch, now=NOW).state
            for by in desks
        ]
    )
    assert Counter(results) == {"active": 1, "wrong_state": 7}


@pytest.mark.usefixtures("sound")
def test_an_undo_and_a_return_are_one_of_them():
    agreement = active()
    manager = person_of(agreement.merchant, "manager")
    undo, back = at_once(
        lambda: reverse_redemption(redemption=fresh(agreement).redemption, by=manager, now=NOW + MINUTE).state,
        lambda: return_deposit(agreement=fresh(agreement), by=manager, now=NOW + MINUTE).state,
    )
    assert (undo, back, stands(agreement)) in {
        ("reserved", "wrong_state", ("accepted", "reserved")),
        ("wrong_state", "returned", ("returned", "redeemed")),
    }


@pytest.mark.usefixtures("sound")
def test_a_return_and_the_end_of_its_seven_days_are_one_of_them():
    agreement = active(days=1)
    due, by = agreement.due_at, person_of(agreement.merchant)
    *returns, closed = at_once(
        *[lambda: return_deposit(agreement=fresh(agreement), by=by, now=due - SECOND).state] * 4,
        lambda: move_on_deposits(now=due),
    )
    assert (Counter(returns), closed, stands(agreement)[0]) in [
        ({"returned": 1, "wrong_state": 3}, 0, "returned"),
        ({"wrong_state": 4}, 1, "closed"),
    ]


@pytest.mark.usefixtures("sound")
def test_a_claim_and_the_end_of_its_72_hours_are_one_of_them_and_it_is_one_claim():
    agreement = returned()
    due, by = agreement.due_at, person_of(agreement.merchant, "manager")

    def claim(amount):
        items = [{"text": "A scratch", "amount": money(amount)}]
        return lambda: claim_damage(agreement=fresh(agreement), by=by, items=items, now=due - SECOND).claimed_amount

    *claims, closed = at_once(*[claim(amount) for amount in (100, 200, 300, 400)], lambda: move_on_deposits(now=due))
    row = fresh(agreement)
    made = [amount for amount in claims if amount != "wrong_state"]
    assert (made, closed, row.state) in [([], 1, "closed"), ([row.claimed_amount], 0, "claimed")]


@pytest.mark.usefixtures("sound")
def test_a_contest_and_the_end_of_its_72_hours_are_one_of_them():
    agreement = claimed()
    due = agreement.due_at
    *contests, settled = at_once(
        *[
            lambda: (
                contest_claim(agreement=fresh(agreement), by=agreement.citizen, statement="No.", now=due - SECOND).state
            )
        ]
        * 3,
        lambda: move_on_deposits(now=due),
    )
    row = fresh(agreement)
    assert (Counter(contests), settled, row.state, row.settled_amount) in [
        ({"contested": 1, "wrong_state": 2}, 0, "contested", None),
        ({"wrong_state": 3}, 1, "settled", row.claimed_amount),
    ]


@pytest.mark.usefixtures("sound")
def test_two_operators_decide_once():
    agreement = contested()
    operators = [operator_with("disputes") for _ in range(4)]
    results = at_once(
        *[
            lambda by=by, amount=amount: (
                (
                    decide_claim(agreement=fresh(agreement), by=by, amount=amount, reason="So.", now=NOW + MINUTE)
                ).settled_amount
            )
            for amount, by in enumerate(operators)
        ]
    )
    assert Counter(results)["wrong_state"] == 3
    assert fresh(agreement).settled_amount in results


# What one writes first: read the state, look, write. Each is the step above without its guard.


def naively(agreement, meet, leaving, **facts):
    """Read, decide, and write what was decided; all have read before the first of them writes."""
    with transaction.atomic():
        row = DepositAgreement.objects.get(pk=agreement.pk)
        meet.wait(timeout=30)
        if row.state != leaving:
            return "wrong_state"
        DepositAgreement.objects.filter(pk=row.pk).update(**facts)
        return facts["state"]


@pytest.mark.usefixtures("postgresql")
def test_without_its_guard_a_return_is_lost_to_the_clock():
    agreement, meet = active(), Barrier(2)
    back = {"state": "returned", "returned_at": NOW, "ended_at": None, "due_at": NOW}
    closed = {"state": "closed", "ended_at": NOW, "due_at": None}
    results = at_once(
        lambda: naively(agreement, meet, "active", **back), lambda: naively(agreement, meet, "active", **closed)
    )
    assert Counter(results) == {"returned": 1, "closed": 1}


@pytest.mark.usefixtures("postgresql")
def test_without_its_guard_there_are_two_claims():
    agreement, meet = returned(), Barrier(2)
    facts = {"state": "claimed", "claimed_at": NOW, "claim_items": ITEMS, "claimed_amount": 5}
    results = at_once(*[lambda: naively(agreement, meet, "returned", **facts)] * 2)
    assert Counter(results) == {"claimed": 2}


@pytest.mark.usefixtures("postgresql")
def test_without_its_guard_a_contest_comes_after_the_settlement():
    agreement, meet = claimed(), Barrier(2)
    contest = {"state": "contested", "contested_at": NOW, "due_at": None, "ended_at": None, "settled_amount": None}
    settled = {"state": "settled", "settled_amount": 5, "ended_at": NOW, "due_at": None}
    results = at_once(
        lambda: naively(agreement, meet, "claimed", **contest), lambda: naively(agreement, meet, "claimed", **settled)
    )
    assert Counter(results) == {"contested": 1, "settled": 1}


@pytest.mark.usefixtures("postgresql")
def test_without_its_guard_what_was_cancelled_is_accepted():
    agreement, meet = offered(), Barrier(2)
    accept = {"state": "accepted", "accepted_at": NOW, "ended_at": None, "due_at": NOW}
    cancelled = {"state": "cancelled", "ended_at": NOW, "due_at": None}
    results = at_once(
        lambda: naively(agreement, meet, "offered", **accept), lambda: naively(agreement, meet, "offered", **cancelled)
    )
    assert Counter(results) == {"accepted": 1, "cancelled": 1}
    assert Redemption.objects.filter(deposit=agreement).exists()
