"""What a perk gives at which score, and the rules that keep its answers from adding up to a number (P4). Pure.

A perk has one to three tiers, at least 40 points apart, each threshold a multiple of 10; one of them may be open
(`min_score` null: every enrolled person, thin file included). The best one reached applies.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from citizen_app.errors import FieldError

MOST_TIERS: Final = 3
STEP: Final = 10
LEAST_APART: Final = 40
HIGHEST_THRESHOLD: Final = 10_000
LONGEST_TEXT: Final = 200
LARGEST_AMOUNT: Final = 10**12
DEFAULT_LIFE_MONTHS: Final = 24
LONGEST_LIFE_MONTHS: Final = 120

REMEMBERED: Final = timedelta(days=90)
"""How long a threshold that is no longer used still keeps others away from it."""
LEAST_BETWEEN_MOVES: Final = timedelta(days=7)

DISCOUNT: Final = "discount"
PRIORITY: Final = "priority"
GIFT_CARD: Final = "gift_card"
DEPOSIT_WAIVER: Final = "deposit_waiver"
VISIBILITY_BOOST: Final = "visibility_boost"

_BOOST: Final = re.compile(r"1\.(?:0[1-9]|[1-4][0-9]|50)")


@dataclass(frozen=True, slots=True)
class Tier:
    """One row of a perk: what somebody gets from this score on. `min_score` None is the open tier."""

    min_score: int | None
    benefit: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"min_score": self.min_score, "benefit": dict(self.benefit)}


@dataclass(frozen=True, slots=True)
class ThresholdFact:
    """A threshold one of a merchant's perks has in force (`used_until` None), or had until then."""

    perk_id: UUID
    title: str
    min_score: int
    used_until: datetime | None


def read_tiers(raw: Iterable[Mapping[str, Any]]) -> tuple[Tier, ...]:
    """Return checked tiers in their order: the open one, then upwards, each benefit complete."""
    tiers = (Tier(row.get("min_score"), complete_benefit(row["benefit"])) for row in raw)
    return tuple(sorted(tiers, key=lambda tier: -1 if tier.min_score is None else tier.min_score))


def best_tier(tiers: Iterable[Tier], value: int | None) -> Tier | None:
    """Return the best tier a value of the perk's purpose reaches; without a value only the open one can be."""
    reached = [tier for tier in tiers if tier.min_score is None or (value is not None and tier.min_score <= value)]
    return max(reached, key=lambda tier: -1 if tier.min_score is None else tier.min_score, default=None)


def easiest_threshold(tiers: Iterable[Tier]) -> int | None:
    """Return the lowest score that opens a scored tier; None where there is none."""
    return min((tier.min_score for tier in tiers if tier.min_score is not None), default=None)


def has_open_tier(tiers: Iterable[Tier]) -> bool:
    return any(tier.min_score is None for tier in tiers)


def cost_of(benefit: Mapping[str, Any]) -> int:
    """Return what one taking adds to the perk's budget, in minor units: a card's face, an amount off, a waived part.

    A waiver's is known once a class was named (`waived`, in the benefit of what was taken); of its tier it is nothing.
    """
    money = benefit.get("face") or benefit.get("amount") or benefit.get("waived")
    return money["amount"] if money else 0


# What a merchant may send


def check_tiers(kind: str, raw: object, *, currency: str, pointer: str = "/tiers") -> list[FieldError]:
    """Return what is wrong with a perk's tiers as a merchant sent them; nothing is an empty list.

    `currency` is the deployment's: every amount is in it. Order does not matter, `read_tiers` sorts.
    """
    if not isinstance(raw, list):
        return [FieldError(pointer, "invalid", 'Send a list of {"min_score": number or null, "benefit": {…}}.')]
    if not 1 <= len(raw) <= MOST_TIERS:
        return [FieldError(pointer, "out_of_range", f"A perk has one to {MOST_TIERS} tiers.")]
    errors: list[FieldError] = []
    thresholds: list[tuple[int, int]] = []
    open_places: list[int] = []
    for place, row in enumerate(raw):
        here = f"{pointer}/{place}"
        if not isinstance(row, dict):
            errors.append(FieldError(here, "invalid", 'A tier is {"min_score": number or null, "benefit": {…}}.'))
            continue
        errors += _unknown(row, ("min_score", "benefit"), here)
        min_score = row.get("min_score")
        if "min_score" not in row:
            errors.append(FieldError(f"{here}/min_score", "required", "The threshold, or null for the open tier."))
        elif min_score is None:
            open_places.append(place)
        elif problem := _check_threshold(min_score, f"{here}/min_score"):
            errors.append(problem)
        else:
            thresholds.append((min_score, place))
        if "benefit" not in row:
            errors.append(FieldError(f"{here}/benefit", "required", "What this tier gives."))
        else:
            errors += check_benefit(kind, row["benefit"], currency=currency, pointer=f"{here}/benefit")
    errors += [
        FieldError(f"{pointer}/{place}/min_score", "invalid", "Only one tier can be open.") for place in open_places[1:]
    ]
    thresholds.sort()
    errors += [
        FieldError(
            f"{pointer}/{place}/min_score",
            "out_of_range",
            f"Tiers are at least {LEAST_APART} points apart; this one is {min_score - below} from {below}.",
        )
        for (below, _), (min_score, place) in pairwise(thresholds)
        if min_score - below < LEAST_APART
    ]
    if kind == VISIBILITY_BOOST and (len(raw) != 1 or open_places):
        errors.append(FieldError(pointer, "invalid", "A visibility boost has exactly one tier, with a threshold."))
    return errors


def _check_threshold(min_score: object, pointer: str) -> FieldError | None:
    if not isinstance(min_score, int) or isinstance(min_score, bool):
        return FieldError(pointer, "invalid", "A threshold is a whole number, or null for the open tier.")
    if not STEP <= min_score <= HIGHEST_THRESHOLD:
        return FieldError(pointer, "out_of_range", f"A threshold is {STEP} to {HIGHEST_THRESHOLD}.")
    if min_score % STEP:
        return FieldError(pointer, "invalid", f"A threshold is a multiple of {STEP}.")
    return None


def check_benefit(kind: str, raw: object, *, currency: str, pointer: str = "/benefit") -> list[FieldError]:
    """Return what is wrong with a benefit of this kind of perk (a kind nobody knows raises KeyError)."""
    check = _BENEFIT_CHECKS[kind]
    if not isinstance(raw, dict):
        return [FieldError(pointer, "invalid", "A benefit is an object.")]
    return check(raw, currency, pointer)


def complete_benefit(benefit: Mapping[str, Any]) -> dict[str, Any]:
    """Return a benefit with what it left unsaid: a gift card lives 24 months."""
    complete = {name: value for name, value in benefit.items() if value is not None}
    if "face" in complete:
        complete.setdefault("lives_months", DEFAULT_LIFE_MONTHS)
    return complete


def _check_discount(raw: dict[str, Any], currency: str, pointer: str) -> list[FieldError]:
    errors = _unknown(raw, ("text", "percent", "amount"), pointer) + _check_text(raw, pointer)
    if raw.get("percent") is not None and raw.get("amount") is not None:
        errors.append(FieldError(f"{pointer}/amount", "invalid", "A discount is a percentage or an amount, not both."))
    if raw.get("percent") is not None:
        errors += _check_number(raw, "percent", 1, 100, pointer)
    if raw.get("amount") is not None:
        errors += _check_money(raw["amount"], currency, f"{pointer}/amount")
    return errors


def _check_priority(raw: dict[str, Any], _currency: str, pointer: str) -> list[FieldError]:
    return _unknown(raw, ("text",), pointer) + _check_text(raw, pointer)


def _check_gift_card(raw: dict[str, Any], currency: str, pointer: str) -> list[FieldError]:
    errors = _unknown(raw, ("face", "lives_months"), pointer)
    if raw.get("face") is None:
        errors.append(FieldError(f"{pointer}/face", "required", "What the card is worth: {amount, currency}."))
    else:
        errors += _check_money(raw["face"], currency, f"{pointer}/face")
    if raw.get("lives_months") is not None:
        errors += _check_number(raw, "lives_months", 1, LONGEST_LIFE_MONTHS, pointer)
    return errors


def _check_deposit_waiver(raw: dict[str, Any], _currency: str, pointer: str) -> list[FieldError]:
    return _unknown(raw, ("waived_percent",), pointer) + _check_number(raw, "waived_percent", 1, 100, pointer)


def _check_visibility_boost(raw: dict[str, Any], _currency: str, pointer: str) -> list[FieldError]:
    errors = _unknown(raw, ("boost",), pointer)
    boost = raw.get("boost")
    if boost is None:
        errors.append(FieldError(f"{pointer}/boost", "required", 'A decimal text, "1.01" to "1.50".'))
    elif not isinstance(boost, str) or not _BOOST.fullmatch(boost):
        errors.append(FieldError(f"{pointer}/boost", "invalid", 'A decimal text, "1.01" to "1.50".'))
    return errors


_BENEFIT_CHECKS: Final[Mapping[str, Callable[[dict[str, Any], str, str], list[FieldError]]]] = {
    DISCOUNT: _check_discount,
    PRIORITY: _check_priority,
    GIFT_CARD: _check_gift_card,
    DEPOSIT_WAIVER: _check_deposit_waiver,
    VISIBILITY_BOOST: _check_visibility_boost,
}
KINDS: Final = tuple(_BENEFIT_CHECKS)


def _unknown(raw: dict[str, Any], known: Sequence[str], pointer: str) -> list[FieldError]:
    return [
        FieldError(
            f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}",
            "unknown_field",
            f"Only {', '.join(known)} can be here.",
        )
        for name in raw
        if name not in known
    ]


def _check_text(raw: dict[str, Any], pointer: str) -> list[FieldError]:
    text = raw.get("text")
    if text is None:
        return [FieldError(f"{pointer}/text", "required", "What the desk gives, in words.")]
    if not isinstance(text, str) or not text.strip():
        return [FieldError(f"{pointer}/text", "invalid", "What the desk gives, in words.")]
    if len(text) > LONGEST_TEXT:
        return [FieldError(f"{pointer}/text", "too_long", f"At most {LONGEST_TEXT} characters.")]
    return []


def _check_number(raw: dict[str, Any], name: str, least: int, most: int, pointer: str) -> list[FieldError]:
    number = raw.get(name)
    if number is None:
        return [FieldError(f"{pointer}/{name}", "required", f"A whole number, {least} to {most}.")]
    if not isinstance(number, int) or isinstance(number, bool):
        return [FieldError(f"{pointer}/{name}", "invalid", f"A whole number, {least} to {most}.")]
    if not least <= number <= most:
        return [FieldError(f"{pointer}/{name}", "out_of_range", f"{least} to {most}.")]
    return []


def _check_money(raw: object, currency: str, pointer: str) -> list[FieldError]:
    if not isinstance(raw, dict):
        return [FieldError(pointer, "invalid", '{"amount": minor units, "currency": code}.')]
    errors = _unknown(raw, ("amount", "currency"), pointer) + _check_number(raw, "amount", 1, LARGEST_AMOUNT, pointer)
    if raw.get("currency") is None:
        errors.append(FieldError(f"{pointer}/currency", "required", f"Amounts here are in {currency}."))
    elif raw["currency"] != currency:
        errors.append(FieldError(f"{pointer}/currency", "invalid", f"Amounts here are in {currency}."))
    return errors


# Probing


def probing_conflict(threshold: int, others: Iterable[ThresholdFact], *, now: datetime) -> ThresholdFact | None:
    """Return a threshold too close to a new one, or None: any two a merchant used for one purpose within 90 days are
    equal or at least 40 points apart, so that its yeses cannot close in on a person.

    `others` are the merchant's for that purpose, over all its perks, what the same perk used before included.
    The nearest is returned, the one in force first among equally near ones.
    """
    close = [
        fact
        for fact in others
        if 0 < abs(fact.min_score - threshold) < LEAST_APART
        and (fact.used_until is None or fact.used_until > now - REMEMBERED)
    ]
    return min(
        close,
        key=lambda fact: (abs(fact.min_score - threshold), fact.used_until is not None, fact.min_score),
        default=None,
    )


def bounds_of_thresholds(minimum: int, maximum: int) -> tuple[int, int]:
    """Return the lowest and highest threshold that leave a whole interval at either end of the values there are.

    A yes at the highest value there is, or a no just above the lowest, would tell the value itself.
    """
    least, most = minimum + LEAST_APART, maximum + 1 - LEAST_APART
    return -(-least // STEP) * STEP, most // STEP * STEP


def may_move_from(moves: Iterable[datetime], *, now: datetime) -> datetime | None:
    """Return from when a perk's thresholds may move again, or None if they may now: at most once in seven days.

    `moves` are the instants at which its thresholds changed before (its first publication is not a move).
    """
    last = max(moves, default=None)
    if last is None or last + LEAST_BETWEEN_MOVES <= now:
        return None
    return last + LEAST_BETWEEN_MOVES
