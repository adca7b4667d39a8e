"""Customers."""

import stripe

from perks.payments.standin.forms import Params, metadata_in
from perks.payments.standin.records import Record, Records, answers


@answers("POST", "/v1/customers")
def create_customer(records: Records, params: Params) -> Record:
    customer = records.put(
        stripe.Customer,
        {
            "id": records.new_id("cus"),
            "object": "customer",
            "balance": 0,
            "created": records.now(params.get("test_clock")),
            "delinquent": False,
            "description": params.get("description"),
            "email": params.get("email"),
            "invoice_prefix": "FAKE",
            "invoice_settings": {},
            "livemode": False,
            "metadata": metadata_in(params),
            "name": params.get("name"),
            "preferred_locales": [],
            "test_clock": params.get("test_clock"),
        },
        without=("cash_balance", "sources", "subscriptions", "tax_ids", "tax", "invoice_credit_balance"),
    )
    records.emit("customer.created", customer)
    return customer


@answers("GET", "/v1/customers/{customer}")
def read_customer(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "customer")


@answers("POST", "/v1/customers/{customer}")
def change_customer(records: Records, id: str, params: Params) -> Record:
    customer = records.get(id, "customer")
    customer["metadata"].update(metadata_in(params))
    customer.update({name: params[name] for name in ("email", "name", "description") if name in params})
    records.emit("customer.updated", customer)
    return customer


@answers("GET", "/v1/customers")
def list_customers(records: Records, params: Params) -> Record:
    equal = {name: params[name] for name in ("email", "test_clock") if name in params}
    return records.list_of("/v1/customers", records.all("customer", **equal), params)
