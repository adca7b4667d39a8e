"""One person, one enrolment, one link per code: whoever asks how often at the same moment."""

from collections import Counter
from itertools import pairwise

import pytest

from citizen_app.models import ConsentEvent
from citizen_app.outbox import run_due
from scores.models import EndedLink, Enrolment, Entry, Link, Score, ScoreChange
from scores.services.consents import current_text
from scores.services.enrolment import enrol_citizen, leave
from scores.services.identity import record_document_check, record_identity_entry
from scores.services.ingestion import furnish_entries
from scores.services.linking import make_link_code, redeem_link_code, switch_source, unlink_source
from tests.factories.people import CitizenFactory
from tests.factories.scores import EnrolmentFactory, SourceFactory, link, row
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sound")]


def test_enrolling_16_times_is_one_enrolment_one_consent_and_one_first_score():
    citizen, version = CitizenFactory(verified=True), current_text().version
    results = at_once(*[lambda: enrol_citizen(citizen=citizen, consent_version=version, adult=True)[1]] * 16)
    assert Counter(results) == {True: 1, False: 15}
    counts = [model.objects.count() for model in (Enrolment, ConsentEvent, Link, Entry, Score, ScoreChange)]
    assert counts == [1, 1, 1, 1, 1, 1]


def test_one_document_at_several_accounts_at_the_same_moment_is_one_person_s():
    """Lesson 7."""
    accounts = [EnrolmentFactory().citizen for _ in range(8)]
    results = at_once(
        *[
            lambda citizen=citizen: bool(record_document_check(citizen=citizen, reference="PT-1234567", of_age=True))
            for citizen in accounts
        ]
    )
    assert Counter(results) == {True: 1, "already_enrolled_elsewhere": 7}
    assert Enrolment.objects.exclude(person_key=None).count() == 1
    assert Entry.objects.count() == 1  # of the others nothing is kept, no entry either


def test_a_document_checked_twice_at_the_same_moment_is_one_entry():
    citizen = EnrolmentFactory().citizen
    check = [lambda: bool(record_document_check(citizen=citizen, reference="PT-1234567", of_age=True))] * 8
    assert at_once(*check) == [True] * 8
    assert Entry.objects.count() == 1


def test_a_fact_about_the_account_announced_16_times_is_one_entry():
    citizen = EnrolmentFactory().citizen
    at_once(*[lambda: record_identity_entry(citizen=citizen, kind="identity.email")] * 16)
    assert Entry.objects.count() == 1
    assert Score.objects.get().revision == 2  # the first one at enrolling


def test_a_link_code_redeemed_16_times_links_once():
    source = SourceFactory()
    made = make_link_code(citizen=EnrolmentFactory().citizen, source_code=source.code)
    redeem = [lambda: redeem_link_code(source=source, code=made.code, subject="ana-7")[1]] * 16
    assert Counter(at_once(*redeem)) == {True: 1, "unknown_link_code": 15}
    assert Link.objects.filter(source=source).count() == 1
    assert ConsentEvent.objects.filter(purpose=f"source:{source.code}").count() == 1


def test_one_subject_brought_by_several_citizens_is_the_first_one_s():
    source = SourceFactory()
    codes = [make_link_code(citizen=EnrolmentFactory().citizen, source_code=source.code).code for _ in range(8)]
    results = at_once(
        *[lambda code=code: redeem_link_code(source=source, code=code, subject="ana-7")[1] for code in codes]
    )
    assert Counter(results) == {True: 1, "subject_taken": 7}
    assert Link.objects.filter(source=source).count() == 1


def test_who_leaves_while_records_arrive_leaves_nothing_behind():
    source = SourceFactory()
    citizens = [EnrolmentFactory().citizen for _ in range(4)]
    for citizen in citizens:
        link(citizen, source)
    batch = [row(f"subject-{citizen.pk}", number) for citizen in citizens for number in range(3)]
    results = at_once(
        *[lambda: furnish_entries(source=source, rows=batch)] * 4,
        *[lambda citizen=citizen: leave(citizen=citizen) for citizen in citizens],
    )
    for answer in results[:4]:
        assert answer.accepted + answer.duplicates + len(answer.rejected) == len(batch)
        assert {refused.code for refused in answer.rejected} <= {"not_linked"}
    assert [model.objects.count() for model in (Enrolment, Link, Entry, Score, ScoreChange)] == [0] * 5
    # Every entry that was taken is named in somebody's receipt as erased.
    assert sum(answer.accepted for answer in results[:4]) == sum(one.erased["entries"] for one in results[4:])


def test_a_link_that_ends_while_records_arrive_takes_all_of_them_along():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    link(citizen, source, "ana-7")
    batches = [lambda n=n: furnish_entries(source=source, rows=[row("ana-7", n)]) for n in range(8)]
    at_once(*batches[:4], lambda: unlink_source(citizen=citizen, source_code=source.code), *batches[4:])
    run_due()
    assert Entry.objects.filter(link__source=source).count() == 0
    assert EndedLink.objects.get().subject == "ana-7"


def test_a_source_switched_both_ways_ends_in_the_state_its_history_says():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    link(citizen, source)
    at_once(*[lambda on=bool(n % 2): switch_source(citizen=citizen, source_code=source.code, on=on) for n in range(12)])
    acts = list(
        ConsentEvent.objects.filter(purpose=f"source:{source.code}").order_by("id").values_list("act", flat=True)
    )
    # Given and withdrawn take turns: nobody switched what somebody else had just switched the same way.
    assert all(before != after for before, after in pairwise(acts))
    assert Link.objects.get(source=source).is_on == (acts[-1] == "given")
