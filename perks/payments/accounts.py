"""Merchants' own accounts at Stripe: made by us, filled in and owned by them, on pages of Stripe's."""

from typing import Final

from stripe import Account, AccountLink

from perks.payments.client import client, errors, said

MERCHANT: Final = "merchant"


def create_account(*, merchant: str, country: str, key: str) -> Account:
    """Make an account that is the merchant's own: Stripe asks it who it is, bills it, and bears its losses, not we."""
    with errors():
        return client().v1.accounts.create(
            params={
                "country": country,
                "controller": {
                    "fees": {"payer": "account"},
                    "losses": {"payments": "stripe"},
                    "requirement_collection": "stripe",
                    "stripe_dashboard": {"type": "full"},
                },
                "capabilities": {"card_payments": {"requested": True}},
                "metadata": {MERCHANT: merchant},
            },
            options=said(key=key),
        )


def read_account(account_id: str) -> Account:
    with errors():
        return client().v1.accounts.retrieve(account_id)


def open_onboarding(*, account: str, return_url: str) -> AccountLink:
    """Open the pages on which a merchant tells Stripe who it is; for one visit, so the address is not kept."""
    with errors():
        return client().v1.account_links.create(
            params={
                "account": account,
                "type": "account_onboarding",
                "refresh_url": return_url,
                "return_url": return_url,
            }
        )


def due_of(account: Account) -> list[str]:
    """What Stripe wants to know before the account may go on charging, by Stripe's names."""
    asked = account.requirements
    return [] if asked is None else sorted({*(asked.past_due or ()), *(asked.currently_due or ())})
