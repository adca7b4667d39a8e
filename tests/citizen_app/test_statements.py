"""Writes done together: rows of one table in one statement, each given the key that is its own."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from citizen_app.models import OutboxMessage
from citizen_app.outbox import promise
from citizen_app.statements import insert_of, together, update_of

pytestmark = pytest.mark.django_db


def test_rows_of_one_table_are_one_insert_and_each_knows_its_key():
    with transaction.atomic():
        first = promise("one", number=0)
        first.save()
        rows = [promise(f"topic {number}", number=number) for number in range(3)]
        undone = OutboxMessage.objects.filter(pk=first.pk)
        with CaptureQueriesContext(connection) as queries:
            touched = together(
                insert_of(rows[0]), update_of(undone, topic="two", returning=["topic"]), *map(insert_of, rows[1:])
            )
    assert len(queries) == (1 if connection.vendor == "postgresql" else 2)
    assert sum(query["sql"].count("INSERT INTO") for query in queries) == 1
    assert touched == [[{"id": rows[0].pk}], [{"topic": "two"}], [{"id": rows[1].pk}], [{"id": rows[2].pk}]]
    for row in rows:
        assert (OutboxMessage.objects.get(pk=row.pk).payload, row._state.adding) == (row.payload, False)


def test_writes_that_belong_together_need_a_transaction(transactional_db):
    with pytest.raises(transaction.TransactionManagementError):
        together()
