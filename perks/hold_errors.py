"""Refusals about money held on cards: what each is, and what would change it."""

from citizen_app.errors import DomainError, Kind


class AccountRefused(DomainError):
    code, kind, title = "account_refused", Kind.CONFLICT, "Stripe opens no account for this merchant."
    remedy = "Stripe does not serve every country. Waive whole deposits, or write to the platform."


class HoldPageOver(DomainError):
    code, kind = "hold_page_over", Kind.CONFLICT
    title = "The page at Stripe on which the card was asked for is over: it was used, or it has closed."
    remedy = "Read the deposit again: where nothing is held, ask for a new page, with a new key."


class HoldRefused(DomainError):
    code, kind, title = "hold_refused", Kind.CONFLICT, "Stripe opens no page to hold this on a card."
    remedy = "Tell the merchant: its account at Stripe cannot take it at the moment. Ask again later, with a new key."


class ChargeDisputed(DomainError):
    code, kind = "charge_disputed", Kind.CONFLICT
    title = "The card's owner disputes this charge at their bank, so nothing can be given back beside it."
    remedy = "Answer the dispute on your account at Stripe; the bank decides where the money goes."
