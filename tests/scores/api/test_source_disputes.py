"""The furnisher's side by HTTP: its own subject and ids, the ground and the statement, and nothing else of anybody."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scores.models import Dispute, Entry, Evidence, Inquiry
from scores.services.disputes.clock import remind_furnishers
from scores.services.disputes.opening import withdraw_dispute
from tests.factories.disputes import citizen_in_arrears, dispute_of, photograph
from tests.factories.scores import NOW, SourceFactory, furnisher_client
from tests.scores.api.answers import assert_problem

pytestmark = pytest.mark.django_db
PATH = "/api/v1/sources/disputes"


@pytest.fixture
def life(source):
    return citizen_in_arrears(source)


@pytest.fixture
def dispute(life):
    return dispute_of(*life, evidence=photograph())


def test_it_reads_what_it_needs_to_answer_and_nothing_else(server, life, dispute):
    (told,) = server.get(PATH).json()["results"]
    assert told == {
        "id": dispute.public_id,
        "state": "received",
        "subject": life[1].link.subject,
        "external_ids": ["late"],
        "ground": "wrong_value",
        "statement": "That payment was made in time.",
        "asked_at": "2026-11-23T12:00:00Z",
        "due_on": "2026-12-23",
        "days_left": 31,
        "due_soon": False,
        "reminders": 0,
        "answer": None,
        "evidence": [],
    }


def test_the_list_says_what_is_due_soon_and_how_often_it_was_reminded(source, dispute):
    later = NOW + timedelta(days=26)
    remind_furnishers(now=later, limit=10)
    with time_machine.travel(later):
        (told,) = furnisher_client(source).get(PATH).json()["results"]
    assert (told["days_left"], told["due_soon"], told["reminders"]) == (5, True, 2)


def test_the_list_goes_by_the_day_to_answer_and_is_filtered_by_state(server, life, dispute):
    citizen, _ = life
    earlier = dispute_of(citizen, Entry.objects.of(citizen.pk).get(external_id="p1"), now=NOW - timedelta(days=5))
    over = dispute_of(citizen, Entry.objects.of(citizen.pk).get(external_id="p2"), now=NOW - timedelta(days=9))
    withdraw_dispute(dispute=over, by=citizen, now=NOW - timedelta(days=1))
    with CaptureQueriesContext(connection) as captured:
        listed = [one["id"] for one in server.get(PATH).json()["results"]]
    assert listed == [over.public_id, earlier.public_id, dispute.public_id]
    assert len(captured) <= 9
    by_state = {
        state: [one["id"] for one in server.get(f"{PATH}?state={state}").json()["results"]]
        for state in ("unanswered", "open", "ended")
    }
    both = [earlier.public_id, dispute.public_id]
    assert by_state == {"unanswered": both, "open": both, "ended": [over.public_id]}
    assert_problem(server.get(f"{PATH}?state=lost"), 400, "invalid_input")


def test_what_ended_is_told_for_30_days(source, life, dispute):
    withdraw_dispute(dispute=dispute, by=life[0], now=NOW)
    for days, count in ((29, 1), (31, 0)):
        with time_machine.travel(NOW + timedelta(days=days)):
            assert len(furnisher_client(source).get(PATH).json()["results"]) == count


def test_what_waits_for_an_operator_s_look_is_not_told(server, life, dispute):
    withdraw_dispute(dispute=dispute, by=life[0], now=NOW)
    again = dispute_of(*life, evidence=photograph(2))
    assert [one["id"] for one in server.get(PATH).json()["results"]] == [dispute.public_id]
    answer = server.post(f"{PATH}/{again.public_id}/answer", {"position": "confirm"})
    assert_problem(answer, 404, "not_found")


def test_confirming(server, dispute):
    answer = server.post(f"{PATH}/{dispute.public_id}/answer", {"position": "confirm", "statement": "It stands."})
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["state"], told["answer"], told["days_left"]) == ("in_review", "confirm", None)
    assert_problem(server.post(f"{PATH}/{dispute.public_id}/answer", {"position": "withdraw"}), 409, "wrong_state")


def test_correcting(server, life, dispute):
    body = {"position": "correct", "statement": "Sorry.", "entry": {"occurred_on": "2026-11-02", "value": 0}}
    answer = server.post(f"{PATH}/{dispute.public_id}/answer", body)
    assert (answer.status_code, answer.json()["state"]) == (200, "upheld")
    assert Entry.objects.get(replaces=life[1]).value == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/position"),
        ({"position": "maybe"}, "/position"),
        ({"position": "correct"}, "/entry"),
        ({"position": "confirm", "entry": {"occurred_on": "2026-11-02"}}, "/entry"),
        ({"position": "correct", "entry": {"value": 1}}, "/entry/occurred_on"),
        ({"position": "correct", "entry": {"occurred_on": "2026-11-02", "value": 1.5}}, "/entry/value"),
        ({"position": "correct", "entry": {"occurred_on": "2026-11-02", "kind": "x"}}, "/entry/kind"),
        ({"position": "confirm", "statement": "x" * 2001}, "/statement"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_answered(server, dispute, body, pointer):
    problem = assert_problem(server.post(f"{PATH}/{dispute.public_id}/answer", body), 400, "invalid_input")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert Dispute.objects.get().answered_at is None


def test_another_furnisher_s_dispute_is_like_a_missing_one(dispute):
    stranger = furnisher_client(SourceFactory(code="other"))
    assert stranger.get(PATH).json()["results"] == []
    assert_problem(stranger.post(f"{PATH}/{dispute.public_id}/answer", {"position": "withdraw"}), 404, "not_found")
    evidence = Evidence.objects.get()
    assert_problem(stranger.get(f"{PATH}/{dispute.public_id}/evidence/{evidence.public_id}"), 404, "not_found")
    assert Dispute.objects.get().state == "received"


def test_a_file_that_is_not_shared_is_not_there(server, dispute):
    evidence = Evidence.objects.get()
    assert_problem(server.get(f"{PATH}/{dispute.public_id}/evidence/{evidence.public_id}"), 404, "not_found")
    assert not Inquiry.objects.exists()


def test_p9_a_shared_file_is_an_attachment_and_the_citizen_reads_that_it_was_looked_at(server, life):
    dispute = dispute_of(*life, evidence=photograph(), share_evidence=True)
    (listed,) = server.get(PATH).json()["results"][0]["evidence"]
    answer = server.get(f"{PATH}/{dispute.public_id}/evidence/{listed['id']}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{listed["id"]}.jpg"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.content) == listed["size"]
    asked = Inquiry.objects.get()
    assert (asked.asker_kind, asked.what) == ("furnisher", "file_opened")
    assert asked.about == f"What you added to your dispute ({dispute.public_id})"
