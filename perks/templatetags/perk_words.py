"""Perks, for templates: badges, outcomes and terms in words."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from citizen_app.web.drawings.icons import icon_svg
from perks.money import written
from perks.web import held_words, words

register = template.Library()

register.filter("perk_badge", words.perk_badge)
register.filter("standing_badge", words.standing_badge)
register.filter("record_word", words.record_word)
register.filter("outcome", words.outcome_of)
register.filter("benefit_text", words.benefit_text)
register.filter("hours_text", words.hours_text)
register.filter("limits_text", words.limits_text)
register.filter("minutes_text", words.minutes_text)
register.filter("held_badge", held_words.held_badge)
register.filter("money", words.money_words)
register.filter("movement_word", words.movement_word)


@register.filter
def redemption_badge(state: str) -> words.Badge:
    return words.badge_of(held_words.REDEMPTIONS, state)


@register.filter
def case_badge(state: str) -> words.Badge:
    return words.badge_of(words.CASES, state)


@register.filter
def scope_words(codes: list[str]) -> list[str]:
    """What a client may do, or asks people for, in words."""
    return [words.SCOPES.get(code, words.named(code)) for code in codes]


@register.filter
def ground_word(code: str) -> str:
    return words.GROUNDS.get(code, words.named(code))


@register.filter
def gift_card_badge(state: str) -> words.Badge:
    return words.badge_of(held_words.GIFT_CARDS, state)


@register.filter
def make_good_badge(state: str) -> words.Badge:
    return words.badge_of(words.MAKE_GOODS, state)


@register.filter
def redemption_badge_desk(state: str) -> words.Badge:
    return words.badge_of(held_words.REDEMPTIONS_AT_DESK, state)


@register.filter
def desk_badge(redemption: Mapping[str, Any]) -> words.Badge:
    return held_words.desk_badge(redemption)


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
def language_word(code: str) -> str:
    return words.language_word(code)


@register.filter
def name_word(code: str) -> str:
    return words.named(code)


@register.filter
def budget_text(budget: dict[str, Any]) -> str:
    return f"{written(budget)} {budget['currency']}"


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
