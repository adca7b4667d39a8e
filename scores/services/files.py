"""A person's file for an operator: one at a time, by exact address or id, with a reason its citizen reads (P9).

There is a file of whoever is enrolled, and of nobody else: only they have a list on which to read that it was opened.
It holds no score and nothing a score could be told from (P4), whichever role reads it.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from citizen_app.accounts.operators import RoleRequired, is_operator, role_among
from citizen_app.audit import record
from citizen_app.db import violated
from citizen_app.errors import NotFound, WrongState
from citizen_app.models import Citizen, OperatorRole
from citizen_app.public_ids import uuid_of
from scores.errors import AllowanceWaits, FileClosed, FileLimitReached, NotEnrolled, OwnFile, SecondOperatorNeeded
from scores.models import Enrolment, FileAllowance, FileDay, FileOpening, FileUnmasking, Vouch
from scores.services.identity import tell_file_opened

Role = OperatorRole.Role
STAYS_OPEN: Final = timedelta(minutes=30)
MORE_BY_ALLOWANCE: Final = 10
OPENINGS_KEPT: Final = timedelta(days=30)

# What each role may see in full, and only by saying so. Publishing scorecards needs nobody's file.
MASKED: Final[Mapping[str, tuple[str, ...]]] = {
    Role.SUPPORT: ("name", "email", "document"),
    Role.DISPUTES: ("name", "email"),
    Role.MERCHANTS: ("name",),
}
FILE_ROLES: Final = frozenset(MASKED)
_SHOWN: Final = {
    "name": "Your first name, shown in full",
    "email": "Your e-mail address, shown in full",
    "document": "Whether your document was checked, and when",
}


@transaction.atomic
def open_file_of(
    *, person: str, role: str, reason: str, note: str, by: Citizen, now: datetime | None = None
) -> FileOpening | None:
    """Let an operator read the file of whoever has exactly this e-mail address, phone number or id, for half an hour.

    Their former file closes. None where nobody enrolled has it, whether or not there is an account: that counts as a
    look-up, too. The citizen reads at once who opened it, as what, and why. Raises `RoleRequired`, `OwnFile` and, for
    any address alike, `FileLimitReached`.
    """
    now = now or timezone.now()
    if role not in FILE_ROLES or not is_operator(by, role):
        raise RoleRequired
    # The citizen first, as everywhere: who leaves at this moment takes openings of theirs along.
    enrolment = _found(person.strip())
    if enrolment is not None and _is_too_close(enrolment.pk, by):
        raise OwnFile
    _count_one_more(by, now=now)
    _open_of(by).update(closed_at=now)
    if enrolment is None:
        record(by=by, action="file.not_found", on=by.public_id, role=role, reason=reason)
        return None
    opening = FileOpening.objects.create(
        operator=by,
        enrolment=enrolment,
        role=role,
        reason=reason,
        note=note,
        opened_at=now,
        expires_at=now + STAYS_OPEN,
    )
    _tell(opening, about="Your file", now=now)
    record(by=by, action="file.open", on=enrolment.citizen.public_id, role=role, reason=reason)
    return opening


def _found(person: str) -> Enrolment | None:
    """The enrolment of this exact address, number or id, held; None for everything else, a part of one included."""
    key = uuid_of(Citizen.prefix, person)
    people = Citizen.objects.annotate(address=Lower("email"))
    # One statement either way, so that no form of a wrong name takes another time than the rest.
    if key is not None:
        found = people.filter(uuid=key)
    elif person.startswith("+"):
        found = people.filter(phone__number="".join(person.replace("\x00", "").split()))
    else:
        found = people.filter(address=person.replace("\x00", "").lower())
    citizen_id = found.values_list("pk", flat=True).first()
    try:
        return Enrolment.objects.locked(citizen_id or 0)
    except NotEnrolled:
        return None


def _is_too_close(citizen_id: int, by: Citizen) -> bool:
    return citizen_id == by.pk or Vouch.objects.of(by.pk).of(citizen_id).exists()


def _count_one_more(by: Citizen, *, now: datetime) -> None:
    """Take one of today's look-ups. The row is held until the end, so an operator's openings follow one another."""
    today, _ = FileDay.objects.get_or_create(operator=by, day=_day(now))
    if not FileDay.objects.filter(pk=today.pk, count__lt=F("limit")).update(count=F("count") + 1):
        raise FileLimitReached(limit=today.limit)


def _open_of(by: Citizen) -> QuerySet[FileOpening]:
    return FileOpening.objects.filter(operator=by, closed_at=None)


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()


def _tell(opening: FileOpening, *, about: str, now: datetime) -> None:
    tell_file_opened(
        citizen=opening.enrolment.citizen,
        by=opening.operator,
        role=opening.role,
        about=about,
        reason=opening.reason_text,
        now=now,
    )


def opened_file(*, opening_id: str, by: Citizen, now: datetime | None = None) -> FileOpening:
    """The operator's own opening while it lasts. Raises `NotFound`, `FileClosed`, and `RoleRequired` once the role
    it was opened as is no longer theirs."""
    now = now or timezone.now()
    of_reader = FileOpening.objects.filter(operator=by).select_related("operator", "enrolment__citizen")
    opening: FileOpening = of_reader.named(opening_id)
    if opening.closed_at is not None or opening.expires_at <= now:
        raise FileClosed
    if not is_operator(by, opening.role):
        raise RoleRequired
    return opening


def file_open_now(*, by: Citizen, now: datetime | None = None) -> FileOpening | None:
    """The one file an operator has open, if any."""
    now = now or timezone.now()
    return _open_of(by).filter(expires_at__gt=now).first()


@transaction.atomic
def unmask_field(*, opening_id: str, field: str, by: Citizen, now: datetime | None = None) -> None:
    """Show a masked field of an opened file in full, for as long as it is open; its citizen reads that. Safe twice.

    Raises what `opened_file` raises, and `NotFound` for a field that the role never sees.
    """
    now = now or timezone.now()
    opening = opened_file(opening_id=opening_id, by=by, now=now)
    if field not in MASKED[opening.role]:
        raise NotFound
    # Who leaves at this moment takes the opening along.
    if not Enrolment.objects.staying([opening.enrolment_id]):
        raise FileClosed
    _, is_new = FileUnmasking.objects.get_or_create(opening=opening, field=field, defaults={"at": now})
    if is_new:
        _tell(opening, about=_SHOWN[field], now=now)
        record(by=by, action="file.unmask", on=opening.enrolment.citizen.public_id, field=field)


@transaction.atomic
def close_file(*, opening_id: str, by: Citizen, now: datetime | None = None) -> None:
    """Close an opened file before its time. Safe twice."""
    opening = FileOpening.objects.filter(operator=by).named(opening_id)
    _open_of(by).filter(pk=opening.pk).update(closed_at=now or timezone.now())


# -- More in a day than one may alone -------------------------------------------------------------------------------


@transaction.atomic
def ask_for_more(*, reason: str, by: Citizen, now: datetime | None = None) -> FileAllowance:
    """Ask another operator for more look-ups today. Raises `RoleRequired`, and `AllowanceWaits` where one waits."""
    now = now or timezone.now()
    _require_file_role(by)
    try:
        with transaction.atomic():
            asked = FileAllowance.objects.create(operator=by, day=_day(now), reason=reason, asked_at=now)
    except IntegrityError as error:
        if violated(error) == "file_allowance_waits_once":
            raise AllowanceWaits from error
        raise
    record(by=by, action="file.ask_for_more", on=asked.public_id)
    return asked


@transaction.atomic
def decide_allowance(*, allowance_id: str, is_granted: bool, by: Citizen, now: datetime | None = None) -> FileAllowance:
    """Allow another operator ten more look-ups today, or not. It lasts for the day it was asked on.

    Raises `NotFound`, `RoleRequired`, `SecondOperatorNeeded` for one's own, and `WrongState` for what is decided or
    of an earlier day.
    """
    now = now or timezone.now()
    _require_file_role(by)
    asked: FileAllowance = FileAllowance.objects.select_related("operator").named(allowance_id)
    if asked.operator_id == by.pk:
        raise SecondOperatorNeeded
    waiting = FileAllowance.objects.filter(pk=asked.pk, decided_at=None, day=_day(now))
    if not waiting.update(decided_by=by, decided_at=now, is_granted=is_granted):
        raise WrongState
    if is_granted:
        today, _ = FileDay.objects.get_or_create(operator=asked.operator, day=asked.day)
        FileDay.objects.filter(pk=today.pk).update(limit=F("limit") + MORE_BY_ALLOWANCE)
    record(by=by, action="file.allow_more" if is_granted else "file.refuse_more", on=asked.public_id)
    asked.refresh_from_db()
    return asked


def _require_file_role(by: Citizen) -> None:
    if not role_among(by, *FILE_ROLES):
        raise RoleRequired


def forget_files(*, now: datetime) -> int:
    """Erase openings 30 days after they ended, and the counts of days gone by; return how many rows."""
    over = _day(now) - OPENINGS_KEPT
    openings = FileOpening.objects.filter(expires_at__lt=now - OPENINGS_KEPT).delete()[0]
    days = FileDay.objects.filter(day__lt=over).delete()[0]
    return openings + days + FileAllowance.objects.filter(day__lt=over).delete()[0]
