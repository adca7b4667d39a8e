"""Taking one's data along: asked for, made by the outbox's worker, kept for seven days, given to nobody else."""

import json
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from typing import Any, Final

from django.core.files.base import File
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from citizen_app.accounts.erasure import Erasure, erases
from citizen_app.accounts.exporting import Table, excused, tables, told
from citizen_app.audit import record
from citizen_app.db import violated
from citizen_app.errors import RateLimited, WrongState
from citizen_app.kept_files import erase_kept, erase_now, keep_archive, names_kept_files, open_kept
from citizen_app.models import Citizen, DataExport, IdempotentRequest
from citizen_app.models.keys import NamedQuerySet
from citizen_app.notifying import notify
from citizen_app.outbox import enqueue, handles, sweeps

TOPIC: Final = "export.make"
MOST_A_DAY: Final = 5
_DAY: Final = timedelta(days=1)
README: Final = """\
Your data, as of {made} UTC.

Each .json file is one table: a list with one object for each row about you, oldest first, in UTF-8. An empty list
means that there is nothing of that kind.

How to read it
- Times are in UTC, and so are the dates of the files in this archive. Days are written year-month-day.
- Points: a score is in whole points. What it is made of (factors, lines) is in micro-points: 1,000,000 are one point.
- Money is in minor units of the currency named beside it: 1250 in EUR are 12.50 euros.
- Values of records count ten-thousandths: 20000 are 2.
- "you" is you; anybody else is "somebody else".

The files
{files}
"""


class ExportNotReady(WrongState):
    title = "It is still being made."
    remedy = "Read it again in a moment: `state` says when it is ready."


@transaction.atomic
def ask_for_export(*, citizen: Citizen, now: datetime | None = None) -> DataExport:
    """Promise the person a copy of every row about them; while one is being made it is that one.

    Raises `RateLimited` beyond five a day.
    """
    now = now or timezone.now()
    making = DataExport.objects.filter(citizen=citizen, state=DataExport.State.MAKING)
    if (found := making.first()) is not None:
        return found
    today = DataExport.objects.filter(citizen=citizen, asked_at__gt=now - _DAY).order_by("asked_at")
    asked = list(today.values_list("asked_at", flat=True))
    if len(asked) >= MOST_A_DAY:
        wait = asked[-MOST_A_DAY] + _DAY - now
        raise RateLimited("Five a day are made.", retry_after=max(1, int(wait.total_seconds())))
    try:
        with transaction.atomic():
            export = DataExport.objects.create(
                citizen=citizen, asked_at=now, expires_at=now + DataExport.KEPT, total_count=len(tables())
            )
    except IntegrityError as error:
        if violated(error) == "data_export_one_in_the_making_per_citizen":
            return making.get()
        raise
    enqueue(TOPIC, export_id=export.public_id)
    record(by=citizen, action="export.ask", on=export.public_id)
    return export


def exports_of(*, citizen: Citizen, now: datetime | None = None) -> NamedQuerySet:
    """The person's exports whose time is not over, newest first."""
    now = now or timezone.now()
    return DataExport.objects.filter(citizen=citizen, expires_at__gt=now).order_by("-asked_at")


@transaction.atomic
def open_export(*, citizen: Citizen, export_id: str, now: datetime | None = None) -> tuple[DataExport, File]:
    """One of the person's exports and its file, to be read and closed. Raises `NotFound` and `ExportNotReady`."""
    export = exports_of(citizen=citizen, now=now).named(export_id)
    if export.state != DataExport.State.READY:
        raise ExportNotReady
    file = open_kept(export.name)
    record(by=citizen, action="export.download", on=export.public_id)
    return export, file


# -- Making it --------------------------------------------------------------------------------------------------------


@handles(TOPIC)
def make_export(*, export_id: str) -> None:
    """Write the archive and file it. Safe twice; one whose person has left meanwhile comes to nothing."""
    mine = DataExport.objects.filter(pk=DataExport.key_of(export_id), state=DataExport.State.MAKING)
    export = mine.select_related("citizen").first()
    if export is None:
        return
    with tempfile.TemporaryFile() as made:  # it has no name: whoever is killed leaves nothing behind
        _write(export, made, mine)
        size = made.tell()
        made.seek(0)
        name = keep_archive(File(made))
    now = timezone.now()
    with transaction.atomic():
        filed = mine.update(
            state=DataExport.State.READY, ready_at=now, expires_at=now + DataExport.KEPT, name=name, size=size
        )
        if filed:
            notify(export.citizen, "export.ready", about=export.public_id, now=now)
    if not filed:
        erase_now(name=name)


def _write(export: DataExport, made: Any, mine: QuerySet[DataExport]) -> None:
    counts: dict[str, int] = {}
    left_out: dict[str, Any] = {}
    now = timezone.now()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(_entry("README.txt", now), _readme(now))
        for done, table in enumerate(tables(), start=1):
            counts[table.name] = _write_table(archive, table, export.citizen, now)
            if table.left_out:
                left_out[table.name] = dict(table.left_out)
            if not mine.update(done_count=done, total_count=len(tables())):
                return  # they have left: the rest is of no use
        about = {
            "made_at": now,
            "account": export.citizen.public_id,
            "rows": counts,
            "fields_left_out": left_out,
            "tables_left_out": excused(),
        }
        archive.writestr(_entry("about.json", now), _text(about))


def _write_table(archive: zipfile.ZipFile, table: Table, citizen: Citizen, now: datetime) -> int:
    count = 0
    with archive.open(_entry(f"{table.name}.json", now), "w") as raw, TextIOWrapper(raw, encoding="utf-8") as file:
        file.write("[")
        for count, row in enumerate(told(table, citizen), start=1):
            file.write((",\n" if count > 1 else "\n") + _text(row))
        file.write("\n]\n")
    return count


def _entry(name: str, now: datetime) -> zipfile.ZipInfo:
    """A file of the archive, of the moment it was made (a ZIP has no time zones: it is UTC)."""
    entry = zipfile.ZipInfo(name, now.astimezone(UTC).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _readme(now: datetime) -> str:
    """What lies in the archive and how to read it, for a person without the documentation."""
    width = max(len(table.name) for table in tables()) + len(".json")
    files = [("about.json", "how many rows each file has, and what is left out and why")]
    files += [(f"{table.name}.json", table.tells) for table in tables()]
    return README.format(
        made=f"{now.astimezone(UTC):%Y-%m-%d %H:%M}",
        files="\n".join(f"{name:<{width}}  {tells}" for name, tells in files),
    )


def _text(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


# -- Letting go of it -------------------------------------------------------------------------------------------------


@sweeps("exports.expire")
def expire_exports(now: datetime) -> int:
    """Erase exports seven days after they were made, file and row; return how many."""
    with transaction.atomic():
        return _erase(DataExport.objects.filter(expires_at__lte=now).order_by("expires_at")[:500])


@erases
def erase_exports(*, citizen: Citizen, now: datetime) -> Erasure:
    """What somebody who leaves had asked for goes with them, and so do the answers kept for their retries."""
    answers = IdempotentRequest.objects.filter(caller=f"person:{citizen.pk}").delete()[0]
    return Erasure({"exports": _erase(DataExport.objects.filter(citizen=citizen)), "requests_answered": answers})


def _erase(rows: QuerySet[DataExport]) -> int:
    doomed = list(rows)
    for export in doomed:
        if export.name:
            erase_kept(export.name)
    DataExport.objects.filter(pk__in=[export.pk for export in doomed]).delete()
    return len(doomed)


names_kept_files(DataExport)
