"""The typed code of a redemption: what a citizen reads out when the picture cannot be scanned. Pure.

Nine characters of Crockford base32 (45 bits) and a check character (Luhn mod 32), shown `XXXXX-XXXXX`. Nobody stores a
code: it is derived from the redemption's id under a server key whenever its citizen looks, and found by a keyed hash.
"""

import hashlib
import hmac
from typing import Final
from uuid import UUID

from citizen_app.keys import keyed_hash

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O or U."""
BODY_LENGTH: Final = 9
LENGTH: Final = BODY_LENGTH + 1
BITS: Final = 5 * BODY_LENGTH
LAST_ATTEMPT: Final = 0xFFFF

_VALUE_OF: Final = {character: value for value, character in enumerate(ALPHABET)}
_LOOKALIKES: Final = str.maketrans("OIL", "011")
# What people and keyboards put between the groups: hyphens, the dashes they are corrected into, a minus sign.
_HYPHENS: Final = frozenset("-\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
_LONGEST_TEXT: Final = 64
_DOMAIN: Final = b"citizen-app/redemption-code/1"


def derive_code(key: bytes, redemption_id: UUID, attempt: int) -> str:
    """Return the ten characters of a redemption's code, always the same ones.

    `attempt` (0..65535) gives another code where the one before it is already taken: 45 bits may collide.
    """
    if not 0 <= attempt <= LAST_ATTEMPT:
        raise ValueError(f"An attempt is 0 to {LAST_ATTEMPT}, not {attempt}.")
    message = _DOMAIN + redemption_id.bytes + attempt.to_bytes(2, "big")
    digest = hmac.new(key, message, hashlib.sha256).digest()
    number = int.from_bytes(digest[:8], "big") >> 64 - BITS
    body = "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(BODY_LENGTH)))
    return body + check_character(body)


def check_character(body: str) -> str:
    """Return the character that makes `body` pass Luhn's test modulo 32."""
    return ALPHABET[-_luhn_sum(body, doubled_first=True) % 32]


def normalise(text: str) -> str | None:
    """Return the ten characters somebody meant, or None if this cannot be a code.

    Case, spaces and hyphens don't matter; O is read as 0, I and L as 1. A code with a wrong check character is None:
    every single wrong character is caught, and every swap of neighbours but 0 with Z.
    """
    if len(text) > _LONGEST_TEXT:
        return None
    meant = "".join(character for character in text if not character.isspace() and character not in _HYPHENS)
    # Before upper(): some letters outside ASCII have an ASCII capital.
    if len(meant) != LENGTH or not meant.isascii():
        return None
    code = meant.upper().translate(_LOOKALIKES)
    if any(character not in _VALUE_OF for character in code):
        return None
    return code if _luhn_sum(code, doubled_first=False) % 32 == 0 else None


def format_code(code: str) -> str:
    """Return a code as it is shown: `XXXXX-XXXXX`."""
    return f"{code[:5]}-{code[5:]}"


def hash_code(key: bytes, code: str) -> str:
    """Return the hex digest by which a code (normalised) is found without being stored."""
    return keyed_hash(key, code)


def _luhn_sum(characters: str, *, doubled_first: bool) -> int:
    """Sum from the right, every other value doubled and its base-32 digits added up (ISO/IEC 7812-1, at base 32)."""
    total = 0
    doubled = doubled_first
    for character in reversed(characters):
        value = _VALUE_OF[character]
        if doubled:
            value = sum(divmod(2 * value, 32))
        total += value
        doubled = not doubled
    return total
