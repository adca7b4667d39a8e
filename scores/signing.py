"""HTTP message signatures (RFC 9421) as furnishers make them: Ed25519 over method, address and digest of the body.

The library does the arithmetic of the standard. What it leaves to whoever uses it is said here: one profile without
choices, a refusal that names what is wrong, and the cheap questions before the dear ones. No Django.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import http_sf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519

from scores.errors import DigestMismatch, SignatureExpired, SignatureInvalid, SignatureMalformed

TAG: Final = "furnisher-v1"
COVERED: Final = ("@method", "@target-uri", "content-digest")
MAX_AGE: Final = timedelta(seconds=120)
AHEAD: Final = timedelta(seconds=5)
"""How far a signer's clock may be before ours."""
SIGNATURE, SIGNATURE_INPUT, CONTENT_DIGEST = "Signature", "Signature-Input", "Content-Digest"
_FIELDS: Final = (SIGNATURE, SIGNATURE_INPUT, CONTENT_DIGEST)
_LONGEST_FIELD: Final = 4096
_LONGEST_DIGEST: Final = 400
_LONGEST_PARAMETERS: Final = 800
_NONCE: Final = re.compile(r"[A-Za-z0-9._~+/=-]{16,128}", re.ASCII)
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
# Points of small order, but for their last bit: with such a key anybody's signature is right, so it proves nothing.
_SMALL_ORDER: Final = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


class BadKey(ValueError):
    """Not a public key of Ed25519, or one that proves nothing."""


class Claim(NamedTuple):
    """What a signature says about itself, before it is known to be right."""

    label: str
    keyid: str
    created: datetime
    nonce: str


class Proof(NamedTuple):
    """A signature that is right, with all that is needed to look at it again: what is signed, and by whom, is known."""

    target_uri: str
    content_digest: str
    parameters: str
    signature: str


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A request as its signature sees it; of its headers only those that matter here."""

    method: str
    url: str
    headers: Mapping[str, str]


def is_signed(headers: Mapping[str, str]) -> bool:
    """Whether the request carries a signature, or what is left of one."""
    return SIGNATURE in headers or SIGNATURE_INPUT in headers


def message_of(method: str, url: str, headers: Mapping[str, str]) -> SignedMessage:
    """The request as it is signed; raises `SignatureMalformed` where a header of a signature is missing or too long."""
    fields = {name: headers[name] for name in _FIELDS if name in headers}
    for name in _FIELDS:
        longest = _LONGEST_DIGEST if name == CONTENT_DIGEST else _LONGEST_FIELD
        if not 0 < len(fields.get(name, "")) <= longest:
            raise SignatureMalformed(f"The header `{name}` is missing or longer than {longest} characters.")
    return SignedMessage(method, url, fields)


def claims_of(message: SignedMessage, *, most: int, now: datetime) -> list[Claim]:
    """What the signatures with our tag say of themselves, at most so many; others are not ours to judge.

    Raises `SignatureMalformed` and `SignatureExpired`: all that can be refused without a key.
    """
    inputs = _dictionary(message, SIGNATURE_INPUT)
    ours = {label: member for label, member in inputs.items() if member[1].get("tag") == TAG}
    if not ours:
        raise SignatureMalformed(f'No signature has the tag "{TAG}".')
    if len(ours) > most:
        raise SignatureMalformed(f"This address takes {most} signature{'s' * (most > 1)}.")
    claims = [_claim(label, *member) for label, member in ours.items()]
    if len({claim.keyid for claim in claims}) != len(claims):
        raise SignatureMalformed("Two signatures name the same key.")
    if "sha-256" not in _dictionary(message, CONTENT_DIGEST):
        raise SignatureMalformed("`Content-Digest` has no sha-256.")
    for claim, (_, parameters) in zip(claims, ours.values(), strict=True):
        ends = parameters.get("expires")
        too_late = type(ends) is int and ends < now.timestamp()
        if too_late or not now - MAX_AGE <= claim.created <= now + AHEAD:
            raise SignatureExpired(
                created=int(claim.created.timestamp()), now=int(now.timestamp()), max_age=int(MAX_AGE.total_seconds())
            )
    return claims


def _dictionary(message: SignedMessage, name: str) -> dict[str, tuple[Any, dict[str, Any]]]:
    try:
        parsed: Any = http_sf.parse(message.headers[name].encode(), tltype="dictionary")
    except ValueError as error:
        raise SignatureMalformed(f"The header `{name}` is no dictionary of structured fields (RFC 9651).") from error
    return dict(parsed)


def _claim(label: str, covered: Any, parameters: dict[str, Any]) -> Claim:
    if not isinstance(covered, list) or sorted(covered, key=repr) != sorted(((one, {}) for one in COVERED), key=repr):
        raise SignatureMalformed("The signature does not cover exactly what it should.")
    if type(parameters.get("created")) is not int:
        raise SignatureMalformed("The signature does not say when it was `created`, in whole seconds.")
    for name, form in (("keyid", _KEY), ("nonce", _NONCE)):
        if not (isinstance(parameters.get(name), str) and form.fullmatch(parameters[name])):
            raise SignatureMalformed(f"The signature has no `{name}`, or not one of the form that is read here.")
    if len(http_sf.ser({label: (covered, parameters)})) > _LONGEST_PARAMETERS:
        raise SignatureMalformed("The signature has too many parameters.")
    try:
        created = datetime.fromtimestamp(parameters["created"], tz=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SignatureMalformed("`created` is no moment.") from error
    return Claim(label, parameters["keyid"], created, parameters["nonce"])


class _Verifier(HTTPMessageVerifier):
    max_clock_skew = AHEAD


def verify(message: SignedMessage, claim: Claim, *, public_key: str) -> Proof:
    """Say that this key signed the method, the address and the digest, or raise `SignatureInvalid`."""
    keys = MappingKeyResolver(
        public_keys={claim.keyid: Ed25519PublicKey.from_public_bytes(raw_key(public_key))}, private_keys={}
    )
    verifier = _Verifier(signature_algorithm=ED25519, key_resolver=keys)
    try:
        (result,) = verifier.verify(
            message, max_age=MAX_AGE, expect_tag=TAG, expect_label=claim.label, require_components=COVERED
        )
    except HTTPMessageSignaturesException as error:
        raise SignatureInvalid from error
    signature = _dictionary(message, SIGNATURE)[claim.label][0]
    covered = result.covered_components
    return Proof(
        covered['"@target-uri"'],
        covered['"content-digest"'],
        covered['"@signature-params"'],
        base64.b64encode(signature).decode(),
    )


def check_digest(message: SignedMessage, body: bytes) -> None:
    """Say that the body is the one whose digest is signed, or raise `DigestMismatch`."""
    try:
        ContentDigest.verify(message.headers[CONTENT_DIGEST], body)
    except HTTPMessageSignaturesException as error:
        raise DigestMismatch from error


def signed_text(method: str, proof: Proof) -> bytes:
    """The very bytes that a kept signature signs (RFC 9421, section 2.5), to look at it again."""
    values = {"@method": method, "@target-uri": proof.target_uri, "content-digest": proof.content_digest}
    parsed: Any = http_sf.parse(b"sig=" + proof.parameters.encode(), tltype="dictionary")
    covered = [name for name, _ in parsed["sig"][0]]
    lines = [f'"{name}": {values[name]}' for name in covered]
    return "\n".join([*lines, f'"@signature-params": {proof.parameters}']).encode()


def raw_key(public_key: str) -> bytes:
    """The 32 bytes of a public key written in base64url without padding; raises `BadKey`."""
    if not _KEY.fullmatch(public_key):
        raise BadKey("Send the 32 bytes of an Ed25519 public key in base64url: 43 characters, no padding.")
    try:
        raw = base64.urlsafe_b64decode(public_key + "=")
    except binascii.Error as error:
        raise BadKey("This is not base64url.") from error
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != public_key:
        raise BadKey("This is not base64url as it is written: its last character has bits too many.")
    if raw[:-1] + bytes([raw[-1] & 0x7F]) in _SMALL_ORDER:
        raise BadKey("A signature by this key would prove nothing: it is a point of small order.")
    return raw


def thumbprint(public_key: str) -> str:
    """The id of a key, which follows from it alone (RFC 7638 with RFC 8037)."""
    jwk = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": public_key}, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(jwk.encode()).digest()).decode().rstrip("=")
