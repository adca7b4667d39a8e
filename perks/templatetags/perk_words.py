"""Perks, for templates: badges, outcomes and terms in words."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from citizen_app.web.drawings.icons import icon_svg
from perks.web import words

register = template.Library()

register.filter("perk_badge", words.perk_badge)
register.filter("outcome", words.outcome_of)
register.filter("benefit_text", words.benefit_text)
register.filter("hours_text", words.hours_text)
register.filter("limits_text", words.limits_text)
register.filter("minutes_text", words.minutes_text)


@register.filter
def redemption_badge(state: str) -> words.Badge:
    return words.badge_of(words.REDEMPTIONS, state)


@register.filter
def make_good_badge(state: str) -> words.Badge:
    return words.badge_of(words.MAKE_GOODS, state)


@register.filter
def redemption_badge_desk(state: str) -> words.Badge:
    return words.badge_of(words.REDEMPTIONS_AT_DESK, state)


@register.filter
def perk_state_badge(state: str) -> words.Badge:
    return words.badge_of(words.PERK_STATES, state)


@register.filter
def merchant_badge(state: str) -> words.Badge:
    return words.badge_of(words.MERCHANT_STATES, state)


@register.filter
def kind_word(code: str) -> str:
    return words.KINDS.get(code, words.named(code))


@register.filter
def sector_word(code: str) -> str:
    return words.SECTORS.get(code, words.named(code))


@register.filter
def release_word(code: str) -> str:
    return words.RELEASES.get(code, words.named(code))


@register.filter
def release_word_desk(code: str) -> str:
    return words.RELEASES_AT_DESK.get(code, words.named(code))


@register.simple_tag
def emblem(perk: Mapping[str, Any], state: str = "open", size: str = "") -> SafeString:
    """A perk's arch, `open` with its gold sill or `shut` in outline; `big` on its own page."""
    big = " big" if size == "big" else ""
    drawn = f'<span class="arch {state}{big}" aria-hidden="true">{icon_svg(words.emblem_icon(perk))}</span>'
    return mark_safe(drawn)  # noqa: S308 (state, size and icon are ours, never a person's text)
