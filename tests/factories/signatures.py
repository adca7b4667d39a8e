"""A furnisher's signing of its requests, written out by hand: what the standard says, not what our library does."""

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.http import HttpResponseBase
from django.utils import timezone
from rest_framework.test import APIClient

from scores.models import Source, SourceKey
from tests.factories.scores import furnisher_client

SERVER = "http://testserver"
COVERED = ("@method", "@target-uri", "content-digest")


class Signer:
    """A key pair and how it signs; every part can be another than it should be."""

    def __init__(self, seed: bytes | None = None) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(seed) if seed else Ed25519PrivateKey.generate()
        self.public_key = base64url(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        self.keyid = base64url(sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{self.public_key}"}}'.encode()))

    def headers(self, method: str, path: str, body: bytes = b"", **other: Any) -> dict[str, str]:
        """The three headers of a signed request; `label`, `covered`, `parameters` and `digest` as it should not be."""
        label, covered = other.get("label", "sig"), other.get("covered", COVERED)
        digest = other.get("digest", f"sha-256=:{base64.b64encode(sha256(body)).decode()}:")
        parameters = {
            "created": int(timezone.now().timestamp()) + other.get("later", 0),
            "keyid": self.keyid,
            "nonce": secrets.token_urlsafe(24),
            "tag": "furnisher-v1",
        } | other.get("parameters", {})
        written = "".join(
            f";{name}={value if isinstance(value, int) else json.dumps(value)}"
            for name, value in parameters.items()
            if value is not None
        )
        signed = "(" + " ".join(f'"{name}"' for name in covered) + ")" + written
        values = {"@method": method, "@target-uri": other.get("url", SERVER + path), "content-digest": digest}
        lines = [f'"{name}": {values[name]}' for name in covered] + [f'"@signature-params": {signed}']
        signature = self.private.sign("\n".join(lines).encode())
        return {
            "Content-Digest": digest,
            "Signature-Input": f"{label}={signed}",
            "Signature": f"{label}=:{base64.b64encode(signature).decode()}:",
        }


def both(first: dict[str, str], second: dict[str, str]) -> dict[str, str]:
    """One request with two signatures over the same body."""
    joined = {name: f"{first[name]}, {second[name]}" for name in ("Signature-Input", "Signature")}
    return {"Content-Digest": first["Content-Digest"], **joined}


def key_of(source: Source, signer: Signer | None = None, **fields: Any) -> SourceKey:
    """A key in force, as its registration leaves it."""
    signer = signer or Signer()
    fields = {"registered_at": timezone.now()} | fields
    return SourceKey.objects.create(source=source, keyid=signer.keyid, public_key=signer.public_key, **fields)


class SigningServer:
    """A source's server that signs each request by its key."""

    def __init__(self, source: Source, signer: Signer | None = None) -> None:
        self.source, self.signer = source, signer or Signer()
        self.key = key_of(source, self.signer)
        self.client: APIClient = furnisher_client(source)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> HttpResponseBase:
        """Send a signed request, or one with just these `headers`; `body` is JSON, or bytes as they are."""
        raw = bytes_of(body)
        path = f"/api/v1/sources/{path}" + (f"?{urlencode(query)}" if query else "")
        headers = self.signer.headers(method, path, raw) if headers is None else headers
        return self.client.generic(method, path, raw, content_type=content_type, headers=headers)


def bytes_of(body: Any) -> bytes:
    return b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()


def sha256(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
