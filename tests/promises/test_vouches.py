"""What vouches must not do to the other promises: no friends list (P3), no price (P4), only help (P5), gone when one
leaves (P10)."""

import json
import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib import admin
from django.utils import timezone

from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due, run_sweeps
from scores.models import Enrolment, Entry, Vouch, VouchMark
from tests.factories.scores import NOW
from tests.factories.vouches import LONG_AGO, giver, seed
from tests.promises.doors import App, code_of, enrolled
from tests.promises.test_p10_pause_and_leave import MAY_REMAIN, rows_about

pytestmark = pytest.mark.django_db

OTHERS = ("/me/score", "/me/score/explanation", "/me/score/history", "/me/entries", "/me/inquiries", "/me/sources")


def asked_by(app):
    return app.post("/me/vouch-requests").json()["link"].rpartition("/")[2]


@pytest.fixture
def word():
    """Somebody a seed vouches for: the seed, the receiver, and both their apps; thirty days have passed."""
    with time_machine.travel(LONG_AGO):
        one = giver(now=timezone.now())
        one.first_name = "Serafina"
        one.save()
    seed(one)
    ana, app = enrolled(first_name="Ana")
    giving = App(one)
    assert giving.post(f"/vouch-requests/{asked_by(app)}/give").status_code == 201
    with time_machine.travel(NOW + timedelta(days=30)):
        run_sweeps()
        run_due()
        yield one, ana, giving, app


def test_p3_who_vouches_for_whom_is_read_by_its_two_sides_and_nobody_else(word):
    one, _, giving, app = word
    assert [row["first_name"] for row in app.whole("/me/vouches")] == ["Serafina"]
    assert [row["first_name"] for row in giving.whole("/me/vouches")] == ["Ana"]
    for path in OTHERS:  # what the vouch brings names nobody
        assert not re.search(f"Serafina|{one.public_id}|vch_", app.get(path).content.decode()), path
    _, other = enrolled()
    assert other.whole("/me/vouches") == []
    mine = app.whole("/me/vouches")[0]["id"]
    assert code_of(other.delete(f"/me/vouches/{mine}")) == "not_found"


def test_p3_no_admin_page_and_no_record_of_acts_holds_both_sides(word):
    one, ana, *_ = word
    assert not [model for model in admin.site._registry if model.__name__.startswith(("Vouch", "Seed", "Trust"))]
    for act in AuditEvent.objects.all():
        told = json.dumps([act.actor, act.object, act.facts])
        sides = [f"person:{side.pk}" in told or side.public_id in told for side in (one, ana)]
        assert sides != [True, True], told


def test_p4_a_vouch_tells_neither_side_anything_of_the_other_s_score(word):
    *_, giving, app = word
    said = giving.get("/me/vouches").content + app.get("/me/vouches").content
    assert not re.search(rb"score|value|points|trust|band", said)


def test_p5_a_vouch_can_only_help(word):
    *_, app = word
    before = app.get("/me/score").json()
    app.put("/me/sources/platform", {"on": True})
    after = app.get("/me/score").json()
    vouches = {factor["code"]: factor["points"] for factor in after["factors"]}["vouches"]
    assert vouches == "30.000000"
    assert {code for code, purpose in after["purposes"].items() if "vouches" in purpose["factors"]} == {
        "travel",
        "retail",
        "dating",
    }
    for code, purpose in after["purposes"].items():
        assert (purpose["value"] or 0) >= (before["purposes"][code]["value"] or 0)


def test_p2_what_vouches_bring_counts_only_while_the_platform_s_records_are_on(word):
    _, ana, _, app = word
    assert Entry.objects.filter(enrolment=ana.pk, kind_number=17).count() == 1  # stored, and not counted
    for on, points in ((True, "30.000000"), (False, "0.000000")):
        app.put("/me/sources/platform", {"on": on})
        factors = {factor["code"]: factor["points"] for factor in app.get("/me/score").json()["factors"]}
        assert factors["vouches"] == points


@pytest.mark.parametrize("side", [0, 1])
def test_p10_leaving_erases_vouches_and_what_outlives_it_names_nobody(word, side):
    person, app = word[side], word[2 + side]
    asked_by(app)
    receipt = app.delete("/me/enrolment").json()
    assert (receipt["erased"]["vouches"], receipt["erased"]["seeds"]) == (1, 1 - side)
    assert receipt["erased"]["vouch_requests"] == 1
    assert set(rows_about(person)) <= MAY_REMAIN
    assert not Vouch.objects.exists()
    assert any("keyed fingerprint" in kept["what"] for kept in receipt["kept"]) == (side == 0)
    assert code_of(app.get("/me/vouches")) == "not_enrolled"
    (mark,) = VouchMark.objects.values_list("mark", flat=True)
    assert re.fullmatch("[0-9a-f]{64}", mark)
    assert not Enrolment.objects.filter(person_key=mark).exists()


def test_p9_an_operator_who_makes_somebody_a_seed_is_on_their_list():
    person = giver(now=timezone.now())
    seed(person, now=timezone.now())
    app = App(person)
    told = {one["about"]: one["asked_by"]["kind"] for one in app.whole("/me/inquiries")}
    assert told == {
        "Proposed as a person trust begins with": "operator",
        "Confirmed as a person trust begins with": "operator",
    }
