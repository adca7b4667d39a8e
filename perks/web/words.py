"""PURE: what a perk, a redemption or a scan is called on a page, and what would change a refusal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perks.languages import PERK_LANGUAGES
from perks.money import money_text

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Badge:
    """A state as a word, a shape and, last, a colour."""

    word: str
    icon: str
    tone: str
    is_open: bool = False
    way: str = ""


OPEN = Badge(word="Open to you", icon="door-open", tone="help", is_open=True)
REFUSALS = {
    "below_threshold": Badge(word="Locked", icon="door-shut", tone="mute", way="It opens when you reach its points."),
    "thin_file": Badge(
        word="Cannot be assessed yet",
        icon="minus",
        tone="info",
        way="Your score starts with three records that count. Nothing is held against you.",
    ),
    "not_enough_records": Badge(
        word="Cannot be assessed yet",
        icon="minus",
        tone="info",
        way="This purpose needs more records of its own kind. Nothing is held against you.",
    ),
    "not_enrolled": Badge(
        word="For enrolled people", icon="person", tone="info", way="It can be taken once you have enrolled."
    ),
    "enrolment_paused": Badge(word="You are paused", icon="pause", tone="info", way="It opens again when you resume."),
    "document_needed": Badge(
        word="Document check needed", icon="shield", tone="info", way="An operator checks a document with you once."
    ),
    "not_open_yet": Badge(word="Not open yet", icon="clock", tone="mute", way="Come back when it opens."),
    "paused": Badge(word="Paused", icon="pause", tone="mute", way="It returns once it is resumed."),
    "ended": Badge(word="Ended", icon="ban", tone="mute", way="It is over for everybody."),
    "merchant_suspended": Badge(
        word="Not offered now", icon="ban", tone="mute", way="The merchant cannot offer perks at the moment."
    ),
    "sold_out": Badge(word="Sold out", icon="ban", tone="mute", way="It returns if somebody cancels."),
    "budget_spent": Badge(word="Sold out", icon="ban", tone="mute", way="The merchant’s budget for it is spent."),
    "daily_limit_reached": Badge(word="Full today", icon="clock", tone="gold", way="More can be taken tomorrow."),
    "citizen_limit_reached": Badge(
        word="Taken", icon="tick", tone="brand", way="You have taken all that one person can."
    ),
    "period_limit_reached": Badge(
        word="Taken for now", icon="tick", tone="brand", way="You can take it again in its next period."
    ),
    "too_many_reservations": Badge(
        word="Reservations full", icon="clock", tone="gold", way="Use or cancel a reservation you hold first."
    ),
}
MOVEMENTS = {
    "issue": "Put on the card",
    "charge": "Paid",
    "refund": "Refunded",
    "expire": "Not spent in time",
    "reverse": "Taken back",
}
MAKE_GOODS = {
    "offered": Badge(word="Yours to take", icon="door-open", tone="help", is_open=True),
    "needs_merchant": Badge(word="The merchant is asked", icon="clock", tone="gold"),
    "taken": Badge(word="Taken", icon="tick", tone="brand"),
    "expired": Badge(word="Not taken in time", icon="clock", tone="mute"),
    "declined": Badge(word="The merchant declined", icon="cross", tone="mute"),
}
PERK_STATES = {
    "draft": Badge(word="Draft", icon="page", tone="mute", way="Only your team sees it."),
    "review": Badge(word="In review", icon="clock", tone="info", way="An operator reads it next."),
    "approved": Badge(word="Approved", icon="tick", tone="info", way="It is ready to publish."),
    "published": Badge(word="Live", icon="play", tone="help", way="People can take it."),
    "paused": Badge(word="Paused", icon="pause", tone="gold", way="Nobody can take it; what is reserved is honoured."),
    "ended": Badge(word="Ended", icon="ban", tone="mute", way="What is reserved is honoured."),
}
MERCHANT_STATES = {
    "pending": Badge(word="Waiting for approval", icon="clock", tone="info"),
    "active": Badge(word="Approved", icon="tick", tone="help"),
    "suspended": Badge(word="Suspended", icon="ban", tone="danger"),
    "closed": Badge(word="Closed", icon="ban", tone="mute"),
}
STANDINGS = {
    "suspended": Badge(word="Penalty not remedied", icon="warning", tone="danger"),
    "red_list": Badge(word="Red list (the best)", icon="tick", tone="gold"),
    "good": Badge(word="Good standing", icon="tick", tone="help"),
}
GROUNDS = {
    "coerced": "I was made to take it, or to show my score",
    "not_honoured": "The merchant did not honour it",
    "misleading": "It is not what it says",
    "other": "Something else",
}
CASES = {
    "open": Badge(word="An operator reads it", icon="clock", tone="info"),
    "dismissed": Badge(word="Dismissed", icon="minus", tone="mute"),
    "perk_paused": Badge(word="The perk was paused", icon="pause", tone="gold"),
    "merchant_suspended": Badge(word="The merchant was suspended", icon="ban", tone="gold"),
}
RECORDS = {
    "inspection": "Inspection",
    "penalty": "Penalty",
    "penalty_remedied": "Penalty, remedied",
    "red_list": "Red list",
    "tourism_violation": "Violation of tourism rules",
}
KINDS = {
    "discount": "Discount",
    "priority": "Priority",
    "gift_card": "Gift card",
    "deposit_waiver": "Deposit waiver",
    "visibility_boost": "Visibility boost",
}
SECTORS = {
    "hotel": "Hotel",
    "airport": "Airport",
    "car_rental": "Car rental",
    "shop": "Shop",
    "dating_app": "Dating app",
}
SCOPES = {
    "merchant:scan": "Scan codes and take scans back",
    "merchant:perks": "Write perks and read redemptions",
    "boost:lookup": "Look up the boosts of people connected to an app",
    "sandbox": "Try boosts out on test citizens, and nothing else",
    "boost:read": "Read whether somebody has a boost there, and how much it is",
    "openid": "Know somebody by a name that no other app has",
}
RELEASES = {
    "all": "it returns to you and to stock",
    "stock": "it returns to stock, and counts as one of yours",
    "nothing": "it does not return",
}
RELEASES_AT_DESK = {
    "all": "back to stock and to the person",
    "stock": "back to stock only",
    "nothing": "nothing comes back",
}
JOIN = "\u2060–\u2060"  # a dash at which no line breaks
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A scan's answer as the desk reads it: one word, one shape, and what to do."""

    word: str
    shape: str
    icon: str
    tone: str
    do: str


OUTCOMES = {
    "accepted": Outcome(word="Accepted", shape="ok", icon="tick", tone="help", do="Give what is named below."),
    "already_redeemed": Outcome(
        word="Already used",
        shape="warn",
        icon="exclamation",
        tone="gold",
        do="Nothing was given twice. Fair terms still apply.",
    ),
    "expired": Outcome(
        word="Out of time", shape="warn", icon="clock", tone="gold", do="Its time is over. Fair terms still apply."
    ),
    "cancelled": Outcome(
        word="Cancelled", shape="warn", icon="cross", tone="gold", do="The guest cancelled it. Fair terms still apply."
    ),
    "reversed": Outcome(
        word="Reversed", shape="warn", icon="undo", tone="gold", do="It was reversed before. Fair terms still apply."
    ),
    "stale_pass": Outcome(
        word="Old picture",
        shape="warn",
        icon="clock",
        tone="gold",
        do="A picture lives 30 seconds. Ask the guest to show it on their own screen.",
    ),
    "wrong_branch": Outcome(
        word="Other branch", shape="warn", icon="pin", tone="gold", do="It is valid at another of your branches."
    ),
    "outside_hours": Outcome(
        word="Outside hours", shape="warn", icon="clock", tone="gold", do="It is valid at another time: see the detail."
    ),
    "unknown_code": Outcome(
        word="Unknown code",
        shape="bad",
        icon="cross",
        tone="danger",
        do="We say the same for every wrong code. Ask for it again, or let the guest show the picture.",
    ),
    "insufficient_balance": Outcome(
        word="Not enough on it", shape="warn", icon="exclamation", tone="gold", do="Nothing was charged."
    ),
    "not_accepted": Outcome(
        word="Terms not accepted",
        shape="warn",
        icon="exclamation",
        tone="gold",
        do="Hand nothing over yet: the guest accepts the terms on their own phone, then scan again.",
    ),
    "hold_expired": Outcome(
        word="Hold ran out",
        shape="warn",
        icon="clock",
        tone="gold",
        do="Hand nothing over: the guest’s card has to be held anew.",
    ),
    "conflict": Outcome(
        word="Used elsewhere first",
        shape="warn",
        icon="exclamation",
        tone="gold",
        do="Another till’s scan was accepted. It is kept, and never charged to the guest.",
    ),
}
OFFLINE_OUTCOMES = {
    "needs_network": Outcome(
        word="Needs a connection",
        shape="warn",
        icon="offline",
        tone="gold",
        do="Give nothing on it yet. Scan it again when this till is online.",
    ),
    "not_listed": Outcome(
        word="Not on the list",
        shape="warn",
        icon="list",
        tone="gold",
        do="It may be for another branch, or newer than the list. Scan it again online, or look in the booking.",
    ),
    "no_list": Outcome(
        word="This till knows too little",
        shape="bad",
        icon="offline",
        tone="danger",
        do="Connect it once: it then knows keys and arrivals for two days.",
    ),
}
"""What only a till without a network says; the server never does."""
EMBLEMS = {"travel": "bed", "rental": "car", "retail": "bag", "dating": "heart"}
EMBLEM_WORDS = (
    (("airport", "flight", "security", "fast_track"), "plane"),
    (("lounge",), "seat"),
    (("book", "books"), "book"),
    (("breakfast", "food", "restaurant"), "tag"),
)


def named(code: str) -> str:
    """A code nobody has given words yet, written so that a person can read it."""
    return code.replace("_", " ").capitalize()


def language_word(code: str) -> str:
    """The English name of a language a perk is written in."""
    return str(PERK_LANGUAGES.get(code, code))


def perk_badge(perk: Record) -> Badge:
    """Whether this perk is open to the reader and, if not, the first reason and what would change it."""
    eligibility = perk["eligibility"]
    if eligibility["answer"] == "eligible":
        return OPEN
    reasons: Sequence[Record] = eligibility["reasons"]
    if not reasons:
        return Badge(word="Not open to you", icon="door-shut", tone="mute")
    first = reasons[0]
    if first["code"] == "below_threshold" and first.get("points_to_go") is not None:
        to_go = int(first["points_to_go"])
        word = f"{to_go} point{'' if to_go == 1 else 's'} to go"
        return Badge(word=word, icon="door-shut", tone="mute", way=REFUSALS["below_threshold"].way)
    return REFUSALS.get(first["code"], Badge(word=named(first["code"]), icon="door-shut", tone="mute"))


def badge_of(table: Mapping[str, Badge], state: str) -> Badge:
    return table.get(state, Badge(word=named(state), icon="minus", tone="mute"))


def outcome_of(code: str) -> Outcome:
    return OUTCOMES.get(code, Outcome(word=named(code), shape="warn", icon="exclamation", tone="gold", do=""))


def emblem_icon(perk: Record) -> str:
    """The drawing in a perk's arch: its kind, else what its categories name, else its purpose."""
    if perk.get("kind") == "gift_card":
        return "gift"
    categories = {str(category).lower() for category in perk.get("categories") or ()}
    for words, icon in EMBLEM_WORDS:
        if categories.intersection(words):
            return icon
    return EMBLEMS.get(perk.get("purpose", ""), "door")


def standing_badge(standing: Record) -> Badge | None:
    """What stands beside an enterprise's name, where there is something to say."""
    if standing["state"] == "suspended":
        return STANDINGS["suspended"]
    return STANDINGS["red_list"] if standing["badge"] else None


def record_word(record: Record) -> str:
    """What an authority recorded, and how grave it is."""
    word = RECORDS.get(record["kind"], named(record["kind"]))
    return f"Grave {word[0].lower()}{word[1:]}" if record["gravity"] == "grave" else word


def benefit_text(benefit: object) -> str:
    """What a tier gives, in the merchant's own words where there are some."""
    if isinstance(benefit, Mapping):
        percent = benefit.get("percent")
        if text := str(benefit.get("text") or ""):
            # A figure the words leave out is still what was approved.
            return text if percent is None or str(percent) in text else f"{text} ({percent} % off)"
        if percent is not None:
            return f"{percent} % off"
        if isinstance(face := benefit.get("face"), Mapping):
            return f"{money_words(face)} to spend within {months_text(benefit.get('lives_months'))}"
        if benefit.get("waived_percent") is not None:
            return f"{benefit['waived_percent']} % of the deposit waived"
        if benefit.get("boost"):
            return f"You are shown {benefit['boost']} times as often"
        return ""
    return str(benefit or "")


def money_words(amount: Record) -> str:
    """An amount of the API as people read it: `12.50 EUR`, with a true minus."""
    return money_text(amount["amount"], amount["currency"]).replace("-", "−")


def movement_word(movement: Record) -> str:
    """What a line of a statement is; a charge that was undone came back, a whole card that was taken back went."""
    if movement["what"] == "reverse" and movement["amount"]["amount"] > 0:
        return "Undone"
    return MOVEMENTS.get(movement["what"], named(movement["what"]))


def months_text(months: object) -> str:
    return "a month" if months == 1 else f"{months} months"


def minutes_text(minutes: int) -> str:
    """A hold in the largest unit it is whole in: `3 days`, `12 hours`, `90 minutes`."""
    lengths = {"day": 1440, "hour": 60, "minute": 1}
    unit = next(unit for unit, length in lengths.items() if minutes % length == 0)
    number = minutes // lengths[unit]
    return f"{number} {unit}{'' if number == 1 else 's'}"


def hours_text(hours: Sequence[Record]) -> list[str]:
    """Weekly hours, a line for each day or run of days that are alike: `Monday to Friday, 09:00–17:00`."""
    spans: dict[int, list[str]] = {}
    for hour in hours:
        spans.setdefault(int(hour["day"]), []).append(f"{hour['from']}{JOIN}{hour['to']}")
    days = sorted(spans)
    lines: list[str] = []
    index = 0
    while index < len(days):
        stop = index
        while stop + 1 < len(days) and days[stop + 1] == days[stop] + 1 and spans[days[stop + 1]] == spans[days[index]]:
            stop += 1
        first, last = DAYS[days[index] - 1], DAYS[days[stop] - 1]
        name = "Every day" if (first, last) == (DAYS[0], DAYS[-1]) else first if index == stop else f"{first} to {last}"
        lines.append(f"{name}, {', '.join(spans[days[index]])}")
        index = stop + 1
    return lines


def limits_text(limits: Record) -> list[str]:
    """`2 a month`, `1 a day`: the limits that bind one person; none is an empty list."""
    words = (
        ("per_citizen", "{} in all"),
        ("per_citizen_day", "{} a day"),
        ("per_citizen_week", "{} a week"),
        ("per_citizen_month", "{} a month"),
    )
    return [text.format(limits[name]) for name, text in words if limits.get(name) is not None]
