"""Secrets the product must read again (an authenticator's key, a mail on its way), encrypted with a key that is not
in the database: a copy of the tables alone opens none of them."""

import base64
import os
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from citizen_app.keys import derive_key


class CannotUnseal(Exception):
    """The text was sealed with another key or for another purpose, was altered, or is too old."""


def seal(purpose: str, text: str) -> str:
    """Encrypt and authenticate `text` for one purpose (Fernet: AES-128-CBC and HMAC-SHA256)."""
    return _keys_of(purpose).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str, *, no_older_than: timedelta | None = None) -> str:
    """Return the text that was sealed for this purpose, also with the previous `SERVER_KEY`.

    Raises `CannotUnseal`.
    """
    seconds = None if no_older_than is None else int(no_older_than.total_seconds())
    try:
        return _keys_of(purpose).decrypt(sealed, ttl=seconds).decode()
    except InvalidToken as error:
        raise CannotUnseal(purpose) from error


def _keys_of(purpose: str) -> MultiFernet:
    masters = [settings.SERVER_KEY, *filter(None, [settings.SERVER_KEY_PREVIOUS])]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(derive_key(master, purpose))) for master in masters])


class ShortSeals:
    """Seals many short secrets of one purpose: thirty bytes more than the text, some microseconds each (AES-256-GCM).

    What a secret is about is sealed in: it cannot be opened as another thing's. Random nonces of 96 bits are good for
    some billions of secrets of one purpose.
    """

    _NONCE = 12

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose
        masters = [settings.SERVER_KEY, *filter(None, [settings.SERVER_KEY_PREVIOUS])]
        self._keys = [AESGCM(derive_key(master, purpose)) for master in masters]

    def seal(self, text: str, *, about: bytes) -> bytes:
        nonce = os.urandom(self._NONCE)
        return nonce + self._keys[0].encrypt(nonce, text.encode(), about)

    def unseal(self, sealed: bytes, *, about: bytes) -> str:
        """Return what was sealed about this, also with the previous `SERVER_KEY`. Raises `CannotUnseal`."""
        for key in self._keys:
            try:
                return key.decrypt(sealed[: self._NONCE], sealed[self._NONCE :], about).decode()
            except (InvalidTag, ValueError):
                continue
        raise CannotUnseal(self._purpose)
