"""Photographs of a claim and what is added against it: drawn anew, kept apart, erased 90 days after the end.

Only the two parties and the operators who decide are given them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from django.core.files.base import File
from django.core.files.storage import storages
from django.db import transaction

from citizen_app.kept_files import erase_kept, keep_file, names_kept_files, open_kept
from citizen_app.uploads import CleanFile, Uploaded, read_evidence
from perks.models import DepositAgreement, DepositFile

MOST_FILES = 8


class KeptFile(NamedTuple):
    """A file that is written and has no row yet."""

    name: str
    clean: CleanFile


@contextmanager
def kept(uploaded: Sequence[Uploaded]) -> Iterator[list[KeptFile]]:
    """Draw files anew and write them before the transaction that gives them rows; taken back where that fails."""
    files: list[KeptFile] = []
    try:
        for one in uploaded:
            clean = read_evidence(one)
            files.append(KeptFile(keep_file(clean), clean))
        yield files
    except BaseException:
        for file in files:
            storages["private"].delete(file.name)
        raise


def add_files(agreement: DepositAgreement, files: Iterable[KeptFile], *, by: str, now: datetime) -> None:
    """Give written files their rows, in the caller's transaction."""
    DepositFile.objects.bulk_create(
        DepositFile(
            agreement=agreement,
            by=by,
            name=file.name,
            content_type=file.clean.content_type,
            size=len(file.clean.content),
            sha256=hashlib.sha256(file.clean.content).hexdigest(),
            added_at=now,
        )
        for file in files
    )


def open_deposit_file(file: DepositFile) -> File:
    """The file itself, to be read and closed."""
    return open_kept(file.name)


def erase_files(files: Iterable[DepositFile]) -> int:
    """Delete these rows, and promise that their files go with them; return how many. Needs a transaction."""
    rows = list(files)
    for one in rows:
        erase_kept(one.name)
    DepositFile.objects.filter(pk__in=[one.pk for one in rows]).delete()
    return len(rows)


def erase_old_files(*, now: datetime, limit: int = 500) -> int:
    """Erase what was added to agreements that ended more than 90 days ago; return how many files."""
    old = DepositFile.objects.filter(agreement__ended_at__lte=now - DepositFile.KEPT_AFTER_END).order_by("pk")
    with transaction.atomic():
        return erase_files(old.select_for_update(of=("self",))[:limit])


names_kept_files(DepositFile)
