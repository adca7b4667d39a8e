"""Two citizens, two tills and a manager over HTTP, in any order: after each step the product is where the model is.

Every request goes through the real views with a real session. What a call was answered, every counter and every row
are compared with `tests/perks/model.py` after every step; what people and desks read, in turns.
"""

from collections import Counter
from copy import deepcopy
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from perks import passes
from perks.models import Perk, PerkDay, Redemption, Scan
from perks.services.redemptions import expire_redemptions
from tests.budgets import tries
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, open_tier
from tests.factories.scores import NOW
from tests.perks.api.calls import app_of, code_of, key, scan, take, team_app
from tests.perks.model import UNDO_TIME, Held, Offer, Town

pytestmark = pytest.mark.django_db

PEOPLE, TILLS = ("ana", "rui"), ("till", "other")
TIER = {"min_score": None, "benefit": {"text": "3.33 off", "amount": {"amount": 333, "currency": "EUR"}}}
OFFERS = {
    # One each, two in all; everything comes back.
    "drink": Offer(stock=2, per_citizen=1, hold=timedelta(minutes=60)),
    # As often as the money lasts, twice a day and person; the stock comes back, the money only after a reversal.
    "voucher": Offer(
        budget=1000,
        cost=333,
        per_citizen=None,
        per_citizen_day=2,
        hold=timedelta(minutes=30),
        on_cancel="stock",
        on_expiry="stock",
        on_reversal="all",
    ),
    # Three a day for everybody together, and three in all unless a hold runs out.
    "queue": Offer(
        stock=3, per_citizen=None, per_day=2, hold=timedelta(days=1), on_cancel="nothing", on_reversal="stock"
    ),
}
WRONG_CODE = "AAAAA-AAAA0"
SECONDS = st.sampled_from([timedelta(seconds=1), timedelta(0)])  # before it is over, and when it is
person, till, offer = st.sampled_from(PEOPLE), st.sampled_from(TILLS), st.sampled_from(sorted(OFFERS))


class Desk(RuleBasedStateMachine):
    """One merchant, three perks, two citizens, two tills, and a clock that only we move."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(NOW, tick=False)
        self.traveller = self.clock.start()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.now, self.steps = NOW, 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)
        self.clock.stop()

    @initialize()
    def begin(self) -> None:
        merchant = MerchantFactory()
        self.people = {name: citizen_with() for name in PEOPLE}
        self.apps = {name: app_of(citizen) for name, citizen in self.people.items()}
        self.tills = {name: team_app(merchant, "cashier") for name in TILLS}
        self.manager = team_app(merchant, "manager")
        self.perks = {name: self.perk(merchant, name, one) for name, one in OFFERS.items()}
        self.town = Town(deepcopy(OFFERS), dict.fromkeys(PEOPLE, "active"))
        self.shown: dict[str, dict] = {}  # by our name of it: what its citizen's phone holds
        self.scanned_by: dict[str, set] = {}

    @staticmethod
    def perk(merchant, name, one: Offer) -> Perk:
        return PerkFactory(
            merchant=merchant,
            title=name,
            tiers=[TIER if one.cost else open_tier()],
            stock=one.stock,
            budget_amount=one.budget,
            budget_currency="EUR" if one.budget else "",
            limit_per_citizen=one.per_citizen,
            limit_per_citizen_day=one.per_citizen_day,
            limit_per_day=one.per_day,
            hold_minutes=int(one.hold.total_seconds() // 60),
            release_on_cancel=one.on_cancel,
            release_on_expiry=one.on_expiry,
            release_on_reversal=one.on_reversal,
            zone=one.zone,
        )

    # -- The citizens -------------------------------------------------------------------------------------------------

    @rule(target=held, who=person, what=offer, twice=st.booleans())
    def take(self, who, what, twice):
        name, header = f"r{len(self.shown)}", key()
        answer = take(self.apps[who], self.perks[what], **header)
        expected = self.town.take(name, person=who, offer=what, now=self.now)
        if twice:
            again = take(self.apps[who], self.perks[what], **header)
            # Only what was done is kept; a refusal is judged afresh, and nothing has changed meanwhile.
            assert (again.status_code, again.json()) == (answer.status_code, answer.json())
            assert again.headers.get("Idempotent-Replayed") == ("true" if expected == "reserved" else None)
        if expected != "reserved":
            assert code_of(answer) == expected
            return multiple()
        assert answer.status_code == 201, answer.json()
        self.shown[name] = answer.json()
        return name

    @rule(what=held, twice=st.booleans(), by_another=st.sampled_from([False, False, False, True]))
    def cancel(self, what, twice=False, by_another=False):
        one, header = self.town.held[what], key()
        who = one.person or PEOPLE[0]
        if by_another:
            who = next(other for other in PEOPLE if other != who)
        url = f"/api/v1/me/redemptions/{self.shown[what]['id']}/cancel"
        answer = self.apps[who].post(url, {}, format="json", **header)
        if one.person != who:
            assert code_of(answer) == "not_found"
            return
        expected = self.town.cancel(what, now=self.now)
        assert (answer.json()["state"] if answer.status_code == 200 else code_of(answer)) == expected
        if twice and expected == "cancelled":
            assert self.apps[who].post(url, {}, format="json", **header).json() == answer.json()

    @rule(who=person, what=st.sampled_from(["pause", "resume", "resume", "enrol", "enrol", "leave"]))
    def change_mind(self, who, what):
        url = "/api/v1/me/enrolment"
        if what == "enrol":
            version = self.apps[who].get("/api/v1/consent-texts/current").json()["version"]
            answer = self.apps[who].post(url, {"consent_version": version, "adult": True}, format="json")
            assert answer.status_code in (200, 201), answer.json()
            if self.town.people[who] == "gone":
                self.town.people[who] = "active"
        elif what == "leave":
            assert self.apps[who].delete(url).status_code == 200
            self.town.leave(who)
        else:
            answer = self.apps[who].post(f"{url}/{what}", {}, format="json")
            expected = getattr(self.town, what)(who)
            assert (answer.json()["state"] if answer.status_code == 200 else code_of(answer)) == expected

    # -- The desk -----------------------------------------------------------------------------------------------------

    @rule(at=till, what=held, how=st.sampled_from(["code", "code", "pass", "old pass"]), again=st.booleans())
    def scan(self, at, what, how="code", again=False):
        phone, nonce = self.shown[what], str(uuid4())
        if how == "code":
            body = {"code": phone["code"].lower()}
        else:
            then = self.now - timedelta(minutes=5 if how == "old pass" else 0)
            body = {"pass": passes.shown_pass(phone["pass"], passes.digits_at(phone["seed"], then))}
        answer = scan(self.tills[at], nonce, **body)
        if how == "code" and self.town.is_locked(at, self.now):
            assert code_of(answer) == "rate_limited"
            return
        expected = "stale_pass" if how == "old pass" else self.town.scan(what, till=at, now=self.now)
        assert (answer.status_code, answer.json()["outcome"]) == (201, expected)
        self.scanned_by.setdefault(what, set()).add(at)
        if again:
            repeated = scan(self.tills[at], nonce, **body)
            assert (repeated.status_code, repeated.json()) == (200, answer.json())
            other = next(one for one in TILLS if one != at)
            assert code_of(scan(self.tills[other], nonce, **body)) == "nonce_reused"

    @rule(at=till)
    def guess(self, at):
        answer = scan(self.tills[at], code=WRONG_CODE)
        if self.town.is_locked(at, self.now):
            assert code_of(answer) == "rate_limited"
        else:
            assert answer.json()["outcome"] == "unknown_code"
            self.town.wrong.setdefault(at, []).append(self.now)

    @rule(by=st.sampled_from([*TILLS, "manager", "manager"]), what=held, reason=st.sampled_from(["", "Closed"]))
    def take_back(self, by, what, reason):
        caller = self.manager if by == "manager" else self.tills[by]
        url = f"/api/v1/merchant/redemptions/{self.shown[what]['id']}/reverse"
        answer = caller.post(url, {"reason": reason} if reason else {}, format="json", **key())
        if by != "manager" and by not in self.scanned_by.get(what, ()):
            assert code_of(answer) == "not_found"
            return
        only = None if by == "manager" else by
        expected = self.town.reverse(what, now=self.now, reason=reason, only_own_undo_of=only)
        assert (answer.json()["state"] if answer.status_code == 200 else code_of(answer)) == expected

    @rule(what=offer, act=st.sampled_from(["pause", "resume"]))
    def turn(self, what, act):
        answer = self.manager.post(f"/api/v1/merchant/perks/{self.perks[what].public_id}/{act}", {}, format="json")
        perk = self.town.offers[what]
        if perk.is_paused == (act == "pause"):
            assert code_of(answer) == "wrong_state"
        else:
            assert answer.status_code == 200
            perk.is_paused = not perk.is_paused

    # -- The clock ----------------------------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 11, 31, 61, 60 * 24]))
    def wait(self, minutes):
        self.go_to(self.now + timedelta(minutes=minutes))

    @rule(what=held, short=SECONDS, act=st.sampled_from(["cancel", "scan", "sweep"]), at=till)
    def at_the_end_of_a_hold(self, what, short, act, at):
        one = self.town.held[what]
        if one.state == "reserved" and one.expires_at - short >= self.now:
            self.go_to(one.expires_at - short)
            {"cancel": self.cancel, "scan": partial(self.scan, at), "sweep": lambda _: self.sweep()}[act](what)

    @rule(what=held, short=SECONDS, by=st.sampled_from(["till", "other", "manager"]), reason=st.sampled_from(["", "x"]))
    def at_the_end_of_an_undo(self, what, short, by, reason):
        one = self.town.held[what]
        if one.scanned_at is not None and one.state == "redeemed" and one.scanned_at + UNDO_TIME - short >= self.now:
            self.go_to(one.scanned_at + UNDO_TIME - short)
            self.take_back(by, what, reason)

    def go_to(self, instant):
        self.now = instant
        self.traveller.move_to(instant)

    @rule()
    def sweep(self):
        over = self.town.over(self.now)
        assert expire_redemptions() == len(over)
        for name in over:
            self.town.expire(name)

    # -- What must be so after every step -----------------------------------------------------------------------------

    @invariant()
    def the_counters_are_the_model_s(self):
        for name, perk in Perk.objects.in_bulk([one.pk for one in self.perks.values()]).items():
            one = self.town.offers[perk.in_force.title]
            assert (perk.taken_count, perk.budget_spent, perk.state == "paused") == (
                one.taken,
                one.spent,
                one.is_paused,
            ), name
        days = {(day.perk.in_force.title, day.day): day.taken_count for day in PerkDay.objects.select_related("perk")}
        said = {(name, day): count for name, one in self.town.offers.items() for day, count in one.days.items()}
        assert days == said

    @invariant()
    def every_row_is_the_model_s(self):
        names = {phone["id"]: name for name, phone in self.shown.items()}
        people = {citizen.pk: name for name, citizen in self.people.items()} | {None: None}
        rows = {names[one.public_id]: one for one in Redemption.objects.all()}
        assert set(rows) == set(self.town.held)
        for name, row in rows.items():
            one = self.town.held[name]
            told = (row.state, people[row.citizen_id], row.counts_for_stock, row.counts_for_limits, row.forgets_citizen)
            assert told == (one.state, one.person, one.in_stock, one.in_limits, one.forgets), name

    @invariant()
    def what_is_redeemed_has_one_standing_scan(self):
        standing = Counter(
            Scan.objects.filter(outcome="accepted", undone_at=None).values_list("redemption_id", flat=True)
        )
        assert set(standing.values()) <= {1}
        redeemed = {one.pk for one in Redemption.objects.filter(state="redeemed")}
        assert redeemed <= set(standing)

    @invariant()
    def each_reads_their_own(self):
        who = PEOPLE[self.steps % len(PEOPLE)]
        mine = {name: one for name, one in self.town.held.items() if one.person == who}
        listed = self.apps[who].get("/api/v1/me/redemptions?limit=100").json()["results"]
        said = {one["id"]: one["state"] for one in listed}
        assert said == {self.shown[name]["id"]: self.reads(one) for name, one in mine.items()}

    @invariant()
    def the_desk_reads_what_is_left(self):
        self.steps += 1
        name = sorted(OFFERS)[self.steps % len(OFFERS)]
        one = self.town.offers[name]
        answer = self.manager.get(f"/api/v1/merchant/perks/{self.perks[name].public_id}").json()
        assert answer["counts"]["remaining"] == (None if one.stock is None else one.stock - one.taken)
        states = Counter(held.state for held in self.town.held.values() if held.offer == name)
        assert (answer["counts"]["reserved"], answer["counts"]["redeemed"]) == (states["reserved"], states["redeemed"])
        for each in self.town.offers.values():
            assert each.stock is None or 0 <= each.taken <= each.stock
            assert each.budget is None or 0 <= each.spent <= each.budget

    def reads(self, one: Held) -> str:
        return "expired" if one.state == "reserved" and one.expires_at <= self.now else one.state


def test_in_any_order_the_product_is_where_the_model_is():
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=tries(6, 12, 150),
            stateful_step_count=tries(20, 25, 50),
            deadline=None,
            database=None,
            phases=(Phase.explicit, Phase.generate),  # told as it was found: to make it smaller takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
