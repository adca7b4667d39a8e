"""Who asked about a citizen: every answer that reached somebody else, for the citizen to read (P9)."""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from django.db import transaction
from django.db.models import Case, F, Value, When

from scores.models import Enrolment, Inquiry

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
    """Write down that an answer about each of these citizens reached somebody: three statements for any number.

    The same asker, thing and subject matter on one UTC day are one row with a count, however many ask at once.
    Citizens who are not enrolled have no list, and nothing is written about them.
    """
    fold = fold_of(kind=kind, asker_id=asker_id, what=what, about=about, now=now)
    enrolled = Enrolment.objects.staying(citizen_ids)
    rows = [
        Inquiry(
            enrolment_id=citizen_id,
            at=now,
            last_at=now,
            count=0,
            asker_kind=kind,
            asker_id=asker_id,
            asker_name=asker_name[:NAME_LENGTH],
            what=what,
            about=about,
            consent=consent,
            fold=fold,
        )
        for citizen_id in enrolled
    ]
    if not rows:
        return
    # First make sure the row is there, then count: whoever asks at the same moment waits for this transaction on the
    # unique index and then adds to the same row.
    Inquiry.objects.bulk_create(rows, ignore_conflicts=True)
    Inquiry.objects.filter(enrolment_id__in=[row.enrolment_id for row in rows], fold=fold).update(
        count=F("count") + 1,
        last_at=Case(When(last_at__lt=now, then=Value(now)), default=F("last_at")),
    )


def fold_of(*, kind: str, asker_id: str, what: str, about: str, now: datetime) -> str:
    """What repeats of one inquiry share. A hash, because what they are about may be longer than an index likes."""
    about_what = hashlib.sha256(about.encode()).hexdigest()[:32]
    return f"{now.astimezone(UTC):%Y-%m-%d}/{kind}/{asker_id}/{what}/{about_what}"
