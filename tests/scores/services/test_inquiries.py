"""Who asked about a citizen (P9)."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from citizen_app.db import violated
from citizen_app.models import Notification
from citizen_app.outbox import run_due
from scores.models import Inquiry
from scores.services.inquiries import Times, record_counted_inquiries, record_inquiries, record_inquiry
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory
from tests.races.at_once import at_once

ASKED = {
    "kind": "merchant",
    "asker_id": "mer_1",
    "asker_name": "Hotel",
    "what": "scan",
    "about": "Late check-out",
    "consent": "perk_1",
}


@pytest.mark.django_db
def test_p9_repeats_on_one_utc_day_are_one_row():
    citizen = EnrolmentFactory().citizen
    for hours in (0, 3, 1):
        record_inquiry(citizen_id=citizen.pk, now=NOW + timedelta(hours=hours), **ASKED)
    inquiry = Inquiry.objects.get()
    assert (inquiry.count, inquiry.at, inquiry.last_at) == (3, NOW, NOW + timedelta(hours=3))
    record_inquiry(citizen_id=citizen.pk, now=datetime(2026, 11, 24, 0, 0, tzinfo=UTC), **ASKED)
    assert Inquiry.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("other", ["kind", "asker_id", "what", "about"])
def test_p9_another_asker_or_matter_is_another_row(other):
    citizen = EnrolmentFactory().citizen
    changed = {"kind": "app", "asker_id": "mer_2", "what": "boost", "about": "Breakfast"}
    record_inquiry(citizen_id=citizen.pk, now=NOW, **ASKED)
    record_inquiry(citizen_id=citizen.pk, now=NOW, **ASKED | {other: changed[other]})
    assert list(Inquiry.objects.values_list("count", flat=True)) == [1, 1]


@pytest.mark.django_db
def test_nothing_is_written_about_somebody_not_enrolled():
    enrolled, other = EnrolmentFactory().citizen, CitizenFactory()
    record_inquiries(citizen_ids=[enrolled.pk, other.pk, 10**9], now=NOW, **ASKED)
    assert list(Inquiry.objects.values_list("enrolment_id", flat=True)) == [enrolled.pk]


@pytest.mark.django_db
def test_any_number_of_citizens_costs_the_same_queries():
    citizens = [EnrolmentFactory().citizen.pk for _ in range(12)]
    costs = []
    for asked in (citizens[:1], citizens):
        with CaptureQueriesContext(connection) as queries:
            record_inquiries(citizen_ids=asked, now=NOW, **ASKED)
        costs.append(len(queries))
    assert costs[0] == costs[1]


@pytest.mark.django_db
def test_a_long_name_and_matter_fit():
    citizen = EnrolmentFactory().citizen
    record_inquiry(citizen_id=citizen.pk, now=NOW, **ASKED | {"asker_name": "n" * 300, "about": "a" * 200})
    assert len(Inquiry.objects.get().fold) <= 255


@pytest.mark.django_db
def test_the_database_folds_too():
    citizen = EnrolmentFactory().citizen
    record_inquiry(citizen_id=citizen.pk, now=NOW, **ASKED)
    copy = Inquiry.objects.get()
    copy.pk = None
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        copy.save(force_insert=True)
    assert violated(refusal.value) == "inquiry_folded_once"


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_p9_sixteen_askings_at_once_are_one_row_that_counts_sixteen():
    citizen = EnrolmentFactory().citizen
    at_once(*[lambda: record_inquiry(citizen_id=citizen.pk, now=NOW, **ASKED)] * 16)
    assert Inquiry.objects.get().count == 16


@pytest.mark.django_db
def test_p9_what_was_counted_before_adds_to_the_day_s_row_for_the_enrolled_and_costs_two_statements():
    ana, rui, outsider = EnrolmentFactory().citizen, EnrolmentFactory().citizen, CitizenFactory()
    record_inquiry(citizen_id=ana.pk, now=NOW + timedelta(hours=2), **ASKED)
    times = [
        Times(one.pk, NOW + timedelta(hours=first), NOW + timedelta(hours=last), count)
        for one, first, last, count in ((rui, 1, 1, 1), (ana, 1, 3, 7), (outsider, 1, 1, 1))
    ]
    with CaptureQueriesContext(connection) as queries:
        record_counted_inquiries(times, **ASKED)
    assert len([one for one in queries if "SAVEPOINT" not in one["sql"]]) == 2
    rows = Inquiry.objects.order_by("enrolment_id").values_list("enrolment_id", "count", "at", "last_at")
    hour = [NOW + timedelta(hours=number) for number in range(4)]
    assert list(rows) == [(ana.pk, 8, hour[1], hour[3]), (rui.pk, 1, hour[1], hour[1])]
    record_counted_inquiries([], **ASKED)
    assert Inquiry.objects.count() == 2


BOOST = ASKED | {"kind": "app", "what": "boost"}


def told_of(citizen):
    run_due()
    return list(Notification.objects.filter(citizen=citizen, event="asked").values_list("facts__who", "facts__did"))


@pytest.mark.django_db
def test_who_asked_is_told_once_a_day_for_each_asker_and_what_they_did():
    citizen = EnrolmentFactory().citizen
    with time_machine.travel(NOW, tick=False) as clock:
        for asker in (BOOST, BOOST, BOOST | {"about": "Breakfast"}, BOOST | {"asker_id": "mer_2", "asker_name": "Bar"}):
            record_inquiry(citizen_id=citizen.pk, now=NOW, **asker)
        record_inquiry(citizen_id=citizen.pk, now=NOW, **ASKED)  # a scan: told as the code that was used
        has_read = "has read whether you have a boost there"
        assert sorted(told_of(citizen)) == [("Bar", has_read), ("Hotel", has_read)]
        clock.shift(timedelta(days=1))
        record_inquiry(citizen_id=citizen.pk, now=NOW + timedelta(days=1), **BOOST)
        assert len(told_of(citizen)) == 3


@pytest.mark.django_db
def test_who_asked_more_than_a_week_ago_is_no_news():
    citizen = EnrolmentFactory().citizen
    for days, told in ((8, 0), (7, 1)):
        with time_machine.travel(NOW, tick=False):
            record_inquiry(citizen_id=citizen.pk, now=NOW - timedelta(days=days), **BOOST)
            assert len(told_of(citizen)) == told
    assert Inquiry.objects.count() == 2
