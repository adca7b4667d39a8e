"""The signed head of the chain of acts, to be kept where nobody who can write to this database can.

Whoever rewrites the chain from some act on, or cuts its end off, makes it sound again, but not equal to a head that
was exported before. Signed with Ed25519 under a key made from `SERVER_KEY` (as passes are); after a rotation heads of
the key before still verify, and older ones by the public key that stands in each of them, if it was kept elsewhere.
"""

import base64
import binascii
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from citizen_app.audit_chain import Breach, ends_of_chain, hash_at
from citizen_app.keys import derive_key

TYPE: Final = "citizen-app/audit-head/1"
_MEMBERS: Final = {"type", "number", "hash", "at", "key", "signature"}


def signed_head(*, now: datetime) -> dict[str, Any]:
    """Where the chain ends now, signed; one JSON object to keep elsewhere."""
    chain = ends_of_chain()
    signer = _signer(settings.SERVER_KEY)
    head: dict[str, Any] = {
        "type": TYPE,
        "number": chain.number,
        "hash": chain.hash,
        "at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "key": _text(signer.public_key().public_bytes_raw()),
    }
    return head | {"signature": _text(signer.sign(rfc8785.dumps(head)))}


def breach_against(head: Any, *, trusted: frozenset[str] = frozenset()) -> Breach | None:
    """Why the chain is not the one a head was signed for, or None; `trusted` adds public keys kept elsewhere."""
    if not isinstance(head, dict) or set(head) != _MEMBERS or head["type"] != TYPE:
        return Breach(None, None, "the head is not one of ours.")
    number = head["number"]
    if not isinstance(number, int) or isinstance(number, bool):
        return Breach(None, None, "the head is not one of ours.")
    if head["key"] not in trusted | public_keys():
        return Breach(number, None, "the head is signed by a key that is not trusted here.")
    if not _is_signed(head):
        return Breach(number, None, "the head's signature does not hold.")
    chain = ends_of_chain()
    if number < chain.pruned_number:
        return Breach(number, None, "the head is older than what is kept: nothing can be told by it.")
    found = chain.hash if number == chain.number else hash_at(number)
    if found is None:
        return Breach(number, None, "is missing: the chain was longer when this head was signed.")
    if found != head["hash"]:
        return Breach(number, None, "is not the act this head was signed for.")
    return None


def public_keys() -> frozenset[str]:
    """The keys heads are verified with: the one in use and, while rotating, the one before it."""
    masters = filter(None, [settings.SERVER_KEY, settings.SERVER_KEY_PREVIOUS])
    return frozenset(_text(_signer(master).public_key().public_bytes_raw()) for master in masters)


def _is_signed(head: dict[str, Any]) -> bool:
    said = {name: head[name] for name in head if name != "signature"}
    try:
        key = Ed25519PublicKey.from_public_bytes(_bytes(head["key"]))
        key.verify(_bytes(head["signature"]), rfc8785.dumps(said))
    except (InvalidSignature, ValueError, TypeError, AttributeError, binascii.Error, rfc8785.CanonicalizationError):
        return False
    return True


@lru_cache(maxsize=4)
def _signer(master: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(derive_key(master, "audit head"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
