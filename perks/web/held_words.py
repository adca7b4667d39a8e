"""PURE: the state of something taken, as its citizen reads it and as its merchant does."""

from collections.abc import Mapping
from typing import Any

from perks.web import deposit_words
from perks.web.words import Badge, badge_of

Record = Mapping[str, Any]

REDEMPTIONS = {
    "reserved": Badge(word="Ready to show", icon="clock", tone="gold"),
    "redeemed": Badge(word="Used", icon="tick", tone="help"),
    "expired": Badge(word="Not used in time", icon="clock", tone="mute"),
    "cancelled": Badge(word="Cancelled", icon="cross", tone="mute"),
    "reversed": Badge(word="Reversed", icon="undo", tone="info"),
}
GIFT_CARDS = {
    "open": Badge(word="Ready to spend", icon="gift", tone="gold"),
    "spent": Badge(word="Spent", icon="tick", tone="help"),
    "expired": Badge(word="Its time is over", icon="clock", tone="mute"),
    "reversed": Badge(word="Taken back", icon="undo", tone="info"),
}
BOOSTS = {
    "running": Badge(word="Running", icon="play", tone="help"),
    "ended": Badge(word="Ended", icon="tick", tone="mute"),
}
REDEMPTIONS_AT_DESK = REDEMPTIONS | {
    "reserved": Badge(word="Reserved", icon="clock", tone="gold"),
    "redeemed": Badge(word="Honoured", icon="tick", tone="help"),
}
GIFT_CARDS_AT_DESK = GIFT_CARDS | {"open": Badge(word="Can be spent", icon="gift", tone="gold")}
_PARTS = (("gift_card", GIFT_CARDS), ("boost", BOOSTS), ("deposit", deposit_words.STATES))


def held_badge(held: Record) -> Badge:
    """Of a redemption; of a card what is on it, of a boost whether it runs, of a deposit how far its agreement is."""
    for name, table in _PARTS:
        if part := held.get(name):
            return badge_of(table, part["state"])
    return badge_of(REDEMPTIONS, held["state"])


def desk_badge(redemption: Record) -> Badge:
    """The same as the merchant reads it."""
    card = redemption.get("gift_card")
    return badge_of(GIFT_CARDS_AT_DESK, card["state"]) if card else badge_of(REDEMPTIONS_AT_DESK, redemption["state"])
