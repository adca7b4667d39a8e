"""Events to read again: the daily sweep asks for those that no webhook brought."""

from perks.payments.standin.forms import Params
from perks.payments.standin.records import Record, Records, answers


@answers("GET", "/v1/events/{id}")
def read_event(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "event")


@answers("GET", "/v1/events")
def list_events(records: Records, params: Params) -> Record:
    types = params.get("types") or ([params["type"]] if "type" in params else None)
    rows = [event for event in records.all("event") if types is None or event["type"] in types]
    return records.list_of("/v1/events", rows, params)
