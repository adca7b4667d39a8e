"""What an export tells of perks: what was taken, shown, used and refused, and the seats somebody has in a team."""

from django.db.models import QuerySet

from citizen_app.accounts.exporting import OURS, SECRET, exports, is_not_exported
from citizen_app.models import Citizen
from perks.models import (
    BoostGrant,
    DepositAgreement,
    DepositFile,
    DepositHold,
    GiftCard,
    GiftCardPosting,
    HoldDispute,
    HoldMovement,
    HoldRefund,
    Invitation,
    MakeGood,
    Member,
    MemberPin,
    Outcome,
    OutsideCode,
    Redemption,
    RefusedAttempt,
    Report,
    Scan,
    TillShift,
)


def _invitations(citizen: Citizen) -> QuerySet[Invitation]:
    return Invitation.objects.filter(email__iexact=citizen.email)


_DECIDED = "an operator decides in the product's name"
exports(
    "redemptions",
    Redemption,
    "citizen",
    left_out={"code_hash": SECRET, "code_attempt": OURS, "sequence": OURS},
    tells="the perks you reserved and used",
)
exports(
    "scans",
    Scan,
    "redemption__citizen",
    left_out={"nonce": OURS, "fingerprint": OURS, "scanned_by_id": "who worked at the desk", "till": OURS},
    tells="each scan of your codes at a desk; `amount` is in minor units",
)
exports("refusals", RefusedAttempt, "citizen", tells="perks that were refused to you, and why")
exports(
    "codes_given",
    OutsideCode,
    "redemption__citizen",
    left_out={"fingerprint": SECRET, "sealed": SECRET},
    tells="codes of other companies you were given; never the codes themselves",
)
exports(
    "gift_cards",
    GiftCard,
    "citizen",
    left_out={"sequence": OURS},
    tells="your gift cards; `face` and `balance` are in minor units",
)
exports(
    "gift_card_postings", GiftCardPosting, "card__citizen", tells="each movement on your gift cards, in minor units"
)
exports(
    "deposits",
    DepositAgreement,
    "citizen",
    left_out={"sequence": OURS, "decided_by_id": _DECIDED},
    tells="deposits you need not pay, and what became of them; amounts are in minor units",
)
exports(
    "deposit_files",
    DepositFile,
    "agreement__citizen",
    left_out={"name": SECRET},
    tells="the files of a deposit (their facts)",
)
exports(
    "deposit_holds",
    DepositHold,
    "agreement__citizen",
    left_out={"account_id": OURS, "read_at": OURS},
    tells="what was held on your card of a deposit, and what was charged of it; amounts are in minor units",
)
exports(
    "deposit_hold_movements",
    HoldMovement,
    "hold__agreement__citizen",
    tells="each movement of what was held on your card, in minor units",
)
exports(
    "deposit_refunds",
    HoldRefund,
    "hold__agreement__citizen",
    left_out={"account_id": OURS, "decided_by_id": "who decided at the merchant"},
    tells="what was given back to your card",
)
exports(
    "deposit_disputes",
    HoldDispute,
    "hold__agreement__citizen",
    left_out={"account_id": OURS},
    tells="that your bank was asked to take a charge back, and how that stands",
)
exports("boosts", BoostGrant, "citizen", tells="the boosts you have in apps")
exports(
    "make_goods", MakeGood, "citizen", tells="what you are owed for a perk that was refused; `cost` is in minor units"
)
exports("outcomes", Outcome, "citizen", tells="how a stay or visit ended, as the host said")
exports("reports", Report, "citizen", tells="what you reported about a merchant")
exports("seats", Member, "citizen", tells="your seats in the teams of merchants")
exports(
    "seat_pins",
    MemberPin,
    "member__citizen",
    left_out={"pin_hash": SECRET},
    tells="that you have a PIN at a till; never the PIN",
)
exports("shifts", TillShift, "member__citizen", left_out={"token_hash": SECRET}, tells="your shifts at a till")
exports(
    "invitations",
    Invitation,
    _invitations,
    left_out={"token_hash": SECRET, "invited_by_id": "somebody else"},
    tells="invitations to a team that were sent to your address",
)

_BY_AN_OPERATOR = "It says which operator decided, in the product's name; what you did as one stands in acts."
for _label in ("perks.PerkVersion", "perks.ReportCase", "perks.RegistryNumber"):
    is_not_exported(_label, _BY_AN_OPERATOR)
is_not_exported("perks.UsedPerk", "A line of the merchant's bill: all it knows of you is your redemption.")
is_not_exported("perks.UsageMark", "It counts under a key that names nobody.")
