"""What is kept compiled says the same as the ORM would, whatever is given, and finds the same rows."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import BigIntegerField, CharField, DateTimeField, F, IntegerField, JSONField, Q
from django.db.models.sql import InsertQuery
from django.test.utils import CaptureQueriesContext

from citizen_app.kept_statements import Given, KeptRows, KeptStatement
from citizen_app.models import Citizen, OutboxMessage
from citizen_app.statements import insert_of, lock_of, together, update_of
from tests.factories.people import CitizenFactory

pytestmark = pytest.mark.django_db
THEN = datetime(2026, 7, 4, 12, tzinfo=UTC)


def said(sql: str, params: object) -> str:
    """A statement with its values in it."""
    if connection.vendor == "postgresql":
        return connection.ops.compose_sql(sql, params)
    return repr((sql, list(params)))


def of_the_orm(queryset) -> str:
    return said(*queryset.query.get_compiler(connection=connection).as_sql())


def waiting(topic, since, most, names):
    """A queryset with constants, comparisons, a list, an arithmetic and a join's condition."""
    return OutboxMessage.objects.filter(
        Q(topic=topic) | Q(topic__in=names, last_error="50 % 'off'"),
        Q(done_at__isnull=True) | Q(due_at__lte=since),
        attempt_count__lt=F("attempt_count") + most,
    ).order_by("pk")


KEPT = KeptRows(
    lambda: waiting(
        Given("topic", CharField()),
        Given("since", DateTimeField()),
        Given("most", IntegerField()),
        [Given(name, CharField()) for name in ("one", "two")],
    )
)


@pytest.mark.parametrize("topic", ["webhook", "it's %s", ""])
@pytest.mark.parametrize("most", [0, 7])
def test_kept_rows_say_what_the_orm_says(topic, most):
    kept = KEPT.sql(topic=topic, since=THEN, most=most, one="a", two="%")
    assert said(*kept) == of_the_orm(waiting(topic, THEN, most, ["a", "%"]))


def test_kept_rows_find_what_the_queryset_finds_each_time_anew():
    def add(topic, **fields):
        return OutboxMessage.objects.create(topic=topic, payload={"n": 1}, created_at=THEN, due_at=THEN, **fields)

    first, told = add("first"), add("second", last_error="50 % 'off'")
    asked = {"since": THEN, "most": 1, "one": "second", "two": "none"}
    for _ in range(7):  # PostgreSQL plans for good at the fifth
        found = KEPT.rows(topic="first", **asked)
        assert found == [first, told]
        assert [row.payload for row in found] == [{"n": 1}, {"n": 1}]
        assert KEPT.rows(topic="third", **asked) == [told]
    third = add("third")
    assert KEPT.rows(topic="third", **asked) == [told, third]


def test_kept_values_are_as_those_of_the_queryset():
    people = [CitizenFactory(), CitizenFactory()]
    named = KeptRows(
        lambda: Citizen.objects.filter(pk=Given("pk", Citizen._meta.pk)).values("uuid", one=F("joined_at"))
    )
    listed = KeptRows(lambda: Citizen.objects.filter(pk=Given("pk", Citizen._meta.pk)).values_list("uuid", flat=True))
    for person in people:
        assert named.rows(pk=person.pk) == [{"uuid": person.uuid, "one": person.joined_at}]
        assert listed.rows(pk=person.pk) == [person.uuid]
        assert isinstance(listed.rows(pk=person.pk)[0], UUID)
    assert named.rows(pk=0) == []


def test_a_kept_reading_is_one_statement_and_needs_every_value():
    with CaptureQueriesContext(connection) as queries:
        KEPT.rows(topic="a", since=THEN, most=1, one="b", two="c")
    assert len(queries) == 1
    with pytest.raises(KeyError):
        KEPT.rows(topic="a", since=THEN, most=1, one="b")


@pytest.mark.parametrize("step", [0, 3])
def test_a_kept_update_says_and_does_what_the_orm_says(step):
    def counting(topic, step):
        rows = OutboxMessage.objects.filter(topic=topic, last_error="")
        return update_of(rows, attempt_count=F("attempt_count") + step, returning=("attempt_count",))

    kept = KeptStatement(lambda: counting(Given("topic", CharField()), Given("step", IntegerField())))
    once = counting("webhook", step)
    same = kept.of(topic="webhook", step=step)
    assert said(same.sql_with_returning, same.params) == said(once.sql_with_returning, once.params)
    for topic in ("webhook", "other"):
        OutboxMessage.objects.create(topic=topic, payload={}, created_at=THEN, due_at=THEN, attempt_count=2)
    with transaction.atomic():
        (touched,) = together(kept.of(topic="webhook", step=step))
    assert touched == [{"attempt_count": 2 + step}]
    assert kept.of(topic="webhook", step=step).touched == []  # each run is a statement of its own
    counts = dict(OutboxMessage.objects.values_list("topic", "attempt_count"))
    assert counts == {"webhook": 2 + step, "other": 2}


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no row locks")
def test_a_kept_lock_says_what_the_orm_says():
    def held(pk):
        return lock_of(Citizen.objects.select_for_update(no_key=True).filter(pk=pk))

    with transaction.atomic():
        kept = KeptStatement(lambda: held(Given("pk", BigIntegerField())))
        for pk in (1, 2**40):
            once = held(pk)
            same = kept.of(pk=pk)
            assert said(same.sql_with_returning, same.params) == said(once.sql_with_returning, once.params)
            assert "FOR NO KEY UPDATE" in same.sql


@pytest.mark.parametrize(
    "fields",
    [
        {"payload": {"a": [1, None, "ü"]}, "done_at": None},
        {"payload": [], "done_at": THEN, "attempt_count": 3, "last_error": "50 %"},
    ],
)
@pytest.mark.parametrize("pk", [None, 5])
def test_an_insertion_says_what_the_orm_says(fields, pk):
    row = OutboxMessage(pk=pk, topic="webhook", created_at=THEN, due_at=THEN, **fields)
    meant = InsertQuery(OutboxMessage)
    meant.insert_values([one for one in row._meta.concrete_fields if pk or not one.primary_key], [row])
    ((sql, params),) = meant.get_compiler(connection=connection).as_sql()
    mine = insert_of(row)
    assert said(mine.sql, mine.params) == said(sql, params)
    with transaction.atomic():
        together(mine)
    assert OutboxMessage.objects.get(pk=row.pk).payload == fields["payload"]


def test_given_values_are_prepared_as_their_field_prepares_them():
    given = Given("x", JSONField())
    expected = JSONField().get_db_prep_value({"a": 1}, connection)
    assert repr(given.prepared({"x": {"a": 1}}, connection)) == repr(expected)
    whole = Given("x", IntegerField()).prepared({"x": Decimal(3)}, connection)
    assert whole == 3
