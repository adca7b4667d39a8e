"""Deposit agreements, for templates."""

from django import template

from perks.web import deposit_words
from perks.web.words import Badge, badge_of

register = template.Library()

register.filter("money_text", deposit_words.money_text)
register.filter("charged_words", deposit_words.charged_words)
register.filter("agreement_badge", deposit_words.badge_of_agreement)
register.filter("deposit_steps", deposit_words.steps_of)


@register.filter
def hold_badge(state: str) -> Badge:
    return badge_of(deposit_words.HOLDS, state)


@register.filter
def refund_badge(state: str) -> Badge:
    return badge_of(deposit_words.REFUNDS, state)


@register.filter
def held_to_guest(state: str) -> str:
    return deposit_words.HELD_TO_GUEST[state]


@register.filter
def held_to_desk(state: str) -> str:
    return deposit_words.HELD_TO_DESK[state]


@register.filter
def dispute_words(status: str) -> str:
    """A dispute's status in words; one that Stripe adds later by its own name."""
    return deposit_words.DISPUTES.get(status, status)


@register.filter
def deposit_badge(state: str) -> Badge:
    return badge_of(deposit_words.STATES, state)
