"""Names that read like another's: written with letters of other alphabets, or only a slip of the pen away. Pure."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

from confusable_homoglyphs import confusables

ALIKE_FROM: Final = 0.86
"""Of two names so alike, an operator looks at both."""
_FORMS: Final = frozenset(
    [
        "ab",
        "ag",
        "bv",
        "co",
        "corp",
        "gmbh",
        "inc",
        "kg",
        "lda",
        "limited",
        "llc",
        "ltd",
        "nv",
        "plc",
        "sa",
        "sarl",
        "sas",
        "spa",
        "srl",
        "the",
    ]
)
_SHARED_FROM: Final = 0.5  # of three-letter pieces, before two names are compared letter by letter


@dataclass(frozen=True, slots=True)
class Likeness:
    """Why an operator should look twice: `mixed_alphabets`, or `like` a merchant that is known."""

    why: str
    name: str = ""


def warnings_of(name: str, known: "KnownNames") -> list[Likeness]:
    """Return what is odd about a name that asks to be let in."""
    found = [Likeness("mixed_alphabets")] if _mixes_alphabets(name) else []
    return [*found, *(Likeness("like", other) for other in known.like(name))]


class KnownNames:
    """The names that are taken, found by the pieces they are made of."""

    def __init__(self, names: Iterable[str]) -> None:
        self._plain = {name: plain(name) for name in names}
        self._with: dict[str, set[str]] = defaultdict(set)
        for name, letters in self._plain.items():
            for piece in _pieces(letters):
                self._with[piece].add(name)

    def like(self, name: str, *, most: int = 3) -> list[str]:
        """The known names that read the same or nearly so, the most alike first."""
        asked = plain(name)
        pieces = _pieces(asked)
        shared: dict[str, int] = defaultdict(int)
        for piece in pieces:
            for other in self._with.get(piece, ()):
                shared[other] += 1
        alike = []
        for other, count in shared.items():
            if count < _SHARED_FROM * max(len(pieces), len(_pieces(self._plain[other]))):
                continue
            ratio = SequenceMatcher(None, asked, self._plain[other]).ratio()
            if ratio >= ALIKE_FROM:
                alike.append((-ratio, other))
        return [other for _, other in sorted(alike)[:most]]


@lru_cache(maxsize=20_000)
def plain(name: str) -> str:
    """A name as the eye takes it in: Latin letters without accents, no legal form, no punctuation."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    latin = "".join(map(_latin, (one for one in folded if one != "." and not unicodedata.combining(one))))
    words = re.findall(r"[a-z0-9]+", latin)
    return "".join(word for word in words if word not in _FORMS) or "".join(words) or folded.strip()


@lru_cache(maxsize=5_000)
def _latin(character: str) -> str:
    """The Latin letter a character looks like, else itself."""
    if character.isascii():
        # A digit in the place of a letter reads as the letter.
        return {"0": "o", "1": "l"}.get(character, character)
    for found in confusables.is_confusable(character, greedy=True, preferred_aliases=["latin"]) or ():
        for homoglyph in found["homoglyphs"]:
            letter = str(homoglyph["c"]).casefold()
            if len(letter) == 1 and letter.isascii() and letter.isalpha():
                return letter
    return character


def _mixes_alphabets(name: str) -> bool:
    return any(bool(confusables.is_dangerous(word)) for word in name.split()) or bool(confusables.is_dangerous(name))


def _pieces(letters: str) -> frozenset[str]:
    padded = f" {letters} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))
