"""Who is at work on a till: a member types their PIN and scans until they go. Nobody signs in on a till."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from citizen_app import audit
from citizen_app.errors import FieldError, InvalidInput
from citizen_app.keys import derive_key, keyed_hash
from citizen_app.models import Citizen
from perks.errors import PinLocked, WrongPin
from perks.models import Member, MemberPin, Till, TillShift
from perks.services.tills import note_seen, token_hash

TOKEN_PREFIX: Final = "shift_"  # noqa: S105  (what a token begins with)
WRONG_PINS_PER_TILL: Final = (5, timedelta(minutes=10))
WRONG_PINS_PER_MEMBER: Final = (20, timedelta(days=1))


@dataclass(frozen=True, slots=True)
class NewShift:
    """A shift just opened, with the only sight of its token."""

    shift: TillShift
    token: str = field(repr=False)


@transaction.atomic
def set_pin(*, member: Member, pin: str, now: datetime | None = None) -> None:
    """Choose the four to eight digits one types at a till; a shift opened with the old ones ends.

    Raises `InvalidInput` for digits that somebody would try first.
    """
    now = now or timezone.now()
    if _is_tried_first(pin):
        raise InvalidInput(FieldError("/pin", "invalid", "Choose digits that are not all equal or in a row."))
    kept = {"pin_hash": make_password(_peppered(settings.SERVER_KEY, member.pk, pin)), "set_at": now, "wrong_pins": []}
    MemberPin.objects.update_or_create(member=member, defaults=kept)
    TillShift.objects.filter(member=member, ended_at=None).update(ended_at=now)
    audit.record(by=member.citizen, action="member.pin", on=member.merchant.public_id, member=member.public_id)


def open_shift(*, till: Till, member_id: str, pin: str, now: datetime | None = None) -> NewShift:
    """Let a member of the till's merchant scan on it, by their PIN, for as long as the till allows.

    Raises `WrongPin` for whoever cannot, and `PinLocked` after five wrong ones at this till in ten minutes. A try is
    counted before it is judged, in a transaction of its own: guesses at the same moment are all counted.
    """
    now = now or timezone.now()
    member = _member_of(till, member_id)
    kept = MemberPin.objects.filter(member=member).first() if member is not None else None
    _count_try(till, kept, now)
    if not _holds(kept, pin) or member is None:
        raise WrongPin
    return _open(till, member, kept, now)


@transaction.atomic
def _open(till: Till, member: Member, kept: MemberPin | None, now: datetime) -> NewShift:
    # The till's row: two PINs at the same moment are one shift after the other.
    _take_back_try(Till.objects.select_for_update(no_key=True, of=("self",)).get(pk=till.pk), now)
    if kept is not None:
        _take_back_try(MemberPin.objects.select_for_update().get(pk=kept.pk), now)
    TillShift.objects.filter(till=till, ended_at=None).update(ended_at=now)
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    shift = TillShift.objects.create(
        till=till,
        member=member,
        role=member.role,
        token_hash=token_hash(token),
        opened_at=now,
        expires_at=now + timedelta(minutes=till.shift_minutes),
    )
    audit.record(by=member.citizen, action="till.shift", on=till.public_id, shift=shift.public_id)
    return NewShift(shift, token)


@transaction.atomic
def end_shift(*, till: Till, now: datetime | None = None) -> None:
    """Go: the till scans nothing until somebody types a PIN again."""
    TillShift.objects.filter(till=till, ended_at=None).update(ended_at=now or timezone.now())


def open_shift_of(till: Till, *, now: datetime) -> TillShift | None:
    """Whose shift it is on a till, if anybody's."""
    found: TillShift | None = _lasting(now).filter(till=till).select_related("till", "member__citizen").first()
    return found


def shift_of(token: str, *, now: datetime | None = None) -> TillShift | None:
    """Return the shift a token belongs to while it lasts.

    None once it is over, its till is revoked, or its member was removed or has another role.
    """
    now = now or timezone.now()
    found: TillShift | None = (
        _lasting(now)
        .filter(token_hash=token_hash(token), till__revoked_at=None)
        .filter(Q(till__branch=None) | Q(till__branch__closed_at=None))
        .select_related("till__merchant", "till__branch", "member__citizen")
        .first()
    )
    if found is not None:
        note_seen(found.till, now)
    return found


def _lasting(now: datetime) -> QuerySet[TillShift]:
    """The shifts that last: not over, and their member is in the team in the role they came in."""
    shifts = TillShift.objects.filter(ended_at=None, expires_at__gt=now)
    return shifts.filter(role=F("member__role"), member__citizen__is_active=True)


def who_scanned(*, shift: TillShift, earlier: str | None, scanned_at: datetime | None) -> Citizen:
    """Who made a scan that is uploaded in a shift: the one of the `earlier` shift it names, on the same till.

    A scan of a shift that is unknown here, or was not running at that moment, is of the one who uploads it: nothing
    that was scanned is lost because somebody has left the team since.
    """
    own: Citizen = shift.member.citizen
    if earlier is None or scanned_at is None:
        return own
    key = TillShift.key_of(earlier)
    if key is None:
        return own
    found = TillShift.objects.select_related("member__citizen").filter(pk=key, till_id=shift.till_id).first()
    if found is None or not found.opened_at <= scanned_at <= (found.ended_at or found.expires_at):
        return own
    return found.member.citizen


def cashiers_of(till: Till) -> list[dict[str, Any]]:
    """Who can open a shift on a till: the members with a PIN, by first name."""
    members = Member.objects.filter(merchant_id=till.merchant_id, pin__isnull=False, citizen__is_active=True)
    return [
        {"id": member.public_id, "first_name": member.citizen.first_name or "No name"}
        for member in members.select_related("citizen").order_by("citizen__first_name", "pk")
    ]


def _member_of(till: Till, member_id: str) -> Member | None:
    key = Member.key_of(member_id)
    if key is None:
        return None
    found = Member.objects.select_related("citizen", "merchant").filter(pk=key, merchant_id=till.merchant_id)
    return found.filter(citizen__is_active=True).first()


@transaction.atomic
def _count_try(till: Till, kept: MemberPin | None, now: datetime) -> None:
    if not settings.RATE_LIMITS:
        return
    rows: list[tuple[Any, tuple[int, timedelta]]] = [
        (Till.objects.select_for_update(no_key=True, of=("self",)).get(pk=till.pk), WRONG_PINS_PER_TILL)
    ]
    if kept is not None:
        rows.append((MemberPin.objects.select_for_update().get(pk=kept.pk), WRONG_PINS_PER_MEMBER))
    for row, (most, window) in rows:
        recent = [at for at in row.wrong_pins if datetime.fromisoformat(at) > now - window]
        if len(recent) >= most:
            free = datetime.fromisoformat(recent[-most]) + window
            raise PinLocked(retry_after=max(1, round((free - now).total_seconds())))
        type(row).objects.filter(pk=row.pk).update(wrong_pins=[*recent, now.isoformat()])


def _take_back_try(row: Any, now: datetime) -> None:
    """A right PIN was no wrong one; those before it still count, or a right one between them would hide guesses."""
    tries = list(row.wrong_pins)
    if now.isoformat() in tries:
        tries.remove(now.isoformat())
        type(row).objects.filter(pk=row.pk).update(wrong_pins=tries)


def _holds(kept: MemberPin | None, pin: str) -> bool:
    """Whether it is their PIN; as slow for whoever has none."""
    masters = [settings.SERVER_KEY, *([settings.SERVER_KEY_PREVIOUS] if settings.SERVER_KEY_PREVIOUS else [])]
    if kept is None:
        check_password(pin, _nobodys())
        return False
    return any(check_password(_peppered(master, kept.member_id, pin), kept.pin_hash) for master in masters)


@lru_cache
def _nobodys() -> str:
    return make_password(secrets.token_urlsafe(16))


def _peppered(master: str, member_key: int, pin: str) -> str:
    """Ten thousand PINs are soon tried, so what is hashed slowly is under a key outside the database first."""
    return keyed_hash(derive_key(master, "till pin"), f"{member_key}:{pin}")


def _is_tried_first(pin: str) -> bool:
    digits = [int(digit) for digit in pin]
    steps = {(after - before) % 10 for before, after in pairwise(digits)}
    return steps <= {0} or steps <= {1} or steps <= {9}
