"""Usage at Stripe: one meter event for each verified redemption, and what Stripe has counted of them."""

from datetime import datetime

from stripe.billing import MeterEvent

from perks import plans
from perks.payments.catalogue import meter_id
from perks.payments.client import client, errors, said

TAKEN_BEFORE = "duplicate_meter_event"  # Stripe takes an identifier once


def send_use(*, customer: str, identifier: str, used_at: int, key: str) -> MeterEvent:
    """Count one redemption, at the second it was used (35 days back at most)."""
    with errors():
        return client().v1.billing.meter_events.create(
            params={
                "event_name": plans.USAGE_METER,
                "identifier": identifier,
                "timestamp": used_at,
                "payload": {"stripe_customer_id": customer, "value": "1"},
            },
            options=said(key=key),
        )


def count_of(*, customer: str, since: datetime, until: datetime) -> int:
    """How many redemptions of a customer Stripe has counted from `since` to before `until` (both whole days, UTC)."""
    meter = meter_id()
    with errors():
        summaries = client().v1.billing.meters.event_summaries.list(
            meter,
            params={
                "customer": customer,
                "start_time": int(since.timestamp()),
                "end_time": int(until.timestamp()),
                "limit": 100,
            },
        )
        return round(sum(summary.aggregated_value for summary in summaries.auto_paging_iter()))
