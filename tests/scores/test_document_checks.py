"""A document check by a provider: its signed answer is taken once, and nothing else is an answer."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from scores.document_checks import AtTheDesk, SignedCallback, document_check, the_check_can_be_trusted
from scores.errors import AnswerNotGenuine, UnknownVisit
from scores.models import DocumentVisit, Enrolment, Entry
from scores.services.documents import (
    document_state,
    forget_visits,
    start_document_check,
    take_document_answer,
)
from scores.services.identity import person_key_of
from tests.factories.people import CitizenFactory, browser_for
from tests.factories.scores import NOW, EnrolmentFactory

pytestmark = pytest.mark.django_db
ADDRESS = "/webhooks/document-check"


@pytest.fixture(autouse=True)
def _provider(settings):
    settings.DOCUMENT_CHECK = "scores.document_checks.SignedCallback"
    settings.DOCUMENT_CHECK_URL = "https://check.example/start?for=citizen-app"
    settings.DOCUMENT_CHECK_SECRET = "s" * 32


@pytest.fixture
def citizen():
    return EnrolmentFactory(citizen=CitizenFactory(verified=True), now=NOW).citizen


def visit_of(citizen, now=NOW):
    where = start_document_check(citizen=citizen, now=now)
    asked = parse_qs(urlsplit(where).query)
    assert asked["for"] == ["citizen-app"]
    return asked["visit"][0]


def message(visit, now=NOW, *, over_18=True, reference="PT-123", **fields):
    body = json.dumps({"visit": visit, "over_18": over_18, "reference": reference} | fields).encode()
    return signed(body, now)


def signed(body, now=NOW, name="msg_1"):
    moment = int(now.timestamp())
    signature = SignedCallback.signature(name=name, moment=moment, body=body)
    return {"webhook-id": name, "webhook-timestamp": str(moment), "webhook-signature": f"v1,old {signature}"}, body


def take(sent, now=NOW):
    headers, body = sent
    return take_document_answer(headers=headers, body=body, now=now)


def test_a_signed_answer_is_the_check_and_says_nothing_of_the_document(citizen):
    visit = visit_of(citizen)
    assert document_state(citizen=citizen, now=NOW).is_waiting
    assert take(message(visit)) == "accepted"
    assert Enrolment.objects.get().person_key == person_key_of("PT-123")
    assert Entry.objects.filter(external_id="identity.document.1").count() == 1
    row = DocumentVisit.objects.values().get()
    assert visit not in str(row)
    assert "PT-123" not in str(row)
    assert document_state(citizen=citizen, now=NOW) == (NOW, False, None)


def test_threat_25_the_same_answer_again_or_another_under_its_token_changes_nothing(citizen):
    visit = visit_of(citizen)
    take(message(visit))
    before = Enrolment.objects.values().get(), list(Entry.objects.values()), DocumentVisit.objects.values().get()
    later = NOW + timedelta(minutes=4)
    assert take(message(visit), now=later) == "accepted"
    assert take(message(visit, later, over_18=False, reference="PT-999"), now=later) == "accepted"
    assert before == (
        Enrolment.objects.values().get(), list(Entry.objects.values()), DocumentVisit.objects.values().get()
    )  # fmt: skip


def wrong_messages(visit):
    headers, body = message(visit)
    yield {**headers, "webhook-signature": "v1,AAAA"}, body
    yield {name: value for name, value in headers.items() if name != "webhook-signature"}, body
    yield {**headers, "webhook-signature": "v1,\udcff é"}, body
    yield {**headers, "webhook-id": "msg_2"}, body
    yield {**headers, "webhook-timestamp": str(int(NOW.timestamp()) + 1)}, body
    yield {**headers, "webhook-timestamp": "soon"}, body
    yield headers, body.replace(b"PT-123", b"PT-124")
    yield message(visit, NOW - timedelta(minutes=5, seconds=1))
    yield message(visit, NOW + timedelta(minutes=5, seconds=1))
    yield message(visit, over_18="yes")
    yield message(visit, over_18=1)
    yield message(visit, reference="")
    yield message(visit, reference="two words")
    yield message(visit, reference="x" * 201)
    yield message(visit, name="Ana")
    for wrong in (b"", b"[]", b"{}", b"\xff", b"[" * 3000, b'{"visit": "' + b"x" * 5000 + b'"}'):
        yield signed(wrong)


def test_threat_25_nothing_but_a_fresh_signed_answer_is_one(citizen):
    visit = visit_of(citizen)
    for headers, body in wrong_messages(visit):
        with pytest.raises(AnswerNotGenuine):
            take((headers, body))
    assert Enrolment.objects.get().person_key is None
    assert DocumentVisit.objects.get().answered_at is None
    assert take(message(visit)) == "accepted"


def test_without_a_secret_nothing_is_signed(citizen, settings):
    visit = visit_of(citizen)
    settings.DOCUMENT_CHECK_SECRET = ""
    with pytest.raises(AnswerNotGenuine):
        take(message(visit))
    assert [error.id for error in the_check_can_be_trusted()] == ["scores.E002"]
    settings.DOCUMENT_CHECK = "scores.nowhere.Check"
    assert [error.id for error in the_check_can_be_trusted()] == ["scores.E001"]
    settings.DOCUMENT_CHECK = "scores.document_checks.AtTheDesk"
    assert the_check_can_be_trusted() == []


def test_a_token_of_nobody_an_old_one_and_one_that_was_followed_by_another_take_no_answer(citizen):
    first = visit_of(citizen)
    second = visit_of(citizen, NOW + timedelta(minutes=1))
    late = NOW + timedelta(days=1, minutes=1)
    for visit, now in ((first, NOW), ("nobody", NOW), (second, late)):
        with pytest.raises(UnknownVisit):
            take(message(visit, now), now=now)
    assert Enrolment.objects.get().person_key is None
    assert take(message(second, late - timedelta(seconds=1)), now=late - timedelta(seconds=1)) == "accepted"


def test_a_refusal_is_read_by_the_citizen_and_the_next_visit_may_end_better(citizen):
    assert take(message(visit_of(citizen), over_18=False)) == "document_not_accepted"
    state = document_state(citizen=citizen, now=NOW)
    assert state.refused == "The document check did not say that you are of age."
    page = browser_for(citizen).get("/document-check").content.decode()
    assert "did not say that you are of age" in page
    other = EnrolmentFactory(now=NOW).citizen
    assert take(message(visit_of(other), reference="PT-9")) == "accepted"
    assert take(message(visit_of(citizen), reference="PT-9")) == "already_enrolled_elsewhere"
    assert take(message(visit_of(citizen), reference="PT-10")) == "accepted"
    assert take(message(visit_of(citizen), reference="PT-11")) == "wrong_state"
    assert Enrolment.objects.get(pk=citizen.pk).person_key == person_key_of("PT-10")


def test_the_provider_posts_to_one_address_and_needs_no_session(citizen):
    from django.utils import timezone

    now = timezone.now()
    visit = visit_of(citizen, now)
    headers, body = message(visit, now)
    post = {"content_type": "application/json", "headers": headers}
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(ADDRESS, body + b" ", **post).json()["code"] == "answer_not_genuine"
    assert strict.post(ADDRESS, body, **post).status_code == 204
    assert strict.post(ADDRESS, body, **post).status_code == 204
    assert strict.get(ADDRESS).status_code == 405
    big = strict.post(ADDRESS, b"x" * 20_000, **post)
    assert (big.status_code, big.json()["code"]) == (403, "answer_not_genuine")
    assert Enrolment.objects.get().person_key == person_key_of("PT-123")


def test_a_citizen_starts_on_their_page_and_is_led_out_by_a_link(citizen):
    browser = browser_for(citizen)
    assert "Start the check" in browser.get("/document-check").content.decode()
    assert not DocumentVisit.objects.exists()
    shown = browser.post("/document-check").content.decode()
    assert 'href="https://check.example/start?for=citizen-app&amp;visit=' in shown
    assert "Nothing has come back yet" in browser.get("/document-check").content.decode()
    assert "How to get checked" in browser.get("/me").content.decode()


def test_at_the_desk_nobody_answers_and_nothing_is_started(citizen, settings):
    settings.DOCUMENT_CHECK = "scores.document_checks.AtTheDesk"
    assert isinstance(document_check(), AtTheDesk)
    assert start_document_check(citizen=citizen, now=NOW) is None
    assert not DocumentVisit.objects.exists()
    with pytest.raises(AnswerNotGenuine):
        take(message("x"))
    page = browser_for(citizen).get("/document-check").content.decode()
    assert "An operator looks at the document with you" in page
    assert citizen.email in page


def test_visits_are_forgotten_a_week_after_they_ended(citizen):
    visit_of(citizen)
    assert forget_visits(now=NOW + timedelta(days=8)) == 0
    assert forget_visits(now=NOW + timedelta(days=8, seconds=1)) == 1
