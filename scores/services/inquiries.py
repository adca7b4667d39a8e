"""Who asked about a citizen: every answer that reached somebody else, for the citizen to read (P9)."""

import hashlib
import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from django.db import connection, transaction

from scores.models import Enrolment

NAME_LENGTH: Final = 120


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
) -> None:
    """Write down that an answer about each of these citizens reached somebody: two statements for any number.

    The same asker, thing and subject matter on one UTC day are one row with a count, however many ask at once.
    Citizens who are not enrolled have no list, and nothing is written about them.
    """
    fold = fold_of(kind=kind, asker_id=asker_id, what=what, about=about, now=now)
    enrolled = Enrolment.objects.staying(citizen_ids)
    if not enrolled:
        return
    # Whoever asks at the same moment waits for this transaction on the unique index and then adds to the same row.
    if connection.vendor == "postgresql":
        people, later = "unnest(%s::bigint[]) AS asked_about(value)", "GREATEST"
        listed = "{" + ",".join(map(str, enrolled)) + "}"
    else:
        people, later, listed = "json_each(%s)", "max", json.dumps(enrolled)
    statement = f"""
        INSERT INTO scores_inquiry
            (citizen_id, at, last_at, count, asker_kind, asker_id, asker_name, what, about, consent, fold)
        SELECT value, %s, %s, 1, %s, %s, %s, %s, %s, %s, %s FROM {people} WHERE true ORDER BY value
        ON CONFLICT (citizen_id, fold) DO UPDATE SET
            count = scores_inquiry.count + 1, last_at = {later}(scores_inquiry.last_at, excluded.last_at)
    """  # noqa: S608
    at = connection.ops.adapt_datetimefield_value(now)
    said = [str(kind), asker_id, asker_name[:NAME_LENGTH], str(what), about, consent, fold]
    with connection.cursor() as cursor:
        cursor.execute(statement, [at, at, *said, listed])


def fold_of(*, kind: str, asker_id: str, what: str, about: str, now: datetime) -> str:
    """What repeats of one inquiry share. A hash, because what they are about may be longer than an index likes."""
    about_what = hashlib.sha256(about.encode()).hexdigest()[:32]
    return f"{now.astimezone(UTC):%Y-%m-%d}/{kind}/{asker_id}/{what}/{about_what}"
