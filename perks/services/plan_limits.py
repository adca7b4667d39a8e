"""What a merchant's plan lets it publish: three perks without one, as many as it likes with one.

With billing off no limit applies. A plan that ends takes nothing away that runs: what is published stays, and nothing
more is published or resumed beyond the limit.
"""

from typing import Final

from perks.errors import PlanLimitReached
from perks.models import Merchant, Perk, Subscription
from perks.payments.client import is_on
from perks.plans import FREE_PUBLISHED_PERKS

UNLIMITED: Final = None


def allowed_perks(merchant: Merchant) -> int | None:
    """How many perks a merchant may have published at a time; None: as many as it likes."""
    if not is_on() or Subscription.objects.entitling().filter(merchant=merchant).exists():
        return UNLIMITED
    return FREE_PUBLISHED_PERKS


def published_perks(merchant: Merchant) -> int:
    """How many count: the demonstration's own do not."""
    return Perk.objects.filter(merchant=merchant, state=Perk.State.PUBLISHED, is_demo=False).count()


def check_publishing(perk: Perk) -> None:
    """Refuse (`PlanLimitReached`) one published perk more than the merchant's plan allows.

    The merchant's row is held by whoever publishes, so that two perks published at once are counted.
    """
    if perk.is_demo:
        return
    allowed = allowed_perks(perk.merchant)
    if allowed is not None and (published := published_perks(perk.merchant)) >= allowed:
        raise PlanLimitReached(allowed=allowed, published=published)
