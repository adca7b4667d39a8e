"""Products and their prices."""

from decimal import Decimal

import stripe

from perks.payments.standin.forms import Params, flag, metadata_in
from perks.payments.standin.records import Record, Records, answers
from perks.payments.standin.refusals import invalid


@answers("POST", "/v1/products")
def create_product(records: Records, params: Params) -> Record:
    id = params.get("id") or records.new_id("prod")
    if id in records.objects:
        raise invalid("Product already exists.", "resource_already_exists", "id")
    product = records.put(
        stripe.Product,
        {
            "id": id,
            "object": "product",
            "active": True,
            "created": records.now(),
            "description": params.get("description"),
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": metadata_in(params),
            "name": params["name"],
            "type": "service",
            "updated": records.now(),
        },
    )
    records.emit("product.created", product)
    return product


@answers("GET", "/v1/products/{id}")
def read_product(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "product")


@answers("POST", "/v1/products/{id}")
def change_product(records: Records, id: str, params: Params) -> Record:
    product = records.get(id, "product")
    product["metadata"].update(metadata_in(params))
    product.update({name: params[name] for name in ("name", "description") if name in params})
    product["active"] = flag(params.get("active"), default=product["active"])
    records.emit("product.updated", product)
    return product


@answers("GET", "/v1/products")
def list_products(records: Records, params: Params) -> Record:
    equal = {"active": flag(params["active"])} if "active" in params else {}
    rows = [row for row in records.all("product", **equal) if row["id"] in params.get("ids", [row["id"]])]
    return records.list_of("/v1/products", rows, params)


@answers("POST", "/v1/prices")
def create_price(records: Records, params: Params) -> Record:
    lookup_key = params.get("lookup_key")
    holders = records.all("price", lookup_key=lookup_key) if lookup_key else []
    if holders and not flag(params.get("transfer_lookup_key")):
        message = f"A price (`{holders[0]['id']}`) already uses that lookup key."
        raise invalid(message, None, "lookup_key")
    for holder in holders:
        holder["lookup_key"] = None
    if "product" in params:
        product = records.get(params["product"], "product", "product")["id"]
    else:
        product = create_product(records, params["product_data"])["id"]
    recurring = params.get("recurring")
    amount = params.get("unit_amount")
    price = records.put(
        stripe.Price,
        {
            "id": records.new_id("price"),
            "object": "price",
            "active": True,
            "billing_scheme": "per_unit",
            "created": records.now(),
            "currency": params["currency"],
            "livemode": False,
            "lookup_key": lookup_key,
            "metadata": metadata_in(params),
            "nickname": params.get("nickname"),
            "product": product,
            "recurring": recurring and _recurring(records, recurring),
            "tax_behavior": "unspecified",
            "type": "recurring" if recurring else "one_time",
            "unit_amount": None if amount is None else int(amount),
            "unit_amount_decimal": amount or params.get("unit_amount_decimal"),
        },
        without=("tiers", "currency_options"),
    )
    records.emit("price.created", price)
    return price


def _recurring(records: Records, sent: Params) -> Record:
    if sent.get("usage_type") == "metered":
        records.get(sent["meter"], "billing.meter", "recurring[meter]")
    return {
        "interval": sent["interval"],
        "interval_count": int(sent.get("interval_count", 1)),
        "meter": sent.get("meter"),
        "trial_period_days": None,
        "usage_type": sent.get("usage_type", "licensed"),
    }


@answers("GET", "/v1/prices/{price}")
def read_price(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "price")


@answers("POST", "/v1/prices/{price}")
def change_price(records: Records, id: str, params: Params) -> Record:
    price = records.get(id, "price")
    price["metadata"].update(metadata_in(params))
    price["active"] = flag(params.get("active"), default=price["active"])
    records.emit("price.updated", price)
    return price


@answers("GET", "/v1/prices")
def list_prices(records: Records, params: Params) -> Record:
    equal: Params = {name: params[name] for name in ("product", "currency", "type") if name in params}
    if "active" in params:
        equal["active"] = flag(params["active"])
    keys = params.get("lookup_keys")
    rows = [row for row in records.all("price", **equal) if not keys or row["lookup_key"] in keys]
    return records.list_of("/v1/prices", rows, params)


def amount_of(price: Record, quantity: int) -> int:
    """What this many of it cost, in the currency's smallest unit; what is metered costs nothing in advance."""
    return int(Decimal(price["unit_amount_decimal"] or 0) * quantity)
