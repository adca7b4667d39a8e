"""The files a citizen adds to a dispute: drawn anew, kept apart, and erased 90 days after the end."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from django.core.files.base import File
from django.core.files.storage import storages
from django.db import transaction

from citizen_app.kept_files import erase_kept, keep_file, names_kept_files, open_kept
from citizen_app.models import OAuthApplication
from citizen_app.uploads import CleanFile, Uploaded, read_evidence
from scores.models import Dispute, DisputeEvent, Evidence, Inquiry, Source
from scores.services.inquiries import record_inquiry
from scores.services.linking import purpose_of


class KeptFile(NamedTuple):
    """A file that is written and has no row yet."""

    name: str
    clean: CleanFile
    sha256: str


@contextmanager
def kept(uploaded: Uploaded | None) -> Iterator[KeptFile | None]:
    """Draw a file anew and write it before the transaction that gives it its row; taken back where that fails."""
    if uploaded is None:
        yield None
        return
    clean = read_evidence(uploaded)
    file = KeptFile(keep_file(clean), clean, hashlib.sha256(clean.content).hexdigest())
    try:
        yield file
    except BaseException:
        storages["private"].delete(file.name)
        raise


def add_evidence(dispute: Dispute, file: KeptFile | None, *, now: datetime) -> None:
    """Give a written file its row in the dispute, in the caller's transaction."""
    if file is not None:
        Evidence.objects.create(
            dispute=dispute,
            name=file.name,
            content_type=file.clean.content_type,
            size=len(file.clean.content),
            sha256=file.sha256,
            added_at=now,
        )


def open_evidence(evidence: Evidence) -> File:
    """The file itself, to be read and closed."""
    return open_kept(evidence.name)


@transaction.atomic
def show_to_furnisher(*, evidence: Evidence, source: Source, by: OAuthApplication, now: datetime) -> File:
    """The file for the furnisher the citizen shared it with; they read that it was looked at (P9)."""
    dispute = evidence.dispute
    record_inquiry(
        citizen_id=dispute.enrolment_id,
        kind=Inquiry.AskedBy.FURNISHER,
        asker_id=source.furnisher.public_id,
        asker_name=source.furnisher.name,
        what=Inquiry.What.FILE_OPENED,
        about=f"What you added to your dispute ({dispute.public_id})",
        consent=purpose_of(source),
        now=now,
    )
    return open_evidence(evidence)


def erase_evidence(evidence: Iterable[Evidence]) -> int:
    """Delete these rows, and promise that their files go with them; return how many. Needs a transaction."""
    rows = list(evidence)
    for one in rows:
        erase_kept(one.name)
    Evidence.objects.filter(pk__in=[one.pk for one in rows]).delete()
    return len(rows)


def erase_old_evidence(*, now: datetime, limit: int) -> int:
    """Erase what was added to disputes that ended more than 90 days ago; return how many files."""
    old = Evidence.objects.filter(dispute__ended_at__lte=now - Evidence.KEPT_AFTER_END).order_by("pk")
    with transaction.atomic():
        found = list(old.select_for_update(of=("self",)).select_related("dispute")[:limit])
        DisputeEvent.objects.bulk_create(
            DisputeEvent(dispute=dispute, at=now, what=DisputeEvent.What.EVIDENCE_ERASED, by=DisputeEvent.By.SYSTEM)
            for dispute in {one.dispute_id: one.dispute for one in found}.values()
        )
        return erase_evidence(found)


names_kept_files(Evidence)
