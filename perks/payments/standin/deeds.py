"""What people, banks and time do to the objects of the stand-in: no call of ours does."""

from perks.payments.standin import accounts, checkout, clocks, disputes, events, intents, portal, refunds
from perks.payments.standin.records import Record, Records, public

ANSWERING = (events,)  # imported to be registered


class Deeds(Records):
    """Each deed happens on the account of the object that it names, and emits the events that Stripe would."""

    # -- On the hosted pages ----------------------------------------------------------------------------------------
    def pay_checkout(
        self, id: str, card: str = intents.GOOD_CARD, *, delayed: bool = False, authenticated: bool = True
    ) -> Record:
        """Somebody pays. `delayed`: by a way that takes days. Raises `Refusal` where the card is declined."""
        session = self.get(id, "checkout.session")
        with self.acting_for(self.owner_of(id)):
            checkout.pay(self, session, card, delayed=delayed, authenticated=authenticated)
        return public(session)

    def settle_delayed(self, id: str, ok: bool = True) -> None:
        session = self.get(id, "checkout.session")
        with self.acting_for(self.owner_of(id)):
            checkout.settle(self, session, ok=ok)

    def portal_cancel(self, id: str) -> None:
        with self.acting_for(self.owner_of(id)):
            portal.cancel_at_period_end(self, self.get(id, "subscription"))

    def complete_onboarding(self, id: str) -> None:
        with self.acting_for(self.owner_of(id)):
            accounts.complete(self, self.get(id, "account"))

    def restrict_account(self, id: str) -> None:
        with self.acting_for(self.owner_of(id)):
            accounts.restrict(self, self.get(id, "account"))

    # -- By banks ---------------------------------------------------------------------------------------------------
    def authenticate(self, id: str, ok: bool = True) -> None:
        """The payer confirms a card that asks for it, or does not."""
        intent = self.get(id, "payment_intent")
        with self.acting_for(self.owner_of(id)):
            if ok:
                intents.charge_card(self, intent, intent["payment_method"])
            else:
                intents.fail_authentication(self, intent)

    def open_dispute(self, id: str, reason: str = "fraudulent", amount: int | None = None) -> Record:
        """The owner of the card that this payment intent charged wants the money back."""
        with self.acting_for(self.owner_of(id)):
            charge = self.get(self.get(id, "payment_intent")["latest_charge"])
            return disputes.dispute_charge(self, charge, reason, amount)

    def close_dispute(self, id: str, won: bool) -> None:
        with self.acting_for(self.owner_of(id)):
            disputes.decide(self, self.get(id, "dispute"), won=won)

    def settle_refund(self, id: str) -> None:
        with self.acting_for(self.owner_of(id)):
            refunds.settle(self, self.get(id, "refund"))

    def fail_refund(self, id: str) -> None:
        with self.acting_for(self.owner_of(id)):
            refunds.fail(self, self.get(id, "refund"))

    def expire_hold(self, id: str) -> None:
        """The card network lets this hold go, whatever the time."""
        with self.acting_for(self.owner_of(id)):
            intents.lapse(self, self.get(id, "payment_intent"))

    # -- By time ----------------------------------------------------------------------------------------------------
    def advance_to(self, now: float) -> None:
        """Stop the clock at this time, and let what is due by then happen."""
        self._now = now
        self.let_time_pass()

    def let_time_pass(self) -> None:
        """Holds lapse and Checkout pages close that are due by now, on every account."""
        with self.acting_for(None):
            holds = [intent for intent in self.all("payment_intent") if intents.is_due_to_lapse(self, intent)]
            pages = [page for page in self.all("checkout.session", status="open") if page["expires_at"] <= self.now()]
        for intent in holds:
            self.expire_hold(intent["id"])
        for page in pages:
            with self.acting_for(page["_account"]):
                checkout.expire_session(self, page["id"], {})

    def tick(self, clock: str, to: int) -> None:
        """Move a test clock on."""
        with self.acting_for(self.owner_of(clock)):
            clocks.advance(self, self.get(clock), to)
