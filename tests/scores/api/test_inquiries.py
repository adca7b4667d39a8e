from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scores.assessments import record_inquiry
from tests.factories.scores import NOW, EnrolmentFactory, row

pytestmark = pytest.mark.django_db
PATH = "/api/v1/me/inquiries"


def ask(citizen, *, about="Late check-out", now=NOW):
    record_inquiry(
        citizen=citizen,
        kind="merchant",
        asker_id="mer_1",
        asker_name="Hotel Almirante",
        what="scan",
        about=about,
        consent="perk_1",
        now=now,
    )


def test_p9_the_citizen_reads_who_asked_what_when_and_on_what_consent(app, citizen):
    ask(citizen)
    ask(citizen, now=NOW + timedelta(hours=1))
    (inquiry,) = app.get(PATH).json()["results"]
    assert inquiry == {
        "id": inquiry["id"],
        "at": "2026-11-23T12:00:00Z",
        "last_at": "2026-11-23T13:00:00Z",
        "count": 2,
        "asked_by": {"kind": "merchant", "id": "mer_1", "name": "Hotel Almirante"},
        "what": "scan",
        "about": "Late check-out",
        "reason": "",
        "consent": "perk_1",
    }
    assert inquiry["id"].startswith("inq_")


def test_p9_a_batch_of_entries_shows_up_and_reading_ones_own_score_does_not(app, server, citizen):
    app.get("/api/v1/me/score")
    app.get("/api/v1/me/entries")
    assert app.get(PATH).json()["results"] == []
    server.post("/api/v1/sources/entries", {"entries": [row(f"subject-{citizen.pk}", 1)]})
    (inquiry,) = app.get(PATH).json()["results"]
    assert (inquiry["what"], inquiry["asked_by"]["kind"], inquiry["consent"]) == ("entry", "furnisher", "source:bank")


def test_the_list_is_ones_own_latest_first_at_a_constant_cost(app, citizen):
    ask(EnrolmentFactory().citizen, about="somebody else's")
    for number in range(6):
        ask(citizen, about=f"perk {number}", now=NOW + timedelta(minutes=number))
    assert [one["about"] for one in app.get(PATH).json()["results"]] == [
        f"perk {number}" for number in range(5, -1, -1)
    ]
    first = app.get(f"{PATH}?limit=4").json()
    assert [one["about"] for one in app.get(first["next"]).json()["results"]] == ["perk 1", "perk 0"]
    costs = []
    for limit in (1, 100):
        with CaptureQueriesContext(connection) as queries:
            app.get(f"{PATH}?limit={limit}")
        costs.append(len(queries))
    assert costs[0] == costs[1]
