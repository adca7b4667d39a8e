"""Names that people and machines see for rows: a type prefix and an opaque body, never a bare number. Pure.

UUIDv7 keys (RFC 9562) are written in Crockford base32; bigint keys of append-only rows are first spread over
64 bits by a fixed bijection, so that neighbours don't look alike. Opaque, not secret: access is checked elsewhere.
"""

import secrets
import time
from uuid import UUID

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE_OF = {character: value for value, character in enumerate(ALPHABET)}
_UUID_LENGTH, _INTEGER_LENGTH = 26, 13
_SPREAD = 0x9E3779B97F4A7C15  # odd, so multiplication modulo 2**64 can be undone
_GATHER = pow(_SPREAD, -1, 2**64)


def uuid7() -> UUID:
    """Return a new UUIDv7: 48 bits of milliseconds, then 74 random bits (RFC 9562, 5.7)."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def public_id_of(prefix: str, key: UUID | int) -> str:
    """Return `prefix_body` for a row's key."""
    if isinstance(key, UUID):
        return f"{prefix}_{_encode(key.int, _UUID_LENGTH)}"
    return f"{prefix}_{_encode(key * _SPREAD % 2**64, _INTEGER_LENGTH)}"


def uuid_of(prefix: str, public_id: object) -> UUID | None:
    """Return the UUID behind a public id, or None when it is not one of this type."""
    value = _decode(prefix, public_id, _UUID_LENGTH)
    return None if value is None or value >= 2**128 else UUID(int=value)


def integer_of(prefix: str, public_id: object) -> int | None:
    """Return the bigint behind a public id, or None when it is not one of this type."""
    value = _decode(prefix, public_id, _INTEGER_LENGTH)
    if value is None or value >= 2**64:
        return None
    key = value * _GATHER % 2**64
    return key if key < 2**63 else None


def _encode(value: int, length: int) -> str:
    return "".join(ALPHABET[value >> 5 * place & 31] for place in reversed(range(length)))


def _decode(prefix: str, public_id: object, length: int) -> int | None:
    if not isinstance(public_id, str) or not public_id.startswith(f"{prefix}_"):
        return None
    body = public_id[len(prefix) + 1 :]
    if len(body) != length or any(character not in _VALUE_OF for character in body):
        return None
    value = 0
    for character in body:
        value = value << 5 | _VALUE_OF[character]
    return value
