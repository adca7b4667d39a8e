"""PURE: the words for bands, purposes, causes and inquiries, and the sentence a person reads first."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from scores import wording

BANDS = wording.BAND_TITLES
PURPOSES = wording.PURPOSE_TITLES
FACTORS = wording.FACTOR_TITLES
FACTOR_NOTES = {
    "credit_history": "Payments and card balance",
    "fulfilment": "Bookings kept and cars returned",
    "identity": "What you verified about yourself",
    "conduct": "Taxes, volunteering, traffic",
    "vouches": "Trust passed on by verified people",
}
CAUSES = {
    "enrolled": "You enrolled",
    "entries": "Records arrived or changed",
    "dispute": "A dispute changed",
    "source": "You switched a source",
    "month": "A new month: older records faded",
    "scorecard": "A new scorecard applies",
}
WHY_NOT = {
    "lapsed": "it is too old to count here",
    "switched_off": "its source is switched off",
    "disputed": "it is disputed and would not help",
    "struck": "it was struck",
    "not_yet": "it lies in the future",
    "superseded": "a newer one counts instead",
    "no_rule": "no rule reads it",
}
NEVER_USED = (
    "What you say or believe",
    "Religion",
    "Health",
    "Sex life",
    "Ethnicity",
    "Who your friends or relatives are",
    "Where you walk",
    "What kinds of goods you buy",
    "Cameras, faces or voices",
)
INQUIRIES = {
    "scan": {
        "icon": "tick",
        "tone": "help",
        "answer": "Answered: yes",
        "learned": "Learned the perk, its terms and your first name; of a gift card also what is left on it, of a day "
        "or a deposit also what you had chosen for it.",
    },
    "boost": {
        "icon": "eye",
        "tone": "mute",
        "answer": "Read your boost",
        "learned": "Learned one number between 1.0 and 1.5, never your score.",
    },
    "file_opened": {
        "icon": "page",
        "tone": "info",
        "answer": "Opened your file",
        "learned": "Somebody looked, for the reason they give. No score is in a file.",
    },
    "entry": {
        "icon": "page",
        "tone": "info",
        "answer": "Wrote or withdrew a record",
        "learned": "Learned only that you are linked to it.",
    },
}
CONSENT_KINDS = {"scoring": "Your score", "source": "A source", "app": "An app", "notifications": "Notifications"}
DOORS = {
    "web": "on these pages",
    "mail": "by the link in a mail",
    "app": "in the app",
    "operator": "with an operator",
    "command": "when this was set up",
    "owner": "because its owner withdrew the app",
}
ASKERS = {"merchant": "Merchant", "app": "App", "operator": "Citizen App", "furnisher": "Source"}
LITTLE = 10


_REFERENCE = re.compile(r" \([a-z]+_[0-9a-z]{13,}\)$")


def about_text(about: str) -> str:
    """What an answer was about, without the reference programs know it by."""
    return _REFERENCE.sub("", about)


def consent_text(consent: str) -> str:
    """What the person agreed to, for an answer to be given: the purpose of a consent in words, a sentence as it is."""
    if consent == "scoring":
        return "You agreed to be scored."
    if consent.startswith("source:"):
        return "You linked this source."
    return consent


def door_word(via: str) -> str:
    """By which door something was agreed to or taken back."""
    if via.startswith("furnisher:"):
        return "by handing the source your code"
    return DOORS.get(via, "by the platform")


def act_word(act: str, via: str) -> str:
    """What an act of consent was: nobody took back what ended because the app's owner withdrew the app."""
    return "Ended" if via == "owner" else act.capitalize()


def named(code: str) -> str:
    """A code nobody has given words yet, written so that a person can read it."""
    return code.replace("_", " ").replace(".", ", ").capitalize()


def verdict(score: Mapping[str, Any]) -> str:
    """The answer first, in one sentence: how it stands and which way it moved."""
    if score["state"] == "thin_file" or score["value"] is None:
        return "No score yet, and nothing held against you."
    standing = BANDS.get(score["band"], named(score["band"]))
    change = score.get("change")
    if not change:
        return f"{standing}."
    moved = int(change["value"])
    if not moved:
        return f"{standing}, and steady."
    amount = "a little " if abs(moved) < LITTLE else ""
    return f"{standing}, and {amount}{'better' if moved > 0 else 'lower'} than before."


def change_title(change: Mapping[str, Any]) -> str:
    """What a change was, by its largest line; a month's turn and a first score are named for what they are."""
    if change["previous"] is None and change["value"] is not None:
        return "Your first score"
    lines = [line for line in change["lines"] if line["kind"] not in ("rounding", "faded", "capped", "base")]
    if change["value"] is None or change["cause"] in ("month", "scorecard") or not lines:
        return CAUSES.get(change["cause"], named(change["cause"]))
    first = max(lines, key=lambda line: abs(Decimal(line["points"])))
    more = len(lines) - 1
    return f"{first['text']} and {more} more" if more else str(first["text"])


FURNISHERS = {
    "bank": "a bank",
    "bureau": "a credit bureau",
    "authority": "a public authority",
    "transit": "a public transport operator",
    "city": "a city",
    "merchant": "a merchant",
    "platform": "this platform",
    "peer": "people who vouch",
}


def furnisher_word(code: str) -> str:
    """What somebody is who furnishes records."""
    return FURNISHERS.get(code, named(code))


def figure_word(figure: Mapping[str, int | None]) -> str:
    """A public count: `12,340` (rounded down to tens), or that it is small."""
    count = figure["count"]
    return f"fewer than {figure['fewer_than']}" if count is None else f"{count:,}"
