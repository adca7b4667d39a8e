"""Meters, and the events that count usage."""

from typing import Any

import stripe

from perks.payments.standin.forms import Params
from perks.payments.standin.records import DAY, Record, Records, answers
from perks.payments.standin.refusals import invalid

OLDEST, NEWEST = 35 * DAY, 300  # how far back and ahead an event's time may lie


@answers("POST", "/v1/billing/meters")
def create_meter(records: Records, params: Params) -> Record:
    if records.all("billing.meter", status="active", event_name=params["event_name"]):
        raise invalid("A meter already exists with this event_name.", None, "event_name")
    by_id = {"event_payload_key": "stripe_customer_id", "type": "by_id"}
    return records.put(
        stripe.billing.Meter,
        {
            "id": records.new_id("mtr"),
            "object": "billing.meter",
            "created": records.now(),
            "customer_mapping": params.get("customer_mapping") or by_id,
            "default_aggregation": params["default_aggregation"],
            "display_name": params["display_name"],
            "event_name": params["event_name"],
            "livemode": False,
            "status": "active",
            "status_transitions": {},
            "updated": records.now(),
            "value_settings": params.get("value_settings") or {"event_payload_key": "value"},
        },
    )


@answers("GET", "/v1/billing/meters/{id}")
def read_meter(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "billing.meter")


@answers("GET", "/v1/billing/meters")
def list_meters(records: Records, params: Params) -> Record:
    equal = {"status": params["status"]} if "status" in params else {}
    return records.list_of("/v1/billing/meters", records.all("billing.meter", **equal), params)


@answers("POST", "/v1/billing/meter_events")
def count_usage(records: Records, params: Params) -> Record:
    """Take one event of usage; the same identifier is refused. (The code of that refusal was never seen at Stripe.)"""
    meters = records.all("billing.meter", status="active", event_name=params["event_name"])
    if not meters:
        message = f"No active meter found for event name '{params['event_name']}'."
        raise invalid(message, None, "event_name")
    now, at = records.now(), int(params.get("timestamp", records.now()))
    if not now - OLDEST <= at <= now + NEWEST:
        message = "Timestamp must be within the past 35 calendar days or up to 5 minutes in the future."
        raise invalid(message, None, "timestamp")
    identifier = params.get("identifier") or records.new_id("idmp")
    id = f"mev_{records.account or ''}{identifier}"
    if id in records.objects:
        message = f"An event already exists with identifier {identifier}."
        raise invalid(message, "duplicate_meter_event", "identifier")
    records.get(params["payload"]["stripe_customer_id"], "customer", "payload[stripe_customer_id]")
    if float(params["payload"].get("value", 1)) < 0:
        raise invalid("value must not be negative", None, "payload[value]")
    event = {
        "object": "billing.meter_event",
        "created": now,
        "event_name": params["event_name"],
        "identifier": identifier,
        "livemode": False,
        "payload": params["payload"],
        "timestamp": at,
    }
    records.objects[id] = {**event, "id": id, "_account": records.account, "_meter": meters[0]["id"]}
    return event


@answers("GET", "/v1/billing/meters/{id}/event_summaries")
def summarise_usage(records: Records, id: str, params: Params) -> Record:
    records.get(id, "billing.meter")
    start, end = int(params["start_time"]), int(params["end_time"])
    counted = used(records, id, params["customer"], start, end)
    summary: dict[str, Any] = {
        "id": f"mtrusg_{id}_{params['customer']}_{start}_{end}",
        "object": "billing.meter_event_summary",
        "aggregated_value": counted,
        "end_time": end,
        "livemode": False,
        "meter": id,
        "start_time": start,
    }
    url = f"/v1/billing/meters/{id}/event_summaries"
    return {"object": "list", "url": url, "has_more": False, "data": [summary] if counted else []}


def used(records: Records, meter: str, customer: str, start: int, end: int) -> float:
    """How much of it a customer used from the start to before the end."""
    return sum(
        float(event["payload"].get("value", 1))
        for event in records.all("billing.meter_event", _meter=meter)
        if event["payload"]["stripe_customer_id"] == customer and start <= event["timestamp"] < end
    )
