"""A merchant's tills: paired by a code that is shown once, known by a token of their own, revoked at once.

A till's token and a shift's are 256 random bits, so their plain hash finds them and tells nobody anything; a pairing
code is short enough to be typed, so it is kept under a server key and lives ten minutes.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from citizen_app import audit
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.keys import derive_key, keyed_hash
from citizen_app.models import Citizen
from perks import codes
from perks.errors import UnknownPairingCode
from perks.models import Branch, Merchant, Till, TillPairing, TillShift

PAIRING_LIFE: Final = timedelta(minutes=10)
PAIRING_LENGTH: Final = 8
TOKEN_PREFIX: Final = "till_"  # noqa: S105  (what a token begins with)
SHIFT_MINUTES: Final = 480
SEEN_EVERY: Final = timedelta(minutes=1)

_LOOKALIKES: Final = str.maketrans("OIL", "011")


@dataclass(frozen=True, slots=True)
class NewPairing:
    """A pairing just made, with the only sight of its code."""

    pairing: TillPairing
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewTill:
    """A till just paired, with the only sight of its token."""

    till: Till
    token: str = field(repr=False)


@transaction.atomic
def make_pairing(
    *,
    merchant: Merchant,
    by: Citizen,
    name: str,
    branch: Branch | None = None,
    shift_minutes: int = SHIFT_MINUTES,
    now: datetime | None = None,
) -> NewPairing:
    """Let one device become a till of a branch: a code for ten minutes, good once.

    Raises `InvalidInput` for a branch left out where there are several.
    """
    now = now or timezone.now()
    if branch is None:
        branch = _only_branch(merchant)
    code = "".join(secrets.choice(codes.ALPHABET) for _ in range(PAIRING_LENGTH))
    pairing = TillPairing.objects.create(
        merchant=merchant,
        branch=branch,
        name=name,
        shift_minutes=shift_minutes,
        code_hash=_code_hashes(code)[0],
        made_at=now,
        expires_at=now + PAIRING_LIFE,
    )
    audit.record(by=by, action="till.pairing", on=merchant.public_id, pairing=pairing.public_id)
    return NewPairing(pairing, f"{code[:4]}-{code[4:]}")


@transaction.atomic
def pair_till(*, code: str, name: str = "", now: datetime | None = None) -> NewTill:
    """Make the device that shows a pairing code a till; `name` is its own where it has a better one.

    Raises `UnknownPairingCode` for a wrong, used or old code, all alike.
    """
    now = now or timezone.now()
    pairing = (
        TillPairing.objects.select_related("merchant", "branch")
        .filter(code_hash__in=_code_hashes(code), used_at=None, expires_at__gt=now)
        .first()
    )
    # Two devices with one code at the same moment: the guarded update lets one in.
    if pairing is None or not TillPairing.objects.filter(pk=pairing.pk, used_at=None).update(used_at=now):
        raise UnknownPairingCode
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    till = Till.objects.create(
        merchant=pairing.merchant,
        branch=pairing.branch,
        name=name or pairing.name,
        token_hash=token_hash(token),
        shift_minutes=pairing.shift_minutes,
        paired_at=now,
        last_seen_at=now,
    )
    audit.record(by=None, action="till.pair", on=till.public_id, pairing=pairing.public_id)
    return NewTill(till, token)


@transaction.atomic
def revoke_till(*, till: Till, by: Citizen, now: datetime | None = None) -> None:
    """Take a till's access away at once: its token and any shift on it open nothing any more."""
    now = now or timezone.now()
    if Till.objects.filter(pk=till.pk, revoked_at=None).update(revoked_at=now):
        TillShift.objects.filter(till=till, ended_at=None).update(ended_at=now)
        audit.record(by=by, action="till.revoke", on=till.public_id)


def till_of(token: str, *, now: datetime | None = None) -> Till | None:
    """Return the till a token belongs to, and remember that it was seen; None for one that opens nothing."""
    now = now or timezone.now()
    found: Till | None = (
        Till.objects.select_related("merchant", "branch")
        .filter(token_hash=token_hash(token), revoked_at=None)
        # A till of a branch that has closed is over with it.
        .filter(Q(branch=None) | Q(branch__closed_at=None))
        .first()
    )
    if found is not None:
        note_seen(found, now)
    return found


def note_seen(till: Till, now: datetime) -> None:
    """Remember when a till was last here, to the minute: a busy one does not write its row with each scan."""
    if now - till.last_seen_at >= SEEN_EVERY:
        Till.objects.filter(pk=till.pk).update(last_seen_at=now)


def standing_tills(merchant: Merchant) -> Any:
    """The tills of a merchant that are not revoked."""
    return Till.objects.select_related("branch").filter(merchant=merchant, revoked_at=None)


def token_hash(token: str) -> str:
    """Return the hash under which a token of 256 random bits is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def _only_branch(merchant: Merchant) -> Branch | None:
    branches = list(Branch.objects.filter(merchant=merchant, closed_at=None)[:2])
    if len(branches) > 1:
        raise InvalidInput(FieldError("/branch", "required", "You have several branches: say where it stands."))
    return branches[0] if branches else None


def _code_hashes(code: str) -> list[str]:
    meant = "".join(letter for letter in code.upper() if letter not in " -").translate(_LOOKALIKES)
    masters = [settings.SERVER_KEY, *([settings.SERVER_KEY_PREVIOUS] if settings.SERVER_KEY_PREVIOUS else [])]
    return [keyed_hash(derive_key(master, "till pairing code"), meant) for master in masters]
