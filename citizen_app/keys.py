"""Secrets of this deployment that live outside the database, and the purpose-bound keys made from them.

One master secret (`SERVER_KEY`) gives every purpose its own key by HMAC-SHA256, so that a key leaked
from one place opens no other. Pure but for the file helper: no Django.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any


def derive_key(master: str, purpose: str) -> bytes:
    """Return the 32-byte key of one purpose (HKDF-Expand with one block, RFC 5869)."""
    return hmac.new(master.encode(), b"citizen-app/1/" + purpose.encode() + b"\x01", hashlib.sha256).digest()


def keyed_hash(key: bytes, text: str) -> str:
    """Return a hex digest that finds `text` again without storing it."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def secret_kept_in(path: Path) -> str:
    """Return the secret in `path`, making it on the first run (embedded default only)."""
    return _kept(path, lambda: secrets.token_urlsafe(64))


def signing_key_kept_in(path: Path) -> str:
    """Return the RSA key in `path` as PEM, making it on the first run, for deployments that are given none."""
    return _kept(path, _new_signing_key)


def push_key_kept_in(path: Path) -> str:
    """Return the P-256 key in `path` as PEM, made on the first run: what signs to push services (VAPID)."""
    return _kept(path, _new_push_key)


def pems_in(text: str) -> list[str]:
    """Return the PEM blocks of a text that holds any number of them, one after another."""
    return re.findall(r"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", text.replace("\\n", "\n"), re.DOTALL)


def _new_signing_key() -> str:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return _pem_of(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def _new_push_key() -> str:
    from cryptography.hazmat.primitives.asymmetric import ec

    return _pem_of(ec.generate_private_key(ec.SECP256R1()))


def _pem_of(key: Any) -> str:
    from cryptography.hazmat.primitives import serialization

    return str(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
    )


def _kept(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(f".{secrets.token_hex(4)}")
        made.touch(mode=0o600)
        made.write_text(make())
        try:
            # Two processes starting together must end up with one secret: the first link wins.
            path.hardlink_to(made)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text().strip()
