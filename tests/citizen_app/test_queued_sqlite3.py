"""Writers of one process queue for SQLite in the order they came, wait no longer than said, and always leave."""

import threading
import time

import pytest
from django.db import OperationalError, connection, transaction

from citizen_app.models import AuditEvent
from citizen_app.queued_sqlite3.base import WritersQueue


def test_turns_come_in_the_order_of_asking():
    queue, order = WritersQueue(), []
    assert queue.enter(1)
    asked = []
    for number in range(8):
        thread = threading.Thread(target=lambda number=number: (queue.enter(10), order.append(number), queue.leave()))
        thread.start()
        asked.append(thread)
        while len(queue._waiting) <= number:
            time.sleep(0.001)
    queue.leave()
    for thread in asked:
        thread.join(10)
    assert order == list(range(8))
    assert queue.enter(0)


def test_who_waits_too_long_leaves_the_line_and_holds_nobody_up():
    queue = WritersQueue()
    assert queue.enter(1)
    assert not queue.enter(0.01)
    queue.leave()
    assert queue.enter(0)
    queue.leave()
    assert queue.enter(0)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL holds rows, not the file")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ["commit", "rollback", "close", "lost"])
def test_a_transaction_leaves_the_line_however_it_ends(end):
    def write():
        try:
            with transaction.atomic():
                AuditEvent.objects.create(actor="system", action="write", object="one")
                if end == "rollback":
                    raise KeyError
                if end == "close":
                    connection.close()
                if end == "lost":
                    connection.connection.close()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    failed: list[Exception] = []
    thread = threading.Thread(target=write)
    thread.start()
    thread.join(10)
    assert bool(failed) == (end in ("rollback", "lost"))
    with transaction.atomic():
        AuditEvent.objects.create(actor="system", action="write", object="two")
    assert AuditEvent.objects.filter(object="one").count() == (end == "commit")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL holds rows, not the file")
@pytest.mark.django_db(transaction=True)
def test_a_writer_that_never_ends_makes_the_next_one_busy():
    begun, over, refused = threading.Event(), threading.Event(), []

    def write():
        with transaction.atomic():
            begun.set()
            over.wait(10)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait(10)
    patience = connection.settings_dict["OPTIONS"]["timeout"]
    connection.settings_dict["OPTIONS"]["timeout"] = 0.05
    try:
        with transaction.atomic():
            pass
    except OperationalError as error:
        refused.append(str(error))
    finally:
        connection.settings_dict["OPTIONS"]["timeout"] = patience
        over.set()
        thread.join(10)
    assert refused == ["database is locked"]
    with transaction.atomic():
        AuditEvent.objects.create(actor="system", action="write", object="after")
