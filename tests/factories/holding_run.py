"""Many people, three rentals and a Stripe that fails: holding, charging and giving back at random, then adding up."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from citizen_app import outbox
from citizen_app.errors import DomainError
from perks import holds
from perks.models import DepositAgreement, DepositHold, HoldRefund
from perks.payments.client import Rejected, Transient, client, errors
from perks.payments.standin.fake import Fault
from perks.payments.standin.refusals import Refusal
from perks.services.deposit_claims import claim_damage, contest_claim, decide_claim
from perks.services.deposits import move_on_deposits, pick_up_deposit, return_deposit, warn_of_holds
from perks.services.hold_events import expire_holds, sweep_holds
from perks.services.hold_refunds import refund_hold
from perks.services.hold_renewals import renew_holds
from perks.services.holds import page_of, request_hold
from perks.services.redemptions import cancel_redemption, expire_redemptions
from perks.services.stripe_events import receive_event
from perks.services.stripe_sweeps import sweep_events
from tests.factories.deposits import accepted, money, waiver_perk
from tests.factories.holds import onboarded
from tests.factories.people import operator_with
from tests.factories.perks import person_of

State = DepositAgreement.State
CARDS = ["pm_card_visa"] * 5 + [
    "pm_card_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedExpiredCard",
    "pm_card_authenticationRequired",
    "pm_card_pendingRefund",
]
ROUTES = [
    "/v1/checkout/sessions",
    "/capture$",
    "/cancel$",
    "/v1/refunds",
    "/v1/payment_intents$",
    "/expire$",
    "/detach$",
    "",
]
WAYS = ["drop_before", "drop_after", "stored", "stored_after", "status"]
WEIGHTS = {
    "arrive": 14,
    "ask": 4,
    "pay": 4,
    "pick_up": 6,
    "return_it": 10,
    "claim": 12,
    "contest": 8,
    "decide": 7,
    "cancel": 1,
    "refund": 9,
    "refund_at_stripe": 2,
    "refund_fails": 3,
    "hold_lapses": 1,
    "dispute": 2,
    "dispute_ends": 2,
    "fault": 5,
    "hear": 9,
    "work": 9,
    "wait": 4,
}


class HoldingRun:
    """One run: `go(operations)`, then `end()`, then `ours()` and `stripes()` are the same."""

    def __init__(self, standin: Any, deliver: Any, clock: Any, *, seed: int) -> None:
        self.standin, self.deliver, self.clock = standin, deliver, clock
        self.random = random.Random(seed)
        self.merchants = [onboarded(standin, name=f"Rental {number}") for number in range(3)]
        self.perks = [waiver_perk(merchant, percent=50) for merchant in self.merchants]
        self.managers = {merchant.pk: person_of(merchant, "manager") for merchant in self.merchants}
        self.operator = operator_with("disputes")
        self.heard: set[str] = set()
        self.done: Counter[str] = Counter()

    def go(self, operations: int) -> None:
        names, weights = list(WEIGHTS), list(WEIGHTS.values())
        while sum(self.done.values()) < operations:
            name = self.random.choices(names, weights)[0]
            try:
                getattr(self, name)()
            except (DomainError, Refusal, Transient, Rejected, IndexError) as refusal:
                # What cannot be done now, or Stripe did not answer: as it is for people.
                self.done[f"{name}: {type(refusal).__name__}"] += 1
            else:
                self.done[name] += 1

    def one_of(self, *states: str) -> Any:
        still = Q(due_at__gt=timezone.now()) | Q(due_at=None)
        rows = DepositAgreement.objects.filter(still, state__in=states).select_related(
            "merchant", "citizen", "redemption"
        )
        return self.random.choice(list(rows.order_by("pk")))

    def charged(self) -> Any:
        return self.random.choice(list(DepositHold.objects.filter(state=holds.CAPTURED).order_by("pk")))

    # -- What people do ---------------------------------------------------------------------------------------------
    def arrive(self) -> None:
        """Accept a waiver and go to name a card; some are distracted on the way."""
        agreement = accepted(perk=self.random.choice(self.perks), now=timezone.now(), days=self.random.randint(1, 12))
        page = self.ask(agreement)
        if self.random.random() < 0.9:
            self.pay(page)
        if self.random.random() < 0.7:
            self.hear()
            self.work(1)
            self.pick_up(agreement)

    def ask(self, agreement: Any = None) -> str:
        agreement = agreement or self.one_of(State.ACCEPTED, State.ACTIVE)
        url = page_of(
            request_hold(agreement=agreement, by=agreement.citizen, return_url="https://citizen.example/back")
        )
        return url.rsplit("/", 1)[1]

    def pay(self, page: str = "") -> None:
        page = page or self.random.choice(self.standin.all("checkout.session", status="open"))["id"]
        self.standin.pay_checkout(page, self.random.choice(CARDS), authenticated=self.random.random() < 0.7)

    def pick_up(self, agreement: Any = None) -> None:
        agreement = agreement or self.one_of(State.ACCEPTED)
        pick_up_deposit(
            agreement=agreement, by=self.managers[agreement.merchant_id], branch=agreement.redemption.branch
        )

    def return_it(self) -> None:
        agreement = self.one_of(State.ACTIVE)
        return_deposit(agreement=agreement, by=self.managers[agreement.merchant_id])

    def claim(self) -> None:
        agreement = self.one_of(State.RETURNED)
        items = [{"text": "A scratch", "amount": money(self.random.randint(1, 30_000))}]
        claim_damage(agreement=agreement, by=self.managers[agreement.merchant_id], items=items)

    def contest(self) -> None:
        agreement = self.one_of(State.CLAIMED)
        contest_claim(agreement=agreement, by=agreement.citizen, statement="It was there before.")

    def decide(self) -> None:
        agreement = self.one_of(State.CONTESTED)
        amount = self.random.randint(0, agreement.claimed_amount)
        decide_claim(agreement=agreement, by=self.operator, amount=amount, reason="As the pictures show.")

    def cancel(self) -> None:
        cancel_redemption(redemption=self.one_of(State.ACCEPTED).redemption)

    def refund(self) -> None:
        hold = self.charged()
        amount = self.random.randint(1, hold.captured_amount + 5)
        agreement = DepositAgreement.objects.get(pk=hold.agreement_id)
        by = self.managers[agreement.merchant_id]
        refund_hold(agreement=agreement, by=by, amount=amount, currency=hold.currency, reason="Sorry.")

    def refund_at_stripe(self) -> None:
        hold = self.charged()
        with errors():
            client().v1.refunds.create(
                {"payment_intent": hold.payment_intent_id, "amount": self.random.randint(1, hold.captured_amount)},
                {"stripe_account": hold.account_id},
            )

    # -- What banks do ----------------------------------------------------------------------------------------------
    def refund_fails(self) -> None:
        refunds = HoldRefund.objects.exclude(refund_id="").exclude(state=HoldRefund.State.FAILED).order_by("pk")
        self.standin.fail_refund(self.random.choice(list(refunds)).refund_id)

    def hold_lapses(self) -> None:
        intents = self.standin.all("payment_intent", status="requires_capture")
        self.standin.expire_hold(self.random.choice(intents)["id"])

    def dispute(self) -> None:
        intent = self.charged().payment_intent_id
        if not self.standin.all("dispute", payment_intent=intent):
            self.standin.open_dispute(intent)

    def dispute_ends(self) -> None:
        disputes = self.standin.all("dispute", status="needs_response")
        self.standin.close_dispute(self.random.choice(disputes)["id"], won=self.random.random() < 0.5)

    # -- What the network and the clock do ----------------------------------------------------------------------------
    def fault(self) -> None:
        kind = self.random.choice(WAYS)
        status = self.random.choice([429, 500, 503]) if kind == "status" else 500
        route = self.random.choice(ROUTES)
        self.standin.faults.append(Fault(f"POST .*{route}", kind, status=status, times=self.random.randint(1, 3)))

    def hear(self, share: float = 0.6) -> None:
        """Some events arrive, in any order, some of them twice and some under another name; others never do."""
        waiting = [event for event in self.standin.events if event["id"] not in self.heard and "account" in event]
        heard = [event for event in waiting if self.random.random() < share]
        again = [event for event in heard if self.random.random() < 0.3]
        everything = heard + again
        self.random.shuffle(everything)
        self.heard |= {event["id"] for event in waiting if self.random.random() < 0.05} | {one["id"] for one in heard}
        assert set(self.deliver(*everything)) <= {200} if everything else True
        for event in again:
            receive_event(
                event_id=f"{event['id']}_again",
                event_type=event["type"],
                object_id=event["data"]["object"]["id"],
                account=event["account"],
            )

    def work(self, rounds: int = 3, apart: timedelta = timedelta(minutes=6)) -> None:
        for _ in range(rounds):
            now = timezone.now()
            expire_redemptions(now=now)
            move_on_deposits(now=now)
            expire_holds(now=now)
            renew_holds(now=now)
            warn_of_holds(now=now)
            outbox.run_due(now=now, limit=500)
            self.clock.shift(apart)

    def wait(self) -> None:
        self.hear()
        self.work()
        self.clock.shift(timedelta(hours=self.random.randint(1, 30)))
        self.standin.let_time_pass()
        sweep_events(now=timezone.now())  # once a day: Stripe lists what no event told for thirty

    # -- Adding up ----------------------------------------------------------------------------------------------------
    def end(self) -> None:
        """Stripe answers again, everything is worked off, and a day later what no event told is read."""
        self.standin.faults = []
        self.work(12, timedelta(minutes=40))
        for _ in range(2):
            self.clock.shift(timedelta(days=1))
            self.standin.let_time_pass()
            self.hear(share=1.0)
            self.work(4, timedelta(minutes=40))
            sweep_holds(now=timezone.now())
            sweep_events(now=timezone.now())
            self.work(3, timedelta(minutes=40))

    def ours(self) -> dict[str, Counter[str]]:
        """What the product says of each account, in minor units."""
        sums = {merchant.stripe_account_id: Counter() for merchant in self.merchants}
        for hold in DepositHold.objects.all():
            is_kept_aside = hold.state in (*holds.HOLDING, holds.RELEASING) and hold.held_at is not None
            sums[hold.account_id] += Counter(
                held=hold.amount if is_kept_aside else 0,
                captured=hold.captured_amount,
                given_back=hold.refunded_amount,
                taken_back=hold.taken_back_amount,
            )
        return sums

    def stripes(self) -> dict[str, Counter[str]]:
        """The same, as Stripe has it."""
        sums = {merchant.stripe_account_id: Counter() for merchant in self.merchants}
        for kind in ("payment_intent", "refund", "dispute"):
            for one in self.standin.all(kind):
                sums[one["_account"]] += Counter(_told(kind, one))
        return sums


def _told(kind: str, one: Any) -> dict[str, int]:
    if kind == "refund":
        return {"given_back": one["amount"] if one["status"] not in ("failed", "canceled") else 0}
    if kind == "dispute":
        return {"taken_back": one["amount"] if one["status"] in holds.DISPUTE_TAKES else 0}
    is_held = one["status"] == "requires_capture"
    return {"held": one["amount"] if is_held else 0, "captured": one["amount_received"]}
