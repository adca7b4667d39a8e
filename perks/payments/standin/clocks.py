"""Test clocks: the time of some customers, which a test moves on."""

import stripe

from perks.payments.standin.forms import Params
from perks.payments.standin.records import MONTH, Record, Records, answers
from perks.payments.standin.refusals import invalid
from perks.payments.standin.subscriptions import PAYING, first_item, renew


@answers("POST", "/v1/test_helpers/test_clocks")
def create_clock(records: Records, params: Params) -> Record:
    return records.put(
        stripe.test_helpers.TestClock,
        {
            "id": records.new_id("clock"),
            "object": "test_helpers.test_clock",
            "created": records.now(),
            "deletes_after": records.now() + MONTH,
            "frozen_time": int(params["frozen_time"]),
            "livemode": False,
            "name": params.get("name"),
            "status": "ready",
            "status_details": {},
        },
    )


@answers("GET", "/v1/test_helpers/test_clocks/{test_clock}")
def read_clock(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "test_helpers.test_clock")


@answers("POST", "/v1/test_helpers/test_clocks/{test_clock}/advance")
def advance_clock(records: Records, id: str, params: Params) -> Record:
    clock = records.get(id, "test_helpers.test_clock")
    to = int(params["frozen_time"])
    if to <= clock["frozen_time"]:
        raise invalid("frozen_time must be after the current frozen time.", None, "frozen_time")
    if to > clock["frozen_time"] + 2 * MONTH and records.all("subscription", test_clock=id):
        message = "A test clock cannot be advanced more than two intervals from its shortest subscription."
        raise invalid(message, "test_clock_too_far", "frozen_time")
    advance(records, clock, to)
    return {**clock, "status": "advancing"}


def advance(records: Records, clock: Record, to: int) -> None:
    """Renew, fail or end every subscription of this clock's customers, in the order in which they fall due."""
    while due := _next_due(records, clock["id"], to):
        clock["frozen_time"] = first_item(due)["current_period_end"]
        renew(records, due)
    clock.update(frozen_time=to, status="ready")


def _next_due(records: Records, clock: str, to: int) -> Record | None:
    due = [
        subscription
        for subscription in records.all("subscription", test_clock=clock)
        if subscription["status"] in PAYING and first_item(subscription)["current_period_end"] <= to
    ]
    return min(due, key=lambda subscription: first_item(subscription)["current_period_end"], default=None)
