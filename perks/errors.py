"""What perks refuse, each with a code that stays and a sentence that says what would change it.

A refused taking (`TakeRefused`) is for the citizen's eyes only: its facts may say how far they are from a threshold,
and no door of a merchant ever raises one (P4).
"""

from collections.abc import Sequence
from typing import Any

from citizen_app import errors
from citizen_app.errors import DomainError, Kind, NotFound, RateLimited, WrongState
from perks import eligibility
from perks.eligibility import Reason


class TakeRefused(DomainError):
    """A perk cannot be taken; `reasons` are all that stand in the way, the first of which is the answer's code."""

    reasons: tuple[Reason, ...] = ()
    perk: Any = None  # as it was judged

    @classmethod
    def because(cls, reasons: Sequence[Reason]) -> "TakeRefused":
        """The refusal of the first reason, which carries its sentence and facts and remembers the others."""
        first = reasons[0]
        refusal = _REFUSAL_OF[first.code](first.detail, **_shown(first))
        refusal.reasons = tuple(reasons)
        return refusal


def _shown(reason: Reason) -> dict[str, Any]:
    return {name: fact for name, fact in reason.facts.items() if name not in ("value", "min_score")}


class MustEnrol(TakeRefused, errors.MustEnrol):
    """The same fact as wherever else only enrolled people may act, with the same code."""


class EnrolmentPaused(TakeRefused, errors.EnrolmentPaused):
    """The same fact as wherever else a pause stands in the way, with the same code."""


class DocumentNeeded(TakeRefused, errors.DocumentNeeded):
    """The same fact as wherever else a checked document is asked for, with the same code."""


class MerchantSuspended(TakeRefused):
    code, kind, title = "merchant_suspended", Kind.CONFLICT, "The merchant cannot offer perks at the moment."
    remedy = "It returns if the merchant is reinstated; what you had reserved before is honoured."


class PerkEnded(TakeRefused):
    code, kind, title = "ended", Kind.CONFLICT, "This perk has ended, for everybody."
    remedy = "Look for another one in `GET /api/v1/perks`."


class PerkPaused(TakeRefused):
    code, kind, title = "paused", Kind.CONFLICT, "This perk is paused."
    remedy = "It can be taken again once it is resumed."


class NotOpenYet(TakeRefused):
    code, kind, title = "not_open_yet", Kind.CONFLICT, "This perk cannot be taken yet."
    remedy = "Come back when it opens: `opens_at`, where it is known."


class ThinFile(TakeRefused):
    code, kind, title = "thin_file", Kind.FORBIDDEN, "You have no score yet: too few of your records count."
    remedy = "Link a source; a score starts with three records that count."


class NotEnoughRecords(TakeRefused):
    code, kind, title = "not_enough_records", Kind.FORBIDDEN, "This perk's purpose needs more records of its own kind."
    remedy = "Link a source with records of that purpose. Nothing is held against you."


class BelowThreshold(TakeRefused):
    """Carries `points_to_go`, for the citizen alone."""

    code, kind, title = "below_threshold", Kind.FORBIDDEN, "You don't reach this perk's threshold yet."
    remedy = "`points_to_go` more points for its purpose open it; a what-if shows what would bring them."


class CitizenLimitReached(TakeRefused):
    code, kind, title = "citizen_limit_reached", Kind.CONFLICT, "You have had all of this that one person can."


class PeriodLimitReached(TakeRefused):
    code, kind, title = "period_limit_reached", Kind.CONFLICT, "You have had all of this that one person can for now."
    remedy = "Take it again in its next period: `again_at`."


class DailyLimitReached(TakeRefused):
    code, kind, title = "daily_limit_reached", Kind.CONFLICT, "All of today's are taken."
    remedy = "Take it tomorrow: `again_at`."


class TooManyReservations(TakeRefused):
    code, kind, title = "too_many_reservations", Kind.CONFLICT, "You hold as many open reservations as one person can."
    remedy = "Use or cancel one of them first."


class BudgetSpent(TakeRefused):
    code, kind, title = "budget_spent", Kind.CONFLICT, "The merchant's budget for this perk is spent."
    remedy = "It returns if the merchant adds to it, or somebody gives theirs back."


class SoldOut(TakeRefused):
    code, kind, title = "sold_out", Kind.CONFLICT, "None of this perk is left."
    remedy = "It returns if somebody gives theirs back or the merchant adds more."


_REFUSAL_OF: dict[str, type[TakeRefused]] = {refusal.code: refusal for refusal in TakeRefused.__subclasses__()}
if set(_REFUSAL_OF) != set(eligibility.REFUSAL_ORDER):
    raise AssertionError("Every reason is a refusal, and the other way round.")


class NotRedeemed(WrongState):
    title = "It is not redeemed, so there is nothing to take back."


class MerchantMustAgree(DomainError):
    code, kind = "merchant_must_agree", Kind.CONFLICT
    title = "This perk is not to be had any more, so its merchant has to agree first."
    remedy = "The merchant has been asked. Read the offer again: it says `offered` once they have agreed."


class MakeGoodOver(WrongState):
    title = "This offer is over."


class NonceReused(DomainError):
    code, kind, title = "nonce_reused", Kind.CONFLICT, "This nonce was already used for a different scan."
    remedy = "Each scan needs a new nonce; a retry repeats the whole body."


class TypedCodesLocked(RateLimited):
    """Too many wrong codes were typed; passes go on."""

    title = "Too many wrong codes were typed here. Only passes are read for now."
    remedy = "Scan the pass from the citizen's screen, or wait for `Retry-After` seconds before typing a code again."


class UnknownPairingCode(DomainError):
    code, kind, title = "unknown_pairing_code", Kind.NOT_FOUND, "No till is waiting to be paired with this code."
    remedy = "A code pairs one device and lives ten minutes: ask your manager for a new one."


class WrongPin(DomainError):
    code, kind, title = "wrong_pin", Kind.FORBIDDEN, "This is not the PIN of somebody who works here."
    remedy = "Type it again; whoever has none yet sets one on the console's page of their PIN."


class PinLocked(RateLimited):
    """Too many wrong PINs were typed; the shift that is open goes on."""

    title = "Too many wrong PINs were typed here."
    remedy = "Wait for `Retry-After` seconds before typing one again."


class BalanceAskedTooOften(RateLimited):
    """More than the card holds was asked of it again and again; what it covers is still charged."""

    title = "More than this card holds was asked of it too often."
    remedy = "Charge what is on it, or wait for `Retry-After` seconds before asking for more again."


class RefundAboveCharge(DomainError):
    """Carries `left`: what of the charge has not been given back."""

    code, kind, title = "refund_above_charge", Kind.CONFLICT, "A refund is never more than is left of its charge."
    remedy = "Refund at most `left`."


class GiftCardOver(DomainError):
    """Carries `state`, the card's."""

    code, kind, title = "gift_card_over", Kind.CONFLICT, "This card is over, so nothing can be put back on it."
    remedy = "Give the customer their money back in another way."


class GiftCardInUse(DomainError):
    """Carries `balance` and `face`."""

    code, kind, title = "gift_card_in_use", Kind.CONFLICT, "Some of this card is spent, so it cannot be taken back."
    remedy = "Refund its charges first, or leave the card as it is: it lasts until its end."


class NotApproved(DomainError):
    code, kind, title = "not_approved", Kind.CONFLICT, "An operator has not approved this perk yet."
    remedy = "Submit it and wait for the review; `refusal` says why one was sent back."


class MerchantNotActive(DomainError):
    """Carries `state`, the merchant's."""

    code, kind, title = "merchant_not_active", Kind.CONFLICT, "The merchant may not offer perks at the moment."
    remedy = "A pending merchant waits for an operator's approval; a suspended one has been told why."


class StandingSuspended(DomainError):
    code, kind = "standing_suspended", Kind.CONFLICT
    title = "An authority's grave penalty against the merchant is not remedied, so it cannot offer perks."
    remedy = "It can again at once when the authority records the remedy; the merchant's public page shows the record."


class RampLimit(DomainError):
    """Carries `limit` (which one), `allowed` (how much; of money in minor units) and `until` (when it ends)."""

    code, kind, title = "ramp_limit", Kind.CONFLICT, "A new merchant may offer less in its first days."
    remedy = "Stay within `allowed`, or do it from `until` on."


class PerkHeld(DomainError):
    """Carries `reason`, the operator's."""

    code, kind, title = "perk_held", Kind.CONFLICT, "An operator has paused this perk after citizens reported it."
    remedy = "Mend what `reason` names; an operator lets it go on."


class RegistryNumberTaken(DomainError):
    """Carries `number`."""

    code, kind, title = "registry_number_taken", Kind.CONFLICT, "Another merchant is registered under this number."
    remedy = "Correct the number, or have it taken from the other merchant first."


class UnknownRegister(DomainError):
    code, kind, title = "unknown_register", Kind.INVALID, "There is no register of this name here."
    remedy = "Leave `registry` out for the country's register of companies."


class AlreadyReported(DomainError):
    """Carries `report`, the id of the one that waits."""

    code, kind, title = "already_reported", Kind.CONFLICT, "You have reported this perk already."
    remedy = (
        "An operator reads it; `GET /api/v1/me/reports` says what became of it. You can report it again after that."
    )


class TooManyReports(RateLimited):
    """So many a day and person: an operator reads each."""

    title = "You have made as many reports as one person can in a day."
    remedy = "Report it in `Retry-After` seconds."


class FairTermsMissing(DomainError):
    code, kind, title = "fair_terms_missing", Kind.CONFLICT, "A perk says what a person without a score gets."
    remedy = "Write `fair_terms`."


class ThresholdsTooClose(DomainError):
    """Carries `min_score`, and `other`: the perk whose threshold lies too near, with that threshold."""

    code, kind = "thresholds_too_close", Kind.CONFLICT
    title = "Your thresholds for one purpose must be equal or at least 40 points apart, also over the last 90 days."
    remedy = "Use the threshold of `other`, or one at least 40 points away from it."


class ThresholdMovedRecently(DomainError):
    """Carries `may_move_from`."""

    code, kind, title = "threshold_moved_recently", Kind.CONFLICT, "A threshold moves at most once in seven days."
    remedy = "Change it again from `may_move_from` on."


class ThresholdUnreachable(DomainError):
    """Carries `min_score`, and `maximum`: the highest value of the perk's purpose on the current scorecard."""

    code, kind, title = "threshold_unreachable", Kind.CONFLICT, "Nobody can reach this threshold."
    remedy = "Choose one that is not above `maximum`."


class TooManyImages(DomainError):
    """Carries `most`."""

    code, kind, title = "too_many_images", Kind.CONFLICT, "A perk has as many pictures as it can have."
    remedy = "Take one away first; a perk has at most `most`."


class ThresholdNearAnEnd(DomainError):
    """Carries `min_score`, and `least` and `most`: the lowest and highest threshold of the perk's purpose."""

    code, kind = "threshold_near_an_end", Kind.CONFLICT
    title = "This threshold is less than 40 points from the lowest or the highest value there is."
    remedy = "Choose one from `least` to `most`: beyond them an answer would tell somebody's value."


class PaymentsNotOnboarded(DomainError):
    code, kind = "payments_not_onboarded", Kind.CONFLICT
    title = "What is left of a deposit is held on a card, and the merchant's account for that is not connected."
    remedy = "Waive the whole deposit in every tier, or connect the merchant's payment account first."


class CannotBeHeld(PaymentsNotOnboarded):
    """The same, said to the citizen."""

    title = "What is left of this deposit cannot be held on a card at the moment."
    remedy = "Ask the merchant when it can, or give your reservation back."


class ClaimAboveCap(DomainError):
    """Carries `cap` and `claimed`, both money."""

    code, kind, title = "claim_above_cap", Kind.CONFLICT, "A claim cannot be above the cap its citizen accepted."
    remedy = "Claim at most the cap in all: it is told beside this, as `cap`."


class ClaimTooLate(WrongState):
    title = "The 72 hours for a claim are over, and the agreement is closed."


class ContestTooLate(WrongState):
    title = "The 72 hours to contest this claim are over."


class DepositNotAccepted(DomainError):
    code, kind, title = "not_accepted", Kind.CONFLICT, "Its terms are not accepted yet."
    remedy = "The citizen accepts them on their own page; the pick-up is possible then."


class HoldExpired(DomainError):
    code, kind, title = "hold_expired", Kind.CONFLICT, "The hold of what is left of the deposit has run out."
    remedy = "The citizen's card is held anew before the pick-up."


class PickUpRefused(DomainError):
    """Carries `outcome`, a scan's."""

    code, kind, title = "pick_up_refused", Kind.CONFLICT, "It cannot be picked up here and now."
    remedy = "`detail` says where and when it can."


class OwnAgreement(DomainError):
    code, kind, title = "own_agreement", Kind.FORBIDDEN, "This agreement is your own, so you cannot decide on it."
    remedy = "Another operator decides."


class OwnMerchant(DomainError):
    code, kind, title = (
        "own_merchant",
        Kind.FORBIDDEN,
        "You belong to this merchant's team, so you cannot decide on it.",
    )
    remedy = "Another operator decides."


class LastOwner(DomainError):
    code, kind, title = "last_owner", Kind.CONFLICT, "A merchant keeps at least one owner."
    remedy = "Invite another owner first."


class AlreadyMember(DomainError):
    code, kind, title = "already_member", Kind.CONFLICT, "This person belongs to the team already."
    remedy = "Remove them first to give them another role."


class InvitationOver(DomainError):
    code, kind, title = "invitation_over", Kind.CONFLICT, "This invitation was accepted before, or its time is over."
    remedy = "Ask an owner of the merchant for a new one."


class InvitationOfSomebodyElse(DomainError):
    code, kind, title = "invitation_of_somebody_else", Kind.FORBIDDEN, "This invitation was sent to another address."
    remedy = "Sign in with the account of the address it was sent to."


class WhichMerchant(DomainError):
    """Carries `merchants`: the ids and names of those the person acts for."""

    code, kind, title = "which_merchant", Kind.INVALID, "You act for several merchants: say for which one."
    remedy = "Send its id in the `X-Merchant` header."


class BranchInUse(DomainError):
    code, kind, title = "branch_in_use", Kind.CONFLICT, "Reservations are open at this branch."
    remedy = "Close it once they are used, cancelled or over."


class UnknownBranch(NotFound):
    """A branch that is not this merchant's, or not this perk's."""


class CodeListsAtWork(DomainError):
    """Carries `most`."""

    code, kind, title = "code_lists_at_work", Kind.CONFLICT, "Lists of yours are still being made or withdrawn."
    remedy = "Wait until one of them is ready: `GET /api/v1/merchant/code-lists` says how far they are."


class TooManyCodes(DomainError):
    """Carries `most`."""

    code, kind, title = "too_many_codes", Kind.TOO_LARGE, "A list holds at most a million codes."
    remedy = "Split it into several lists."


class ReachUnknown(DomainError):
    code, kind, title = "reach_unknown", Kind.CONFLICT, "How many members reach this is not known."
    remedy = "It is worked out once a day, from a thousand members with a score on."


class NoDatingApp(DomainError):
    code, kind, title = "no_dating_app", Kind.CONFLICT, "Only a dating app's merchant has an app that people connect."
    remedy = "Add a server instead, or apply as a merchant of the sector dating app."


class TooManySubjects(DomainError):
    """Carries `most`."""

    code, kind, title = "too_many_subjects", Kind.TOO_LARGE, "At most 1,000 people are looked up at once."
    remedy = "Ask about the rest in another request."


class BillingOff(DomainError):
    code, kind, title = (
        "billing_off",
        Kind.CONFLICT,
        "Billing is off here: there is nothing to pay, and no limit applies.",
    )
    remedy = "It is on once the platform has a key of Stripe; everything else works without."


class BillingUnavailable(DomainError):
    code, kind, title = "billing_unavailable", Kind.BUSY, "Stripe does not answer at the moment."
    remedy = "Send the same request again after `Retry-After` seconds: it is the same act, and happens once."


class AlreadySubscribed(DomainError):
    code, kind, title = "already_subscribed", Kind.CONFLICT, "The merchant has a plan already."
    remedy = "Change or end it, and see its invoices, in the portal: `POST /api/v1/merchant/billing/portal`."


class NeverSubscribed(DomainError):
    code, kind, title = "never_subscribed", Kind.CONFLICT, "The merchant never had a plan, so there is nothing to show."
    remedy = "Begin one with `POST /api/v1/merchant/billing/checkout`."


class PlanLimitReached(DomainError):
    """Carries `allowed` and `published`."""

    code, kind, title = "plan_limit_reached", Kind.CONFLICT, "Without a plan no more perks can be published at a time."
    remedy = "Pause or end one that is published, or begin a plan: `POST /api/v1/merchant/billing/checkout`."
