"""What the rest of the product asks of payments, and the only way it may: whether a card can be held for a merchant.

What is left of a deposit is held by the merchant on its own account with the payment provider, never by this platform.
No merchant has such an account connected yet, so none can hold anything; a deposit that is waived wholly needs none.
"""

from typing import Any


def can_hold(merchant_id: Any) -> bool:
    """Whether this merchant can hold money on a citizen's card: its own account is connected and may charge."""
    return False
