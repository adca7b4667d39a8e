"""A car rental that waives deposits, and agreements taken as far as a test wants them."""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings

from citizen_app.models import Citizen
from perks.models import DepositAgreement, Merchant, Perk
from perks.services.deposit_claims import claim_damage, contest_claim
from perks.services.deposits import accept_deposit, pick_up_deposit, return_deposit
from perks.services.redemptions import take_perk
from tests.factories.perks import BranchFactory, MerchantFactory, PerkFactory, citizen_with, person_of
from tests.factories.scores import NOW

TODAY = NOW.date()


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": settings.CURRENCY}


DEPOSIT = {
    "classes": [
        {"code": "compact", "full": money(50_000), "claim_cap": money(30_000)},
        {"code": "van", "full": money(90_001), "claim_cap": money(60_000)},
    ],
    "remainder_items": [],
    "max_days": 14,
}
ITEMS = [{"text": "A scratch on the left door", "amount": money(12_000)}]


def rental(**fields: Any) -> Merchant:
    return MerchantFactory(sector=Merchant.Sector.CAR_RENTAL, **{"name": "Rent a Roda"} | fields)


def waiver_perk(merchant: Merchant | None = None, *, percent: int = 100, **fields: Any) -> Perk:
    """A published waiver of everybody's deposit, at a rental with a branch."""
    merchant = merchant or rental()
    if not merchant.branches.exists():
        BranchFactory(merchant=merchant)
    return PerkFactory(
        **{
            "merchant": merchant,
            "kind": Perk.Kind.DEPOSIT_WAIVER,
            "title": "No deposit",
            "tiers": [{"min_score": None, "benefit": {"waived_percent": percent}}],
            "deposit": DEPOSIT,
            "limit_per_citizen": None,
        }
        | fields
    )


def somebody() -> Citizen:
    """Enrolled, with a checked document."""
    return citizen_with(document=True)


def offered(
    citizen: Citizen | None = None,
    perk: Perk | None = None,
    *,
    now: datetime = NOW,
    days: int = 3,
    day: date | None = None,
    vehicle_class: str = "compact",
) -> DepositAgreement:
    """A waiver taken, its terms not accepted yet."""
    perk = perk or waiver_perk()
    day = day or now.date()
    redemption = take_perk(
        citizen=citizen or somebody(),
        perk=perk,
        date=day,
        until=day + timedelta(days=days),
        branch=perk.merchant.branches.first(),
        vehicle_class=vehicle_class,
        booking_reference="R-17",
        now=now,
    )
    return DepositAgreement.objects.get(redemption=redemption)


def accepted(*args: Any, now: datetime = NOW, **options: Any) -> DepositAgreement:
    agreement = offered(*args, now=now, **options)
    return accept_deposit(agreement=agreement, by=agreement.citizen, now=now)


def active(*args: Any, now: datetime = NOW, by: Citizen | None = None, **options: Any) -> DepositAgreement:
    """Picked up."""
    agreement = accepted(*args, now=now, **options)
    by = by or person_of(agreement.merchant, "cashier")
    return pick_up_deposit(agreement=agreement, by=by, branch=agreement.redemption.branch, now=now)


def returned(*args: Any, now: datetime = NOW, **options: Any) -> DepositAgreement:
    """Back, a minute later."""
    agreement = active(*args, now=now, **options)
    return return_deposit(agreement=agreement, by=person_of(agreement.merchant), now=now + timedelta(minutes=1))


def claimed(
    *args: Any, now: datetime = NOW, items: Any = ITEMS, photographs: Any = (), **options: Any
) -> DepositAgreement:
    """A damage is claimed, two minutes after the pick-up."""
    agreement = returned(*args, now=now, **options)
    return claim_damage(
        agreement=agreement,
        by=person_of(agreement.merchant, "manager"),
        items=items,
        photographs=photographs,
        now=now + timedelta(minutes=2),
    )


def contested(*args: Any, now: datetime = NOW, evidence: Any = (), **options: Any) -> DepositAgreement:
    """The citizen objects, three minutes after the pick-up."""
    agreement = claimed(*args, now=now, **options)
    return contest_claim(
        agreement=agreement,
        by=agreement.citizen,
        statement="It was there before.",
        evidence=evidence,
        now=now + timedelta(minutes=3),
    )
