"""A merchant's own account at Stripe, and whether it may hold money on a card."""

from typing import Any

from perks.models import Merchant


def account_of(merchant_id: Any) -> str:
    return Merchant.objects.values_list("stripe_account_id", flat=True).get(pk=merchant_id)


def can_hold(merchant_id: Any) -> bool:
    return bool(account_of(merchant_id))
