"""Each sentence holds after real work, and its check finds a row that breaks it."""

import pytest
from django.utils import timezone

from citizen_app import invariants
from perks.models import Perk, PerkDay, Redemption, Scan, ThresholdUse
from perks.services.redemptions import cancel_redemption, reverse_redemption
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from tests.factories.perks import MerchantFactory, PerkFactory, person_of, reservation

pytestmark = pytest.mark.django_db


def broken() -> set[str]:
    return {sentence for sentence, facts in invariants.broken().items() if facts}


def scanned(perk) -> Redemption:
    redemption = reservation(perk=perk)
    till = person_of(perk.merchant)
    scan_code(merchant=perk.merchant, by=till, shown=Shown(secrets_of(redemption).code), nonce=f"n-{redemption.pk}")
    redemption.refresh_from_db()
    return redemption


def test_all_hold_after_a_busy_day():
    perk = PerkFactory(limit_per_day=9)
    cancel_redemption(redemption=reservation(perk=perk))
    scanned(perk)
    reverse_redemption(redemption=scanned(perk), by=person_of(perk.merchant))
    reservation(perk=perk)
    assert broken() == set()


def spoil_stock(perk):
    Perk.objects.filter(pk=perk.pk).update(taken_count=3)


def spoil_budget(perk):
    Perk.objects.filter(pk=perk.pk).update(budget_amount=100, budget_spent=7)


def spoil_day(perk):
    PerkDay.objects.update(taken_count=5)


def spoil_scan(perk):
    Scan.objects.update(undone_at=timezone.now())


def spoil_merchant(perk):
    Scan.objects.update(merchant=MerchantFactory())


def spoil_approval(perk):
    perk.versions.update(approved_at=None)


def spoil_thresholds(perk):
    ThresholdUse.objects.create(
        merchant=perk.merchant, purpose=perk.purpose, perk=PerkFactory(), min_score=620, used_from=timezone.now()
    )
    ThresholdUse.objects.create(
        merchant=perk.merchant, purpose=perk.purpose, perk=perk, min_score=600, used_from=timezone.now()
    )


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (spoil_stock, "What a perk counts as taken"),
        (spoil_budget, "What a perk counts as spent"),
        (spoil_day, "What a day of a perk counts"),
        (spoil_scan, "A redeemed discount, priority or waiver"),
        (spoil_merchant, "A redemption and its scans"),
        (spoil_approval, "What is in force"),
        (spoil_thresholds, "Thresholds one merchant uses"),
    ],
)
def test_a_row_that_breaks_one_is_found(spoil, sentence):
    perk = PerkFactory(limit_per_day=9)
    scanned(perk)
    assert broken() == set()
    spoil(perk)
    assert [one for one in broken() if one.startswith(sentence)]
