"""A person's file: by exact name, one at a time, 30 a day, never one's own; its citizen reads of each (P4, P9)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from citizen_app.accounts.operators import RoleRequired, withdraw_role
from citizen_app.accounts.phones import keep_phone, take_off_phone
from citizen_app.errors import NotFound, WrongState
from citizen_app.models import AuditEvent
from scores.errors import AllowanceWaits, FileClosed, FileLimitReached, OwnFile, SecondOperatorNeeded
from scores.models import FileAllowance, FileDay, FileOpening, FileUnmasking, Inquiry
from scores.services.enrolment import leave
from scores.services.file_statements import file_statement
from scores.services.files import (
    ask_for_more,
    close_file,
    decide_allowance,
    file_open_now,
    forget_files,
    open_file_of,
    opened_file,
    unmask_field,
)
from tests.factories.files import WHY, open_one, somebody
from tests.factories.people import CitizenFactory, operator_with
from tests.factories.scores import NOW, EnrolmentFactory
from tests.factories.vouches import giver, vouch

pytestmark = pytest.mark.django_db

READ = "You asked for help: You wrote that a code fails."


@pytest.fixture
def operator():
    return operator_with("support", "disputes")


@pytest.fixture
def other():
    return operator_with("support")


@pytest.fixture
def ines():
    return somebody(email="ines@example.org", first_name="Ines")


def looks(citizen):
    asked = Inquiry.objects.filter(enrolment_id=citizen.pk).order_by("id")
    return list(asked.values_list("asker_id", "asker_name", "what", "about", "reason", "consent", "count"))


def acts():
    events = AuditEvent.objects.filter(action__startswith="file.").order_by("id")
    return list(events.values_list("actor", "action", "object", "facts"))


def used(operator):
    return FileDay.objects.filter(operator=operator).values_list("count", flat=True).first() or 0


@pytest.mark.parametrize("person", ["ines@example.org", " INES@Example.org ", "id"])
def test_p9_a_file_opens_by_exact_name_and_its_citizen_reads_who_as_what_and_why(operator, ines, person):
    opening = open_one(ines, operator, person=ines.public_id if person == "id" else person)
    assert (opening.enrolment_id, opening.expires_at) == (ines.pk, NOW + timedelta(minutes=30))
    assert looks(ines) == [(operator.public_id, "Citizen App, support", "file_opened", "Your file", READ, "scoring", 1)]
    facts = {"role": "support", "reason": "asked"}
    assert acts() == [(f"person:{operator.pk}", "file.open", ines.public_id, facts)]
    assert used(operator) == 1


WRONG = [
    "nobody@example.org",
    "nes@example.org",
    "ines@example",
    "ines%",
    "i_es@example.org",
    "Ines",
    "",
    "\x00",
    "cit_",
    "+35191234567",
    "351912345678",
    "+",
]


@pytest.mark.parametrize("person", [*WRONG, "not enrolled", "an id of nobody"])
def test_p4_there_is_no_partial_match_and_whoever_is_not_enrolled_is_nobody(operator, ines, person):
    newcomer = CitizenFactory(verified=True)
    keep_phone(citizen=ines, number="+351912345678", now=NOW)
    person = {"not enrolled": newcomer.email, "an id of nobody": newcomer.public_id}.get(person, person)
    before = open_one(ines, operator)
    assert open_one(ines, operator, person=person) is None
    assert FileOpening.objects.count() == 1
    with pytest.raises(FileClosed):  # as if it had found somebody
        opened_file(opening_id=before.public_id, by=operator, now=NOW)
    assert used(operator) == 2
    assert acts()[-1][1:3] == ("file.not_found", operator.public_id)
    assert len(looks(ines)) == 1


def test_a_file_opens_by_the_exact_number_of_a_phone_that_was_shown_to_be_theirs(operator, ines):
    keep_phone(citizen=ines, number="+351912345678", now=NOW)
    opening = open_one(ines, operator, person="+351 912 345 678")
    assert opening.enrolment_id == ines.pk
    take_off_phone(citizen=ines)
    assert open_one(ines, operator, person="+351912345678") is None
    assert FileOpening.objects.count() == 1
    assert "+351912345678" not in str(acts())


def test_threat_16_every_name_of_nobody_costs_the_same_statements(operator):
    newcomer = CitizenFactory(verified=True)
    open_one(newcomer, operator)  # the day's row is there
    asked = []
    for person in ("nobody@example.org", newcomer.email, newcomer.public_id, "no name at all", "+351912345678"):
        with CaptureQueriesContext(connection) as captured:
            assert open_one(newcomer, operator, person=person) is None
        asked.append(len(captured))
    assert len(set(asked)) == 1


def test_one_at_a_time_opening_another_closes_the_former(operator, ines):
    first = open_one(ines, operator)
    second = open_one(somebody(), operator)
    first.refresh_from_db()
    assert first.closed_at == NOW
    with pytest.raises(FileClosed):
        opened_file(opening_id=first.public_id, by=operator, now=NOW)
    assert file_open_now(by=operator, now=NOW) == second
    with pytest.raises(IntegrityError, match=r"file_opening_one_at_a_time|UNIQUE"), transaction.atomic():
        FileOpening.objects.filter(pk=first.pk).update(closed_at=None)


def test_a_file_closes_after_half_an_hour_and_when_its_reader_says_so(operator, ines):
    opening = open_one(ines, operator)
    assert opened_file(opening_id=opening.public_id, by=operator, now=NOW + timedelta(minutes=29, seconds=59))
    with pytest.raises(FileClosed):
        opened_file(opening_id=opening.public_id, by=operator, now=NOW + timedelta(minutes=30))
    again = open_one(ines, operator, now=NOW + timedelta(minutes=31))
    close_file(opening_id=again.public_id, by=operator, now=NOW + timedelta(minutes=32))
    with pytest.raises(FileClosed):
        opened_file(opening_id=again.public_id, by=operator, now=NOW + timedelta(minutes=32))
    assert used(operator) == 2


def test_an_opening_is_its_operators_alone(operator, other, ines):
    opening = open_one(ines, operator)
    for call in (opened_file, close_file):
        with pytest.raises(NotFound):
            call(opening_id=opening.public_id, by=other, now=NOW)
    with pytest.raises(NotFound):
        unmask_field(opening_id=opening.public_id, field="email", by=other, now=NOW)
    opening.refresh_from_db()
    assert (opening.closed_at, FileUnmasking.objects.count()) == (None, 0)


def test_nobody_opens_their_own_file(operator):
    EnrolmentFactory(citizen=operator)
    for person in (operator.email, operator.public_id):
        with pytest.raises(OwnFile):
            open_one(operator, operator, person=person)
    assert (FileOpening.objects.count(), used(operator), looks(operator)) == (0, 0, [])
    opening = open_one(somebody(), operator)
    with pytest.raises(IntegrityError, match="file_opening_is_not_ones_own"), transaction.atomic():
        FileOpening.objects.filter(pk=opening.pk).update(enrolment_id=operator.pk)


def test_nobody_opens_the_file_of_somebody_they_vouch_with():
    one, ines = giver(citizen=operator_with("support")), giver()
    vouch(one, ines)
    with pytest.raises(OwnFile):
        open_one(ines, one)
    assert (FileOpening.objects.count(), looks(ines)) == (0, [])


@pytest.mark.parametrize("role", ["scoring", "support", "", "owner"])
def test_only_a_role_that_is_held_and_opens_files_opens_one(ines, role):
    with pytest.raises(RoleRequired):
        open_one(ines, operator_with("scoring", "disputes"), role=role)
    assert (FileOpening.objects.count(), looks(ines)) == (0, [])


def test_role_removal_refuses_the_next_request(operator, ines):
    opening = open_one(ines, operator)
    withdraw_role(citizen=operator, role="support", by=None)
    with pytest.raises(RoleRequired):
        opened_file(opening_id=opening.public_id, by=operator, now=NOW)
    with pytest.raises(RoleRequired):
        unmask_field(opening_id=opening.public_id, field="name", by=operator, now=NOW)
    with pytest.raises(RoleRequired):
        open_one(ines, operator)
    assert (FileUnmasking.objects.count(), used(operator)) == (0, 1)


# -- Thirty a day ----------------------------------------------------------------------------------------------------


def use_up(operator, count=30):
    FileDay.objects.update_or_create(operator=operator, day=NOW.date(), defaults={"count": count})


def test_the_31st_of_a_day_needs_a_second_operator_and_tells_nothing_before(operator, other, ines):
    use_up(operator, 29)
    open_one(ines, operator)
    for person in (ines.email, "nobody@example.org"):
        with pytest.raises(FileLimitReached) as refused:
            open_one(ines, operator, person=person)
        assert refused.value.facts == {"limit": 30}
    assert (used(operator), len(looks(ines)), FileOpening.objects.count()) == (30, 1, 1)

    asked = ask_for_more(reason="A merchant closed; many write.", by=operator, now=NOW)
    with pytest.raises(AllowanceWaits):
        ask_for_more(reason="A merchant closed; many write.", by=operator, now=NOW)
    with pytest.raises(SecondOperatorNeeded):
        decide_allowance(allowance_id=asked.public_id, is_granted=True, by=operator, now=NOW)
    with pytest.raises(FileLimitReached):
        open_one(ines, operator)
    decide_allowance(allowance_id=asked.public_id, is_granted=True, by=other, now=NOW)
    with pytest.raises(WrongState):
        decide_allowance(allowance_id=asked.public_id, is_granted=True, by=other, now=NOW)
    for _ in range(10):
        assert open_one(ines, operator)
    with pytest.raises(FileLimitReached):
        open_one(ines, operator)
    assert used(operator) == 40
    done = [(actor, action) for actor, action, _, _ in acts() if "more" in action]
    assert done == [(f"person:{operator.pk}", "file.ask_for_more"), (f"person:{other.pk}", "file.allow_more")]


def test_a_request_that_is_refused_allows_nothing_and_the_next_day_begins_anew(operator, other, ines):
    use_up(operator)
    asked = ask_for_more(reason="Many wrote today.", by=operator, now=NOW)
    decide_allowance(allowance_id=asked.public_id, is_granted=False, by=other, now=NOW)
    with pytest.raises(FileLimitReached):
        open_one(ines, operator)
    tomorrow = NOW + timedelta(days=1)
    late = ask_for_more(reason="Many wrote today.", by=operator, now=NOW)
    with pytest.raises(WrongState):  # it was for a day that is over
        decide_allowance(allowance_id=late.public_id, is_granted=True, by=other, now=tomorrow)
    assert open_one(ines, operator, now=tomorrow)


def test_who_opens_no_files_neither_asks_nor_allows(operator):
    scoring = operator_with("scoring")
    asked = ask_for_more(reason="Many wrote today.", by=operator, now=NOW)
    with pytest.raises(RoleRequired):
        decide_allowance(allowance_id=asked.public_id, is_granted=True, by=scoring, now=NOW)
    with pytest.raises(RoleRequired):
        ask_for_more(reason="Many wrote today.", by=scoring, now=NOW)
    assert FileAllowance.objects.filter(decided_at=None).count() == 1


def test_the_database_has_the_last_word_on_counts_and_allowances(operator, ines):
    open_one(ines, operator)
    with pytest.raises(IntegrityError, match="file_day_is_not_exceeded"), transaction.atomic():
        FileDay.objects.update(count=31)
    ask_for_more(reason="Many wrote today.", by=operator, now=NOW)
    with pytest.raises(IntegrityError, match="file_allowance_takes_two_operators"), transaction.atomic():
        FileAllowance.objects.update(decided_by=operator, decided_at=NOW, is_granted=True)
    with pytest.raises(IntegrityError, match="file_allowance_decided_by_somebody"), transaction.atomic():
        FileAllowance.objects.update(is_granted=True)
    for wrong in ({"role": "scoring"}, {"reason": "curious"}, {"expires_at": NOW}):
        with pytest.raises(IntegrityError, match="file_opening_"), transaction.atomic():
            FileOpening.objects.update(**wrong)


# -- What a file shows -----------------------------------------------------------------------------------------------


def test_p4_each_role_reads_the_least_it_needs(ines):
    reader = operator_with("support", "disputes", "merchants")
    told = {}
    for role in ("support", "disputes", "merchants"):
        statement = file_statement(open_one(ines, reader, role=role))
        told[role] = (set(statement) - {"id", "enrolment"}, [one["field"] for one in statement["masked"]])
    assert told == {
        "support": ({"masked", "account", "sources"}, ["name", "email", "document"]),
        "disputes": ({"masked", "sources", "disputes"}, ["name", "email"]),
        "merchants": ({"masked"}, ["name"]),
    }


def test_fields_are_masked_until_each_is_shown_and_the_citizen_reads_that_it_was(operator, ines):
    opening = open_one(ines, operator)

    def texts():
        return [one["text"] for one in file_statement(opening)["masked"]]

    assert texts() == ["I•••", "i•••@•••", "•••"]
    for _ in range(2):  # safe twice
        unmask_field(opening_id=opening.public_id, field="email", by=operator, now=NOW)
    assert texts() == ["I•••", "ines@example.org", "•••"]
    unmask_field(opening_id=opening.public_id, field="document", by=operator, now=NOW)
    assert texts() == ["I•••", "ines@example.org", "Not checked"]
    assert [(about, reason, count) for _, _, _, about, reason, _, count in looks(ines)] == [
        ("Your file", READ, 1),
        ("Your e-mail address, shown in full", READ, 1),
        ("Whether your document was checked, and when", READ, 1),
    ]
    assert [(action, facts.get("field")) for _, action, _, facts in acts()[1:]] == [
        ("file.unmask", "email"),
        ("file.unmask", "document"),
    ]
    again = open_one(ines, operator, now=NOW + timedelta(minutes=1))
    assert [one["is_shown"] for one in file_statement(again)["masked"]] == [False] * 3


@pytest.mark.parametrize(("role", "field"), [("disputes", "document"), ("support", "score"), ("support", "")])
def test_a_field_the_role_never_sees_is_not_shown(operator, ines, role, field):
    opening = open_one(ines, operator, role=role)
    with pytest.raises(NotFound):
        unmask_field(opening_id=opening.public_id, field=field, by=operator, now=NOW)
    assert (FileUnmasking.objects.count(), len(looks(ines))) == (0, 1)


def test_one_reason_on_one_day_is_one_row_and_another_reason_or_role_another(operator, ines):
    for changes in ({}, {}, {"note": "You wrote again today."}, {"role": "disputes"}):
        open_one(ines, operator, **changes)
    assert [(name, reason, count) for _, name, _, _, reason, _, count in looks(ines)] == [
        ("Citizen App, support", READ, 2),
        ("Citizen App, support", "You asked for help: You wrote again today.", 1),
        ("Citizen App, disputes", READ, 1),
    ]


# -- Forgetting ------------------------------------------------------------------------------------------------------


def test_p10_leaving_erases_the_openings_and_closes_the_file(operator, ines):
    opening = open_one(ines, operator)
    unmask_field(opening_id=opening.public_id, field="email", by=operator, now=NOW)
    assert leave(citizen=ines, now=NOW).erased["file_openings"] == 1
    assert (FileOpening.objects.count(), FileUnmasking.objects.count()) == (0, 0)
    with pytest.raises(NotFound):
        opened_file(opening_id=opening.public_id, by=operator, now=NOW)
    assert used(operator) == 1  # how many there were outlives whose they were


def test_openings_go_30_days_after_they_ended_with_the_counts_of_their_day(operator, ines):
    opening = open_one(ines, operator)
    ask_for_more(reason="Many wrote today.", by=operator, now=NOW)
    assert forget_files(now=opening.expires_at + timedelta(days=30)) == 0
    assert forget_files(now=opening.expires_at + timedelta(days=31)) == 3
    assert (FileOpening.objects.count(), FileDay.objects.count(), FileAllowance.objects.count()) == (0, 0, 0)
    assert len(looks(ines)) == 1


def test_open_file_of_is_told_by_its_own_clock(operator, ines):
    assert open_file_of(person=ines.email, by=operator, **WHY).closed_at is None
