"""Which states a perk and a redemption go through, and what moves them: tables, so that a page, a guarded update and a
refusal all read the same one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Move:
    """What one action does: the states it may leave, and the one it leads to."""

    sources: frozenset[str]
    target: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The states of one kind of thing; the first is where it begins."""

    states: tuple[str, ...]
    moves: Mapping[str, Move]

    def allowed(self, state: str, action: str) -> bool:
        """Whether something in this state can be moved so; unknown words are never allowed."""
        return action in self.moves and state in self.moves[action].sources

    def sources(self, action: str) -> frozenset[str]:
        """The states this action may leave: the `WHERE state IN …` of its guarded update."""
        return self.moves[action].sources

    def target(self, action: str) -> str:
        """The state this action leads to."""
        return self.moves[action].target

    def actions(self, state: str) -> tuple[str, ...]:
        """What can be done with something in this state."""
        return tuple(action for action in self.moves if self.allowed(state, action))


def _lifecycle(states: tuple[str, ...], moves: dict[str, tuple[tuple[str, ...], str]]) -> Lifecycle:
    return Lifecycle(
        states,
        MappingProxyType({action: Move(frozenset(sources), target) for action, (sources, target) in moves.items()}),
    )


DRAFT: Final = "draft"
REVIEW: Final = "review"
APPROVED: Final = "approved"
PUBLISHED: Final = "published"
PAUSED: Final = "paused"
ENDED: Final = "ended"

PERK: Final = _lifecycle(
    (DRAFT, REVIEW, APPROVED, PUBLISHED, PAUSED, ENDED),
    {
        "submit": ((DRAFT,), REVIEW),
        "approve": ((REVIEW,), APPROVED),
        "refuse": ((REVIEW,), DRAFT),
        "publish": ((APPROVED,), PUBLISHED),
        "pause": ((PUBLISHED,), PAUSED),
        "resume": ((PAUSED,), PUBLISHED),
        "end": ((DRAFT, REVIEW, APPROVED, PUBLISHED, PAUSED), ENDED),
    },
)
"""A perk, from its merchant's first draft to its end."""
ON_OFFER: Final = frozenset({PUBLISHED, PAUSED})
"""The states in which citizens see a perk."""

RESERVED: Final = "reserved"
REDEEMED: Final = "redeemed"
CANCELLED: Final = "cancelled"
EXPIRED: Final = "expired"
REVERSED: Final = "reversed"

REDEMPTION: Final = _lifecycle(
    (RESERVED, REDEEMED, CANCELLED, EXPIRED, REVERSED),
    {
        "cancel": ((RESERVED,), CANCELLED),
        "expire": ((RESERVED,), EXPIRED),
        "redeem": ((RESERVED,), REDEEMED),
        "undo": ((REDEEMED,), RESERVED),
        "reverse": ((REDEEMED,), REVERSED),
        "lapse": ((REDEEMED,), EXPIRED),
    },
)
"""A redemption, from the citizen's taking to the desk's scan; `undo` takes a scan back within its ten minutes.

`lapse` is of a gift card on which nothing was ever spent: it gave nothing, so it was not used."""

OFFERED: Final = "offered"
ACCEPTED: Final = "accepted"
ACTIVE: Final = "active"
RETURNED: Final = "returned"
CLAIMED: Final = "claimed"
CONTESTED: Final = "contested"
SETTLED: Final = "settled"
CLOSED: Final = "closed"

DEPOSIT: Final = _lifecycle(
    (OFFERED, ACCEPTED, ACTIVE, RETURNED, CLAIMED, CONTESTED, SETTLED, CLOSED, CANCELLED, EXPIRED),
    {
        "accept": ((OFFERED,), ACCEPTED),
        "cancel": ((OFFERED, ACCEPTED), CANCELLED),
        "expire": ((OFFERED, ACCEPTED), EXPIRED),
        "pick_up": ((ACCEPTED,), ACTIVE),
        "pick_up_late": ((EXPIRED,), ACTIVE),
        "undo": ((ACTIVE,), ACCEPTED),
        "return": ((ACTIVE,), RETURNED),
        "close": ((ACTIVE, RETURNED), CLOSED),
        "claim": ((RETURNED,), CLAIMED),
        "contest": ((CLAIMED,), CONTESTED),
        "settle": ((CLAIMED, CONTESTED), SETTLED),
    },
)
"""A deposit agreement, from its terms to its end; `pick_up_late` is an offline till's scan, made in time of what was
accepted and uploaded after it was filed as expired."""
