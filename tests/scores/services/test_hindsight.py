"""Looking back: how somebody would have stood, had some records not counted or been the right ones."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from scores.assessments import assess, assess_as_if, assess_without_doubt, hindsight_of
from scores.errors import NotEnrolled
from scores.models import Entry, Link, Scorecard
from scores.services.identity import record_document_check
from scores.services.linking import switch_source
from scores.services.publishing import SCORECARDS, publish_scorecard
from scores.services.rescoring import rescore
from tests.budgets import tries
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, entry_of, link, scored_citizen
from tests.factories.wronged import RIGHTLY, WRONGLY, become, recorded, wronged

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def travel(assessment):
    return assessment.purposes["travel"].value


def test_without_a_wrong_record_somebody_stands_where_they_should_have():
    citizen, wrong = wronged()
    assert travel(assess(citizen, now=NOW)) == WRONGLY
    assert travel(assess_as_if(citizen, at=NOW)) == WRONGLY
    assert travel(assess_as_if(citizen, at=NOW, without=[wrong.pk])) == RIGHTLY


def test_what_was_recorded_later_did_not_count_then():
    citizen = scored_citizen(payments=6)
    recorded(citizen, value=3, now=NOW + HOUR)
    assert travel(assess_as_if(citizen, at=NOW)) == RIGHTLY
    assert travel(assess_as_if(citizen, at=NOW + HOUR)) < RIGHTLY


def test_a_status_counts_from_the_moment_of_its_change():
    citizen, wrong = wronged()
    become(wrong, "disputed", now=NOW + HOUR)
    become(wrong, "active", now=NOW + 2 * HOUR)
    become(wrong, "struck", now=NOW + 3 * HOUR)
    values = [travel(assess_as_if(citizen, at=NOW + number * HOUR)) for number in range(4)]
    assert values == [WRONGLY, RIGHTLY, WRONGLY, RIGHTLY]
    assert travel(assess_as_if(citizen, at=NOW + HOUR - timedelta(microseconds=1))) == WRONGLY


def test_a_correction_stands_where_the_wrong_record_stood():
    citizen, wrong = wronged(late=3)
    become(wrong, "struck", now=NOW + 24 * HOUR)
    right = recorded(citizen, value=1, external_id="right", replaces=wrong, now=NOW + 24 * HOUR)
    assert travel(assess_as_if(citizen, at=NOW, without=[wrong.pk])) == RIGHTLY
    assert travel(assess_as_if(citizen, at=NOW, without=[wrong.pk], corrected=[right.pk])) == WRONGLY
    assert travel(assess_as_if(citizen, at=NOW, corrected=[right.pk])) == WRONGLY
    assert travel(assess(citizen, now=NOW + 24 * HOUR)) == WRONGLY
    # Before the wrong one had come there was nothing to correct.
    assert travel(assess_as_if(citizen, at=NOW - HOUR, corrected=[right.pk])) == travel(
        assess_as_if(citizen, at=NOW - HOUR)
    )


def test_a_switched_off_source_is_not_used_for_the_past_either():
    citizen, wrong = wronged()
    switch_source(citizen=citizen, source_code=wrong.link.source.code, on=False, now=NOW + HOUR)
    assert travel(assess_as_if(citizen, at=NOW)) == RIGHTLY


def test_the_scorecard_of_then_is_the_one_that_counts():
    citizen = scored_citizen(payments=6)
    Scorecard.objects.update(published_at=NOW - 100 * HOUR)
    text = (SCORECARDS / "2026-11.yaml").read_text().replace('version: "2026-11"', 'version: "2027-01"')
    publish_scorecard(text=text.replace("base: 550", "base: 570"), now=NOW + HOUR)
    assert travel(assess_as_if(citizen, at=NOW)) == RIGHTLY
    assert travel(assess_as_if(citizen, at=NOW + HOUR)) == RIGHTLY + 20
    assert travel(assess_as_if(citizen, at=NOW - 1000 * HOUR)) is None  # before any record, on the first scorecard


def test_a_thin_file_and_a_document_of_then():
    citizen = EnrolmentFactory(now=NOW).citizen
    record_document_check(citizen=citizen, reference="passport", of_age=True, now=NOW + HOUR)
    before, after = (assess_as_if(citizen, at=at) for at in (NOW, NOW + HOUR))
    assert (before.state, before.has_document, travel(before)) == ("thin_file", False, None)
    assert after.has_document


def test_there_is_no_looking_back_at_somebody_not_enrolled():
    with pytest.raises(NotEnrolled):
        assess_as_if(CitizenFactory(), at=NOW)
    assert hindsight_of(CitizenFactory()) is None


def test_looking_back_often_reads_the_records_once():
    citizen, wrong = wronged()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        past = hindsight_of(citizen)
        for number in range(50):
            past.assess(NOW - number * HOUR, without=[wrong.pk])
    assert len(queries) <= 5  # enrolment, changes, entries, scorecards, a document once in a process


def test_what_disputes_struck_is_known_and_what_a_furnisher_took_back_is_not():
    citizen, wrong = wronged()
    retracted, under_dispute = recorded(citizen, external_id="a"), recorded(citizen, external_id="b")
    become(wrong, "struck")
    become(retracted, "struck", why="retracted")
    become(under_dispute, "disputed")
    become(under_dispute, "struck", why="retracted")
    assert hindsight_of(citizen).found_wrong == {wrong.pk, under_dispute.pk}


# -- Without the benefit of the doubt ---------------------------------------------------------------------------------


def test_without_an_open_dispute_doubt_changes_nothing_and_costs_one_query():
    citizen, _ = wronged()
    with CaptureQueriesContext(connection) as plain:
        standing = assess(citizen, now=NOW)
    with CaptureQueriesContext(connection) as asked:
        assert assess_without_doubt(citizen, now=NOW) == standing
    assert len(asked) == len(plain) + 1
    assert assess_without_doubt(CitizenFactory()).state == "not_enrolled"


def test_what_an_open_dispute_lends_is_told_apart():
    citizen, wrong = wronged()
    become(wrong, "disputed")
    assert travel(assess(citizen, now=NOW)) == RIGHTLY
    assert travel(assess_without_doubt(citizen, now=NOW)) == WRONGLY
    become(wrong, "struck")
    assert travel(assess_without_doubt(citizen, now=NOW)) == RIGHTLY


# -- As a property ----------------------------------------------------------------------------------------------------

ACTS = st.lists(
    st.tuples(st.sampled_from(["record", "dispute", "restore", "strike"]), st.integers(0, 5), st.integers(-2, 4)),
    min_size=1,
    max_size=14,
)


class LookingBack(TestCase):
    """At every moment of a life the look back gives what was stored then."""

    @settings(max_examples=tries(12, 40, 400))  # each one lives a life in the database
    @given(acts=ACTS)
    def test_the_past_is_what_it_was(self, acts):
        if not Scorecard.objects.exists():
            from scores.services.publishing import load_reference_data

            load_reference_data()
        citizen = EnrolmentFactory(now=NOW).citizen
        linked = link(citizen, SourceFactory(), now=NOW)
        told = []
        for number, (act, which, value) in enumerate(acts):
            at = NOW + number * HOUR
            entries = list(Entry.objects.filter(link=linked).order_by("pk"))
            if act == "record" or not entries:
                day = date(2026, 10 - which, 20)
                entry_of(linked, value=value, occurred_on=day, external_id=f"x{number}", recorded_at=at)
                rescore(citizen_id=citizen.pk, cause="entries", now=at)
            else:
                status = {"dispute": "disputed", "restore": "active", "strike": "struck"}[act]
                become(entries[which % len(entries)], status, now=at)
            told.append((at, assess(citizen, now=at)))
        assert [(at, assess_as_if(citizen, at=at)) for at, _ in told] == told
        assert Link.objects.filter(pk=linked.pk).exists()
