"""Every event there is, for whom, and what its body looks like: JSON Schema and an example. Pure.

No event holds a score, a band, a factor or anything about a person: who it is about, its receiver knows by an id of
its own or not at all.
"""

from dataclasses import dataclass
from typing import Any, Final

MERCHANT, APP, FURNISHER, ANYBODY = "merchant", "app", "furnisher", "anybody"
_ID = "01k9v4w3s2n5c8x7b6m4q2t0rz"


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event: `states` are those its object may be in, `facts` what the body names besides."""

    type: str
    audience: str
    summary: str
    kind: str
    prefix: str
    states: tuple[str, ...]
    facts: tuple[str, ...] = ()
    insists: bool = False
    """Whether it is tried on every day, for as long as it is kept, until it is acknowledged."""

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of its body."""
        optional = {"branch"}
        properties: dict[str, Any] = {
            "type": {"const": self.type},
            "id": {"type": "string", "pattern": "^evt_[0-9a-z]{26}$", "description": "the webhook-id"},
            "at": {"type": "string", "format": "date-time", "description": "when it happened, in UTC"},
            "sequence": {"type": "integer", "minimum": 1, "description": "orders the events of one object"},
            "object": {
                "type": "object",
                "properties": {
                    "kind": {"const": self.kind},
                    "id": {"type": "string", "pattern": f"^{self.prefix}[0-9A-Za-z._:-]{{1,128}}$"},
                    "state": {"enum": list(self.states)},
                },
                "required": ["kind", "id", "state"],
                "additionalProperties": False,
            },
        }
        properties |= {fact: _FACTS[fact] for fact in self.facts}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.type,
            "description": self.summary,
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name not in optional],
            "additionalProperties": False,
        }

    def example(self) -> dict[str, Any]:
        """A body as it is sent."""
        return {
            "type": self.type,
            "id": f"evt_{_ID}",
            "at": "2026-11-29T09:30:00+00:00",
            "sequence": 2,
            "object": {"kind": self.kind, "id": f"{self.prefix}{_ID}", "state": self.states[0]},
        } | {fact: _EXAMPLES[fact] for fact in self.facts}


_FACTS: Final[dict[str, dict[str, Any]]] = {
    "merchant": {"type": "string", "pattern": "^mer_", "description": "whose it is"},
    "source": {"type": "string", "description": "the code of the source"},
    "perk": {"type": "string", "pattern": "^perk_"},
    "branch": {"type": "string", "pattern": "^br_", "description": "where it is bound to one"},
    "client": {"type": "string", "description": "the app's client id"},
    "due_on": {"type": "string", "format": "date", "description": "the last day to answer"},
}
_EXAMPLES: Final = {
    "merchant": f"mer_{_ID}",
    "source": "example_bank",
    "perk": f"perk_{_ID}",
    "branch": f"br_{_ID}",
    "client": "x7Qn2VvT0wq1",
    "due_on": "2026-12-29",
}

_DEPOSIT_STATES: Final = {
    "offered": "A deposit agreement was offered",
    "accepted": "The citizen accepted a deposit agreement",
    "active": "The thing was handed over",
    "returned": "The thing came back",
    "claimed": "You claimed something of it",
    "contested": "The citizen contests a claim",
    "settled": "A claim is settled",
    "closed": "A deposit agreement is over",
    "cancelled": "A deposit agreement was cancelled",
    "expired": "A deposit agreement was not used in time",
}
_HELD_IN: Final = ("accepted", "active", "returned", "claimed", "contested")
"""A citizen may be slow on Stripe's page, and Stripe slow to tell."""
_DISPUTED_IN: Final = ("settled", *_HELD_IN, "closed", "cancelled", "expired")
"""What we charge is settled; but the account is the merchant's, who may charge what is held by itself at any time."""


def _redemption(state: str, summary: str) -> EventType:
    facts = ("merchant", "perk", "branch")
    return EventType(f"redemption.{state}", MERCHANT, summary, "redemption", "red_", (state,), facts)


def _deposit(event: str, summary: str, states: tuple[str, ...]) -> EventType:
    return EventType(f"deposit.{event}", MERCHANT, summary, "deposit", "dep_", states, ("merchant", "perk", "branch"))


def _gift_card(event: str, summary: str) -> EventType:
    states = ("open", "expired", "reversed")
    return EventType(f"gift_card.{event}", MERCHANT, summary, "gift_card", "gc_", states, ("merchant",))


def _perk(event: str, summary: str, states: tuple[str, ...]) -> EventType:
    return EventType(f"perk.{event}", MERCHANT, summary, "perk", "perk_", states, ("merchant",))


EVENTS: Final[dict[str, EventType]] = {
    each.type: each
    for each in (
        _redemption("reserved", "Somebody reserved one of your perks, or a scan was undone"),
        _redemption("redeemed", "One of your perks was used"),
        _redemption("expired", "A reservation was not used in time"),
        _redemption("cancelled", "A reservation was cancelled"),
        _redemption("reversed", "A use was taken back"),
        _gift_card("charged", "A gift card paid"),
        _gift_card("refunded", "Money went back onto a gift card"),
        *(_deposit(state, summary, (state,)) for state, summary in _DEPOSIT_STATES.items()),
        _deposit("hold_expiring", "The hold of a deposit ends soon", ("accepted", "active")),
        _deposit("held", "What is left of a deposit is held on the guest's card", _HELD_IN),
        _deposit("disputed", "A card's owner disputes a charge, or the bank has decided", _DISPUTED_IN),
        _perk("published", "Your perk is on offer", ("published",)),
        _perk("paused", "Your perk is paused", ("paused",)),
        _perk("sold_out", "The last of your perk is taken", ("published", "paused", "ended")),
        EventType(
            "standing.changed",
            MERCHANT,
            "Your public standing has changed",
            "merchant",
            "mer_",
            ("good", "suspended"),
            ("merchant",),
        ),
        EventType(
            "connection.created",
            APP,
            "Somebody connected your app; `object.id` is their `sub`",
            "connection",
            "",
            ("running",),
            ("merchant", "client"),
        ),
        EventType(
            "connection.revoked",
            APP,
            "A connection is over: stop using what you know of it",
            "connection",
            "",
            ("ended",),
            ("merchant", "client"),
            insists=True,
        ),
        EventType(
            "link.created",
            FURNISHER,
            "Somebody linked your source: `GET /sources/links` says which subject you may send about",
            "link",
            "lnk_",
            ("on",),
            ("source",),
        ),
        EventType(
            "link.ended",
            FURNISHER,
            "A link is over: send nothing more about its subject",
            "link",
            "lnk_",
            ("ended",),
            ("source",),
            insists=True,
        ),
        EventType(
            "dispute.opened",
            FURNISHER,
            "Records of yours are disputed, and wait for your answer",
            "dispute",
            "dsp_",
            ("received", "in_review"),
            ("source", "due_on"),
        ),
        EventType(
            "dispute.due_soon",
            FURNISHER,
            "A dispute still waits for your answer; silence strikes the records",
            "dispute",
            "dsp_",
            ("received", "in_review"),
            ("source", "due_on"),
        ),
        EventType(
            "endpoint.ping",
            ANYBODY,
            "You asked for a test",
            "webhook_endpoint",
            "whe_",
            ("on",),
        ),
    )
}
TO_MERCHANTS: Final = tuple(each.type for each in EVENTS.values() if each.audience in (MERCHANT, APP))
TO_FURNISHERS: Final = tuple(each.type for each in EVENTS.values() if each.audience == FURNISHER)
