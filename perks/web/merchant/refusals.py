"""PURE: what the domain refuses a merchant's people, in sentences of a page rather than of the API."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from citizen_app.errors import DomainError, InvalidInput
from citizen_app.web import wording
from perks.web.words import money_words

_INACTIVE = {
    "pending": "An operator has to approve the merchant first.",
    "suspended": "The merchant is suspended: nothing can be offered until an operator reinstates it.",
    "closed": "The merchant is closed.",
}


def _moved(facts: Mapping[str, Any], zone: str) -> str:
    when = datetime.fromisoformat(facts["may_move_from"]).astimezone(ZoneInfo(zone))
    return f"They may move again from {wording.moment(when, today=when.date())} ({zone}) on."


_WORDS: Mapping[str, Callable[[Mapping[str, Any], str], str]] = {
    "threshold_moved_recently": _moved,
    "threshold_unreachable": lambda facts, zone: (
        f"{facts['min_score']} is more than anybody can have for this purpose: the highest is {facts['maximum']}."
    ),
    "threshold_near_an_end": lambda facts, zone: (
        f"Choose {facts['least']} to {facts['most']}: beyond them an answer would tell somebody’s value."
    ),
    "too_many_images": lambda facts, zone: f"Take one away first: {facts['most']} is the most.",
    "merchant_not_active": lambda facts, zone: _INACTIVE.get(facts["state"], ""),
    "fair_terms_missing": lambda facts, zone: "Write the fair terms: what somebody without a score gets.",
    "not_approved": lambda facts, zone: "Send it to review first.",
    "thresholds_too_close": lambda facts, zone: (
        f"{facts['min_score']} is too near the {facts['other']['min_score']} of “{facts['other']['title']}”. "
        f"Use {facts['other']['min_score']}, or keep 40 points away from it. What a perk asked counts for 90 days."
    ),
    "standing_suspended": lambda facts, zone: (
        "It can again at once when the authority records the remedy. Your public page shows the record."
    ),
    "perk_held": lambda facts, zone: f"An operator wrote: {facts['reason']}",
    "registry_number_taken": lambda facts, zone: f"Correct the number {facts['number']}, or take it from the other.",
    "unknown_register": lambda facts, zone: "Choose one of the registers named here.",
    "refund_above_charge": lambda facts, zone: (
        f"{money_words(facts['left'])} of this charge is left: refund that, or less."
    ),
    "claim_above_cap": lambda facts, zone: f"{money_words(facts['cap'])} is the most in all.",
    "gift_card_in_use": lambda facts, zone: "Refund its charges first, or leave it: it lasts until its end.",
    "gift_card_over": lambda facts, zone: "Give the customer their money back in another way.",
    "wrong_state": lambda facts, zone: "It has changed meanwhile. Read it again: it shows what is possible now.",
    "rate_limited": lambda facts, zone: f"Type a code again in {_wait(facts['retry_after'])}. Passes are read as ever.",
    "nonce_reused": lambda facts, zone: "This page had been used for another scan. Scan again.",
    "busy": lambda facts, zone: "Do it once more.",
    "code_lists_at_work": lambda facts, zone: "Wait until one of them is ready.",
    "too_many_codes": lambda facts, zone: "Split it into several lists.",
    "plan_limit_reached": lambda facts, zone: (
        f"{facts['published']} are published and the free plan allows {facts['allowed']}. "
        "Pause or end one, or begin a plan on the page Billing."
    ),
    "payments_not_onboarded": lambda facts, zone: (
        "Waive the whole deposit in every tier, or have an owner connect your account for it on the page Billing."
    ),
    "already_subscribed": lambda facts, zone: "Change or end it in the portal.",
    "never_subscribed": lambda facts, zone: "Begin a plan first.",
    "billing_unavailable": lambda facts, zone: "Nothing is lost: press the button again in a moment.",
    "last_owner": lambda facts, zone: "Invite another owner first.",
}
_PAGES: Mapping[str, str] = {
    "payments_not_onboarded": "merchant:billing",
    "plan_limit_reached": "merchant:billing",
}
"""Where an owner changes what was in the way."""


def _wait(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return "a minute" if minutes <= 1 else f"{minutes} minutes"


def in_words(refusal: DomainError, *, zone: str = "UTC") -> dict[str, str]:
    """`{title, detail}` of a refusal, and `page` where one mends it; `zone` is the reader's, for moments it names."""
    if isinstance(refusal, InvalidInput):
        return {"title": "This is not complete yet.", "detail": " ".join(e["detail"] for e in refusal.facts["errors"])}
    words = _WORDS.get(refusal.code)
    detail = words(refusal.facts, zone) if words else refusal.detail or refusal.remedy
    return {"title": refusal.title, "detail": detail, "page": _PAGES.get(refusal.code, "")}


def sentence(refusal: DomainError) -> str:
    """The same in one line, for a message."""
    said = in_words(refusal)
    return f"{said['title']} {said['detail']}".strip() if said["detail"] != said["title"] else said["title"]
