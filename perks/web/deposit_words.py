"""PURE: deposit agreements in words: a badge, the steps of the way, and money as people write it."""

from collections.abc import Mapping
from typing import Any

from perks.money import decimals_of, written
from perks.web.words import Badge, badge_of

Record = Mapping[str, Any]

STATES = {
    "offered": Badge(word="Terms to accept", icon="clock", tone="gold"),
    "accepted": Badge(word="Ready to pick up", icon="tick", tone="help", is_open=True),
    "active": Badge(word="Picked up", icon="car", tone="brand"),
    "returned": Badge(word="Returned", icon="tick", tone="info"),
    "claimed": Badge(word="Damage claimed", icon="exclamation", tone="gold"),
    "contested": Badge(word="Contested", icon="scales", tone="gold"),
    "settled": Badge(word="Settled", icon="tick", tone="mute"),
    "closed": Badge(word="Closed", icon="tick", tone="help"),
    "cancelled": Badge(word="Cancelled", icon="cross", tone="mute"),
    "expired": Badge(word="Not picked up in time", icon="clock", tone="mute"),
}
TO_HOLD = Badge(word="Not held yet", icon="clock", tone="gold")
HOLDS = {
    "requested": TO_HOLD,
    "action": Badge(word="Your bank asks", icon="clock", tone="gold"),
    "held": Badge(word="Held", icon="lock", tone="help"),
    "capturing": Badge(word="Being charged", icon="clock", tone="gold"),
    "captured": Badge(word="Charged", icon="bank", tone="info"),
    "releasing": Badge(word="Being let go", icon="clock", tone="mute"),
    "released": Badge(word="Let go", icon="tick", tone="help"),
    "expired": Badge(word="Ran out", icon="clock", tone="mute"),
    "failed": Badge(word="Not held", icon="cross", tone="mute"),
}
HELD_TO_GUEST = {
    "requested": "Nothing is held before you name a card on Stripe’s page.",
    "action": "Your bank asks you to confirm it on Stripe’s page. Nothing is held before.",
    "held": "It is kept aside on your card, not charged.",
    "capturing": "What was settled is being charged; the rest is let go.",
    "captured": "The rest of what was held is let go.",
    "releasing": "Your bank is told to let go of it. Nothing is charged.",
    "released": "Nothing of it was charged.",
    "expired": "Your bank has let go of it by itself. Nothing of it was charged.",
    "failed": "The page was closed, or the card was refused. Nothing is held.",
}
HELD_TO_DESK = {
    "requested": "The guest has not named a card yet.",
    "action": "The guest’s bank asks them to confirm it.",
    "held": "It is kept aside on the guest’s card, for your account at Stripe.",
    "capturing": "What was settled is being charged; the rest is let go.",
    "captured": "It is on your account at Stripe; the rest is let go.",
    "releasing": "The bank is told to let go of it.",
    "released": "Nothing of it was charged.",
    "expired": "The bank has let go of it by itself, before anything was charged.",
    "failed": "The page was closed, or the card was refused.",
}
REFUNDS = {
    "pending": Badge(word="On its way", icon="clock", tone="gold"),
    "succeeded": Badge(word="Given back", icon="tick", tone="help"),
    "failed": Badge(word="Sent back by the bank", icon="cross", tone="danger"),
}
DISPUTES = {
    "needs_response": "Answer it at Stripe",
    "under_review": "The bank decides",
    "won": "Decided for you",
    "lost": "Decided against you",
    "warning_needs_response": "The bank asks; answer it at Stripe",
    "warning_under_review": "The bank looks at your answer",
    "warning_closed": "The bank has closed its inquiry",
    "prevented": "Ended before it began",
}
LAST = {
    "settled": "Settled",
    "closed": "Closed",
    "cancelled": "Cancelled",
    "expired": "Not picked up in time",
}
NOTHING = {
    "closed": "Nothing was charged, and nothing can be any more.",
    "cancelled": "Nothing was charged.",
    "expired": "Nothing was charged.",
}


def money_text(money: Record | None) -> str:
    """`1 250.00 EUR`, with the currency's own decimals; nothing for no money."""
    if money is None:
        return ""
    places = decimals_of(money["currency"])
    return f"{written(dict(money)):,.{places}f}".replace(",", "\u202f") + f"\u00a0{money['currency']}"


def charged_words(agreement: Record) -> str:
    """How much of what it was settled at was charged to the card, and what stays between the two."""
    hold, owed = agreement["hold"], agreement["settled"]["amount"]
    state = hold["state"] if hold and owed else None
    if state in ("held", "capturing"):
        return "It is being charged to the card, as far as it is held there."
    if state != "captured":
        return "It is on record; no card was charged here."
    if hold["captured"]["amount"] >= owed:
        return "It was charged to the card."
    return f"{money_text(hold['captured'])} was charged to the card; the rest is on record, and nobody charges it here."


def badge_of_agreement(agreement: Record) -> Badge:
    """How far it is; what is accepted is not ready before what is left is held."""
    if agreement["state"] == "accepted" and agreement["may_hold"]:
        return TO_HOLD
    return badge_of(STATES, agreement["state"])


def steps_of(agreement: Record) -> list[dict[str, Any]]:
    """The way of an agreement: what is done, what is now, what is to come; each with its moment and a sentence."""
    state, ended = agreement["state"], agreement["ended_at"]
    steps = [
        _step(
            "Terms accepted",
            agreement["accepted_at"],
            "They are frozen: no amount can go up.",
            ahead="Accept the terms",
        ),
        _step("Picked up", agreement["picked_up_at"], "At the desk.", ahead="Pick-up"),
        _step("Returned", agreement["returned_at"], _late(agreement["late_days"]), ahead="Return"),
    ]
    if agreement["claim"]:
        claim = agreement["claim"]
        steps.append(_step("Damage claimed", claim["at"], f"{money_text(claim['amount'])} in all."))
    if agreement["contest"]:
        steps.append(
            _step("Contested", agreement["contest"]["at"], "A person decides, from nothing to what is claimed.")
        )
    if ended:
        steps = [step for step in steps if step["at"]]
        steps.append(_step(LAST[state], ended, NOTHING.get(state) or f"At {money_text(agreement['settled'])}."))
    elif agreement["claim"]:
        decided = "As it is decided, from nothing to what is claimed."
        unless = "At the claim if nobody contests it for 72 hours, else as it is decided."
        steps.append(_step("Settled", None, decided if agreement["contest"] else unless, ahead="Settlement"))
    else:
        steps.append(_step("Closed", None, "72 hours after the return, if no damage is claimed.", ahead="End"))
    now = next((place for place, step in enumerate(steps) if step["at"] is None), len(steps))
    for place, step in enumerate(steps):
        step["number"] = place + 1
        step["place"] = "done" if place < now else "now" if place == now else "todo"
    return steps


def _step(title: str, at: str | None, text: str, *, ahead: str = "") -> dict[str, Any]:
    """A step: what it is called once it is done, and, while it is `ahead`, what is to be done."""
    return {"title": title if at or not ahead else ahead, "at": at, "text": text}


def _late(days: int | None) -> str:
    if days is None:
        return "The desk records when."
    if not days:
        return "In time."
    return f"{days} day{'' if days == 1 else 's'} after the agreed day."
