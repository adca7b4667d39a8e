"""Rentals that can hold money on a card, at Stripe's stand-in, and deposits of which something is left."""

import json
from datetime import timedelta
from typing import Any

from django.utils import timezone

from citizen_app import outbox
from citizen_app.models import Citizen
from perks.models import DepositAgreement, DepositHold, Merchant, PaymentAccount
from perks.payments.client import client
from tests.factories.deposits import accepted, rental, waiver_perk
from tests.factories.people import api_client_for
from tests.factories.perks import person_of
from tests.factories.scores import NOW

HALF = 25_000
"""What is left of the deposit of `holding_perk`."""


def onboarded(standin: Any, **fields: Any) -> Merchant:
    """A rental whose own account at Stripe may charge cards."""
    account = client().v1.accounts.create({"country": "PT"})
    standin.complete_onboarding(account.id)
    merchant = rental(stripe_account_id=account.id, **fields)
    PaymentAccount.objects.create(merchant=merchant, number=1, can_charge=True, has_sent_details=True, read_at=NOW)
    return merchant


def half_waived(standin: Any, *, merchant: Merchant | None = None, **options: Any) -> DepositAgreement:
    """Accepted, with half of the deposit left to hold."""
    return accepted(perk=waiver_perk(merchant or onboarded(standin), percent=50), **options)


class Both:
    """The two sides of one agreement through the product's own doors, and Stripe's stand-in behind them."""

    def __init__(self, agreement: DepositAgreement, standin: Any, deliver: Any = None) -> None:
        self.agreement, self.standin, self.deliver = agreement, standin, deliver
        self.citizen: Citizen = agreement.citizen
        self.count = 0

    def mine(self, step: str, body: Any = None, *, key: str | None = None) -> Any:
        self.count += 1
        address = f"/api/v1/me/deposits/{self.agreement.public_id}/{step}"
        headers = {"HTTP_IDEMPOTENCY_KEY": key or f"{self.agreement.public_id}-{self.count}"}
        return api_client_for(self.citizen).post(address, body or {}, format="json", **headers)

    def desk(self, step: str, body: Any = None, *, role: str = "manager", key: str | None = None) -> Any:
        self.count += 1
        address = f"/api/v1/merchant/deposits/{self.agreement.public_id}/{step}"
        headers = {"HTTP_IDEMPOTENCY_KEY": key or f"{self.agreement.public_id}-{self.count}"}
        member = person_of(self.agreement.merchant, role)
        return api_client_for(member).post(address, body or {}, format="json", **headers)

    def shown(self) -> Any:
        answer = api_client_for(self.citizen).get(f"/api/v1/me/deposits/{self.agreement.public_id}")
        return json.loads(answer.content)

    def shown_to_merchant(self, role: str = "manager") -> Any:
        member = person_of(self.agreement.merchant, role)
        return json.loads(api_client_for(member).get(f"/api/v1/merchant/deposits/{self.agreement.public_id}").content)

    def hold(self) -> DepositHold:
        return DepositHold.objects.filter(agreement=self.agreement).order_by("-number")[0]

    def pay(self, card: str = "pm_card_visa", **how: Any) -> Any:
        """Name a card on the page the citizen is sent to."""
        return self.standin.pay_checkout(page_of(self.mine("hold")), card, **how)

    def intent(self) -> Any:
        return self.standin.get(self.hold().payment_intent_id, "payment_intent")


def page_of(answer: Any) -> str:
    """The checkout session an answer's address names."""
    assert answer.status_code == 200, answer.content
    return answer.json()["url"].rsplit("/", 1)[1]


def run_outbox(rounds: int = 6) -> None:
    """Everything that is promised by now, and what that promises, with the waits before new tries gone by."""
    for later in range(rounds):
        outbox.run_due(now=timezone.now() + later * timedelta(minutes=30), limit=500)
