"""PURE: what a merchant may have and what it costs; Stripe finds each price by its lookup key, never by an id.

Amounts are in the minor units of the deployment's currency.
"""

from typing import Final

FREE_PUBLISHED_PERKS: Final = 3  # what a merchant may publish without paying

STANDARD_PRODUCT: Final = "citizen_plan_standard"
PLAN_PRICE: Final = "plan_standard_monthly"
PLAN_AMOUNT: Final = 4_900  # a month, in advance

USAGE_PRICE: Final = "usage_redemptions"
USAGE_AMOUNT: Final = 20  # each verified redemption, with the next invoice
USAGE_METER: Final = "redemption"  # the name of its meter's events

PORTAL: Final = "citizen_portal"  # our name for the portal's configuration, in its metadata
