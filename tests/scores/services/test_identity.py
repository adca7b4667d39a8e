"""What the platform itself knows about a person, and that a person has one live enrolment (P1, P2)."""

from datetime import timedelta

import pytest

from citizen_app.accounts.events import announce_email_verified, announce_mfa_changed
from citizen_app.models import AuditEvent
from scores.errors import AlreadyEnrolledElsewhere, DocumentNotAccepted, DocumentOfAnother, NotEnrolled
from scores.models import Enrolment, Entry, Inquiry, Score
from scores.services.enrolment import leave
from scores.services.identity import person_key_of, record_document_check, record_identity_entry
from scores.services.linking import switch_source
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory, explanation_of

pytestmark = pytest.mark.django_db


def check(citizen, reference="PT-1", **options):
    return record_document_check(citizen=citizen, **{"reference": reference, "of_age": True, "now": NOW} | options)


def kinds_of(citizen):
    return list(
        Entry.objects.of(citizen.pk).order_by("id").values_list("external_id", "kind_number", "value", "status")
    )


def test_a_verified_address_becomes_one_entry_however_often_it_is_announced():
    citizen = EnrolmentFactory().citizen
    announce_email_verified(citizen=citizen)
    announce_email_verified(citizen=citizen)
    assert kinds_of(citizen) == [("identity.email.1", 6, 10_000, "active")]


def test_p1_nothing_is_recorded_about_somebody_who_is_not_enrolled():
    citizen = CitizenFactory()
    announce_email_verified(citizen=citizen)
    announce_mfa_changed(citizen=citizen, active=True)
    announce_mfa_changed(citizen=citizen, active=False)
    assert record_identity_entry(citizen=citizen, kind="identity.email") is None
    assert Entry.objects.count() == 0


def test_a_second_factor_taken_off_is_struck_and_put_on_again_recorded_anew():
    citizen = EnrolmentFactory().citizen
    for active in (True, False, False, True):
        announce_mfa_changed(citizen=citizen, active=active)
    assert kinds_of(citizen) == [
        ("identity.mfa.1", 10, 10_000, "struck"),
        ("identity.mfa.2", 10, 10_000, "active"),
    ]


def test_p2_identity_entries_count_only_while_the_platform_source_is_on():
    citizen = EnrolmentFactory(now=NOW).citizen
    for kind in ("identity.email", "identity.mfa"):
        record_identity_entry(citizen=citizen, kind=kind, now=NOW)
    check(citizen)
    assert explanation_of(citizen.pk).counted == 0
    switch_source(citizen=citizen, source_code="platform", on=True, now=NOW)
    score = Score.objects.get(pk=citizen.pk)
    assert (score.state, explanation_of(citizen.pk).counted) == ("scored", 3)
    switch_source(citizen=citizen, source_code="platform", on=False, now=NOW)
    assert explanation_of(citizen.pk).counted == 0


def test_a_checked_document_keeps_a_keyed_hash_and_no_reference():
    operator, citizen = CitizenFactory(), EnrolmentFactory().citizen
    check(citizen, " PT-123 ", by=operator)
    enrolment = Enrolment.objects.get(pk=citizen.pk)
    assert enrolment.person_key == person_key_of("PT-123")
    assert enrolment.document_checked_at == NOW
    assert "PT-123" not in str(Enrolment.objects.values_list().get(pk=citizen.pk))
    assert kinds_of(citizen) == [("identity.document.1", 9, 10_000, "active")]
    audit = AuditEvent.objects.get(action="document.check")
    assert (audit.actor, audit.object) == (f"person:{operator.pk}", citizen.public_id)


def test_p9_a_document_check_by_an_operator_is_an_inquiry():
    operator, citizen = CitizenFactory(), EnrolmentFactory().citizen
    check(citizen, by=operator)
    inquiry = Inquiry.objects.get(enrolment_id=citizen.pk)
    assert (inquiry.asker_kind, inquiry.what, inquiry.asker_id) == ("operator", "file_opened", operator.public_id)
    assert inquiry.asker_name == "Citizen App"


def test_p1_a_person_has_one_live_enrolment():
    first, second = EnrolmentFactory().citizen, EnrolmentFactory().citizen
    check(first)
    with pytest.raises(AlreadyEnrolledElsewhere):
        check(second)
    enrolment = Enrolment.objects.get(pk=second.pk)
    assert (enrolment.person_key, enrolment.document_checked_at) == (None, None)
    assert kinds_of(second) == []
    leave(citizen=first)
    assert check(second).person_key == person_key_of("PT-1")


def test_the_same_document_again_is_harmless_and_another_persons_is_refused():
    citizen = EnrolmentFactory().citizen
    check(citizen)
    check(citizen, now=NOW + timedelta(days=400))
    assert len(kinds_of(citizen)) == 1
    with pytest.raises(DocumentOfAnother):
        check(citizen, "PT-2")
    assert Enrolment.objects.get(pk=citizen.pk).person_key == person_key_of("PT-1")


def test_a_check_that_does_not_say_of_age_keeps_nothing():
    citizen = EnrolmentFactory().citizen
    with pytest.raises(DocumentNotAccepted):
        check(citizen, of_age=False)
    assert Enrolment.objects.get(pk=citizen.pk).person_key is None
    assert kinds_of(citizen) == []


def test_documents_are_for_the_enrolled():
    with pytest.raises(NotEnrolled):
        check(CitizenFactory())
    assert Inquiry.objects.count() == 0
