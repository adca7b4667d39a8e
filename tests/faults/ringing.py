"""A relay that is killed -9 once before it sends and once after; it sends to a file.

`python -m tests.faults.ringing FILE promise COUNT` makes promises, `... relay` keeps them, and `... mark-first` does so
in the wrong order, which loses what the kill came before.
"""

import os
import signal
import sys
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")
django.setup()

from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from citizen_app import outbox  # noqa: E402
from citizen_app.leases import Queue  # noqa: E402
from citizen_app.models import OutboxMessage  # noqa: E402
from tests.faults.ringing_numbers import AFTER, BEFORE  # noqa: E402

TOPIC = "fault.ring"
sent = Path(sys.argv[1])


def die_once(place: str) -> None:
    mark = sent.with_suffix(f".{place}")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@outbox.handles(TOPIC)
def ring(number: int) -> None:
    if number == BEFORE:
        die_once("before")
    with sent.open("a") as file:
        file.write(f"{number}\n")
    if number == AFTER:
        die_once("after")


def mark_first(queue: Queue, promise: OutboxMessage, now: object) -> bool:
    OutboxMessage.objects.filter(pk=promise.pk).update(done_at=timezone.now(), leased_until=None)
    ring(**promise.payload)
    return True


match sys.argv[2]:
    case "promise":
        with transaction.atomic():
            for number in range(int(sys.argv[3])):
                outbox.enqueue(TOPIC, number=number)
    case how:
        if how == "mark-first":
            Queue._work_on = mark_first  # type: ignore[method-assign, assignment]
        while outbox.run_due():
            pass
