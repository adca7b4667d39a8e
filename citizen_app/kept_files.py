"""Where handed-in files are kept: names nobody can guess. What is private has no address of its own and is readable by
the server alone; what is public (the pictures of perks) has one that never changes.

A row elsewhere holds the name. A file is written before its row and erased after it, so that no row names a file that
is not there; a file whose row never came, or has gone, is found by `names_kept_before`.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages
from django.db.models import Model

from citizen_app.errors import NotFound
from citizen_app.outbox import enqueue, handles, sweeps
from citizen_app.uploads import CleanFile

ERASE_TOPIC: Final = "kept_file.erase"
ERASE_PICTURE_TOPIC: Final = "public_picture.erase"
LEFT_OVER_AFTER: Final = timedelta(days=1)
_NAME: Final = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}\.(jpg|pdf|zip)")
_PICTURE: Final = re.compile(r"([0-9a-f]{2})[0-9a-f]{30}")
_PICTURE_FILE: Final = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{30})-([a-z]{1,12})\.webp")


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


def keep_archive(file: File) -> str:
    """Write an archive of ours and return the name by which it is found."""
    body = secrets.token_hex(16)
    return storages["private"].save(f"{body[:2]}/{body}.zip", file)


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


_naming: list[type[Model]] = []


def names_kept_files(model: type[Model]) -> None:
    """Say that the rows of `model` name kept files, in their field `name`."""
    _naming.append(model)


@sweeps("kept_files.left_over")
def erase_left_over(now: datetime) -> int:
    """Erase files no row names, a day after they were written: what a killed worker left behind; return how many."""
    erased = 0
    for names in _batches(names_kept_before(now - LEFT_OVER_AFTER), size=500):
        with_row: set[str] = set()
        for model in _naming:
            with_row.update(model._default_manager.filter(name__in=names).values_list("name", flat=True))
        for name in set(names) - with_row:
            erase_now(name=name)
            erased += 1
    return erased


def _batches(names: Iterator[str], *, size: int) -> Iterator[list[str]]:
    while batch := list(islice(names, size)):
        yield batch


# -- Pictures everybody may see ------------------------------------------------------------------------------------


class PublicStorage(FileSystemStorage):
    """Pictures under `VAR_DIR/public`, served by a view below `/pictures/` under names that are never used twice."""

    def __init__(self, location: str | None = None, **options: Any) -> None:
        self._folder = location
        super().__init__(location, **{"base_url": "/pictures/"} | options)

    @property
    def base_location(self) -> str:
        """Where VAR_DIR is now, unless a folder was named."""
        return self._folder or str(Path(settings.VAR_DIR) / "public")

    @property
    def location(self) -> str:
        return str(Path(self.base_location).absolute())


def publish_picture(files: Mapping[str, bytes]) -> str:
    """Write a picture in its sizes and return the name they share; where one cannot be written none stays."""
    name = secrets.token_hex(16)
    written: list[str] = []
    try:
        for size, content in files.items():
            written.append(storages["public"].save(picture_file(name, size), ContentFile(content)))
    except BaseException:
        for one in written:
            storages["public"].delete(one)
        raise
    return name


def picture_file(name: str, size: str) -> str:
    """The file of one size of a picture."""
    return f"{name[:2]}/{name}-{size}.webp"


def picture_url(name: str, size: str) -> str:
    """The address of one size of a picture: it never shows anything else."""
    return str(storages["public"].url(picture_file(name, size)))


def open_picture(file: str) -> File:
    """Return a public picture to read (close it); `NotFound` when there is none of that name."""
    if not _PICTURE_FILE.fullmatch(file):
        raise NotFound
    try:
        return storages["public"].open(file)
    except FileNotFoundError:
        raise NotFound from None


def erase_picture(name: str, sizes: Iterable[str]) -> None:
    """Promise, in the caller's transaction, that a picture is erased in all its sizes once that has committed."""
    enqueue(ERASE_PICTURE_TOPIC, name=name, sizes=sorted(sizes))


@handles(ERASE_PICTURE_TOPIC)
def erase_picture_now(*, name: str, sizes: Iterable[str]) -> None:
    """Erase a picture that no row names any more; again is harmless."""
    if _PICTURE.fullmatch(name):
        for size in sizes:
            storages["public"].delete(picture_file(name, size))


def pictures_written_before(instant: datetime) -> Iterator[tuple[str, str]]:
    """The name and size of every public picture written before an instant: without a row they are left over."""
    storage = storages["public"]
    if not storage.exists(""):
        return
    for folder in storage.listdir("")[0]:
        for file in storage.listdir(folder)[1]:
            found = _PICTURE_FILE.fullmatch(f"{folder}/{file}")
            if found and storage.get_modified_time(found[0]) < instant:
                yield found[2], found[3]
