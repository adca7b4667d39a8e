"""P1: nobody is scored who did not enrol, and a person has one live enrolment."""

import hashlib

import pytest
from django.db import IntegrityError, connection, transaction

from citizen_app.models import ConsentEvent
from perks.models import Redemption
from scores.models import Enrolment, Entry, Score
from tests.attacks.stored import changed, everything
from tests.factories.people import operator_with
from tests.factories.perks import PerkFactory
from tests.factories.scores import SourceFactory
from tests.promises.doors import (
    CONSENT,
    App,
    code_of,
    enrolled,
    furnish,
    linked,
    newcomer,
    operator_checks_document,
    record,
    take,
)

pytestmark = pytest.mark.django_db

READS = ("score", "score/history", "score/explanation", "entries", "sources", "inquiries")


def test_p1_nobody_is_scored_who_did_not_enrol():
    person, app = newcomer()
    source = SourceFactory(code="bank")
    for path in READS:
        assert (app.get(f"/me/{path}").status_code, code_of(app.get(f"/me/{path}"))) == (404, "not_enrolled")
    assert code_of(app.post("/me/score/what-if")) == "not_enrolled"
    assert code_of(app.post("/me/sources/bank/link")) == "not_enrolled"
    assert code_of(take(app, PerkFactory())) == "not_enrolled"
    told = furnish(App(source), record(person.public_id, "e1"), record(person.email.replace("@", "."), "e2"))
    assert [one["code"] for one in told["rejected"]] == ["not_linked", "not_linked"]
    for model in (Enrolment, Score, Entry, ConsentEvent, Redemption):
        assert not model.objects.exists()


def test_p1_the_database_itself_has_no_place_for_a_score_without_an_enrolment():
    person, _ = newcomer()
    made, _ = enrolled()
    score = Score.objects.get(pk=made.pk)
    score.pk = person.pk

    def insert():
        score.save(force_insert=True)
        connection.check_constraints()  # deferred to the commit, which a test never reaches

    with pytest.raises(IntegrityError), transaction.atomic():
        insert()


@pytest.mark.parametrize("adult", [False, None, "true", 1, "yes"])
def test_p1_who_does_not_declare_to_be_of_age_is_not_enrolled(adult):
    _, app = newcomer()
    before = everything()
    answer = app.post("/me/enrolment", CONSENT | {"adult": adult})
    assert (answer.status_code, code_of(answer)) in {(403, "adult_required"), (400, "invalid_input")}
    if adult is False:
        assert code_of(answer) == "adult_required"
    assert changed(before) == []


@pytest.mark.parametrize("version", ["2026-10", "2027-01", "", "x"])
def test_p1_nobody_is_enrolled_on_a_text_that_is_not_in_force(version):
    _, app = newcomer()
    before = everything()
    answer = app.post("/me/enrolment", CONSENT | {"consent_version": version})
    assert code_of(answer) in {"consent_outdated", "invalid_input"}
    assert changed(before) == []


def test_p1_the_consent_on_record_is_of_the_very_text_that_was_shown():
    person, app = newcomer()
    shown = app.get("/consent-texts/current").json()
    assert hashlib.sha256(shown["text"].encode()).hexdigest() == shown["sha256"]
    app.post("/me/enrolment", {"consent_version": shown["version"], "adult": True})
    event = ConsentEvent.objects.get()
    assert (event.citizen_id, event.act, event.purpose) == (person.pk, "given", "scoring")
    assert (event.text_version, event.text_sha256, event.language) == (
        shown["version"],
        shown["sha256"],
        shown["language"],
    )
    assert Enrolment.objects.get().consent_id == event.pk


def test_p1_enrolling_again_is_the_same_enrolment():
    _, app = enrolled()
    before = everything()
    assert app.post("/me/enrolment", CONSENT).status_code == 200
    assert changed(before) == []


def test_p1_one_person_has_one_live_enrolment_whatever_the_account():
    operator = operator_with("support")
    (ana, _), (twin, twin_app) = enrolled(), enrolled()
    assert "Recorded for" in operator_checks_document(operator, ana, "PT-1234567").content.decode()
    page = operator_checks_document(operator, twin, "PT-1234567").content.decode()
    assert "enrolled with another account" in page
    assert Enrolment.objects.exclude(person_key=None).values_list("pk", flat=True).get() == ana.pk
    # Not even an entry of the refused check is kept, and the perk for people known once stays closed.
    assert not Entry.objects.filter(enrolment_id=twin.pk, external_id__startswith="identity.document").exists()
    assert twin_app.get("/me/enrolment").json()["state"] == "active"


def test_p1_who_left_frees_their_person_for_another_account():
    operator = operator_with("support")
    (ana, ana_app), (twin, _) = enrolled(), enrolled()
    operator_checks_document(operator, ana, "PT-1234567")
    ana_app.delete("/me/enrolment")
    operator_checks_document(operator, twin, "PT-1234567")
    assert Enrolment.objects.exclude(person_key=None).values_list("pk", flat=True).get() == twin.pk


def test_p1_after_leaving_nothing_that_arrives_makes_a_score_again():
    person, app = enrolled()
    source = SourceFactory(code="bank")
    server = linked(app, source, "ana-7")
    furnish(server, *[record("ana-7", f"e{n}", on=f"2026-0{n}-15") for n in range(1, 5)])
    assert app.get("/me/score").json()["state"] == "scored"
    app.delete("/me/enrolment")
    told = furnish(server, record("ana-7", "late"))
    assert [one["code"] for one in told["rejected"]] == ["not_linked"]
    assert code_of(app.get("/me/score")) == "not_enrolled"
    assert not Score.objects.filter(pk=person.pk).exists()


def test_p1_a_score_is_asked_for_by_its_citizen_only():
    _, app = enrolled()
    other, other_app = enrolled()
    # Whose score is never in the address: there is nothing to change in it.
    for path in (f"/citizens/{other.public_id}/score", f"/me/score/{other.public_id}", f"/scores/{other.public_id}"):
        assert app.get(path).status_code == 404
    assert app.get(f"/me/score?citizen={other.public_id}").status_code == 400
    assert other_app.get("/me/score").json()["state"] == "thin_file"
