"""What people can be told of: each event with its words and its way on, and the groups they switch on and off.

Each room registers its own events. No text names a score, a band, points or a threshold: a screen that is locked, a
mailbox and a push service's books show it to others (P4). The page behind the door tells the rest.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final


class Mail(Enum):
    """Whether a group comes by mail where its person has said nothing."""

    ASKED = "asked"  # only to who ticked it
    SERVICE = "service"  # about what they have running here, until they switch it off
    ALWAYS = "always"  # a time runs that could cost them their right or their money


class For(StrEnum):
    """Who hears of an event at all."""

    SCORED = "scored"  # who is enrolled and not paused
    BOUND = "bound"  # who is enrolled: what they have running goes on through a pause
    ACCOUNT = "account"  # whoever has an account, also after they have left


@dataclass(frozen=True, slots=True)
class Group:
    """Events that are switched on and off together."""

    code: str
    title: str
    tells: str
    mail: Mail = Mail.ASKED
    has_push: bool = True


GROUPS: Final = {
    group.code: group
    for group in (
        Group("score", "Your score", "That it changed, and what happened; never what it is."),
        Group("perks", "Perks", "A code that was used, a reservation that runs out."),
        Group("asked", "Who asked", "Once a day for each who learned something about you."),
        Group("disputes", "Disputes", "Each step of yours, and what is offered again after one.", Mail.ALWAYS),
        Group("deposits", "Deposits", "Each step of an agreement of yours.", Mail.ALWAYS),
        Group("gift_cards", "Gift cards", "A card with money on it that ends soon.", Mail.SERVICE),
        Group("account", "Account", "An app that is no longer connected, a copy of your data.", Mail.SERVICE),
        Group("digest", "The month", "Once a month, what happened in the month before.", has_push=False),
    )
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `subject`, `sentence` and `more` (mails only) are filled in with the facts it is told with.

    `link` is the name of the page that tells more; with `opens_about` that of the one thing it is about.
    """

    code: str
    group: str
    subject: str
    sentence: str
    more: str = ""
    link: str = "inbox"
    opens_about: bool = False
    hears: For = For.SCORED


_events: dict[str, Event] = {}


def register(*events: Event) -> None:
    """Register events of a room; once each."""
    for event in events:
        if event.group not in GROUPS or _events.setdefault(event.code, event) is not event:
            raise LookupError(f"No such group, or known already: {event.code}")


def event_of(code: str) -> Event:
    """The event of this code."""
    return _events[code]


def known_events() -> list[Event]:
    """Every event, in the order of registration."""
    return list(_events.values())
