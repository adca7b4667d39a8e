"""What Stripe says of a hold and what that makes of ours: one table for answers, events and the daily look. Pure.

A hold is money a card's bank keeps aside for a merchant until it is captured, released or its time is over. Readings
come late, twice and in any order: what Stripe says has ended stays so, and nothing is called captured unless it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

REQUESTED: Final = "requested"
ACTION: Final = "action"
HELD: Final = "held"
CAPTURING: Final = "capturing"
CAPTURED: Final = "captured"
RELEASING: Final = "releasing"
RELEASED: Final = "released"
EXPIRED: Final = "expired"
FAILED: Final = "failed"

STATES: Final = (REQUESTED, ACTION, HELD, CAPTURING, CAPTURED, RELEASING, RELEASED, EXPIRED, FAILED)
ASKED: Final = (REQUESTED, ACTION)
"""The citizen was sent to Stripe's page and nothing is held yet."""
HOLDING: Final = (HELD, CAPTURING)
"""Money is kept aside, and it is the agreement's."""
OPEN: Final = (*ASKED, *HOLDING, RELEASING)
"""Something is still expected of Stripe."""

HELD_SUM: Final = "held"
CAPTURED_SUM: Final = "captured"
LET_GO_SUM: Final = "let_go"
GIVEN_BACK_SUM: Final = "given_back"
TAKEN_BACK_SUM: Final = "taken_back"
SUMS: Final = (HELD_SUM, CAPTURED_SUM, LET_GO_SUM, GIVEN_BACK_SUM, TAKEN_BACK_SUM)
"""What of a hold's money moves: kept aside, charged, let go, refunded, and taken back by a bank in a dispute."""

DISPUTE_TAKES: Final = ("needs_response", "under_review", "lost")
"""Disputes whose money is not the merchant's now; an inquiry (`warning_…`) takes none yet."""
DISPUTE_WON: Final = ("won", "warning_closed", "prevented")
"""Disputes whose money is the merchant's again; of any other charge nothing can be given back."""
DISPUTE_OVER: Final = (*DISPUTE_WON, "lost")

_LEAST: Final[Mapping[str, int]] = {
    **dict.fromkeys(("AUD", "BRL", "CAD", "CHF", "EUR", "NZD", "SGD", "USD"), 50),
    **{"CZK": 1500, "DKK": 250, "GBP": 30, "HKD": 400, "HUF": 17_500, "JPY": 50, "MXN": 1000, "NOK": 300},
    **{"PLN": 200, "RON": 200, "SEK": 300},
}


def least_held(currency: str) -> int:
    """The least that Stripe holds on a card, in minor units; of a currency not named here whatever there is."""
    return _LEAST.get(currency, 1)


@dataclass(frozen=True, slots=True)
class Reading:
    """A payment intent as Stripe told it, in minor units."""

    intent_id: str
    status: str
    received: int
    capture_before: datetime | None
    lapsed: bool  # the card's bank let it go by itself


def state_after(state: str, reading: Reading, now: datetime) -> str:
    """The state of a hold that was in `state` and of whose intent Stripe says this."""
    match reading.status:
        case "succeeded":
            return CAPTURED
        case "canceled":
            return _ended(state, reading)
        case "requires_capture":
            if state not in (*ASKED, *HOLDING):
                return state  # it is being let go of, or is over for us
            if reading.capture_before is not None and reading.capture_before <= now:
                return EXPIRED
            return CAPTURING if state == CAPTURING else HELD
        case "requires_action" if state in ASKED:
            return ACTION
        case "requires_payment_method" | "requires_confirmation" if state in ASKED:
            return REQUESTED
    return state


def _ended(state: str, reading: Reading) -> str:
    if state in ASKED:
        return FAILED
    if state in HOLDING:
        return EXPIRED if reading.lapsed else RELEASED
    return RELEASED if state == RELEASING else state


def sums_of(
    state: str, *, amount: int, was_held: bool, captured: int, given_back: int, taken_back: int
) -> dict[str, int]:
    """What has moved of a hold by now, by kind: what was kept aside is charged, let go, or still kept aside."""
    held = amount if was_held else 0
    return {
        HELD_SUM: held,
        CAPTURED_SUM: captured,
        LET_GO_SUM: 0 if state in OPEN else held - captured,
        GIVEN_BACK_SUM: given_back,
        TAKEN_BACK_SUM: taken_back,
    }


def captured_of(settled: int, held: int) -> int:
    """What is captured of what is held: never more than is settled. The rest of the settlement stays owed, unpaid."""
    return min(settled, held)
