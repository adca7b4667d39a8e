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

    @classmethod
    def because(cls, reasons: Sequence[Reason]) -> "TakeRefused":
        """The refusal of the first reason, which carries its sentence and facts and remembers the others."""
        first = reasons[0]
        refusal = _REFUSAL_OF[first.code](first.detail, **_shown(first))
        refusal.reasons = tuple(reasons)
        return refusal


def _shown(reason: Reason) -> dict[str, Any]:
    return {name: fact for name, fact in reason.facts.items() if name not in ("value", "min_score")}


class MustEnrol(TakeRefused):
    code, kind, title = "not_enrolled", Kind.FORBIDDEN, "Perks are for enrolled people."
    remedy = "Enrol with `POST /api/v1/me/enrolment`."


class EnrolmentPaused(TakeRefused):
    code, kind, title = "enrolment_paused", Kind.FORBIDDEN, "Your enrolment is paused."
    remedy = "Resume with `POST /api/v1/me/enrolment/resume`."


class DocumentNeeded(TakeRefused, errors.DocumentNeeded):
    """The same fact as wherever else a checked document is asked for, with the same code."""


class MerchantSuspended(TakeRefused):
    code, kind, title = "merchant_suspended", Kind.CONFLICT, "The merchant cannot offer perks at the moment."
    remedy = "It returns if the merchant is reinstated; what you had reserved before is honoured."


class PerkEnded(TakeRefused):
    code, kind, title = "ended", Kind.CONFLICT, "This perk has ended, for everybody."
    remedy = "Look for another one in `GET /api/v1/perks`."


class PerkPaused(TakeRefused):
    code, kind, title = "paused", Kind.CONFLICT, "The merchant has paused this perk."
    remedy = "It returns when the merchant resumes it."


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


class NotApproved(DomainError):
    code, kind, title = "not_approved", Kind.CONFLICT, "An operator has not approved this perk yet."
    remedy = "Submit it and wait for the review; `refusal` says why one was sent back."


class MerchantNotActive(DomainError):
    """Carries `state`, the merchant's."""

    code, kind, title = "merchant_not_active", Kind.CONFLICT, "The merchant may not offer perks at the moment."
    remedy = "A pending merchant waits for an operator's approval; a suspended one has been told why."


class KindNotOfferedYet(DomainError):
    """Carries `kinds`, the ones that can be submitted."""

    code, kind, title = "kind_not_offered_yet", Kind.CONFLICT, "Perks of this kind cannot be offered yet."
    remedy = "Keep it as a draft, or offer one of `kinds`."


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
