"""Addresses of furnishers: a token says who calls, a signature says who sent this and that it is unchanged.

What changes something (POST, PATCH, DELETE) must be signed unless `SOURCE_SIGNATURES=optional`; what only reads need
not be. A signature that is there must be right everywhere. Questions are asked in the order of their cost: what the
headers say, then the key (one query), then the signature, and only then is the body read, once, and the nonce used up.
"""

from collections.abc import Mapping
from typing import IO, Any, ClassVar, cast

from django.conf import settings
from django.utils import timezone
from rest_framework.request import Request

from citizen_app.api.parsers import MEBIBYTE, read_within
from citizen_app.api.permissions import MachineWith, client_of
from citizen_app.api.views import ApiView
from scores import signing
from scores.api import callers
from scores.errors import SignatureKeyUnknown, SignatureMissing
from scores.models import Source, SourceKey
from scores.services.furnishers import SCOPE
from scores.services.signatures import Signature, live_keys, use_once

SIGNED_METHODS = ("POST", "PATCH", "DELETE")
HEADERS = {
    "Content-Digest": "`sha-256=:…:` of the body's bytes (RFC 9530); of no body, that of no bytes.",
    "Signature-Input": '`sig=("@method" "@target-uri" "content-digest");created=…;keyid="…";nonce="…";'
    'tag="furnisher-v1"` (RFC 9421): at most 120 seconds old, the nonce never used before.',
    "Signature": "`sig=:…:`, by Ed25519. Required unless the deployment says `SOURCE_SIGNATURES=optional`.",
}


class SourceApiView(ApiView):
    """Called by a source's client. `signatures` are those of the request, found right and used up."""

    permission_classes = [MachineWith(SCOPE)]
    most_signatures: ClassVar[int] = 1
    signatures: list[Signature]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.signatures = []
        if signing.is_signed(request.headers):
            self.signatures = self._signatures_of(request)
        elif self.must_be_signed(request):
            raise SignatureMissing

    def must_be_signed(self, request: Request) -> bool:
        return settings.SOURCE_SIGNATURES == "required" and request.method in SIGNED_METHODS

    @property
    def signature(self) -> Signature | None:
        """The one signature of the request, where it is signed."""
        return self.signatures[0] if self.signatures else None

    def source(self, request: Request) -> Source:
        """The source whose client is calling."""
        return self.signatures[0].key.source if self.signatures else callers.source_of(request)

    @classmethod
    def headers_for(cls, method: str) -> Mapping[str, str]:
        return HEADERS if method in SIGNED_METHODS else {}

    def _signatures_of(self, request: Request) -> list[Signature]:
        now, raw = timezone.now(), request._request
        address = f"{raw.scheme}://{raw.get_host()}{raw.get_full_path()}"
        message = signing.message_of(raw.method or "", address, request.headers)
        claims = signing.claims_of(message, most=self.most_signatures, now=now)
        keys = self.keys_named(request, message, [claim.keyid for claim in claims])
        if any(claim.keyid not in keys for claim in claims):
            raise SignatureKeyUnknown
        proofs = [signing.verify(message, claim, public_key=keys[claim.keyid].public_key) for claim in claims]
        signing.check_digest(message, self.body_of(request))
        found = [Signature(keys[claim.keyid], claim, proof) for claim, proof in zip(claims, proofs, strict=True)]
        for signature in found:
            if not signature.key._state.adding:
                use_once(signature, now=now)
        return found

    def keys_named(self, request: Request, message: signing.SignedMessage, keyids: list[str]) -> dict[str, SourceKey]:
        """The keys a request may be signed with: those of the calling client that are in force."""
        return live_keys(client=client_of(request), keyids=keyids)

    def body_of(self, request: Request) -> bytes:
        """The body, read once and within the bounds of this address; what parses it is given the same bytes."""
        raw = request._request
        if not hasattr(raw, "_body"):
            most = max((getattr(parser, "most_bytes", MEBIBYTE) for parser in self.parser_classes), default=MEBIBYTE)
            raw._body = read_within(cast(IO[Any], raw), most, {"request": request})
        body: bytes = raw._body
        return body
