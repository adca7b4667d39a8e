"""Where an identity document is looked at: by an operator here, or by a provider that is plugged in.

`settings.DOCUMENT_CHECK` names the class. A provider is one class with two methods and no more: where to send the
citizen, and how to read what it answers. Whoever it is learns a random token and nothing about the person, and gives
back over 18 or not and a stable reference; what follows from that is `scores.services.documents`.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlencode

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

from scores.errors import AnswerNotGenuine

SHORTEST_SECRET: Final = 32


class CheckResult(NamedTuple):
    """What a check says: of whom (the visit's token), of age or not, and the person's stable reference."""

    visit: str
    over_18: bool
    reference: str


class DocumentCheck(Protocol):
    """A way to have a document checked."""

    def start(self, *, visit: str) -> str | None:
        """The address at which the citizen is checked, under the token of their visit; None: in person, with us."""

    def result(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> CheckResult:
        """Read what the check sends back. Raises `AnswerNotGenuine` for anything it did not send just now."""


def document_check() -> DocumentCheck:
    """The check of this deployment."""
    return _made(settings.DOCUMENT_CHECK)


@cache
def _made(path: str) -> DocumentCheck:
    check: DocumentCheck = import_string(path)()
    return check


@register(Tags.security)
def the_check_can_be_trusted(**_options: Any) -> list[CheckMessage]:
    """Whoever can sign an answer says who a person is: that takes a secret nobody guesses, and an address."""
    try:
        signed = isinstance(document_check(), SignedCallback)
    except ImportError as error:
        return [Error(f"DOCUMENT_CHECK names no class: {error}", id="scores.E001")]
    if signed and not (settings.DOCUMENT_CHECK_URL and len(settings.DOCUMENT_CHECK_SECRET) >= SHORTEST_SECRET):
        hint = f"Set DOCUMENT_CHECK_URL, and DOCUMENT_CHECK_SECRET to {SHORTEST_SECRET} characters or more."
        return [Error("The document check's answers could be forged.", hint=hint, id="scores.E002")]
    return []


class AtTheDesk:
    """The embedded default: an operator looks at the document and fills in the form of the back office."""

    def start(self, *, visit: str) -> None:
        return None

    def result(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> CheckResult:
        raise AnswerNotGenuine


class SignedCallback:
    """A provider with a page of its own that answers by a signed message (Standard Webhooks, HMAC-SHA256).

    `DOCUMENT_CHECK_URL` is its page, which gets `?visit=`; `DOCUMENT_CHECK_SECRET` is shared with it. It posts
    `{"visit", "over_18", "reference"}` to `/webhooks/document-check`, signed over id, time and body.
    """

    FRESH: Final = timedelta(minutes=5)
    LONGEST: Final = 4096
    _FIELDS: Final = {"visit": str, "over_18": bool, "reference": str}
    _REFERENCE: Final = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)

    def start(self, *, visit: str) -> str:
        where: str = settings.DOCUMENT_CHECK_URL
        return f"{where}{'&' if '?' in where else '?'}{urlencode({'visit': visit})}"

    def result(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> CheckResult:
        if len(body) > self.LONGEST or not self._is_signed(headers, body, now):
            raise AnswerNotGenuine
        return CheckResult(**self._read(body))

    def _is_signed(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        name, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not re.fullmatch(r"[0-9]{1,12}", moment, re.ASCII) or not settings.DOCUMENT_CHECK_SECRET:
            return False
        if abs(now.timestamp() - int(moment)) > self.FRESH.total_seconds():
            return False
        expected = self.signature(name=name, moment=int(moment), body=body)
        return any(_same(expected, sent) for sent in headers.get("webhook-signature", "").split(" "))

    @staticmethod
    def signature(*, name: str, moment: int, body: bytes) -> str:
        """The one right signature of a message, as its header carries it (`v1,` and base64)."""
        key = settings.DOCUMENT_CHECK_SECRET.encode()
        digest = hmac.digest(key, b".".join([name.encode(), str(moment).encode(), body]), "sha256")
        return f"v1,{base64.b64encode(digest).decode()}"

    def _read(self, body: bytes) -> dict[str, Any]:
        try:
            said = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise AnswerNotGenuine from error
        if not isinstance(said, dict) or {name: type(value) for name, value in said.items()} != self._FIELDS:
            raise AnswerNotGenuine
        if not self._REFERENCE.fullmatch(said["reference"]):
            raise AnswerNotGenuine
        return said


def _same(expected: str, sent: str) -> bool:
    """Compared as bytes and in constant time: a header may hold anything."""
    return hmac.compare_digest(expected.encode(), sent.encode(errors="surrogateescape"))
