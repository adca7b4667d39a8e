"""What a furnisher's systems hear: links and disputes by their ids, and nothing of the person."""

import json
from datetime import timedelta

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from citizen_app.models import OutboxMessage
from citizen_app.webhooks.catalogue import EVENTS
from scores.models import Dispute
from scores.services.disputes.clock import remind_furnishers
from scores.services.disputes.deciding import admit_dispute
from scores.services.disputes.opening import withdraw_dispute
from scores.services.enrolment import leave
from scores.services.linking import unlink_source
from tests.factories.disputes import citizen_in_arrears, dispute_of, photograph
from tests.factories.people import operator_with
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, furnisher_client, link

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def told():
    payloads = [row.payload for row in OutboxMessage.objects.filter(topic="webhook").order_by("id")]
    for payload in payloads:
        schema = EVENTS[payload["type"]].schema()
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(payload)
    return [payload for payload in payloads if "source" in payload]


@pytest.fixture
def source():
    source = SourceFactory()
    furnisher_client(source)
    return source


def test_a_link_is_told_when_it_begins_and_when_it_ends(source):
    citizen = EnrolmentFactory().citizen
    linked = link(citizen, source, "S-1")
    unlink_source(citizen=citizen, source_code=source.code)
    begun, ended = told()
    assert (begun["type"], begun["sequence"], begun["source"]) == ("link.created", 1, source.code)
    assert begun["object"] == {"kind": "link", "id": linked.public_id, "state": "on"}
    assert (ended["type"], ended["sequence"], ended["object"]["state"]) == ("link.ended", 2, "ended")
    assert ended["object"]["id"] == linked.public_id
    assert "S-1" not in json.dumps([begun, ended])
    assert citizen.email not in json.dumps([begun, ended])
    assert citizen.public_id not in json.dumps([begun, ended])


def test_who_leaves_ends_every_link_and_the_sources_are_told(source):
    other = SourceFactory()
    furnisher_client(other)
    citizen = EnrolmentFactory().citizen
    ids = {link(citizen, source, "S-1").public_id, link(citizen, other, "O-1").public_id}
    leave(citizen=citizen)
    assert {one["object"]["id"] for one in told() if one["type"] == "link.ended"} == ids


def test_a_source_without_a_client_is_told_nothing():
    citizen, source = EnrolmentFactory().citizen, SourceFactory()
    link(citizen, source, "S-1")
    unlink_source(citizen=citizen, source_code=source.code)
    assert told() == []


def test_a_dispute_is_told_when_it_is_to_be_answered_and_three_times_before_it_is_due():
    citizen, late = citizen_in_arrears()
    furnisher_client(late.link.source)
    dispute = dispute_of(citizen, late, evidence=photograph())
    for day in range(30):
        remind_furnishers(now=NOW + day * DAY, limit=10)
    told_of = [one for one in told() if one["type"].startswith("dispute.")]
    assert [(one["type"], one["sequence"]) for one in told_of] == [
        ("dispute.opened", 1),
        ("dispute.due_soon", 2),
        ("dispute.due_soon", 3),
        ("dispute.due_soon", 4),
    ]
    assert {one["object"]["id"] for one in told_of} == {dispute.public_id}
    assert {one["due_on"] for one in told_of} == {Dispute.objects.get().due_on.isoformat()}


def test_what_is_raised_again_is_told_once_it_is_admitted():
    citizen, late = citizen_in_arrears()
    furnisher_client(late.link.source)
    withdraw_dispute(dispute=dispute_of(citizen, late, evidence=photograph()), by=citizen, now=NOW + DAY)
    again = dispute_of(citizen, late, evidence=photograph(2), now=NOW + 2 * DAY)
    of_it = [one for one in told() if one["object"]["id"] == again.public_id]
    assert len(of_it) == (0 if again.is_raised_again else 1)
    if again.is_raised_again:
        admit_dispute(dispute=again, by=operator_with("disputes"), now=NOW + 3 * DAY)
    (opened,) = [one for one in told() if one["object"]["id"] == again.public_id]
    assert opened["type"] == "dispute.opened"
