"""A perk's words in other languages: what may be written, what of it binds, and which of it a person reads. Pure.

A translation is read as a whole or not at all: while a part of what binds has none in a language, people read all of
the original, so that nobody is bound by words beside which another language's stand.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from citizen_app.errors import FieldError

WORDING: Final = ("title", "description")
BINDING: Final = ("terms", "fair_terms")
MEMBERS: Final = (*WORDING, *BINDING)
LONGEST: Final[Mapping[str, int]] = {"title": 120, "description": 4000, "terms": 8000, "fair_terms": 4000}

Translations = Mapping[str, Mapping[str, str]]


def check_translations(raw: object, *, language: object, known: Iterable[str]) -> Iterator[FieldError]:
    """Yield what is wrong with the translations of a perk whose own words are in `language`."""
    codes = tuple(known)
    if language not in codes:
        yield FieldError("/language", "invalid", f"One of {', '.join(codes)}.")
    if not isinstance(raw, Mapping):
        yield FieldError("/translations", "invalid", 'Send an object such as {"de": {"title": "…"}}.')
        return
    for code, texts in raw.items():
        here = f"/translations/{str(code).replace('~', '~0').replace('/', '~1')}"
        if code not in codes:
            yield FieldError(here, "unknown_field", f"A language is one of {', '.join(codes)}.")
        elif code == language:
            yield FieldError(here, "invalid", "The perk's own words are in this language already.")
        elif not isinstance(texts, Mapping):
            yield FieldError(here, "invalid", f"Send an object of {', '.join(MEMBERS)}.")
        else:
            yield from _check_texts(texts, here)


def _check_texts(texts: Mapping[Any, Any], here: str) -> Iterator[FieldError]:
    for name, text in texts.items():
        place = f"{here}/{str(name).replace('~', '~0').replace('/', '~1')}"
        if name not in MEMBERS:
            yield FieldError(place, "unknown_field", f"Only {', '.join(MEMBERS)} are translated.")
        elif not isinstance(text, str) or "\x00" in text:
            yield FieldError(place, "invalid", "A text.")
        elif len(text.strip()) > LONGEST[name]:
            yield FieldError(place, "too_long", f"At most {LONGEST[name]} characters.")
    title = texts.get("title")
    if title is None or (isinstance(title, str) and not title.strip()):
        yield FieldError(f"{here}/title", "required", "What the perk is called in this language.")


def complete(raw: Translations) -> dict[str, dict[str, str]]:
    """Return checked translations with every member, trimmed, in one order."""
    return {code: {name: raw[code].get(name, "").strip() for name in MEMBERS} for code in sorted(raw)}


def part(translations: Translations, members: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return only these members of each language, where any of them says something."""
    parts = {code: {name: texts.get(name, "") for name in members} for code, texts in translations.items()}
    return {code: texts for code, texts in sorted(parts.items()) if any(texts.values())}


def with_new_wording(in_force: Translations, written: Translations) -> dict[str, dict[str, str]]:
    """Return the translations in force with the wording just written; what binds, and a language that is to go while
    it binds somebody, stays until it is approved."""
    bound = part(in_force, BINDING)
    kept = {code: dict(in_force[code]) for code in bound if code not in written}
    return complete(
        kept | {code: {**texts, **bound.get(code, dict.fromkeys(BINDING, ""))} for code, texts in written.items()}
    )


def read_in(
    original: Mapping[str, str], language: str, translations: Translations, wanted: Sequence[str]
) -> tuple[str, Mapping[str, str]]:
    """Return the language a person reads a perk in, and its texts: the first they want that it is whole in."""
    for asked in wanted:
        for code in dict.fromkeys((asked, asked.partition("-")[0])):
            if code == language:
                return language, original
            texts = translations.get(code)
            if texts is not None and all(texts.get(name) for name in MEMBERS if original.get(name)):
                return code, texts
    return language, original
