"""Who asked about a citizen: every answer that reached somebody else, for the citizen to read (P9)."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from citizen_app.notifying import notify_each
from citizen_app.outbox import enqueue
from citizen_app.statements import Statement
from scores.models import Enrolment, Inquiry
from scores.services.notices import ASKED

NAME_LENGTH: Final = 120
ASKED_TOPIC: Final = "inquiry.told"
OLD_NEWS: Final = timedelta(days=7)
DID: Final = {
    Inquiry.What.BOOST: "has read whether you have a boost there",
    Inquiry.What.FILE_OPENED: "opened your file; the reason is on your list",
    Inquiry.What.ENTRY: "wrote a record about you or took one back",
}
"""What each kind of inquiry is told as; a scan is told as the code that was used."""


def record_inquiry(
    *,
    citizen_id: int,
    kind: str,
    asker_id: str,
    asker_name: str,
    what: str,
    about: str,
    consent: str,
    now: datetime,
    reason: str = "",
) -> None:
    """Write down that an answer about one citizen reached somebody; see `record_inquiries`."""
    record_inquiries(
        citizen_ids=[citizen_id],
        kind=kind,
        asker_id=asker_id,
        asker_name=asker_name,
        what=what,
        about=about,
        consent=consent,
        now=now,
        reason=reason,
    )


@transaction.atomic
def record_inquiries(
    *,
    citizen_ids: Collection[int],
    kind: str,
    asker_id: str,
    asker_name: str,
    what: str,
    about: str,
    consent: str,
    now: datetime,
    reason: str = "",
) -> None:
    """Write down that an answer about each of these citizens reached somebody: two statements for any number.

    The same asker, thing, subject matter and `reason` (an operator's) on one UTC day are one row with a count, however
    many ask at once. Citizens who are not enrolled have no list, and nothing is written about them.
    """
    about_why = f"{about}\n{asker_name}: {reason}" if reason else about
    fold = fold_of(kind=kind, asker_id=asker_id, what=what, about=about_why, now=now)
    enrolled = Enrolment.objects.staying(citizen_ids)
    if not enrolled:
        return
    # Whoever asks at the same moment waits for this transaction on the unique index and then adds to the same row.
    if connection.vendor == "postgresql":
        people = "unnest(%s::bigint[]) AS asked_about(value)"
        listed = "{" + ",".join(map(str, enrolled)) + "}"
    else:
        people, listed = "json_each(%s)", json.dumps(enrolled)
    said = [str(kind), asker_id, asker_name[:NAME_LENGTH], str(what), about, reason, consent, fold]
    with connection.cursor() as cursor:
        cursor.execute(_insert_for(f"value FROM {people} WHERE true ORDER BY value"), [*_moments(now), *said, listed])
    _promise_telling(enrolled, asker=asker_id, name=asker_name, what=what, at=now)


@dataclass(frozen=True, slots=True)
class Times:
    """How often one asker asked about one citizen on one UTC day, and when for the first and for the last time."""

    citizen_id: int
    first_at: datetime
    last_at: datetime
    count: int


@transaction.atomic
def record_counted_inquiries(
    times: Sequence[Times], *, kind: str, asker_id: str, asker_name: str, what: str, about: str, consent: str
) -> None:
    """Write down what was counted before it is told: two statements for any number of citizens.

    All of one UTC day, and each citizen once; who is not enrolled has no list. The caller makes sure that nothing is
    counted twice.
    """
    enrolled = set(Enrolment.objects.staying([one.citizen_id for one in times]))
    told = sorted((one for one in times if one.citizen_id in enrolled), key=lambda one: one.citizen_id)
    if not told:
        return
    fold = fold_of(kind=kind, asker_id=asker_id, what=what, about=about, now=told[0].first_at)
    is_postgresql = connection.vendor == "postgresql"
    earlier, later = ("LEAST", "GREATEST") if is_postgresql else ("min", "max")
    rows = [
        {"citizen": one.citizen_id, "at": str(first), "last_at": str(last), "times": one.count}
        for one in told
        for first, last in [(_moment(one.first_at), _moment(one.last_at))]
    ]
    if is_postgresql:
        columns = "citizen, at, last_at, times"
        source = "json_to_recordset(%s) AS asked(citizen bigint, at timestamptz, last_at timestamptz, times integer)"
    else:
        columns = ", ".join(f"json_extract(value, '$.{name}')" for name in ("citizen", "at", "last_at", "times"))
        source = "json_each(%s)"
    said = [str(kind), asker_id, asker_name[:NAME_LENGTH], str(what), about, consent, fold]
    statement = f"""
        INSERT INTO scores_inquiry
            (citizen_id, at, last_at, count, asker_kind, asker_id, asker_name, what, about, consent, fold)
        SELECT {columns}, %s, %s, %s, %s, %s, %s, %s FROM {source} WHERE true
        ON CONFLICT (citizen_id, fold) DO UPDATE SET
            at = {earlier}(scores_inquiry.at, excluded.at),
            last_at = {later}(scores_inquiry.last_at, excluded.last_at),
            count = scores_inquiry.count + excluded.count
    """  # noqa: S608  (our own names)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*said, json.dumps(rows)])
    citizen_ids = [one.citizen_id for one in told]
    _promise_telling(citizen_ids, asker=asker_id, name=asker_name, what=what, at=told[0].first_at)


def _promise_telling(citizen_ids: Sequence[int], *, asker: str, name: str, what: str, at: datetime) -> None:
    if what in DID:
        day = f"{at.astimezone(UTC):%Y-%m-%d}"
        enqueue(ASKED_TOPIC, citizen_ids=list(citizen_ids), asker=asker, name=name, what=str(what), day=day)


@transaction.atomic
def tell_asked(*, citizen_ids: Collection[int], asker: str, name: str, what: str, day: str) -> None:
    """Tell these people that somebody learned something about them: once a day for each asker and what they did.

    What is older than a week when it comes to this stands on their list alone.
    """
    if date.fromisoformat(day) < timezone.now().date() - OLD_NEWS:
        return
    facts = {"who": name[:NAME_LENGTH], "did": DID[Inquiry.What(what)]}
    notify_each(citizen_ids, ASKED, facts=facts, cause=f"{ASKED}:{day}:{asker}:{what}")


def statement_of(
    *,
    citizen_id: int,
    kind: str,
    asker_id: str,
    asker_name: str,
    what: str,
    about: str,
    consent: str,
    now: datetime,
) -> Statement:
    """The same about one citizen whom the caller's transaction keeps from leaving, to be written beside others."""
    fold = fold_of(kind=kind, asker_id=asker_id, what=what, about=about, now=now)
    said = [str(kind), asker_id, asker_name[:NAME_LENGTH], str(what), about, "", consent, fold]
    people = "citizen_id FROM scores_enrolment WHERE citizen_id = %s"
    return Statement(_insert_for(people), [*_moments(now), *said, citizen_id])


def _moments(now: datetime) -> list[Any]:
    return [_moment(now)] * 2


def _moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def _insert_for(people: str) -> str:
    """Insert a row for each of these people (`<column> FROM …`), or count one more in the row that is there."""
    later = "GREATEST" if connection.vendor == "postgresql" else "max"
    column, _, found = people.partition(" ")
    return f"""
        INSERT INTO scores_inquiry
            (citizen_id, at, last_at, count, asker_kind, asker_id, asker_name, what, about, reason, consent, fold)
        SELECT {column}, %s, %s, 1, %s, %s, %s, %s, %s, %s, %s, %s {found}
        ON CONFLICT (citizen_id, fold) DO UPDATE SET
            count = scores_inquiry.count + 1, last_at = {later}(scores_inquiry.last_at, excluded.last_at)
    """


def fold_of(*, kind: str, asker_id: str, what: str, about: str, now: datetime) -> str:
    """What repeats of one inquiry share. A hash, because what they are about may be longer than an index likes."""
    about_what = hashlib.sha256(about.encode()).hexdigest()[:32]
    return f"{now.astimezone(UTC):%Y-%m-%d}/{kind}/{asker_id}/{what}/{about_what}"
