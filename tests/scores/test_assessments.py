"""The one door for other rooms: what a perk may go by, and who learned something (P5, P9)."""

from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from scores.assessments import assess, assess_locked, hold, is_enrolled, maximum_of, record_inquiry
from scores.models import Entry, Inquiry, Score
from scores.services.enrolment import leave, pause_enrolment
from scores.services.identity import record_document_check
from scores.services.linking import switch_source
from scores.services.rescoring import rescore
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, entry_of, explanation_of, link, scored_citizen

pytestmark = pytest.mark.django_db
PURPOSES = {"travel", "rental", "retail", "dating"}


def test_somebody_not_enrolled_has_an_answer_for_every_purpose_and_no_value():
    answer = assess(CitizenFactory())
    assert (answer.state, answer.has_document) == ("not_enrolled", False)
    assert set(answer.purposes) == PURPOSES
    assert {(one.state, one.value) for one in answer.purposes.values()} == {("not_enough_records", None)}


def test_a_thin_file_is_not_enough_for_any_purpose():
    answer = assess(EnrolmentFactory(now=NOW).citizen, now=NOW)
    assert answer.state == "thin_file"
    assert {one.value for one in answer.purposes.values()} == {None}


def test_p5_each_purpose_answers_from_its_own_factors():
    city = SourceFactory(kinds=["conduct.volunteering"])
    citizen = scored_citizen(payments=6)
    linked = link(citizen, city, now=NOW)
    for number in range(3):
        entry_of(linked, kind="conduct.volunteering", value=20, external_id=f"v{number}")
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    answer = assess(citizen, now=NOW)
    assert answer.state == "scored"
    # Credit gives 66, volunteering 3 × 5.
    assert {code: one.value for code, one in answer.purposes.items()} == {
        "travel": 631,
        "rental": None,  # nothing verified about the person
        "retail": 565,
        "dating": None,
    }
    travel, retail = answer.purposes["travel"], answer.purposes["retail"]
    assert travel.factors_left_out == ()
    assert retail.factors_used == ("fulfilment", "identity", "conduct", "vouches")
    assert retail.factors_left_out == ("credit_history",)


def test_p5_conduct_and_identity_never_take_points_away():
    authority = SourceFactory(kinds=["conduct.traffic", "conduct.travel", "conduct.fare"])
    citizen = scored_citizen(payments=6)
    before = assess(citizen, now=NOW).purposes["travel"].value
    linked = link(citizen, authority, now=NOW)
    for number in range(4):
        entry_of(linked, kind="conduct.traffic", value=3, external_id=f"t{number}")
        entry_of(linked, kind="conduct.travel", value=3, external_id=f"u{number}")
    rescore(citizen_id=citizen.pk, cause="entries", now=NOW)
    assert explanation_of(citizen.pk).counted == 14
    assert assess(citizen, now=NOW).purposes["travel"].value == before


def test_pausing_says_so_and_keeps_the_values():
    citizen = scored_citizen()
    value = assess(citizen, now=NOW).purposes["travel"].value
    pause_enrolment(citizen=citizen)
    answer = assess(citizen, now=NOW)
    assert (answer.state, answer.purposes["travel"].value) == ("paused", value)


def test_a_checked_document_shows():
    citizen = scored_citizen()
    assert not assess(citizen, now=NOW).has_document
    record_document_check(citizen=citizen, reference="x", of_age=True, now=NOW)
    assert assess(citizen, now=NOW).has_document


def test_a_score_of_last_month_is_made_again_first():
    citizen = scored_citizen()
    later = datetime(2027, 6, 1, tzinfo=UTC)
    assert assess(citizen, now=later).purposes["travel"].value < assess(citizen, now=NOW).purposes["travel"].value + 1
    assert Score.objects.get(pk=citizen.pk).as_of == later.date()


def test_p2_switching_off_is_felt_by_the_next_answer():
    source = SourceFactory()
    citizen = scored_citizen(source)
    assert assess(citizen, now=NOW).state == "scored"
    switch_source(citizen=citizen, source_code=source.code, on=False, now=NOW)
    assert assess(citizen, now=NOW).state == "thin_file"


def test_an_answer_costs_one_query_however_many_records():
    citizen = scored_citizen(payments=40)
    assess(citizen, now=NOW)
    with CaptureQueriesContext(connection) as queries:
        assess(citizen, now=NOW)
    assert len(queries) == 1


def test_the_locked_answer_is_the_same_and_needs_a_transaction():
    citizen = scored_citizen()
    with transaction.atomic():
        assert assess_locked(citizen, now=NOW) == assess(citizen, now=NOW)
    leave(citizen=citizen)
    with transaction.atomic():
        assert assess_locked(citizen, now=NOW).state == "not_enrolled"


@pytest.mark.django_db(transaction=True)
def test_a_lock_without_a_transaction_is_a_fault():
    with pytest.raises(transaction.TransactionManagementError):
        assess_locked(EnrolmentFactory().citizen)


def test_holding_somebody_says_whether_they_are_enrolled():
    with transaction.atomic():
        assert hold(EnrolmentFactory().citizen)
        assert not hold(CitizenFactory())


def test_the_maximum_of_a_purpose_is_what_its_factors_can_reach():
    assert maximum_of("travel") > maximum_of("retail") > maximum_of("dating") > 550
    with pytest.raises(KeyError):
        maximum_of("housing")


def test_enrolled_is_paused_or_not():
    citizen = EnrolmentFactory().citizen
    pause_enrolment(citizen=citizen)
    assert is_enrolled(citizen)
    leave(citizen=citizen)
    assert not is_enrolled(citizen)


def test_p9_an_inquiry_is_of_a_known_kind():
    citizen = EnrolmentFactory().citizen
    asked = {"asker_id": "app", "asker_name": "App", "about": "boost", "consent": "app:1", "now": NOW}
    record_inquiry(citizen=citizen, kind="app", what="boost", **asked)
    assert Inquiry.objects.get().asker_kind == "app"
    with pytest.raises(ValueError, match="neighbour"):
        record_inquiry(citizen=citizen, kind="neighbour", what="boost", **asked)
    assert Inquiry.objects.count() == 1
    assert Entry.objects.count() == 0
