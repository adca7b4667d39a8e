"""Lists of up to a million codes: made in the background, resumable, none lost and none doubled (lessons 12)."""

import os
from datetime import timedelta
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from citizen_app.errors import InvalidInput, WrongState
from citizen_app.models import AuditEvent, OutboxMessage
from citizen_app.outbox import run_due
from perks.errors import CodeListsAtWork, TooManyCodes
from perks.models import CodeList, CodeUpload, OutsideCode
from perks.services import code_lists
from perks.services.code_lists import (
    codes_of,
    generate_codes,
    receive_codes,
    resume_code_lists,
    withdraw_codes,
    work_on,
)
from perks.services.code_secrets import ListSecrets
from tests.factories.perks import MerchantFactory, person_of

pytestmark = pytest.mark.django_db
MANY = int(os.environ.get("CODES", "20000"))


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def by(merchant):
    return person_of(merchant, "manager")


@pytest.fixture
def few_at_once():
    with mock.patch.object(code_lists, "AT_ONCE", 4):
        yield


def uploaded(merchant, by, *codes, name="Shop"):
    return receive_codes(merchant=merchant, by=by, name=name, lines=list(enumerate(codes, start=1)))


def texts(code_list):
    return [code for code, _ in codes_of(code_list)]


def test_many_codes_are_generated_in_the_background_lessons_12(merchant, by):
    code_list = generate_codes(merchant=merchant, by=by, name="Shop", count=MANY, prefix="SPA-")
    assert (code_list.state, code_list.done_count) == ("working", 0)
    while run_due():
        pass
    code_list.refresh_from_db()
    assert (code_list.state, code_list.done_count, code_list.free_count) == ("ready", MANY, MANY)
    made = texts(code_list)
    assert len(made) == len(set(made)) == MANY
    assert all(len(code) == 16 and code.startswith("SPA-") for code in made)


def test_an_upload_becomes_codes_and_tells_what_it_could_not_use(merchant, by, few_at_once):
    code_list = uploaded(merchant, by, "A1", "B2", None, "A1", "C3", "B2", "D4", "E5", None, "F6")
    assert (code_list.state, code_list.total_count) == ("working", 10)
    work_on(list_id=code_list.pk)
    code_list.refresh_from_db()
    assert code_list.state == "ready"
    assert texts(code_list) == ["A1", "B2", "C3", "D4", "E5", "F6"]
    assert (code_list.duplicate_count, code_list.malformed_count) == (2, 2)
    assert code_list.first_rejected == [
        {"line": 3, "code": "malformed"},
        {"line": 4, "code": "duplicate"},
        {"line": 6, "code": "duplicate"},
        {"line": 9, "code": "malformed"},
    ]
    assert not CodeUpload.objects.exists()


def test_only_the_first_hundred_rejected_lines_are_named_and_all_are_counted(merchant, by):
    code_list = uploaded(merchant, by, *[None] * 150, "A1")
    work_on(list_id=code_list.pk)
    code_list.refresh_from_db()
    assert (code_list.malformed_count, len(code_list.first_rejected)) == (150, 100)


def test_the_same_code_in_two_lists_is_two_codes(merchant, by):
    for name in ("one", "other"):
        work_on(list_id=uploaded(merchant, by, "A1", name=name).pk)
    assert OutsideCode.objects.count() == 2
    assert len({bytes(one) for one in OutsideCode.objects.values_list("fingerprint", flat=True)}) == 2


def test_no_code_is_readable_in_the_database_a_log_or_an_audit_row(merchant, by, caplog):
    code_list = uploaded(merchant, by, "SECRET-ONE", "SECRET-TWO")
    assert b"SECRET" not in bytes(CodeUpload.objects.get().sealed)
    run_due()
    row = OutsideCode.objects.first()
    assert b"SECRET" not in bytes(row.sealed) + bytes(row.fingerprint)
    told = [*AuditEvent.objects.values_list("facts", "object"), *OutboxMessage.objects.values_list("payload")]
    assert "SECRET" not in f"{told} {caplog.text} {code_list.first_rejected}"


def test_a_code_opens_as_its_own_list_s_alone(merchant, by):
    one, other = (uploaded(merchant, by, "A1", name=name) for name in ("one", "other"))
    work_on(list_id=one.pk)
    row = OutsideCode.objects.get()
    assert ListSecrets(one.pk).open(row.sealed) == "A1"
    with pytest.raises(Exception, match="outside codes"):
        ListSecrets(other.pk).open(row.sealed)


def test_codes_are_read_while_the_server_s_key_is_rotated(merchant, by, settings):
    code_list = uploaded(merchant, by, "A1", "B2")
    settings.SERVER_KEY_PREVIOUS, settings.SERVER_KEY = settings.SERVER_KEY, "another key of this server" * 2
    work_on(list_id=code_list.pk)
    settings.SERVER_KEY_PREVIOUS = settings.SERVER_KEY
    assert texts(code_list) == ["A1", "B2"]


class Killed(BaseException):
    """As if the process ended here."""


@pytest.mark.parametrize("origin", ["generated", "uploaded"])
def test_work_that_is_killed_at_any_step_goes_on_where_it_was(merchant, by, few_at_once, origin):
    """Lesson 12."""
    if origin == "generated":
        code_list = generate_codes(merchant=merchant, by=by, name="Shop", count=18)
    else:
        code_list = uploaded(merchant, by, *[f"C{number % 17}" for number in range(18)])
    save, stopped = CodeList.save, 0

    def save_or_die(self, *args, **kwargs):
        save(self, *args, **kwargs)
        nonlocal stopped
        if stopped < 3:
            stopped += 1
            raise Killed

    now = timezone.now()
    with mock.patch.object(CodeList, "save", save_or_die):
        for _ in range(3):
            with pytest.raises(Killed):
                work_on(list_id=code_list.pk)
            # What a step wrote went with it, and the sweep asks again once the lease is over.
            now += timedelta(minutes=10)
            assert resume_code_lists(now=now) == 1
        while run_due(now=now):
            pass
    code_list.refresh_from_db()
    made = texts(code_list)
    kept = 18 if origin == "generated" else 17
    assert (code_list.state, code_list.done_count, len(made), len(set(made))) == ("ready", 18, kept, kept)
    assert resume_code_lists(now=now + timedelta(days=1)) == 0


def test_doing_it_twice_changes_nothing(merchant, by):
    code_list = uploaded(merchant, by, "A1", "B2")
    work_on(list_id=code_list.pk)
    before = texts(code_list)
    work_on(list_id=code_list.pk)
    assert texts(code_list) == before


def test_work_that_takes_too_long_for_its_promise_promises_the_rest(merchant, by, few_at_once):
    code_list = generate_codes(merchant=merchant, by=by, name="Shop", count=10)
    before = OutboxMessage.objects.count()
    work_on(list_id=code_list.pk, seconds=0)
    code_list.refresh_from_db()
    assert (code_list.done_count, OutboxMessage.objects.count()) == (4, before + 1)


def test_an_upload_that_breaks_off_leaves_nothing(merchant, by, few_at_once):
    def breaking():
        yield from ((number, f"C{number}") for number in range(1, 10))
        raise OSError("the line is dead")

    with pytest.raises(OSError, match="dead"):
        receive_codes(merchant=merchant, by=by, name="Shop", lines=breaking())
    assert (CodeList.objects.count(), CodeUpload.objects.count(), OutboxMessage.objects.count()) == (0, 0, 0)


def test_an_upload_whose_process_died_is_forgotten_by_the_sweep(merchant, by, few_at_once):
    def dying():
        yield from ((number, f"C{number}") for number in range(1, 10))
        raise Killed

    with mock.patch.object(code_lists, "_forget_upload"), pytest.raises(Killed):
        receive_codes(merchant=merchant, by=by, name="Shop", lines=dying())
    assert CodeUpload.objects.count() == 2
    assert not CodeList.objects.of(merchant).exists()  # nobody sees it meanwhile
    resume_code_lists(now=timezone.now() + timedelta(minutes=59))
    assert CodeUpload.objects.count() == 2
    resume_code_lists(now=timezone.now() + timedelta(minutes=61))
    assert (CodeList.objects.count(), CodeUpload.objects.count()) == (0, 0)


@pytest.mark.parametrize("sent_afterwards", ["", "EFGH"])
def test_an_upload_that_takes_more_than_an_hour_is_forgotten_and_says_so(merchant, by, few_at_once, sent_afterwards):
    def slow():
        yield from enumerate("ABCD", start=1)
        resume_code_lists(now=timezone.now() + timedelta(minutes=61))
        yield from enumerate(sent_afterwards, start=5)

    with pytest.raises(WrongState, match="too long"):
        receive_codes(merchant=merchant, by=by, name="Shop", lines=slow())
    assert (CodeList.objects.count(), CodeUpload.objects.count(), OutboxMessage.objects.count()) == (0, 0, 0)


def test_a_list_nobody_works_on_is_asked_for_once_in_each_lease(merchant, by):
    code_list = generate_codes(merchant=merchant, by=by, name="Shop", count=1)
    now = code_list.leased_until
    assert [resume_code_lists(now=now), resume_code_lists(now=now)] == [1, 0]
    assert resume_code_lists(now=now + timedelta(minutes=1)) == 1


def test_more_than_a_million_or_none_is_refused_and_nothing_kept(merchant, by, few_at_once):
    with mock.patch.object(code_lists, "MOST_CODES", 9), pytest.raises(TooManyCodes):
        uploaded(merchant, by, *[f"C{number}" for number in range(10)])
    with pytest.raises(InvalidInput):
        uploaded(merchant, by)
    assert (CodeList.objects.count(), CodeUpload.objects.count()) == (0, 0)


def test_three_lists_are_made_at_a_time(merchant, by):
    for _ in range(3):
        generate_codes(merchant=merchant, by=by, name="Shop", count=1)
    with pytest.raises(CodeListsAtWork):
        uploaded(merchant, by, "A1")
    with pytest.raises(CodeListsAtWork):
        generate_codes(merchant=merchant, by=by, name="Shop", count=1)
    assert CodeList.objects.count() == 3
    run_due()
    assert uploaded(merchant, by, "A1").state == "working"


def test_withdrawing_erases_what_was_not_given_out(merchant, by, few_at_once):
    code_list = generate_codes(merchant=merchant, by=by, name="Shop", count=10)
    run_due()
    withdraw_codes(code_list=code_list, by=by)
    run_due()
    code_list.refresh_from_db()
    assert (code_list.state, code_list.free_count, code_list.withdrawn_count) == ("withdrawn", 0, 10)
    assert not OutsideCode.objects.exists()
    with pytest.raises(WrongState):
        withdraw_codes(code_list=code_list, by=by)


def test_withdrawing_ends_an_import_that_goes_on(merchant, by, few_at_once):
    code_list = uploaded(merchant, by, *[f"C{number}" for number in range(10)])
    work_on(list_id=code_list.pk, seconds=0)
    withdraw_codes(code_list=code_list, by=by)
    run_due()
    code_list.refresh_from_db()
    assert (code_list.state, code_list.done_count, code_list.withdrawn_count) == ("withdrawn", 4, 4)
    assert (OutsideCode.objects.count(), CodeUpload.objects.count()) == (0, 0)


def test_a_step_costs_the_same_number_of_statements_whatever_the_list(merchant, by):
    costs = []
    for count in (10, 150):
        code_list = generate_codes(merchant=merchant, by=by, name="Shop", count=count)
        with CaptureQueriesContext(connection) as asked:
            code_lists._step(code_list.pk, timezone.now())
        costs.append(len(asked))
    assert costs[0] == costs[1] <= 8
