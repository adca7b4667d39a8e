"""Merchants with a plan at Stripe's stand-in, begun the way an owner begins one."""

from io import StringIO
from typing import Any

from django.core.management import call_command

from citizen_app.outbox import run_due
from perks.models import Merchant, Redemption
from perks.payments.standin import FakeStripe
from perks.services.redemptions import take_perk
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from tests.factories.perks import PerkFactory, citizen_with
from tests.perks.api.calls import team_app

CHECKOUT, PORTAL = "/api/v1/merchant/billing/checkout", "/api/v1/merchant/billing/portal"
BILLING, USAGE = "/api/v1/merchant/billing", "/api/v1/merchant/billing/usage"


def set_up_stripe() -> None:
    """What is sold, at the stand-in."""
    call_command("stripe_setup", stdout=StringIO())


def subscribe(merchant: Merchant, standin: FakeStripe, deliver: Any, **paying: Any) -> dict[str, Any]:
    """Go to the checkout, pay there and let Stripe tell us; returns the subscription as the stand-in has it."""
    set_up_stripe()
    opened = team_app(merchant).post(CHECKOUT, {}, format="json")
    assert opened.status_code == 200, opened.json()
    session = standin.pay_checkout(opened.json()["url"].rpartition("/")[2], **paying)
    assert set(deliver()) == {200}
    run_due()
    merchant.refresh_from_db()
    return standin.get(session["subscription"])


def scanned(merchant: Merchant, by: Any, *, now: Any, perk: Any = None) -> Redemption:
    """Somebody took a perk, and `by` scanned it at the desk."""
    perk = perk or PerkFactory(merchant=merchant, stock=None)
    redemption = take_perk(citizen=citizen_with(), perk=perk, now=now)
    scan, _ = scan_code(
        merchant=merchant,
        by=by,
        shown=Shown(code=secrets_of(redemption).code),
        nonce=f"nonce {redemption.pk}",
        now=now,
    )
    assert scan.outcome == "accepted"
    redemption.refresh_from_db()
    return redemption
