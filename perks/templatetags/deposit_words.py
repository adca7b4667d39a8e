"""Deposit agreements, for templates."""

from django import template

from perks.web import deposit_words
from perks.web.words import Badge, badge_of

register = template.Library()

register.filter("money_text", deposit_words.money_text)
register.filter("deposit_steps", deposit_words.steps_of)


@register.filter
def deposit_badge(state: str) -> Badge:
    return badge_of(deposit_words.STATES, state)
