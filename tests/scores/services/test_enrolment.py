"""Asking to be scored, pausing and leaving (P1, P10)."""

import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from citizen_app.db import violated
from citizen_app.models import ConsentEvent, ConsentText, OutboxMessage
from citizen_app.outbox import run_due
from scores.errors import AdultRequired, ConsentOutdated, NotEnrolled
from scores.models import EndedLink, Enrolment, Entry, Inquiry, Link, LinkCode, Score, ScoreChange
from scores.services.enrolment import enrol_citizen, leave, pause_enrolment, resume_enrolment
from scores.services.linking import make_link_code
from tests.factories.people import CitizenFactory
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory, explanation_of, link, scored_citizen

pytestmark = pytest.mark.django_db

VERSION = "2026-11"


def enrol(citizen, **given):
    return enrol_citizen(citizen=citizen, **{"consent_version": VERSION, "adult": True, "now": NOW} | given)


def assert_nothing_is_kept_of(citizen):
    assert not Enrolment.objects.filter(pk=citizen.pk).exists()
    assert not ConsentEvent.objects.filter(citizen=citizen).exists()
    assert not Link.objects.filter(enrolment_id=citizen.pk).exists()
    assert not Score.objects.filter(pk=citizen.pk).exists()
    assert not ScoreChange.objects.filter(enrolment_id=citizen.pk).exists()


def test_p1_nobody_who_did_not_enrol_has_a_score():
    CitizenFactory.create_batch(3)
    assert Score.objects.count() == 0


def test_p1_the_database_refuses_a_score_without_an_enrolment():
    enrolled, other = EnrolmentFactory(), CitizenFactory()
    score = Score.objects.get(pk=enrolled.pk)
    score.pk, score.enrolment_id = other.pk, other.pk
    with transaction.atomic():
        score.save(force_insert=True)
        with pytest.raises(IntegrityError):  # judged at the end of a transaction; here already
            transaction.get_connection().check_constraints()
        transaction.set_rollback(True)


def test_p1_enrolling_keeps_the_consent_the_platform_link_and_the_first_row_of_history():
    citizen = CitizenFactory()
    enrolment, is_new = enrol(citizen, via="web")
    assert is_new
    assert (enrolment.state, enrolment.enrolled_at, enrolment.consent_version) == ("active", NOW, VERSION)
    text = ConsentText.objects.get(purpose="scoring", version=VERSION, language="en")
    consent = ConsentEvent.objects.get(citizen=citizen)
    assert (consent.act, consent.purpose, consent.via, consent.at) == ("given", "scoring", "web", NOW)
    assert (consent.text_version, consent.text_sha256, consent.language) == (VERSION, text.sha256, "en")
    assert hashlib.sha256(text.text.encode()).hexdigest() == text.sha256
    platform = Link.objects.select_related("source").get(enrolment=enrolment)
    assert (platform.source.code, platform.is_on, platform.subject) == ("platform", False, citizen.public_id)
    score = Score.objects.get(pk=citizen.pk)
    assert (score.state, score.value, score.revision) == ("thin_file", None, 1)
    change = ScoreChange.objects.get(enrolment=enrolment)
    assert (change.cause, change.state, change.value, change.previous, change.difference, change.lines) == (
        "enrolled",
        "thin_file",
        None,
        None,
        None,
        [],
    )


def test_p1_enrolling_again_changes_nothing_and_asks_for_no_text():
    citizen = CitizenFactory()
    first, _ = enrol(citizen)
    again, is_new = enrol(citizen, consent_version="2025-01", now=NOW + timedelta(days=1))
    assert not is_new
    assert again.enrolled_at == first.enrolled_at
    assert ConsentEvent.objects.filter(citizen=citizen).count() == 1
    assert ScoreChange.objects.filter(enrolment=first).count() == 1


def test_p1_without_a_declaration_of_age_nothing_is_kept():
    citizen = CitizenFactory()
    with pytest.raises(AdultRequired):
        enrol(citizen, adult=False)
    assert_nothing_is_kept_of(citizen)


def test_p1_an_old_text_is_refused_naming_the_one_in_force():
    citizen = CitizenFactory()
    with pytest.raises(ConsentOutdated) as refusal:
        enrol(citizen, consent_version="2025-01")
    assert refusal.value.facts == {"current_version": VERSION}
    assert_nothing_is_kept_of(citizen)


def test_a_language_without_a_text_of_its_own_reads_english_and_that_is_on_record():
    citizen = CitizenFactory()
    enrol(citizen, language="pt")
    assert ConsentEvent.objects.get(citizen=citizen).language == "en"


def test_what_was_verified_before_is_recorded_at_enrolment():
    citizen = CitizenFactory(verified=True)
    enrol(citizen)
    entry = Entry.objects.get(enrolment_id=citizen.pk)
    assert (entry.kind_number, entry.value, entry.external_id) == (6, 10_000, "identity.email.1")
    assert explanation_of(citizen.pk).counted == 0  # the platform source is off


def test_pausing_and_resuming_are_safe_twice_and_lose_nothing():
    citizen = scored_citizen()
    before = Score.objects.filter(pk=citizen.pk).values().get()
    for _ in range(2):
        assert pause_enrolment(citizen=citizen, now=NOW).state == "paused"
    assert Enrolment.objects.get(pk=citizen.pk).paused_at == NOW
    for _ in range(2):
        assert resume_enrolment(citizen=citizen).state == "active"
    assert Enrolment.objects.get(pk=citizen.pk).paused_at is None
    assert Score.objects.filter(pk=citizen.pk).values().get() == before


def test_pausing_without_an_enrolment_is_refused():
    citizen = CitizenFactory()
    with pytest.raises(NotEnrolled):
        pause_enrolment(citizen=citizen)
    assert_nothing_is_kept_of(citizen)


def test_leaving_erases_everything_and_the_receipt_counts_it():
    source = SourceFactory()
    citizen = scored_citizen(source, payments=6)
    make_link_code(citizen=citizen, source_code=source.code, now=NOW)
    Inquiry.objects.create(
        enrolment_id=citizen.pk, at=NOW, last_at=NOW, asker_kind="merchant", asker_id="m", asker_name="M",
        what="scan", about="perk", consent="perk", fold="f",
    )  # fmt: skip
    receipt = leave(citizen=citizen, now=NOW)
    ours = ("entries", "links", "link_codes", "document_visits", "inquiries", "score_changes", "scores", "enrolments")
    assert {name: receipt.erased[name] for name in ours} == {
        "entries": 6,
        "links": 2,
        "link_codes": 1,
        "document_visits": 0,
        "inquiries": 1,
        "score_changes": 2,
        "scores": 1,
        "enrolments": 1,
    }
    assert receipt.at == NOW
    assert all(kept.what and kept.why for kept in receipt.kept)
    for model in (Entry, Link, LinkCode, Inquiry, ScoreChange):
        assert not model.objects.filter(enrolment_id=citizen.pk).exists()
    assert not Score.objects.filter(pk=citizen.pk).exists()
    assert not Enrolment.objects.filter(pk=citizen.pk).exists()


def test_leaving_tells_the_source_that_its_subject_ended_and_nothing_else():
    source = SourceFactory()
    citizen = scored_citizen(source)
    leave(citizen=citizen, now=NOW)
    ended = EndedLink.objects.get()
    assert (ended.source, ended.subject, ended.since) == (source, f"subject-{citizen.pk}", NOW)


def test_leaving_withdraws_the_very_consent_that_was_given():
    citizen = EnrolmentFactory(now=NOW).citizen
    leave(citizen=citizen, via="web", now=NOW + timedelta(hours=1))
    given, withdrawn = ConsentEvent.objects.filter(citizen=citizen, purpose="scoring").order_by("id")
    assert (withdrawn.act, withdrawn.via) == ("withdrawn", "web")
    assert (withdrawn.text_version, withdrawn.text_sha256) == (given.text_version, given.text_sha256)


def test_leaving_sends_the_receipt(mailoutbox):
    citizen = scored_citizen()
    leave(citizen=citizen, now=NOW)
    message = OutboxMessage.objects.get(topic="enrolment.left")
    assert message.payload["citizen_id"] == citizen.pk
    run_due()
    (mail,) = [mail for mail in mailoutbox if mail.to == [citizen.email]]
    assert "- entries: 6" in mail.body
    assert "23 November 2026 at 12:00 UTC" in mail.body


def test_leaving_twice_erases_nothing_more():
    citizen = EnrolmentFactory().citizen
    leave(citizen=citizen)
    receipt = leave(citizen=citizen)
    assert set(receipt.erased.values()) == {0}
    assert ConsentEvent.objects.filter(citizen=citizen, act="withdrawn").count() == 1
    assert OutboxMessage.objects.filter(topic="enrolment.left").count() == 1


def test_who_left_may_enrol_again_and_starts_from_nothing():
    source = SourceFactory()
    citizen = scored_citizen(source)
    leave(citizen=citizen, now=NOW)
    enrol(citizen, now=NOW + timedelta(days=1))
    assert Score.objects.get(pk=citizen.pk).state == "thin_file"
    assert Entry.objects.count() == 0
    again = link(citizen, source)
    assert again.is_on
    assert EndedLink.objects.count() == 0


def test_a_paused_enrolment_knows_since_when():
    enrolment = EnrolmentFactory()
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Enrolment.objects.filter(pk=enrolment.pk).update(state="paused")
    assert violated(refusal.value) == "enrolment_paused_at_iff_paused"
