"""Facts about merchants, what they offer, who took it and who honoured it."""

from perks.models.billing import BillingCustomer, EventLog, StripeCall, StripeReading, Subscription, UsedPerk
from perks.models.boosts import BoostGrant, BoostRead
from perks.models.catalogue import Perk, PerkCategory, PerkImage, PerkVersion, ThresholdUse
from perks.models.code_lists import CodeList, CodeUpload, OutsideCode
from perks.models.deposits import DepositAgreement, DepositFile
from perks.models.gift_cards import GiftCard, GiftCardPosting
from perks.models.holds import DepositHold, HoldDispute, HoldMovement, HoldRefund
from perks.models.make_goods import MakeGood
from perks.models.merchants import Branch, Invitation, Member, Merchant, MerchantClient
from perks.models.outcomes import Outcome
from perks.models.payment_accounts import PaymentAccount
from perks.models.redemptions import PerkDay, Redemption, RefusedAttempt, UsageMark
from perks.models.report_cases import Report, ReportCase
from perks.models.reports import ReportBlock, ReportBook, ReportRemainder
from perks.models.sandbox import Sandbox, SandboxCitizen
from perks.models.scans import Scan
from perks.models.standing import Enterprise, Register, RegistryNumber, StandingRecord
from perks.models.tills import MemberPin, Till, TillPairing, TillShift

__all__ = [
    "BillingCustomer",
    "BoostGrant",
    "BoostRead",
    "Branch",
    "CodeList",
    "CodeUpload",
    "DepositAgreement",
    "DepositFile",
    "DepositHold",
    "Enterprise",
    "EventLog",
    "GiftCard",
    "GiftCardPosting",
    "HoldDispute",
    "HoldMovement",
    "HoldRefund",
    "Invitation",
    "MakeGood",
    "Member",
    "MemberPin",
    "Merchant",
    "MerchantClient",
    "Outcome",
    "OutsideCode",
    "PaymentAccount",
    "Perk",
    "PerkCategory",
    "PerkDay",
    "PerkImage",
    "PerkVersion",
    "Redemption",
    "RefusedAttempt",
    "Register",
    "RegistryNumber",
    "Report",
    "ReportBlock",
    "ReportBook",
    "ReportCase",
    "ReportRemainder",
    "Sandbox",
    "SandboxCitizen",
    "Scan",
    "StandingRecord",
    "StripeCall",
    "StripeReading",
    "Subscription",
    "ThresholdUse",
    "Till",
    "TillPairing",
    "TillShift",
    "UsageMark",
    "UsedPerk",
]
