"""The words a perk is found by: without accents and case, so that "café" is found by "CAFE". Pure.

What is searched is folded once, when it is written; a search folds its own words the same way and asks for perks that
have, for every word, a word that begins with it.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

MOST_WORDS: Final = 8
"""Of one search; what comes after is not looked at."""
LONGEST_WORD: Final = 40

# Scripts written without spaces: every sign is a word of its own.
_UNSPACED: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
# Letters that are no letter with an accent to Unicode, as people type them who do not have them.
_PLAIN: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)


def folded(text: str) -> str:
    """Return a text without case and accents."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign)).translate(_PLAIN)


def words_of(*texts: str) -> list[str]:
    """Return the folded words of texts, each once, in their order."""
    found = (word[:LONGEST_WORD] for text in texts for word in _WORD.findall(folded(text)))
    return list(dict.fromkeys(found))


def search_text(texts: Iterable[str]) -> str:
    """Return what is kept of the texts a perk is found by: their words with single spaces between."""
    return " ".join(sorted(words_of(*texts)))


def wanted_words(query: str) -> list[str]:
    """Return the words a search asks for; none where it names none."""
    return words_of(query)[:MOST_WORDS]
