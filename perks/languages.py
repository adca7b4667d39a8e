"""In which languages somebody wants to read a perk: what their device asks for, then their account's."""

from typing import Final

from django.utils.translation.trans_real import parse_accept_lang_header

PERK_LANGUAGES: Final = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "fi": "Finnish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "zh": "Chinese",
}
"""The languages a merchant may write a perk in, by ISO 639-1 code; the pages speak those of `settings.LANGUAGES`."""


def wanted_languages(accepted: str, own: str = "") -> tuple[str, ...]:
    """Return language codes in the order in which they are wanted; `accepted` is an `Accept-Language` header."""
    asked = [code for code, weight in parse_accept_lang_header(accepted) if code != "*" and weight]
    return tuple(dict.fromkeys(code for code in (*asked, own.lower()) if code))
