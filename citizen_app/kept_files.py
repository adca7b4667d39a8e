"""Where handed-in files are kept: names nobody can guess, no address of their own, readable by the server alone.

A row elsewhere holds the name. A file is written before its row and erased after it, so that no row names a file that
is not there; a file whose row never came, or has gone, is found by `names_kept_before`.
"""

import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages

from citizen_app.errors import NotFound
from citizen_app.outbox import enqueue, handles
from citizen_app.uploads import CleanFile

ERASE_TOPIC: Final = "kept_file.erase"
_NAME: Final = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}\.(jpg|pdf)")


class PrivateStorage(FileSystemStorage):
    """Files under `VAR_DIR/kept` that only the server's own user reads; they have no address."""

    def __init__(self, location: str | None = None, **options: Any) -> None:
        self._folder = location
        super().__init__(location, **{"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700} | options)

    @property
    def base_location(self) -> str:
        """Where VAR_DIR is now, unless a folder was named."""
        return self._folder or str(Path(settings.VAR_DIR) / "kept")

    @property
    def location(self) -> str:
        return str(Path(self.base_location).absolute())

    def url(self, name: str | None) -> str:
        raise ValueError("A kept file has no address: a view gives it to whom it is for.")


def keep_file(clean: CleanFile) -> str:
    """Write a clean file and return the name by which it is found; nothing of its own name is kept."""
    body = secrets.token_hex(16)
    return storages["private"].save(f"{body[:2]}/{body}.{clean.extension}", ContentFile(clean.content))


def open_kept(name: str) -> File:
    """Return a kept file to read from its beginning (close it); `NotFound` when there is none of that name."""
    if not _NAME.fullmatch(name):
        raise NotFound
    try:
        return storages["private"].open(name)
    except FileNotFoundError:
        raise NotFound from None


def erase_kept(name: str) -> None:
    """Promise, in the caller's transaction, that a file is erased once that has committed; again is harmless."""
    enqueue(ERASE_TOPIC, name=name)


@handles(ERASE_TOPIC)
def erase_now(*, name: str) -> None:
    """Erase a file that no row names any more."""
    if _NAME.fullmatch(name):
        storages["private"].delete(name)


def names_kept_before(instant: datetime) -> Iterator[str]:
    """Every file written before an instant: those no row names are left over from work that did not come to be."""
    storage = storages["private"]
    if not storage.exists(""):
        return
    for folder in storage.listdir("")[0]:
        for file in storage.listdir(folder)[1]:
            name = f"{folder}/{file}"
            if _NAME.fullmatch(name) and storage.get_modified_time(name) < instant:
                yield name
