"""Lists of a merchant's own codes: up to a million, made in the background, none lost and none doubled.

A list's row is the promise. A worker does it in steps, each one transaction that keeps some codes and moves the counts
of the row (a constraint holds them equal to what was done); a step that did not commit is done again. Uploaded lines
wait encrypted in the database, and a step erases what it has kept, so a killed worker leaves nothing half-done.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from citizen_app import audit, bulk
from citizen_app.errors import FieldError, InvalidInput, WrongState
from citizen_app.models import Citizen, OAuthApplication
from citizen_app.outbox import enqueue
from perks.code_files import MOST_CODES, USUAL_LENGTH, make_code
from perks.errors import CodeListsAtWork, TooManyCodes
from perks.models import CodeList, CodeUpload, Merchant, OutsideCode, Perk, Redemption
from perks.services.code_secrets import Line, ListSecrets

TOPIC: Final = "code_list.work"
AT_ONCE: Final = 5_000
"""How many codes a step keeps: some tenths of a second's work, and some hundred kilobytes."""
LEASE: Final = timedelta(minutes=1)
ARRIVES_WITHIN: Final = timedelta(hours=1)
WORK_FOR: Final = 60.0  # seconds of one promise, well within its lease; the rest is promised again
MOST_AT_WORK: Final = 3
FIRST_TOLD: Final = 100
By = Citizen | OAuthApplication
State = CodeList.State


@transaction.atomic
def generate_codes(
    *,
    merchant: Merchant,
    by: By,
    name: str,
    count: int,
    prefix: str = "",
    length: int = USUAL_LENGTH,
    now: datetime | None = None,
) -> CodeList:
    """Promise a list of `count` new random codes. Raises `CodeListsAtWork`."""
    now = now or timezone.now()
    _require_room(merchant)
    code_list = CodeList.objects.create(
        merchant=merchant,
        name=name,
        origin=CodeList.Origin.GENERATED,
        state=State.WORKING,
        code_prefix=prefix,
        code_length=length,
        total_count=count,
        made_at=now,
        moved_at=now,
        leased_until=now + LEASE,
    )
    enqueue(TOPIC, list_id=str(code_list.pk))
    audit.record(by=by, action="code_list.generate", on=code_list.public_id, count=count)
    return code_list


def receive_codes(
    *, merchant: Merchant, by: By, name: str, lines: Iterable[Line], now: datetime | None = None
) -> CodeList:
    """Take in an uploaded list as it arrives (`lines` of `perks.code_files.read_codes`) and promise its codes.

    Nothing of an upload that breaks off stays. Raises `CodeListsAtWork`, `TooManyCodes`, `InvalidInput` for a file
    without a line, and whatever reading the lines raises.
    """
    now = now or timezone.now()
    with transaction.atomic():
        _require_room(merchant)
        code_list = CodeList.objects.create(
            merchant=merchant,
            name=name,
            origin=CodeList.Origin.UPLOADED,
            state=State.RECEIVING,
            made_at=now,
            moved_at=now,
            leased_until=now + ARRIVES_WITHIN,
        )
    try:
        total = _keep_lines(code_list, lines)
        with transaction.atomic():
            arrived = CodeList.objects.filter(pk=code_list.pk, state=State.RECEIVING)
            if not arrived.update(state=State.WORKING, total_count=total, leased_until=now + LEASE):
                raise WrongState("The upload took too long.")
            enqueue(TOPIC, list_id=str(code_list.pk))
            audit.record(by=by, action="code_list.upload", on=code_list.public_id, count=total)
    except BaseException:
        _forget_upload(code_list.pk)
        raise
    code_list.refresh_from_db()
    return code_list


@transaction.atomic
def withdraw_codes(*, code_list: CodeList, by: By, now: datetime | None = None) -> CodeList:
    """Give out no more of a list, and erase what was not given out. What somebody was given stays theirs."""
    now = now or timezone.now()
    standing = CodeList.objects.filter(pk=code_list.pk, state__in=[State.WORKING, State.READY])
    if not standing.update(state=State.WITHDRAWING, moved_at=now, leased_until=now + LEASE):
        raise WrongState("It is withdrawn already.")
    enqueue(TOPIC, list_id=str(code_list.pk))
    audit.record(by=by, action="code_list.withdraw", on=code_list.public_id)
    code_list.refresh_from_db()
    return code_list


def work_on(*, list_id: UUID, now: datetime | None = None, seconds: float = WORK_FOR) -> None:
    """Do what was promised about a list, step by step, for some time; then promise the rest. Safe twice, and at once
    from two sides."""
    ends = time.monotonic() + seconds
    while _step(list_id, now or timezone.now()):
        if time.monotonic() >= ends:
            with transaction.atomic():
                enqueue(TOPIC, list_id=str(list_id))
            return


def resume_code_lists(*, now: datetime, limit: int = 100) -> int:
    """Ask again for lists nobody works on any more, and forget uploads that broke off; return how many."""
    left = CodeList.objects.filter(leased_until__lte=now)
    for pk in left.filter(state=State.RECEIVING).values_list("pk", flat=True)[:limit]:
        _forget_upload(pk)
    asked = 0
    for pk in list(left.unfinished().values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            if left.unfinished().filter(pk=pk).update(leased_until=now + LEASE):
                enqueue(TOPIC, list_id=str(pk))
                asked += 1
    return asked


def codes_of(code_list: CodeList) -> Iterator[tuple[str, str]]:
    """Every code of a list and its state, for its managers: `free`, `given`, or `given_back` where whoever was given it
    did not keep the perk. The latter are given to nobody else."""
    secrets = ListSecrets(code_list.pk)
    rows = OutsideCode.objects.filter(code_list=code_list).order_by("pk")
    kept = (Redemption.State.RESERVED, Redemption.State.REDEEMED)
    for sealed, given_at, state in rows.values_list("sealed", "given_at", "redemption__state").iterator(AT_ONCE):
        yield secrets.open(sealed), "free" if given_at is None else "given" if state in kept else "given_back"


def code_list_line(code_list: CodeList) -> dict[str, Any]:
    """A list as its merchant reads it: how far it is and what is left, and no code."""
    return {
        "id": code_list.public_id,
        "name": code_list.name,
        "origin": code_list.origin,
        "state": code_list.state,
        "progress": {
            "done": code_list.done_count,
            "total": code_list.total_count,
            "rejected": code_list.rejected_count,
        },
        "counts": {
            "free": code_list.free_count,
            "given": code_list.given_count,
            "withdrawn": code_list.withdrawn_count,
        },
        "rejected": {
            "duplicate": code_list.duplicate_count,
            "malformed": code_list.malformed_count,
            "first": code_list.first_rejected,
        },
        "made_at": code_list.made_at,
    }


def named_list(*, merchant: Merchant, public_id: str) -> CodeList | None:
    """The merchant's own list that a perk names; None where it is not theirs or was withdrawn."""
    key = CodeList.key_of(public_id)
    return None if key is None else CodeList.objects.of(merchant).filter(pk=key).first()


def _require_room(merchant: Merchant) -> None:
    Merchant.objects.select_for_update(no_key=True, of=("self",)).get(pk=merchant.pk)
    busy = CodeList.objects.filter(merchant=merchant, state__in=[State.RECEIVING, *CodeList.AT_WORK])
    if busy.count() >= MOST_AT_WORK:
        raise CodeListsAtWork(most=MOST_AT_WORK)


def _keep_lines(code_list: CodeList, lines: Iterable[Line]) -> int:
    """Keep lines, some at a time, each in a transaction of its own: a slow upload holds up nobody. Return how many."""
    secrets, total = ListSecrets(code_list.pk), 0
    waiting = iter(lines)
    while some := list(islice(waiting, AT_ONCE)):
        total += len(some)
        if total > MOST_CODES:
            raise TooManyCodes(most=MOST_CODES)
        sealed = secrets.seal_lines(some)
        with transaction.atomic():
            # Held, so that an upload that took too long is not forgotten between the look and the line.
            if not CodeList.objects.select_for_update(no_key=True).filter(pk=code_list.pk, state=State.RECEIVING):
                raise WrongState("The upload took too long.")
            CodeUpload.objects.create(code_list=code_list, first_line=some[0][0], sealed=sealed)
    if not total:
        raise InvalidInput(FieldError("", "required", "One code a line; there is none."))
    return total


@transaction.atomic
def _forget_upload(pk: UUID) -> None:
    if CodeList.objects.select_for_update().filter(pk=pk, state=State.RECEIVING).first() is not None:
        CodeUpload.objects.filter(code_list_id=pk).delete()
        CodeList.objects.filter(pk=pk).delete()


@transaction.atomic
def _step(list_id: UUID, now: datetime) -> bool:
    """Do some of it and move the counts, all or nothing; whether something is left to do."""
    code_list = CodeList.objects.select_for_update().filter(pk=list_id).unfinished().first()
    if code_list is None:
        return False
    code_list.moved_at, code_list.leased_until = now, now + LEASE
    if code_list.state == State.WITHDRAWING:
        goes_on = _erase_some(code_list)
    elif code_list.origin == CodeList.Origin.GENERATED:
        goes_on = _make_some(code_list)
    else:
        goes_on = _read_some(code_list)
    code_list.save()
    return goes_on


def _make_some(code_list: CodeList) -> bool:
    secrets = ListSecrets(code_list.pk)
    wanted = min(AT_ONCE, code_list.total_count - code_list.done_count)
    made: dict[bytes, str] = {}
    while len(made) < wanted:
        for _ in range(wanted - len(made)):
            code = make_code(code_list.code_prefix, code_list.code_length or USUAL_LENGTH)
            made[secrets.fingerprint(code)] = code
        for known in _known(code_list, made):
            del made[known]
    _keep(code_list, secrets, made)
    return _is_to_go_on(code_list)


def _read_some(code_list: CodeList) -> bool:
    secrets = ListSecrets(code_list.pk)
    upload = code_list.uploads.order_by("first_line").first()
    if upload is None:
        raise LookupError(f"Lines of {code_list.public_id} are missing.")
    new: dict[bytes, str] = {}
    wrong: list[dict[str, Any]] = []
    where: dict[bytes, int] = {}
    for number, code in secrets.open_lines(upload.sealed):
        if code is None:
            wrong.append({"line": number, "code": "malformed"})
            continue
        fingerprint = secrets.fingerprint(code)
        if fingerprint in new:
            wrong.append({"line": number, "code": "duplicate"})
        else:
            new[fingerprint], where[fingerprint] = code, number
    for known in _known(code_list, new):
        del new[known]
        wrong.append({"line": where[known], "code": "duplicate"})
    _keep(code_list, secrets, new)
    counted = Counter(one["code"] for one in wrong)
    code_list.duplicate_count += counted["duplicate"]
    code_list.malformed_count += counted["malformed"]
    code_list.done_count += len(wrong)
    told = [*code_list.first_rejected, *sorted(wrong, key=lambda one: one["line"])]
    code_list.first_rejected = told[:FIRST_TOLD]
    upload.delete()
    return _is_to_go_on(code_list)


def _known(code_list: CodeList, made: dict[bytes, str]) -> list[bytes]:
    """Which of these the list has already."""
    found = OutsideCode.objects.filter(code_list=code_list, fingerprint__in=list(made))
    return [bytes(one) for one in found.values_list("fingerprint", flat=True)]


def _keep(code_list: CodeList, secrets: ListSecrets, made: dict[bytes, str]) -> None:
    rows = [[code_list.pk, fingerprint, secrets.seal(code)] for fingerprint, code in made.items()]
    if rows:
        bulk.write_values(OutsideCode, ["code_list_id", "fingerprint", "sealed"], rows)
    code_list.free_count += len(rows)
    code_list.done_count += len(rows)


def _is_to_go_on(code_list: CodeList) -> bool:
    if code_list.done_count < code_list.total_count:
        return True
    code_list.state, code_list.leased_until = State.READY, None
    return False


def _erase_some(code_list: CodeList) -> bool:
    """Erase lines that wait and codes nobody has; codes somebody is being given at this moment are left for later."""
    code_list.uploads.all().delete()
    free = OutsideCode.objects.free().filter(code_list=code_list)
    some = list(free.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
    OutsideCode.objects.filter(pk__in=some).delete()
    code_list.free_count -= len(some)
    code_list.withdrawn_count += len(some)
    if code_list.free_count == 0:
        code_list.state, code_list.leased_until = State.WITHDRAWN, None
        return False
    return bool(some)


def uses_of(code_list: CodeList) -> list[Perk]:
    """The perks that give out its codes."""
    return list(code_list.perks.select_related("in_force", "pending").order_by("-pk"))
