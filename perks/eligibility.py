"""Whether a citizen may take a perk now, which tier applies, and every reason why not. Pure.

Only the value of the perk's own purpose is looked at (P5). What comes out is for the citizen alone: no merchant or app
ever sees an eligibility (P4).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from perks.hours import day_bounds, month_bounds, week_bounds
from perks.states import APPROVED, DRAFT, ENDED, PAUSED, REVIEW
from perks.tiers import (
    DEPOSIT_WAIVER,
    DISCOUNT,
    GIFT_CARD,
    PRIORITY,
    VISIBILITY_BOOST,
    Tier,
    best_tier,
    cost_of,
    easiest_threshold,
    has_open_tier,
)

ELIGIBLE: Final = "eligible"
NOT_ELIGIBLE: Final = "not_eligible"
NOT_ASSESSABLE: Final = "not_assessable"

NOT_ENROLLED: Final = "not_enrolled"
ENROLMENT_PAUSED: Final = "enrolment_paused"
DOCUMENT_NEEDED: Final = "document_needed"
MERCHANT_SUSPENDED: Final = "merchant_suspended"
PERK_ENDED: Final = "ended"
PERK_PAUSED: Final = "paused"
NOT_OPEN_YET: Final = "not_open_yet"
THIN_FILE: Final = "thin_file"
NOT_ENOUGH_RECORDS: Final = "not_enough_records"
BELOW_THRESHOLD: Final = "below_threshold"
CITIZEN_LIMIT_REACHED: Final = "citizen_limit_reached"
PERIOD_LIMIT_REACHED: Final = "period_limit_reached"
DAILY_LIMIT_REACHED: Final = "daily_limit_reached"
TOO_MANY_RESERVATIONS: Final = "too_many_reservations"
BUDGET_SPENT: Final = "budget_spent"
SOLD_OUT: Final = "sold_out"

REFUSAL_ORDER: Final = (
    NOT_ENROLLED,
    ENROLMENT_PAUSED,
    DOCUMENT_NEEDED,
    MERCHANT_SUSPENDED,
    PERK_ENDED,
    PERK_PAUSED,
    NOT_OPEN_YET,
    THIN_FILE,
    NOT_ENOUGH_RECORDS,
    BELOW_THRESHOLD,
    CITIZEN_LIMIT_REACHED,
    PERIOD_LIMIT_REACHED,
    DAILY_LIMIT_REACHED,
    TOO_MANY_RESERVATIONS,
    BUDGET_SPENT,
    SOLD_OUT,
)
"""A taking is refused with the first of these that holds."""

BY_SCORE: Final = frozenset({THIN_FILE, NOT_ENOUGH_RECORDS, BELOW_THRESHOLD})
"""The refusals a score makes; whoever meets one of these alone would have had the perk with another score."""
BY_OFFER: Final = frozenset({MERCHANT_SUSPENDED, PERK_ENDED, PERK_PAUSED, NOT_OPEN_YET, BUDGET_SPENT, SOLD_OUT})
"""The refusals an offer makes to everybody alike."""

MOST_OPEN_RESERVATIONS: Final = 5
MOST_OPEN_RESERVATIONS_AT_ONE_MERCHANT: Final = 2

DOCUMENT_KINDS: Final = frozenset({GIFT_CARD, DEPOSIT_WAIVER, VISIBILITY_BOOST})
"""Perks of value: one person, checked once by document, is one taker."""
RESERVING_KINDS: Final = frozenset({DISCOUNT, PRIORITY, DEPOSIT_WAIVER})
"""Taking one of these holds a reservation open until the desk; cards and boosts are the citizen's at once."""

_UNASSESSED: Final = frozenset({NOT_ENROLLED, ENROLMENT_PAUSED, THIN_FILE, NOT_ENOUGH_RECORDS})


class PurposeAnswer(Protocol):
    """What the score says for one purpose (`scores.assessments`): `assessable` with a value, or not."""

    @property
    def state(self) -> str: ...
    @property
    def value(self) -> int | None: ...
    @property
    def factors_used(self) -> tuple[str, ...]: ...
    @property
    def factors_left_out(self) -> tuple[str, ...]: ...


class Assessment(Protocol):
    """What is known about a person (`scores.assessments`): `not_enrolled`, `paused`, `thin_file` or `scored`."""

    @property
    def state(self) -> str: ...
    @property
    def has_document(self) -> bool: ...
    @property
    def purposes(self) -> Mapping[str, PurposeAnswer]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many may be taken: by one citizen in all and in each local day, ISO week and month, and by everybody a day.
    None is no limit."""

    per_citizen: int | None = None
    per_citizen_day: int | None = None
    per_citizen_week: int | None = None
    per_citizen_month: int | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PerkTerms:
    """What decides a taking of one perk: its version in force, its windows as instants, and what is left of it."""

    kind: str
    purpose: str
    state: str
    merchant_state: str
    tiers: tuple[Tier, ...]
    zone: str
    valid_from_at: datetime | None = None
    valid_until_at: datetime | None = None
    stock: int | None = None
    taken: int = 0
    limits: Limits = field(default_factory=Limits)
    closed_until: datetime | None = None
    """While its merchant is new and has given all that it may, when that ends."""
    budget: int | None = None
    """Minor units; None is no budget."""
    budget_spent: int = 0

    @property
    def needs_document(self) -> bool:
        return self.kind in DOCUMENT_KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What counts against the limits now: this citizen's takings of this perk (in all, and in the perk's local day,
    week and month), everybody's of this perk today, and this citizen's open reservations."""

    citizen_total: int = 0
    citizen_day: int = 0
    citizen_week: int = 0
    citizen_month: int = 0
    perk_today: int = 0
    open_reservations: int = 0
    open_reservations_at_merchant: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands in the way: a stable code, a sentence with what would change it, and its facts (JSON)."""

    code: str
    detail: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def points_to_go(self) -> int | None:
        return self.facts.get("points_to_go")

    def as_dict(self) -> dict[str, Any]:
        """Return it as the API shows it: code, detail and, below a threshold, the points to go."""
        shown: dict[str, Any] = {"code": self.code, "detail": self.detail}
        if self.points_to_go is not None:
            shown["points_to_go"] = self.points_to_go
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """The answer to one citizen about one perk; `reasons` stand in the order in which a taking is refused.

    `tier` is the best one this person reaches, even while something else stands in the way; `value` is the purpose's.
    """

    answer: str
    tier: Tier | None
    purpose: str
    value: int | None
    factors_used: tuple[str, ...]
    factors_left_out: tuple[str, ...]
    reasons: tuple[Reason, ...]

    @property
    def is_eligible(self) -> bool:
        return self.answer == ELIGIBLE

    def as_dict(self) -> dict[str, Any]:
        """Return it as the API shows it, to the citizen only."""
        return {
            "answer": self.answer,
            "tier": self.tier.as_dict() if self.tier else None,
            "purpose": self.purpose,
            "value": self.value,
            "factors_used": list(self.factors_used),
            "factors_left_out": list(self.factors_left_out),
            "reasons": [reason.as_dict() for reason in self.reasons],
        }


def judge(perk: PerkTerms, assessment: Assessment | None, counters: Counters, now: datetime) -> Eligibility:
    """Return whether this person may take this perk at `now`, the tier that applies, and all that stands in the way.

    `assessment` None is somebody not enrolled. Thin files and people without enough records for the purpose are
    eligible where a tier is open to everybody enrolled.
    """
    state = "not_enrolled" if assessment is None else assessment.state
    answer = None if assessment is None else assessment.purposes.get(perk.purpose)
    value = _value(state, answer)
    tier = best_tier(perk.tiers, value) if state in ("scored", "thin_file") else None

    reasons = [
        *_about_the_person(perk, state, has_document=assessment is not None and assessment.has_document),
        *_about_the_offer(perk, now),
        *_about_the_score(perk, state, value),
        *_about_the_limits(perk, counters, now),
        *_about_what_is_left(perk, tier),
    ]
    reasons.sort(key=lambda reason: REFUSAL_ORDER.index(reason.code))
    return Eligibility(
        answer=_answer(reasons),
        tier=tier,
        purpose=perk.purpose,
        value=value,
        factors_used=tuple(answer.factors_used) if answer else (),
        factors_left_out=tuple(answer.factors_left_out) if answer else (),
        reasons=tuple(reasons),
    )


def tier_reached(tiers: Iterable[Tier], purpose: str, assessment: Assessment) -> Tier | None:
    """Return the best tier that the score alone opens, whatever else stands in the way; None when it opens none."""
    if assessment.state not in ("scored", "thin_file"):
        return None
    return best_tier(tiers, _value(assessment.state, assessment.purposes.get(purpose)))


def _value(state: str, answer: PurposeAnswer | None) -> int | None:
    return answer.value if answer is not None and state == "scored" and answer.state == "assessable" else None


def first_refusal(eligibility: Eligibility) -> Reason | None:
    """Return the reason a taking is refused with, or None if nothing stands in the way."""
    return min(eligibility.reasons, key=lambda reason: REFUSAL_ORDER.index(reason.code), default=None)


def _answer(reasons: list[Reason]) -> str:
    if not reasons:
        return ELIGIBLE
    return NOT_ASSESSABLE if any(reason.code in _UNASSESSED for reason in reasons) else NOT_ELIGIBLE


def _about_the_person(perk: PerkTerms, state: str, *, has_document: bool) -> Iterator[Reason]:
    if state == "not_enrolled":
        yield Reason(NOT_ENROLLED, "Perks are for enrolled people. It can be taken once you have enrolled.")
    if state == "paused":
        yield Reason(ENROLMENT_PAUSED, "Your enrolment is paused. It can be taken again once you resume.")
    if perk.needs_document and not has_document:
        yield Reason(DOCUMENT_NEEDED, "This perk needs a document check, done once with an operator.")


def _about_the_offer(perk: PerkTerms, now: datetime) -> Iterator[Reason]:
    if perk.merchant_state != "active":
        yield Reason(
            MERCHANT_SUSPENDED, "The merchant cannot offer perks now. It returns if the merchant is reinstated."
        )
    if perk.state == ENDED:
        yield Reason(PERK_ENDED, "This perk has ended, for everybody.")
    elif perk.valid_until_at is not None and now >= perk.valid_until_at:
        yield Reason(
            PERK_ENDED,
            f"This perk ended, for everybody, on {_local(perk.valid_until_at, perk.zone)}.",
            {"ended_at": _instant(perk.valid_until_at)},
        )
    if perk.state == PAUSED:
        yield Reason(PERK_PAUSED, "This perk is paused. It can be taken again once it is resumed.")
    if perk.valid_from_at is not None and now < perk.valid_from_at:
        yield Reason(
            NOT_OPEN_YET,
            f"It can be taken from {_local(perk.valid_from_at, perk.zone)}.",
            {"opens_at": _instant(perk.valid_from_at)},
        )
    elif perk.closed_until is not None and now < perk.closed_until:
        yield Reason(
            NOT_OPEN_YET,
            "This merchant is new, and all it may give in its first days is given. "
            f"It can be taken from {_local(perk.closed_until, perk.zone)}.",
            {"opens_at": _instant(perk.closed_until)},
        )
    elif perk.state in (DRAFT, REVIEW, APPROVED):
        yield Reason(NOT_OPEN_YET, "It is not published yet. It can be taken once its merchant publishes it.")


def _about_the_score(perk: PerkTerms, state: str, value: int | None) -> Iterator[Reason]:
    if state not in ("scored", "thin_file") or has_open_tier(perk.tiers):
        return
    if state == "thin_file":
        yield Reason(
            THIN_FILE,
            "You have no score yet: too few of your records count. Nothing is held against you; link a source.",
        )
    elif value is None:
        yield Reason(
            NOT_ENOUGH_RECORDS,
            "This perk's purpose needs more records of its own kind. Nothing is held against you; "
            "it is judged once they are there.",
            {"purpose": perk.purpose},
        )
    elif (threshold := easiest_threshold(perk.tiers)) is not None and value < threshold:
        to_go = threshold - value
        yield Reason(
            BELOW_THRESHOLD,
            f"It opens at {threshold}: {to_go} point{'' if to_go == 1 else 's'} to go.",
            {"points_to_go": to_go, "min_score": threshold, "value": value},
        )


def _about_the_limits(perk: PerkTerms, counters: Counters, now: datetime) -> Iterator[Reason]:
    limits = perk.limits
    if _is_reached(limits.per_citizen, counters.citizen_total):
        yield Reason(
            CITIZEN_LIMIT_REACHED,
            f"You have had all that one person can: {limits.per_citizen}.",
            {"limit": limits.per_citizen, "taken": counters.citizen_total},
        )
    full = [
        (bounds(now, perk.zone)[1], period, limit, taken)
        for period, limit, taken, bounds in (
            ("day", limits.per_citizen_day, counters.citizen_day, day_bounds),
            ("week", limits.per_citizen_week, counters.citizen_week, week_bounds),
            ("month", limits.per_citizen_month, counters.citizen_month, month_bounds),
        )
        if _is_reached(limit, taken)
    ]
    if full:
        # The one that ends last says when it can be taken again (a week may outlast its month).
        again_at, period, limit, taken = max(full, key=lambda one: one[0])
        yield Reason(
            PERIOD_LIMIT_REACHED,
            f"You have had all that one person can in a {period}: {limit}. {_again(perk, again_at)}",
            {"period": period, "limit": limit, "taken": taken, **_again_fact(perk, again_at)},
        )
    if _is_reached(limits.per_day, counters.perk_today):
        again_at = day_bounds(now, perk.zone)[1]
        yield Reason(
            DAILY_LIMIT_REACHED,
            f"All of today's are taken: {limits.per_day}. {_again(perk, again_at)}",
            {"limit": limits.per_day, **_again_fact(perk, again_at)},
        )
    if perk.kind in RESERVING_KINDS:
        yield from _about_open_reservations(counters)


def _about_open_reservations(counters: Counters) -> Iterator[Reason]:
    for scope, words, most, held in (
        ("all", "", MOST_OPEN_RESERVATIONS, counters.open_reservations),
        (
            "merchant",
            " at this merchant",
            MOST_OPEN_RESERVATIONS_AT_ONE_MERCHANT,
            counters.open_reservations_at_merchant,
        ),
    ):
        if held >= most:
            yield Reason(
                TOO_MANY_RESERVATIONS,
                f"You hold {held} open reservations{words}; {most} is the most. Use or cancel one first.",
                {"scope": scope, "limit": most, "held": held},
            )
            return


def _about_what_is_left(perk: PerkTerms, tier: Tier | None) -> Iterator[Reason]:
    cost = cost_of(tier.benefit) if tier else 0
    if perk.budget is not None and perk.budget_spent + max(cost, 1) > perk.budget:
        yield Reason(BUDGET_SPENT, "The merchant's budget for it is spent. It returns if they add to it.")
    if _is_reached(perk.stock, perk.taken):
        yield Reason(
            SOLD_OUT,
            "None of it is left. It returns if somebody gives theirs back or the merchant adds more.",
            {"stock": perk.stock},
        )


def _is_reached(limit: int | None, taken: int) -> bool:
    return limit is not None and taken >= limit


def _again(perk: PerkTerms, again_at: datetime) -> str:
    if perk.valid_until_at is not None and again_at >= perk.valid_until_at:
        return "The perk ends before it can be taken again."
    return f"It can be taken again from {_local(again_at, perk.zone)}."


def _again_fact(perk: PerkTerms, again_at: datetime) -> dict[str, str]:
    if perk.valid_until_at is not None and again_at >= perk.valid_until_at:
        return {}
    return {"again_at": _instant(again_at)}


def _local(instant: datetime, zone: str) -> str:
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y, %H:%M} ({zone})"


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
