"""Codes of a merchant's own shop are money to whoever reads them: encrypted at rest, found again by a keyed hash only.

They are shown to the person who was given one and to the managers of the merchant whose list it is; no log, event,
audit row or kept answer holds one.
"""

import hmac
import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Final
from uuid import UUID

from django.conf import settings

from citizen_app.keys import derive_key
from citizen_app.sealing import ShortSeals

Line = tuple[int, str | None]
"""A line's number in its file, and its code."""

_CODES: Final = "outside codes"
_LINES: Final = "uploaded outside codes"


class ListSecrets:
    """Seals and opens what belongs to one list, and to no other."""

    def __init__(self, list_id: UUID) -> None:
        self._about = list_id.bytes
        self._codes, self._lines = ShortSeals(_CODES), ShortSeals(_LINES)
        self._key = derive_key(settings.SERVER_KEY, "outside code fingerprint")

    def seal(self, code: str) -> bytes:
        return self._codes.seal(code, about=self._about)

    def open(self, sealed: bytes | memoryview) -> str:
        return self._codes.unseal(bytes(sealed), about=self._about)

    def fingerprint(self, code: str) -> bytes:
        """What finds the code again in its list: sixteen bytes of a keyed hash."""
        return hmac.digest(self._key, self._about + code.encode(), sha256)[:16]

    def seal_lines(self, lines: Sequence[Line]) -> bytes:
        return self._lines.seal(json.dumps(lines, separators=(",", ":")), about=self._about)

    def open_lines(self, sealed: bytes | memoryview) -> list[Line]:
        return [(number, code) for number, code in json.loads(self._lines.unseal(bytes(sealed), about=self._about))]
