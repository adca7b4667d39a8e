"""What is sold, as Stripe knows it: one product, its two prices, the meter of usage, and what the portal offers.

Everything is found by a name of ours (an id, a lookup key, an event's name, metadata), so that setting it up twice
makes nothing twice, and no id of Stripe's is in the code.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from stripe import Price, Product
from stripe.billing import Meter
from stripe.billing_portal import Configuration
from stripe.params import PriceCreateParamsRecurring

from perks import plans
from perks.payments.client import client, errors


class NotSetUp(LookupError):
    """Something is missing at Stripe: `manage.py stripe_setup` makes it."""


@dataclass(frozen=True)
class Item:
    """One thing of the catalogue, and what setting up did about it."""

    what: str
    id: str
    done: str


def set_up() -> Iterator[Item]:
    """Make what is missing and change what differs, saying so of each; needs a key."""
    with errors():
        product, done = _product()
        yield Item(f"product {product.name!r}", product.id, done)
        meter, done = _meter()
        yield Item(f"meter of {meter.event_name!r} events", meter.id, done)
        monthly: PriceCreateParamsRecurring = {"interval": "month"}
        metered: PriceCreateParamsRecurring = {"interval": "month", "usage_type": "metered", "meter": meter.id}
        for key, amount, recurring in (
            (plans.PLAN_PRICE, plans.PLAN_AMOUNT, monthly),
            (plans.USAGE_PRICE, plans.USAGE_AMOUNT, metered),
        ):
            price, done = _price(product, key, amount, recurring)
            yield Item(f"price {key!r}", price.id, done)
        portal, done = _portal()
        yield Item("configuration of the customer portal", portal.id, done)


def price_id(lookup_key: str) -> str:
    """Stripe's id of the price that is sold under this name now."""
    price = _price_named(lookup_key)
    if price is None:
        raise NotSetUp(f"Stripe has no active price {lookup_key!r}: run manage.py stripe_setup.")
    return price.id


def portal_configuration_id() -> str:
    """Stripe's id of our portal's configuration."""
    configuration = _portal_configuration()
    if configuration is None:
        raise NotSetUp("Stripe has no portal configuration of ours: run manage.py stripe_setup.")
    return configuration.id


def meter_id() -> str:
    """Stripe's id of the meter that counts redemptions."""
    meter = _active_meter()
    if meter is None:
        raise NotSetUp(f"Stripe has no meter of {plans.USAGE_METER!r} events: run manage.py stripe_setup.")
    return meter.id


# -- One thing each -----------------------------------------------------------------------------------------------
def _product() -> tuple[Product, str]:
    for product in client().v1.products.list(params={"ids": [plans.STANDARD_PRODUCT]}).data:
        return product, "was there"
    return (
        client().v1.products.create(
            params={
                "id": plans.STANDARD_PRODUCT,
                "name": "Citizen App, standard plan",
                "description": "As many published perks as you like; each verified redemption is charged.",
            }
        ),
        "made",
    )


def _meter() -> tuple[Meter, str]:
    if meter := _active_meter():
        return meter, "was there"
    return (
        client().v1.billing.meters.create(
            params={
                "display_name": "Verified redemptions",
                "event_name": plans.USAGE_METER,
                "default_aggregation": {"formula": "sum"},
                "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"},
                "value_settings": {"event_payload_key": "value"},
            }
        ),
        "made",
    )


def _active_meter() -> Meter | None:
    with errors():
        for meter in client().v1.billing.meters.list(params={"status": "active", "limit": 100}).auto_paging_iter():
            if meter.event_name == plans.USAGE_METER:
                return meter
    return None


def _price(product: Product, key: str, amount: int, recurring: PriceCreateParamsRecurring) -> tuple[Price, str]:
    """A price never changes at Stripe: one of another amount or currency hands its lookup key to a new one.

    Merchants who have subscribed keep what they agreed to.
    """
    currency = settings.CURRENCY.lower()
    there = _price_named(key)
    if there and (there.unit_amount, there.currency) == (amount, currency):
        return there, "was there"
    price = client().v1.prices.create(
        params={
            "product": product.id,
            "currency": currency,
            "unit_amount": amount,
            "recurring": recurring,
            "lookup_key": key,
            "transfer_lookup_key": True,
        }
    )
    return price, f"replaced {there.id}" if there else "made"


def _price_named(lookup_key: str) -> Price | None:
    with errors():
        for price in client().v1.prices.list(params={"lookup_keys": [lookup_key], "active": True}).data:
            return price
    return None


def _portal() -> tuple[Configuration, str]:
    """Card, invoices, and leaving at the end of the month that is paid."""
    if configuration := _portal_configuration():
        return configuration, "was there"
    return (
        client().v1.billing_portal.configurations.create(
            params={
                "name": "Citizen App",
                "features": {
                    "invoice_history": {"enabled": True},
                    "payment_method_update": {"enabled": True},
                    "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
                },
                "metadata": {"name": plans.PORTAL},
            }
        ),
        "made",
    )


def _portal_configuration() -> Configuration | None:
    with errors():
        listed = client().v1.billing_portal.configurations.list(params={"active": True, "limit": 100})
        for configuration in listed.auto_paging_iter():
            if getattr(configuration.metadata, "name", None) == plans.PORTAL:
                return configuration
    return None
