"""P10: you can pause and leave. (Taking your data along comes with exports.)"""

from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.core import mail
from django.db.models import ForeignKey
from django.utils import timezone

from citizen_app.models import Citizen, OutboxMessage
from citizen_app.outbox import run_due, run_sweeps
from perks.models import Redemption
from scores.models import Enrolment
from tests.factories.perks import MerchantFactory, PerkFactory, scored_tier
from tests.factories.scores import SourceFactory
from tests.promises.doors import App, code_of, enrolled, furnish, linked, record, scan, seat, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def life():
    """A scored citizen with a reservation: person, app, the source's server, what they took and the till."""
    person, app = enrolled(first_name="Ana")
    server = linked(app, SourceFactory(code="bank"), "ana-7")
    furnish(server, *[record("ana-7", f"e{n}", on=f"2026-0{n}-15") for n in range(1, 7)])
    perk = PerkFactory(merchant=MerchantFactory())
    taken = take(app, perk).json()
    return person, app, server, taken, seat(perk.merchant, "cashier")


def test_p10_while_paused_nothing_can_be_taken_and_nothing_is_lost(life):
    _, app, _, taken, _ = life
    before = app.get("/me/score").json()
    assert app.post("/me/enrolment/pause").json()["state"] == "paused"
    assert code_of(take(app, PerkFactory())) == "enrolment_paused"
    answers = {one["eligibility"]["answer"] for one in app.get("/perks").json()["results"]}
    assert answers == {"not_assessable"}
    paused = app.get("/me/score").json()
    assert paused == before | {"state": "paused"}
    assert app.get(f"/me/redemptions/{taken['id']}").json()["code"] == taken["code"]
    assert app.post("/me/enrolment/resume").json()["state"] == "active"
    assert app.get("/me/score").json() == before
    assert take(app, PerkFactory()).status_code == 201


def test_p10_what_was_reserved_before_a_pause_is_honoured_and_nobody_is_told(life):
    _, app, server, taken, till = life
    promised = OutboxMessage.objects.count()
    links = server.whole("/sources/links")
    app.post("/me/enrolment/pause")
    assert OutboxMessage.objects.count() == promised
    assert server.whole("/sources/links") == links  # a paused citizen's link stays on
    assert furnish(server, record("ana-7", "while-paused", on="2026-10-15"))["accepted"] == 1
    assert scan(till, code=taken["code"]).json()["outcome"] == "accepted"


def test_p10_pausing_and_resuming_twice_is_once(life):
    _, app, *_ = life
    first = app.post("/me/enrolment/pause").json()
    assert app.post("/me/enrolment/pause").json() == first
    assert app.post("/me/enrolment/resume").json() == app.post("/me/enrolment/resume").json()


# Where a row may still point to somebody who left: the account is theirs until they close it, consents prove that they
# ended, a reservation still open is honoured, and a seat in a team has nothing to do with being scored.
MAY_REMAIN = {
    "account.EmailAddress",
    "admin.LogEntry",
    "citizen_app.ConsentEvent",
    "citizen_app.OperatorRole",
    "mfa.Authenticator",
    "perks.Member",
    "perks.Redemption",
    "usersessions.UserSession",
}


def rows_about(person):
    found = {}
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, ForeignKey) and field.related_model in (Citizen, Enrolment) and field.concrete:
                count = model._default_manager.filter(**{field.name: person.pk}).count()
                if count:
                    found[model._meta.label] = found.get(model._meta.label, 0) + count
    return found


def test_p10_leaving_erases_every_row_and_the_receipt_counts_them(life):
    person, app, _, taken, till = life
    other = take(app, PerkFactory()).json()
    scan(till, code=taken["code"])
    take(app, PerkFactory(tiers=[scored_tier(900)]))
    about = rows_about(person)
    answer = app.delete("/me/enrolment")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    receipt = answer.json()
    left = rows_about(person)
    assert set(left) <= MAY_REMAIN
    assert left["perks.Redemption"] == 1
    scores = {label: count for label, count in about.items() if label.startswith("scores.")}
    tables = {"Entry": "entries", "Link": "links", "Inquiry": "inquiries", "ScoreChange": "score_changes"}
    tables |= {"Score": "scores", "Enrolment": "enrolments", "LinkCode": "link_codes", "Dispute": "disputes"}
    tables |= {"DocumentVisit": "document_visits", "ToldScore": "told_scores"}
    assert {tables[label.removeprefix("scores.")]: count for label, count in scores.items()} == {
        table: count for table, count in receipt["erased"].items() if count and table in tables.values()
    }
    assert receipt["erased"]["refused_attempts"] == 1
    assert receipt["erased"]["redemptions"] == 1
    kept = " ".join(one["what"] for one in receipt["kept"])
    assert other["id"] in kept
    assert taken["id"] not in kept


def test_p10_after_leaving_everything_about_a_score_is_gone_from_every_door(life):
    _, app, server, *_ = life
    entries = app.whole("/me/entries")
    app.delete("/me/enrolment")
    for path in ("score", "score/history", "score/explanation", "entries", "sources", "inquiries", "enrolment"):
        assert code_of(app.get(f"/me/{path}")) == "not_enrolled"
    assert code_of(app.get(f"/me/entries/{entries[0]['id']}")) == "not_enrolled"
    assert code_of(take(app, PerkFactory())) == "not_enrolled"
    assert [one["state"] for one in server.whole("/sources/links")] == ["ended"]
    again = app.delete("/me/enrolment")
    assert again.status_code == 200
    assert set(again.json()["erased"].values()) == {0}


def test_p10_what_was_reserved_before_leaving_is_honoured_and_then_forgets_who_it_was(life):
    person, app, _, taken, till = life
    app.delete("/me/enrolment")
    assert app.get(f"/me/redemptions/{taken['id']}").json()["code"] == taken["code"]
    told = scan(till, code=taken["code"]).json()
    assert (told["outcome"], told["redemption"]["first_name"]) == ("accepted", "Ana")
    assert Redemption.objects.get().citizen_id == person.pk  # while a desk may still undo its scan
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        run_sweeps()
    assert Redemption.objects.get().citizen_id is None
    assert rows_about(person).get("perks.Redemption") is None


def test_p10_who_leaves_is_sent_the_receipt(life):
    person, app, *_ = life
    run_due()
    mail.outbox.clear()
    app.delete("/me/enrolment")
    run_due()
    run_due()
    assert [message.to for message in mail.outbox] == [[person.email]]


def test_p10_who_comes_back_starts_from_nothing(life):
    _, app, *_ = life
    app.delete("/me/enrolment")
    assert app.post("/me/enrolment", {"consent_version": "2026-11", "adult": True}).status_code == 201
    score = app.get("/me/score").json()
    assert (score["state"], score["value"], score["change"]) == ("thin_file", None, None)
    assert len(app.whole("/me/score/history")) == 1
    assert app.whole("/me/inquiries") == []
    assert App(app.who).get("/me/enrolment").json()["state"] == "active"
