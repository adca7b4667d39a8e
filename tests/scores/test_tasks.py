"""What happens behind the answers."""

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.utils import timezone

from citizen_app import outbox
from scores import tasks
from scores.models import EndedLink, Entry, LinkCode, Score
from scores.services.linking import make_link_code, unlink_source
from scores.services.rescoring import request_rescore, rescore_together
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, entry_of, link, scored_citizen
from tests.factories.tampering import entry_guards_off

pytestmark = pytest.mark.django_db


def test_the_promises_and_sweeps_are_registered():
    assert {"score.rescore", "enrolment.left"} <= set(outbox.QUEUE.handlers)
    names = {"scores.stale", "scores.lapsed_entries", "scores.ended_links", "scores.link_codes"}
    assert names <= set(outbox._sweeps)


PAID_ON_TIME = {3: 48_000_000, 4: 54_000_000}
"""Micro-points of so many payments on time: 6 points each, and 30 for the latest."""


def credit_points(citizen):
    return Score.objects.get(pk=citizen.pk).factors["credit_history"]


def test_a_promised_rescoring_may_be_kept_twice():
    citizen = scored_citizen(payments=3)
    entry_of(Entry.objects.first().link, external_id="late")
    for _ in range(2):
        request_rescore([citizen.pk])
    assert outbox.run_due() == 2
    assert credit_points(citizen) == PAID_ON_TIME[4]
    assert citizen.enrolment.score_changes.count() == 3


def test_one_score_that_cannot_be_made_keeps_no_other_waiting():
    broken, sound = scored_citizen(payments=3), scored_citizen(payments=3)
    for citizen in (broken, sound):
        entry_of(Entry.objects.filter(enrolment_id=citizen.pk).first().link, external_id="more")
    with entry_guards_off():
        Entry.objects.filter(enrolment_id=broken.pk, external_id="more").update(kind_number=999)
    request_rescore([broken.pk, sound.pk])
    assert outbox.run_due() == 0
    assert (credit_points(broken), credit_points(sound)) == (PAID_ON_TIME[3], PAID_ON_TIME[4])
    with entry_guards_off():
        Entry.objects.filter(kind_number=999).update(kind_number=1)
    assert outbox.run_due(now=timezone.now() + timedelta(hours=1)) == 1
    assert credit_points(broken) == PAID_ON_TIME[4]


def test_a_promise_about_many_is_kept_some_at_a_time():
    citizens = [scored_citizen(payments=3) for _ in range(7)]
    for citizen in citizens:
        entry_of(Entry.objects.filter(enrolment_id=citizen.pk).first().link, external_id="more")
    request_rescore([citizen.pk for citizen in citizens])
    groups = []

    def together(**said):
        groups.append(len(said["citizen_ids"]))
        return rescore_together(**said)

    with mock.patch.multiple(tasks, HELD_AT_ONCE=3, rescore_together=together):
        assert outbox.run_due() == 1
    assert groups == [3, 3, 1]
    assert [credit_points(citizen) for citizen in citizens] == [PAID_ON_TIME[4]] * 7


def test_the_month_turns_for_everybody():
    scored_citizen()
    assert tasks.turn_the_month(datetime(2027, 1, 1, tzinfo=UTC)) == 1
    assert tasks.turn_the_month(datetime(2027, 1, 31, tzinfo=UTC)) == 0


def test_ended_links_are_told_for_thirty_days():
    source, citizen = SourceFactory(), EnrolmentFactory().citizen
    link(citizen, source)
    unlink_source(citizen=citizen, source_code=source.code, now=NOW)
    assert tasks.forget_ended_links(NOW + timedelta(days=30)) == 0
    assert tasks.forget_ended_links(NOW + timedelta(days=30, seconds=1)) == 1
    assert EndedLink.objects.count() == 0


def test_link_codes_are_forgotten_a_day_after_they_stopped_working():
    make_link_code(citizen=EnrolmentFactory().citizen, source_code=SourceFactory().code, now=NOW)
    assert tasks.forget_link_codes(NOW + timedelta(days=1, minutes=15)) == 0
    assert tasks.forget_link_codes(NOW + timedelta(days=1, minutes=15, seconds=1)) == 1
    assert LinkCode.objects.count() == 0


def test_lapsed_entries_are_swept():
    linked = link(EnrolmentFactory(now=NOW).citizen, SourceFactory(), now=NOW)
    entry_of(linked)  # October 2026 + 84 months
    assert tasks.forget_lapsed_entries(datetime(2033, 10, 30, tzinfo=UTC)) == 0
    assert tasks.forget_lapsed_entries(datetime(2033, 10, 31, tzinfo=UTC)) == 1
