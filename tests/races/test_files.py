"""Operators who open files at the same moment: one stands open, and of the 31st nothing is learned."""

from collections import Counter

import pytest
from django.db import IntegrityError, transaction

from citizen_app.models import AuditEvent
from scores.models import FileAllowance, FileDay, FileOpening, Inquiry
from scores.services.enrolment import leave
from scores.services.files import ask_for_more, decide_allowance, unmask_field
from tests.factories.files import open_one, somebody
from tests.factories.people import operator_with
from tests.factories.scores import NOW
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
sound = pytest.mark.usefixtures("sound")


def opened(citizen, by, **changes):
    return open_one(citizen, by, **changes) and "open"


@sound
def test_of_12_files_opened_at_once_one_stands_open_and_each_is_told():
    operator, people = operator_with("support"), [somebody() for _ in range(12)]
    results = at_once(*[lambda one=one: opened(one, operator) for one in people])
    assert Counter(results) == {"open": 12}
    assert FileOpening.objects.filter(closed_at=None).count() == 1
    assert (FileOpening.objects.count(), Inquiry.objects.count(), FileDay.objects.get().count) == (12, 12, 12)


@sound
def test_of_12_opened_at_once_with_5_left_of_the_day_5_are_opened_and_told():
    operator, people = operator_with("support"), [somebody() for _ in range(12)]
    FileDay.objects.create(operator=operator, day=NOW.date(), count=25)
    results = at_once(*[lambda one=one: opened(one, operator) for one in people])
    assert Counter(results) == {"open": 5, "file_limit_reached": 7}
    assert (FileOpening.objects.count(), Inquiry.objects.count(), FileDay.objects.get().count) == (5, 5, 30)


@sound
def test_guesses_at_once_are_counted_with_the_rest():
    operator, ines = operator_with("support"), somebody()
    FileDay.objects.create(operator=operator, day=NOW.date(), count=26)
    guesses = [lambda n=n: opened(ines, operator, person=f"guess{n}@example.org") for n in range(8)]
    assert Counter(at_once(*guesses)) == {None: 4, "file_limit_reached": 4}
    assert AuditEvent.objects.filter(action="file.not_found").count() == 4


@sound
def test_a_request_decided_8_times_at_once_allows_ten_once():
    operator = operator_with("support")
    asked = ask_for_more(reason="Many wrote today.", by=operator, now=NOW).public_id
    others = [operator_with("support") for _ in range(8)]
    results = at_once(
        *[
            lambda one=one: decide_allowance(allowance_id=asked, is_granted=True, by=one, now=NOW) and "allowed"
            for one in others
        ]
    )
    assert Counter(results) == {"allowed": 1, "wrong_state": 7}
    assert FileDay.objects.get().limit == 40


@sound
def test_asking_6_times_at_once_is_one_request():
    operator = operator_with("support")
    results = at_once(*[lambda: ask_for_more(reason="Many wrote today.", by=operator, now=NOW) and "asked"] * 6)
    assert Counter(results) == {"asked": 1, "allowance_waits": 5}
    assert FileAllowance.objects.count() == 1


@sound
def test_who_leaves_while_their_file_is_opened_leaves_nothing_behind():
    operators, people = [operator_with("support") for _ in range(4)], [somebody() for _ in range(2)]
    for one in operators:
        open_one(people[0], one)
    first = [(one, FileOpening.objects.get(operator=one).public_id) for one in operators]
    results = at_once(
        *[lambda one=one: opened(people[0], one) for one in operators[:2]],
        *[lambda one=one: opened(people[1], one) for one in operators[2:]],
        *[
            lambda one=one, name=name: unmask_field(opening_id=name, field="name", by=one, now=NOW)
            for one, name in first
        ],
        *[lambda one=one: leave(citizen=one, now=NOW) and "left" for one in people],
    )
    assert set(results) <= {"open", None, "left", "not_found", "file_closed"}
    assert results.count("left") == 2
    assert (FileOpening.objects.count(), Inquiry.objects.count()) == (0, 0)


@pytest.mark.usefixtures("postgresql")
def test_counting_openings_before_opening_exceeds_the_day():
    """The negative control: what one writes first."""
    operator, people = operator_with("support"), [somebody() for _ in range(16)]
    day = FileDay.objects.create(operator=operator, day=NOW.date(), count=25)

    @transaction.atomic
    def open_naively(citizen):
        used = FileDay.objects.get(pk=day.pk).count
        if used >= 30:
            return "file_limit_reached"
        FileOpening.objects.create(
            operator=operator,
            enrolment_id=citizen.pk,
            role="support",
            reason="asked",
            note="Naively.",
            opened_at=NOW,
            expires_at=NOW.replace(hour=13),
            closed_at=NOW,
        )
        FileDay.objects.filter(pk=day.pk).update(count=used + 1)
        return "open"

    results = at_once(*[lambda one=one: open_naively(one) for one in people])
    assert Counter(results)["open"] > 5


@pytest.mark.usefixtures("postgresql")
def test_closing_the_former_without_holding_the_day_leaves_two_open_but_for_the_database():
    """The negative control of one at a time: without the guard only the unique index stands in the way."""
    operator, people = operator_with("support"), [somebody() for _ in range(8)]

    def open_naively(citizen):
        try:
            with transaction.atomic():
                FileOpening.objects.filter(operator=operator, closed_at=None).update(closed_at=NOW)
                FileOpening.objects.create(
                    operator=operator,
                    enrolment_id=citizen.pk,
                    role="support",
                    reason="asked",
                    note="Naively.",
                    opened_at=NOW,
                    expires_at=NOW.replace(hour=13),
                )
        except IntegrityError as error:
            return "file_opening_one_at_a_time" if "file_opening_one_at_a_time" in str(error) else "other"
        return "open"

    results = at_once(*[lambda one=one: open_naively(one) for one in people])
    assert results.count("file_opening_one_at_a_time") > 0
    assert FileOpening.objects.filter(closed_at=None).count() == 1
