"""About how many members reach a merchant's threshold, from a table of the day; about everybody, never a list (P4)."""

from typing import Any

from citizen_app.errors import FieldError, InvalidInput
from perks.errors import ReachUnknown
from perks.models import Merchant
from perks.tiers import STEP
from scores import assessments


def reach_of(*, merchant: Merchant, purpose: str, min_score: int) -> dict[str, Any]:
    """Return the share of members that reach a threshold of the merchant's own purpose, to the nearest five percent.

    Raises `InvalidInput` for another purpose or no multiple of ten on the scale, and `ReachUnknown`.
    """
    low, high = assessments.value_range()
    if purpose != merchant.purpose:
        raise InvalidInput(FieldError("/purpose", "invalid", f"Your perks are for {merchant.purpose}."))
    if min_score % STEP:
        raise InvalidInput(FieldError("/min_score", "invalid", f"A threshold is a multiple of {STEP}."))
    if not low <= min_score <= high:
        raise InvalidInput(FieldError("/min_score", "out_of_range", f"The scale goes from {low} to {high}."))
    share = assessments.reach_of(purpose=purpose, threshold=min_score)
    if share is None:
        raise ReachUnknown
    return {
        "purpose": purpose,
        "min_score": min_score,
        "percent": share.percent,
        "text": in_words(share.percent),
        "counted_on": share.counted_on,
    }


def reach_steps(merchant: Merchant) -> list[tuple[int, str]]:
    """Where the share changes along the merchant's scale: thresholds and words, for whoever chooses one."""
    steps: list[tuple[int, str]] = []
    for threshold, percent in sorted(assessments.reach_by_threshold(purpose=merchant.purpose).items()):
        words = in_words(percent)
        if not steps or steps[-1][1] != words:
            steps.append((threshold, words))
    return steps


def words_of(merchant: Merchant, threshold: object) -> str:
    """The share of a threshold as somebody wrote it into a form; empty where it is not known."""
    if not str(threshold).isdecimal() or len(str(threshold)) > 5:
        return ""
    share = assessments.reach_of(purpose=merchant.purpose, threshold=int(str(threshold)))
    return "" if share is None else in_words(share.percent)


def in_words(percent: int) -> str:
    """Write a share as no more exact than it is."""
    if percent == 0:
        return "fewer than 5 % of members"
    return "nearly all members" if percent == 100 else f"about {percent} % of members"
