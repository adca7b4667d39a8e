"""In which languages somebody wants to read a perk: what their device asks for, then their account's."""

from django.utils.translation.trans_real import parse_accept_lang_header


def wanted_languages(accepted: str, own: str = "") -> tuple[str, ...]:
    """Return language codes in the order in which they are wanted; `accepted` is an `Accept-Language` header."""
    asked = [code for code, weight in parse_accept_lang_header(accepted) if code != "*" and weight]
    return tuple(dict.fromkeys(code for code in (*asked, own.lower()) if code))
