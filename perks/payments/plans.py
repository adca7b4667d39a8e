"""Plans at Stripe: a merchant as the platform's customer, the checkout that begins its plan, the portal beside it."""

from typing import Final

from stripe import Customer, Invoice, Subscription
from stripe.billing_portal import Session as PortalSession
from stripe.checkout import Session as CheckoutSession

from perks import plans
from perks.payments.catalogue import portal_configuration_id, price_id
from perks.payments.client import client, errors, said

ENDED_BEFORE: Final = "resource_missing"  # what Stripe answers who ends a plan that is over
MERCHANT: Final = "merchant"  # the one thing our metadata says: a merchant's public id


def create_customer(*, merchant: str, name: str, key: str) -> Customer:
    """Make a merchant (by its public id) the platform's customer."""
    with errors():
        return client().v1.customers.create(
            params={"name": name, "metadata": {MERCHANT: merchant}}, options=said(key=key)
        )


def prices_of_plan() -> dict[str, str]:
    """Stripe's ids of the two prices a plan is made of: what it costs a month, and what each redemption does."""
    return {"plan_price": price_id(plans.PLAN_PRICE), "usage_price": price_id(plans.USAGE_PRICE)}


def create_checkout(
    *, customer: str, merchant: str, plan_price: str, usage_price: str, return_url: str, key: str
) -> CheckoutSession:
    """Open the page on which a merchant subscribes. A metered item has no quantity."""
    with errors():
        return client().v1.checkout.sessions.create(
            params={
                "mode": "subscription",
                "customer": customer,
                "client_reference_id": merchant,
                "line_items": [{"price": plan_price, "quantity": 1}, {"price": usage_price}],
                "subscription_data": {"metadata": {MERCHANT: merchant}},
                "success_url": return_url,
                "cancel_url": return_url,
            },
            options=said(key=key),
        )


def read_checkout(session_id: str) -> CheckoutSession:
    with errors():
        return client().v1.checkout.sessions.retrieve(session_id)


def close_checkout(session_id: str, *, key: str) -> CheckoutSession:
    """Close a page that nobody may subscribe on any more; refused where it was paid or has closed."""
    with errors():
        return client().v1.checkout.sessions.expire(session_id, options=said(key=key))


def open_portal(*, customer: str, return_url: str) -> PortalSession:
    """Open the page on which a merchant sees its invoices, changes its card or ends its plan; for one visit."""
    configuration = portal_configuration_id()
    with errors():
        return client().v1.billing_portal.sessions.create(
            params={"customer": customer, "return_url": return_url, "configuration": configuration}
        )


def read_subscription(subscription_id: str) -> Subscription:
    with errors():
        return client().v1.subscriptions.retrieve(subscription_id)


def end_subscription(subscription_id: str) -> Subscription:
    """End a plan now: what was used is invoiced at last, and nothing after it. Ended twice is ended once: no key."""
    with errors():
        return client().v1.subscriptions.cancel(subscription_id, params={"invoice_now": True})


def subscription_of_invoice(invoice_id: str) -> str | None:
    """Which subscription an invoice is of, or None."""
    with errors():
        invoice: Invoice = client().v1.invoices.retrieve(invoice_id)
    details = invoice.parent.subscription_details if invoice.parent else None
    if details is None:
        return None
    return details.subscription if isinstance(details.subscription, str) else details.subscription.id
