"""A phone's passkeys in software: what WebAuthn has an authenticator and a client make, and lies they may tell."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def from_b64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Passkey:
    """One key pair on the phone: whose it is, and for which site."""

    rp_id: str
    user_handle: str
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))


@dataclass
class Phone:
    """Makes and shows passkeys from `origin`; `verifies` says whether it looks at a finger or a face."""

    origin: str = "http://localhost"
    verifies: bool = True
    framed: bool = False
    keys: list[Passkey] = field(default_factory=list)

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.create(options)`, as its `toJSON` writes it."""
        asked = options["publicKey"]
        key = Passkey(asked["rp"]["id"], asked["user"]["id"])
        self.keys.append(key)
        public = cbor.encode(dict(ES256.from_cryptography_key(key.private.public_key())))
        attested = bytes(16) + len(key.id).to_bytes(2, "big") + key.id + public
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(key.rp_id, ATTESTED) + attested}
        return {
            "type": "public-key",
            "id": b64(key.id),
            "rawId": b64(key.id),
            "clientExtensionResults": {"credProps": {"rk": True}},
            "response": {
                "clientDataJSON": b64(self._client("webauthn.create", asked["challenge"])),
                "attestationObject": b64(cbor.encode(attestation)),
                "transports": ["internal"],
            },
        }

    def show(self, options: dict[str, Any], key: Passkey | None = None) -> dict[str, Any]:
        """Answer `navigator.credentials.get(options)` with one of its keys for the site."""
        asked = options["publicKey"]
        key = key or next(key for key in self.keys if key.rp_id == asked["rpId"])
        client, data = self._client("webauthn.get", asked["challenge"]), self._data(key.rp_id)
        signature = key.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return {
            "type": "public-key",
            "id": b64(key.id),
            "rawId": b64(key.id),
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": b64(client),
                "authenticatorData": b64(data),
                "signature": b64(signature),
                "userHandle": key.user_handle,
            },
        }

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.framed}
        return json.dumps(said).encode()

    def _data(self, rp_id: str, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + bytes(4)
