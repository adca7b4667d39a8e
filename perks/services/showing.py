"""What a citizen shows at a desk: code, pass and digits, derived from the redemption's id whenever they are needed.

Nothing of it is stored: not in a row, not in a log, not in a kept answer. While `SERVER_KEY` is being rotated, what was
made under the previous one is still read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from citizen_app.keys import derive_key, keyed_hash
from perks import codes, passes
from perks.models import Redemption


@dataclass(frozen=True, slots=True)
class Shown:
    """The secrets of one open redemption, for its citizen alone."""

    code: str
    signed: str
    seed: str


def secrets_of(redemption: Redemption) -> Shown:
    """Return what the citizen's phone needs to show this redemption, online and offline."""
    master, code = _code_and_master(redemption)
    signed = passes.sign_pass(
        _signer(settings.SERVER_KEY),
        redemption_id=redemption.pk,
        merchant_id=redemption.merchant_id,
        perk_id=redemption.perk_id,
        valid_until=redemption.expires_at,
    )
    return Shown(codes.format_code(code), signed, _seed(master, redemption))


def shown_pass(redemption: Redemption, *, at: datetime) -> str:
    """Return the whole `CA1:…` string of the half-minute that `at` lies in."""
    shown = secrets_of(redemption)
    return passes.shown_pass(shown.signed, passes.digits_at(shown.seed, at))


def new_code_hash(redemption: Redemption) -> str:
    """Return the hash under which a new redemption's code is found (its id and attempt decide the code)."""
    return _hash(settings.SERVER_KEY, _code(settings.SERVER_KEY, redemption))


def hashes_of(typed: str) -> list[str]:
    """Return the hashes a typed code may be stored under; none when the text cannot be a code."""
    code = codes.normalise(typed)
    return [] if code is None else [_hash(master, code) for master in _masters()]


def read_shown(text: str) -> passes.PassClaims | None:
    """Return what a scanned pass says, or None when it is not one of ours."""
    try:
        return passes.read_pass(text, passes.keys_by_id(*public_keys()))
    except passes.UnknownPass:
        return None


def digits_hold(redemption: Redemption, digits: str, *, at: datetime) -> bool:
    """Whether these six digits were on the citizen's phone at `at`, give or take half a minute."""
    return any(passes.digits_hold(_seed(master, redemption), digits, at) for master in _masters())


def public_keys() -> list[Ed25519PublicKey]:
    """The keys tills verify passes with: the one in use and, while rotating, the one before it."""
    return [_signer(master).public_key for master in _masters()]


def scan_fingerprint(*said: Any) -> str:
    """Return the keyed hash of a scan's body, so that the same nonce can be held to the same scan."""
    return keyed_hash(derive_key(settings.SERVER_KEY, "scan fingerprint"), repr(said))


def _masters() -> Iterator[str]:
    yield settings.SERVER_KEY
    if settings.SERVER_KEY_PREVIOUS:
        yield settings.SERVER_KEY_PREVIOUS


def _code_and_master(redemption: Redemption) -> tuple[str, str]:
    for master in _masters():
        code = _code(master, redemption)
        if _hash(master, code) == redemption.code_hash:
            return master, code
    # Taken under a key that is gone: its pass still opens the door, its typed code no longer does.
    return settings.SERVER_KEY, _code(settings.SERVER_KEY, redemption)


def _code(master: str, redemption: Redemption) -> str:
    return codes.derive_code(derive_key(master, "redemption code"), redemption.pk, redemption.code_attempt)


def _hash(master: str, code: str) -> str:
    return codes.hash_code(derive_key(master, "redemption code hash"), code)


def _seed(master: str, redemption: Redemption) -> str:
    return passes.derive_seed(derive_key(master, "redemption seed"), redemption.pk)


@lru_cache(maxsize=4)
def _signer(master: str) -> passes.PassSigner:
    return passes.signer_from(derive_key(master, "pass signature"))
