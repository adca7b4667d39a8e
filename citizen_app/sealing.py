"""Secrets the product must read again (an authenticator's key, a mail on its way), encrypted with a key that is not
in the database: a copy of the tables alone opens none of them."""

import base64
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
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
