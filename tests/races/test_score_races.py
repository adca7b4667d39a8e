"""What happens at the same moment to one score: batches, links, leaving. Run on committed rows."""

import pytest
from django.db import transaction

from citizen_app.outbox import run_due
from scores.models import EndedLink, Enrolment, Entry, Inquiry, Link, Score, ScoreChange
from scores.services.enrolment import enrol_citizen, leave
from scores.services.identity import record_document_check
from scores.services.ingestion import furnish_entries
from scores.services.linking import make_link_code, redeem_link_code, switch_source, unlink_source
from scores.services.rescoring import rescore
from scores.services.verifying import wrong_changes, wrong_explanations, wrong_scores
from tests.factories.people import CitizenFactory
from tests.factories.scores import EnrolmentFactory, SourceFactory, link, row
from tests.races.at_once import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def assert_all_is_sound():
    assert not [*wrong_scores(), *wrong_changes(), *wrong_explanations()]


def test_the_same_batch_eight_times_at_once_is_taken_once():
    source, citizens = SourceFactory(), [EnrolmentFactory().citizen for _ in range(5)]
    for number, citizen in enumerate(citizens):
        link(citizen, source, f"S-{number}")
    rows = [row(f"S-{number}", each) for number in range(5) for each in range(8)]
    shuffled = [rows, rows[::-1]] * 4
    answers = at_once(*[lambda sent=sent: furnish_entries(source=source, rows=sent) for sent in shuffled])
    assert sum(answer.accepted for answer in answers) == 40
    assert sum(answer.duplicates for answer in answers) == 7 * 40
    assert Entry.objects.count() == 40
    assert {inquiry.count for inquiry in Inquiry.objects.all()} == {1}


def test_two_contradicting_batches_at_once_leave_one_truth():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    link(citizen, source, "S-1")
    answers = at_once(
        *[lambda value=value: furnish_entries(source=source, rows=[row("S-1", 1, value=value)]) for value in range(6)]
    )
    assert sum(answer.accepted for answer in answers) == 1
    assert [rejection.code for answer in answers for rejection in answer.rejected] == ["entry_contradicted"] * 5
    assert Entry.objects.count() == 1


def test_an_entry_is_replaced_once_however_many_try():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    link(citizen, source, "S-1")
    furnish_entries(source=source, rows=[row("S-1", 0, value=3)])
    answers = at_once(
        *[
            lambda number=number: furnish_entries(source=source, rows=[row("S-1", number, replaces="r0")])
            for number in range(1, 7)
        ]
    )
    assert sum(answer.accepted for answer in answers) == 1
    assert Entry.objects.exclude(status="struck").count() == 1


def test_one_code_redeemed_by_many_links_once():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    code = make_link_code(citizen=citizen, source_code=source.code).code
    answers = at_once(
        *[
            lambda number=number: redeem_link_code(source=source, code=code, subject=f"S-{number}")[1]
            for number in range(8)
        ]
    )
    assert answers.count(True) == 1
    assert answers.count("unknown_link_code") == 7
    assert Link.objects.filter(source=source).count() == 1


def test_one_subject_brought_by_many_citizens_is_one_citizens():
    source = SourceFactory()
    codes = [make_link_code(citizen=EnrolmentFactory().citizen, source_code=source.code).code for _ in range(6)]
    answers = at_once(
        *[lambda code=code: redeem_link_code(source=source, code=code, subject="S-1")[1] for code in codes]
    )
    assert answers.count(True) == 1
    assert answers.count("subject_taken") == 5


def test_p1_enrolling_many_times_at_once_is_one_enrolment():
    citizen = CitizenFactory()
    answers = at_once(*[lambda: enrol_citizen(citizen=citizen, consent_version="2026-11", adult=True)[1]] * 8)
    assert answers.count(True) == 1
    assert ScoreChange.objects.count() == 1


def test_p1_one_document_with_many_accounts_is_one_enrolments():
    citizens = [EnrolmentFactory().citizen for _ in range(6)]
    answers = at_once(
        *[
            lambda citizen=citizen: record_document_check(citizen=citizen, reference="PT-1", of_age=True).pk
            for citizen in citizens
        ]
    )
    assert answers.count("already_enrolled_elsewhere") == 5
    assert Enrolment.objects.exclude(person_key=None).count() == 1


def test_leaving_while_batches_arrive_leaves_nothing_behind():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    link(citizen, source, "S-1")
    batches = [
        lambda start=start: furnish_entries(source=source, rows=[row("S-1", start * 20 + each) for each in range(20)])
        for start in range(6)
    ]
    at_once(*batches[:3], lambda: leave(citizen=citizen), *batches[3:])
    run_due()
    for model in (Entry, Inquiry, ScoreChange, Link):
        assert not model.objects.filter(enrolment_id=citizen.pk).exists()
    assert not Score.objects.exists()
    assert EndedLink.objects.get().subject == "S-1"


def test_ending_a_link_while_batches_arrive_erases_all_of_them():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    link(citizen, source, "S-1")
    batches = [lambda n=n: furnish_entries(source=source, rows=[row("S-1", n)]) for n in range(8)]
    at_once(*batches[:4], lambda: unlink_source(citizen=citizen, source_code=source.code), *batches[4:])
    run_due()
    assert Entry.objects.count() == 0
    assert_all_is_sound()


def test_switching_rescoring_and_batches_at_once_end_at_the_right_number():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    link(citizen, source, "S-1")
    at_once(
        *[
            lambda n=n: furnish_entries(source=source, rows=[row("S-1", n, occurred_on=f"2026-{1 + n:02}-05")])
            for n in range(6)
        ],
        *[lambda on=on: switch_source(citizen=citizen, source_code=source.code, on=on) for on in (False, True) * 2],
        *[lambda: rescore(citizen_id=citizen.pk, cause="entries")] * 4,
    )
    run_due()
    assert Score.objects.get(pk=citizen.pk).explanation["counted"] in (0, 6)
    assert_all_is_sound()


def test_the_race_is_real(postgresql):
    """Without the lock on the links, two batches both believe that they were first (the negative control)."""
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    linked = link(citizen, source, "S-1")

    def naive():
        with transaction.atomic():
            known = set(Entry.objects.filter(link=linked).values_list("external_id", flat=True))
            new = [name for name in (f"r{number}" for number in range(200)) if name not in known]
            Entry.objects.bulk_create(
                [
                    Entry(
                        enrolment_id=citizen.pk,
                        link=linked,
                        external_id=name,
                        kind_number=1,
                        occurred_on="2026-10-31",
                        recorded_at="2026-11-23T12:00:00Z",
                        lapses_on="2033-10-01",
                    )
                    for name in new
                ],
                ignore_conflicts=True,
            )
        return len(new)

    accepted = sum(at_once(*[naive] * 8))
    assert Entry.objects.count() == 200
    assert accepted > 200
