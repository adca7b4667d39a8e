"""Facts about merchants, what they offer, who took it and who honoured it."""

from perks.models.catalogue import Perk, PerkCategory, PerkVersion, ThresholdUse
from perks.models.make_goods import MakeGood
from perks.models.merchants import Branch, Invitation, Member, Merchant, MerchantClient
from perks.models.redemptions import PerkDay, Redemption, RefusedAttempt, UsageMark
from perks.models.scans import Scan

__all__ = [
    "Branch",
    "Invitation",
    "MakeGood",
    "Member",
    "Merchant",
    "MerchantClient",
    "Perk",
    "PerkCategory",
    "PerkDay",
    "PerkVersion",
    "Redemption",
    "RefusedAttempt",
    "Scan",
    "ThresholdUse",
    "UsageMark",
]
