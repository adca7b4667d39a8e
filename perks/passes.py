"""The pass a citizen's phone shows, and what a desk can read from it with both sides offline. Pure.

`CA1:<pass>.<6 digits>`. The pass is base45 (RFC 9285) of 46 bytes and their Ed25519 signature (RFC 8032):

    version 1 | key id 4 | redemption 16 | merchant 10 | perk 10 | valid until 5 (seconds since 1970, big-endian) | 64

Merchant and perk are the last ten bytes of their UUIDv7, which hold all its random bits and leave out its clock:
enough for a till to know its own, and small enough for QR version 7 at error level M. The digits are the 30-second
TOTP (RFC 6238, SHA-1) of the redemption's seed, so a picture of the screen goes stale.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import base45
import pyotp
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PREFIX: Final = "CA1:"
VERSION: Final = 1
STEP_SECONDS: Final = 30
STEPS_ACCEPTED: Final = 1
"""How many steps before and after the instant still hold: clocks differ, and people take a moment."""

_TAG_LENGTH: Final = 10
_KEY_ID_LENGTH: Final = 4
_SIGNATURE_LENGTH: Final = 64
_CLAIMS_LENGTH: Final = 1 + _KEY_ID_LENGTH + 16 + 2 * _TAG_LENGTH + 5
_PASS_LENGTH: Final = (_CLAIMS_LENGTH + _SIGNATURE_LENGTH) // 2 * 3
_SHOWN: Final = re.compile(rf"CA1:([0-9A-Z $%*+\-./:]{{{_PASS_LENGTH}}})\.([0-9]{{6}})")
_DIGITS: Final = re.compile(r"[0-9]{6}")
_SEED_DOMAIN: Final = b"citizen-app/redemption-seed/1"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class UnknownPass(Exception):
    """What was scanned is no pass of ours: not the right shape, altered, or signed by a key we don't know."""


@dataclass(frozen=True, slots=True)
class PassSigner:
    """A server's signing key and the id by which passes name it."""

    key_id: str
    private_key: Ed25519PrivateKey

    @property
    def public_key(self) -> Ed25519PublicKey:
        return self.private_key.public_key()


@dataclass(frozen=True, slots=True)
class PassClaims:
    """What a genuine pass says. Whether it still holds is judged by the reader, at the instant of the scan."""

    key_id: str
    redemption_id: UUID
    merchant_tag: bytes
    perk_tag: bytes
    valid_until: datetime
    digits: str

    def is_at(self, merchant_id: UUID) -> bool:
        """Whether it is this merchant's."""
        return self.merchant_tag == tag_of(merchant_id)

    def is_for(self, perk_id: UUID) -> bool:
        """Whether it is for this perk."""
        return self.perk_tag == tag_of(perk_id)

    def is_valid_at(self, instant: datetime) -> bool:
        """Whether its time is not over."""
        return instant < self.valid_until


def signer_from(secret: bytes) -> PassSigner:
    """Return the signing key made from a 32-byte server secret; another length raises ValueError."""
    private_key = Ed25519PrivateKey.from_private_bytes(secret)
    return PassSigner(key_id_of(private_key.public_key()), private_key)


def key_id_of(public_key: Ed25519PublicKey) -> str:
    """Return a public key's id: eight hex digits of its SHA-256."""
    return hashlib.sha256(public_key.public_bytes_raw()).digest()[:_KEY_ID_LENGTH].hex()


def keys_by_id(*public_keys: Ed25519PublicKey) -> dict[str, Ed25519PublicKey]:
    """Return the keys `read_pass` trusts: the one in use and, while rotating, the one before it."""
    return {key_id_of(key): key for key in public_keys}


def public_keys_document(*public_keys: Ed25519PublicKey) -> dict[str, Any]:
    """Return the JWK set (RFC 7517, RFC 8037) tills fetch from `/.well-known/pass-keys.json`."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "EdDSA",
                "use": "sig",
                "kid": key_id_of(key),
                "x": base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode(),
            }
            for key in public_keys
        ]
    }


def tag_of(key: UUID) -> bytes:
    """Return the ten bytes by which a pass names a merchant or a perk."""
    return key.bytes[-_TAG_LENGTH:]


def sign_pass(
    signer: PassSigner, *, redemption_id: UUID, merchant_id: UUID, perk_id: UUID, valid_until: datetime
) -> str:
    """Return the signed part of what a phone shows; the same claims always give the same text.

    `valid_until` is cut to the whole second before it, so that a pass never outlives its redemption.
    """
    claims = b"".join(
        (
            VERSION.to_bytes(1, "big"),
            bytes.fromhex(signer.key_id),
            redemption_id.bytes,
            tag_of(merchant_id),
            tag_of(perk_id),
            _seconds(valid_until).to_bytes(5, "big"),
        )
    )
    encoded: bytes = base45.b45encode(claims + signer.private_key.sign(claims))
    return encoded.decode()


def shown_pass(signed: str, digits: str) -> str:
    """Return the whole string of the QR code: the signed part and the digits of this half-minute."""
    return f"{PREFIX}{signed}.{digits}"


def read_pass(text: str, keys: Mapping[str, Ed25519PublicKey]) -> PassClaims:
    """Return what a scanned pass says, if one of `keys` (by key id) signed every bit of it.

    Anything else raises UnknownPass, and nothing says which check it failed.
    """
    shown = _SHOWN.fullmatch(text.strip())
    if shown is None:
        raise UnknownPass
    try:
        whole = base45.b45decode(shown[1])
    except ValueError:
        raise UnknownPass from None
    claims, signature = whole[:_CLAIMS_LENGTH], whole[_CLAIMS_LENGTH:]
    key_id = claims[1 : 1 + _KEY_ID_LENGTH].hex()
    key = keys.get(key_id)
    if key is None or claims[0] != VERSION:
        raise UnknownPass
    try:
        key.verify(signature, claims)
    except InvalidSignature:
        raise UnknownPass from None
    ids = claims[1 + _KEY_ID_LENGTH :]
    try:
        valid_until = _EPOCH + timedelta(seconds=int.from_bytes(ids[36:], "big"))
    except OverflowError:
        raise UnknownPass from None
    return PassClaims(
        key_id=key_id,
        redemption_id=UUID(bytes=ids[:16]),
        merchant_tag=ids[16:26],
        perk_tag=ids[26:36],
        valid_until=valid_until,
        digits=shown[2],
    )


def derive_seed(key: bytes, redemption_id: UUID) -> str:
    """Return the base32 seed (160 bits, no padding) from which phone and server make a redemption's digits."""
    digest = hmac.new(key, _SEED_DOMAIN + redemption_id.bytes, hashlib.sha256).digest()
    return base64.b32encode(digest[:20]).decode()


def digits_at(seed: str, at: datetime) -> str:
    """Return the six digits a phone shows at an instant."""
    return pyotp.TOTP(seed).generate_otp(_seconds(at) // STEP_SECONDS)


def digits_hold(seed: str, digits: str, at: datetime) -> bool:
    """Whether these digits were on the phone at `at`, or half a minute before or after."""
    if not _DIGITS.fullmatch(digits):
        return False
    step = _seconds(at) // STEP_SECONDS
    totp = pyotp.TOTP(seed)
    near = range(max(step - STEPS_ACCEPTED, 0), step + STEPS_ACCEPTED + 1)
    # All of them, whichever matches: how long it takes says nothing.
    return sum(hmac.compare_digest(totp.generate_otp(one), digits) for one in near) > 0


def _seconds(instant: datetime) -> int:
    """Whole seconds since 1970 (an aware instant; floats would round)."""
    return (instant - _EPOCH) // timedelta(seconds=1)
