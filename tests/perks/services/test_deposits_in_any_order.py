"""One agreement in any order of everything both sides, an operator and the clock may do: always in a legal state.

A model of a few lines says what each step may lead to; amounts are frozen and only ever go down.
"""

import os
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from citizen_app.errors import DomainError
from citizen_app.invariants import broken
from perks import states
from perks.models import DepositAgreement
from perks.services.deposit_claims import claim_damage, contest_claim, decide_claim
from perks.services.deposit_steps import settled_at, state_at
from perks.services.deposits import accept_deposit, move_on_deposits, pick_up_deposit, return_deposit
from perks.services.redemptions import cancel_redemption, expire_redemptions, reverse_redemption
from tests.factories.deposits import money, offered
from tests.factories.people import operator_with
from tests.factories.perks import person_of
from tests.factories.scores import NOW

pytestmark = pytest.mark.django_db
FROZEN = ("full_amount", "waived_amount", "remainder_amount", "claim_cap", "vehicle_class", "until", "remainder_items")
BY_THE_CLOCK = {"offered": "expired", "accepted": "expired", "active": "closed", "returned": "closed"}
BY_THE_CLOCK["claimed"] = "settled"


class Agreement(RuleBasedStateMachine):
    """One agreement, its two parties, an operator, and a clock that goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.now = NOW

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    @initialize()
    def begin(self):
        self.agreement = offered(now=self.now, days=2)
        self.frozen = self.facts()
        self.desk = person_of(self.agreement.merchant, "manager")
        self.operator = operator_with("disputes")
        self.most_owed = None

    @property
    def row(self):
        return DepositAgreement.objects.select_related("redemption", "merchant", "citizen").get(pk=self.agreement.pk)

    def facts(self):
        return {name: getattr(self.row, name) for name in FROZEN}

    def step(self, action, work, *, must=False):
        """A step is done only where table and clock allow it (`must`: and always there); refused it changes nothing."""
        before, read = self.row, state_at(self.row, self.now)
        is_allowed = before.state == read and states.DEPOSIT.allowed(before.state, action)
        try:
            with transaction.atomic():
                work(before)
        except DomainError:
            after = self.row
            assert (after.state, after.sequence) == (before.state, before.sequence)
            assert not (must and is_allowed), (before.state, action)
            return False
        assert is_allowed, (before.state, read, action)
        assert self.row.state == states.DEPOSIT.target(action)
        return True

    @rule(hours=st.sampled_from([1, 11, 30, 73, 24 * 9]))
    def time_goes_by(self, hours):
        self.now += timedelta(hours=hours)

    @rule()
    def accept(self):
        self.step("accept", lambda row: accept_deposit(agreement=row, by=row.citizen, now=self.now), must=True)

    @rule()
    def cancel(self):
        self.step("cancel", lambda row: cancel_redemption(redemption=row.redemption, now=self.now), must=True)

    @rule()
    def pick_up(self):
        self.step(
            "pick_up",
            lambda row: pick_up_deposit(agreement=row, by=self.desk, branch=row.redemption.branch, now=self.now),
        )

    @rule()
    def undo(self):
        scanned = self.row.picked_up_at
        if scanned is not None and self.now < scanned + timedelta(minutes=10):
            self.step("undo", lambda row: reverse_redemption(redemption=row.redemption, by=self.desk, now=self.now))

    @rule()
    def give_back(self):
        self.step("return", lambda row: return_deposit(agreement=row, by=self.desk, now=self.now), must=True)

    @rule(amount=st.sampled_from([1, 29_999, 30_000, 30_001]))
    def claim(self, amount):
        items = [{"text": "A scratch", "amount": money(amount)}]
        if self.step("claim", lambda row: claim_damage(agreement=row, by=self.desk, items=items, now=self.now)):
            assert amount <= self.row.claim_cap

    @rule()
    def contest(self):
        self.step(
            "contest",
            lambda row: contest_claim(agreement=row, by=row.citizen, statement="No.", now=self.now),
            must=True,
        )

    @rule(amount=st.sampled_from([0, 1, 30_000]))
    def decide(self, amount):
        before = self.row
        if before.state == "claimed":
            return  # nobody decides what is not contested; the next rule's clock settles it
        self.step(
            "settle",
            lambda row: decide_claim(agreement=row, by=self.operator, amount=amount, reason="So.", now=self.now),
        )

    @rule()
    def sweep(self):
        read = state_at(self.row, self.now)
        expire_redemptions(now=self.now)
        move_on_deposits(now=self.now)
        assert self.row.state == read
        assert state_at(self.row, self.now) == read

    @invariant()
    def nothing_goes_up(self):
        row = self.row
        assert self.facts() == self.frozen
        owed = settled_at(row, self.now)
        assert (row.claimed_amount or 0) <= row.claim_cap
        assert owed is None or owed <= (row.claimed_amount or 0)
        if self.most_owed is not None:
            assert owed == self.most_owed  # what is settled stays so
        self.most_owed = owed

    @invariant()
    def every_sentence_holds(self):
        assert {sentence: facts for sentence, facts in broken().items() if facts} == {}

    @invariant()
    def what_is_read_is_where_the_clock_leads(self):
        row = self.row
        read = state_at(row, self.now)
        assert read in (row.state, BY_THE_CLOCK.get(row.state))


def test_an_agreement_in_any_order_is_always_in_a_legal_state():
    budget = int(os.environ.get("DEPOSIT_RUNS", "8"))
    with time_machine.travel(NOW, tick=False):
        run_state_machine_as_test(
            Agreement,
            settings=settings(
                max_examples=budget,
                stateful_step_count=18,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
