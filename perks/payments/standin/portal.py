"""The customer portal: where a merchant changes its card, sees invoices and ends its plan."""

import stripe

from perks.payments.standin.forms import Params, flag, metadata_in
from perks.payments.standin.records import Record, Records, answers
from perks.payments.standin.refusals import invalid
from perks.payments.standin.subscriptions import first_item


@answers("POST", "/v1/billing_portal/configurations")
def create_configuration(records: Records, params: Params) -> Record:
    id = records.new_id("bpc")
    return records.put(
        stripe.billing_portal.Configuration,
        {
            "id": id,
            "object": "billing_portal.configuration",
            "active": True,
            "business_profile": params.get("business_profile") or {},
            "created": records.now(),
            "default_return_url": params.get("default_return_url"),
            "features": _features(params.get("features") or {}),
            "is_default": not records.all("billing_portal.configuration"),
            "livemode": False,
            "login_page": {"enabled": False, "url": None},
            "metadata": metadata_in(params),
            "name": params.get("name"),
            "updated": records.now(),
        },
    )


def _features(asked: Params) -> Record:
    """Each feature off but for those that are asked for."""

    def is_on(name: str) -> bool:
        return flag((asked.get(name) or {}).get("enabled"))

    cancel = asked.get("subscription_cancel") or {}
    return {
        "customer_update": {
            "allowed_updates": (asked.get("customer_update") or {}).get("allowed_updates", []),
            "enabled": is_on("customer_update"),
        },
        "invoice_history": {"enabled": is_on("invoice_history")},
        "payment_method_update": {"enabled": is_on("payment_method_update"), "payment_method_configuration": None},
        "subscription_cancel": {
            "cancellation_reason": {"enabled": False, "options": []},
            "enabled": is_on("subscription_cancel"),
            "mode": cancel.get("mode", "at_period_end"),
            "proration_behavior": cancel.get("proration_behavior", "none"),
        },
        "subscription_pause": {
            "duration": {"interval_options": [], "type": "indefinite"},
            "enabled": False,
        },
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "enabled": is_on("subscription_update"),
            "products": [],
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "continue_trial",
        },
    }


@answers("POST", "/v1/billing_portal/configurations/{configuration}")
def change_configuration(records: Records, id: str, params: Params) -> Record:
    configuration = records.get(id, "billing_portal.configuration")
    configuration["metadata"].update(metadata_in(params))
    for name in ("business_profile", "default_return_url", "name"):
        if name in params:
            configuration[name] = params[name]
    if "features" in params:
        configuration["features"].update(
            {name: each for name, each in _features(params["features"]).items() if name in params["features"]}
        )
    configuration["active"] = flag(params.get("active"), default=configuration["active"])
    return configuration


@answers("GET", "/v1/billing_portal/configurations")
def list_configurations(records: Records, params: Params) -> Record:
    equal = {name: flag(params[name]) for name in ("active", "is_default") if name in params}
    rows = records.all("billing_portal.configuration", **equal)
    return records.list_of("/v1/billing_portal/configurations", rows, params)


@answers("POST", "/v1/billing_portal/sessions")
def create_session(records: Records, params: Params) -> Record:
    customer = records.get(params["customer"], "customer", "customer")
    if "configuration" in params:
        configuration = records.get(params["configuration"], "billing_portal.configuration", "configuration")
    elif defaults := records.all("billing_portal.configuration", is_default=True):
        configuration = defaults[0]
    else:
        raise invalid("No configuration provided and your test mode default configuration has not been created.")
    id = records.new_id("bps")
    return records.put(
        stripe.billing_portal.Session,
        {
            "id": id,
            "object": "billing_portal.session",
            "configuration": configuration["id"],
            "created": records.now(),
            "customer": customer["id"],
            "livemode": False,
            "return_url": params.get("return_url"),
            "url": f"{records.base_url}/p/session/{id}",
        },
    )


def cancel_at_period_end(records: Records, subscription: Record) -> None:
    """The merchant ends its plan in the portal: it keeps what it paid for."""
    before = {"cancel_at_period_end": subscription["cancel_at_period_end"]}
    end = first_item(subscription)["current_period_end"]
    subscription.update(cancel_at_period_end=True, cancel_at=end)
    records.emit("customer.subscription.updated", subscription, before)
