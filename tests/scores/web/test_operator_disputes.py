"""The operators' pages of disputes: due first, decided with a reason, an appeal by another, a batch by two."""

import html
import re

import pytest
import time_machine

from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due
from scores.models import Dispute, Entry, Evidence, Inquiry, MassUpholding
from scores.services.disputes.answering import answer_dispute
from scores.services.disputes.opening import appeal_dispute, withdraw_dispute
from tests.factories.disputes import citizen_in_arrears, dispute_of, photograph, rejected
from tests.factories.people import browser_for, operator_with
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def operator():
    return operator_with("disputes")


@pytest.fixture
def browser(operator):
    return browser_for(operator)


@pytest.fixture
def life():
    citizen, late = citizen_in_arrears(SourceFactory(code="bank", name="Bank of Tests"))
    return citizen, late, dispute_of(citizen, late, evidence=photograph())


def text_of(response):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def decide(browser, dispute, decision, **changes):
    form = {"decision": decision, "reason": "The account’s statement.", "state": Dispute.objects.get().state}
    return browser.post(f"/operator/disputes/{dispute.public_id}/decide", form | changes, follow=True)


@pytest.mark.parametrize(
    ("role", "status"), [("disputes", 200), ("support", 403), ("merchants", 403), ("scoring", 403)]
)
def test_only_operators_for_disputes_enter(life, role, status):
    browser = browser_for(operator_with(role))
    for path in ("disputes", f"disputes/{life[2].public_id}", "batches"):
        assert browser.get(f"/operator/{path}").status_code == status


def test_the_queue_is_their_door_and_names_nobody(browser, life):
    citizen, _, dispute = life
    page = browser.get("/operator", follow=True)
    assert page.redirect_chain == [("/operator/disputes", 302)]
    assert "Nothing to decide" in text_of(page)
    assert "Bank of Tests: the value is wrong" in text_of(page)
    answer_dispute(dispute=dispute, position="confirm", now=NOW)
    page = browser.get("/operator/disputes")
    assert "1 to decide" in text_of(page)
    for secret in (citizen.email, citizen.first_name, citizen.public_id):
        assert secret not in page.content.decode()
    assert not Inquiry.objects.exists()


def test_what_has_no_due_day_yet_stands_first_and_then_the_nearest(browser, life):
    citizen, _late, dispute = life
    answer_dispute(dispute=dispute, position="confirm", now=NOW)
    other = Entry.objects.of(citizen.pk).get(external_id="p1")
    withdraw_dispute(dispute=dispute_of(citizen, other), by=citizen, now=NOW)
    again = dispute_of(citizen, other, evidence=photograph(2))
    listed = re.findall(r"/operator/disputes/(dsp_\w+)", browser.get("/operator/disputes").content.decode())
    assert listed == [again.public_id, dispute.public_id]


def test_p9_opening_one_is_told_to_its_citizen(browser, operator, life):
    citizen, _, dispute = life
    page = browser.get(f"/operator/disputes/{dispute.public_id}")
    assert "That payment was made in time." in text_of(page)
    assert citizen.email not in page.content.decode()
    asked = Inquiry.objects.get()
    assert (asked.enrolment_id, asked.asker_id, asked.what) == (citizen.pk, operator.public_id, "file_opened")
    assert "Your dispute" in text_of(browser_for(citizen).get("/who-asked"))


def test_a_file_is_an_attachment(browser, life):
    dispute, evidence = life[2], Evidence.objects.get()
    answer = browser.get(f"/operator/disputes/{dispute.public_id}/evidence/{evidence.public_id}")
    assert (answer.status_code, answer.headers["X-Content-Type-Options"]) == (200, "nosniff")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{evidence.public_id}.jpg"'
    assert Inquiry.objects.get().what == "file_opened"


def test_rejecting_is_offered_once_the_source_has_answered(browser, life):
    dispute = life[2]
    page = browser.get(f"/operator/disputes/{dispute.public_id}")
    assert 'value="reject"' not in page.content.decode()
    assert "still has days to do so" in text_of(decide(browser, dispute, "reject"))
    assert Dispute.objects.get().state == "received"
    answer_dispute(dispute=dispute, position="confirm", now=NOW)
    assert 'value="reject"' in browser.get(f"/operator/disputes/{dispute.public_id}").content.decode()
    assert "Decided." in text_of(decide(browser, dispute, "reject"))
    assert Dispute.objects.get().state == "rejected"
    assert dispute.events.latest("id").text == "The account’s statement."


def test_a_decision_is_on_what_was_read(browser, life):
    dispute = life[2]
    answer_dispute(dispute=dispute, position="confirm", now=NOW)
    page = decide(browser, dispute, "reject", state="received")
    assert "Its state does not allow this." in text_of(page)
    assert Dispute.objects.get().state == "in_review"


def test_a_decision_needs_a_reason(browser, life):
    page = decide(browser, life[2], "uphold", reason=" ")
    assert re.findall(r'<ul class="err" id="id_(\w+)_error">', page.content.decode()) == ["reason"]
    assert Dispute.objects.get().state == "received"


def test_upholding(browser, life):
    decide(browser, life[2], "uphold")
    assert (Dispute.objects.get().state, Entry.objects.get(pk=life[1].pk).status) == ("upheld", "struck")
    assert AuditEvent.objects.filter(action="dispute.uphold").exists()


def test_who_rejected_does_not_hear_the_appeal(operator, browser, life):
    citizen, _, dispute = life
    rejected(dispute, operator)
    appeal_dispute(dispute=dispute, by=citizen, now=NOW)
    page = browser.get(f"/operator/disputes/{dispute.public_id}")
    assert "so another operator hears the appeal" in text_of(page)
    assert 'name="decision"' not in page.content.decode()
    assert "another operator than the first" in text_of(decide(browser, dispute, "uphold"))
    assert "Decided." in text_of(decide(browser_for(operator_with("disputes")), dispute, "uphold"))
    assert Dispute.objects.get().state == "upheld_on_appeal"


def test_nobody_sees_or_decides_their_own(operator, browser):
    EnrolmentFactory(citizen=operator)
    from scores.services.identity import record_identity_entry

    own = record_identity_entry(citizen=operator, kind="identity.mfa", now=NOW)
    dispute = dispute_of(operator, own, ground="not_mine")
    assert dispute.public_id not in browser.get("/operator/disputes").content.decode()
    page = browser.get(f"/operator/disputes/{dispute.public_id}", follow=True)
    assert "Nobody decides on their own records." in text_of(page)
    assert Dispute.objects.get().state == "received"


def test_what_is_raised_again_is_passed_on(browser, life):
    citizen, late, dispute = life
    withdraw_dispute(dispute=dispute, by=citizen, now=NOW)
    again = dispute_of(citizen, late, evidence=photograph(2))
    page = browser.get(f"/operator/disputes/{again.public_id}")
    assert "This ground was disputed before." in text_of(page)
    page = browser.post(f"/operator/disputes/{again.public_id}/admit", follow=True)
    assert "The source is asked, and has 30 days." in text_of(page)
    again.refresh_from_db()
    assert (again.state, again.asked_at is not None) == ("in_review", True)


def test_a_batch_is_struck_by_two_together(operator, browser, life):
    dispute = life[2]
    page = browser.get(f"/operator/disputes/{dispute.public_id}").content.decode()
    link = html.unescape(re.search(r'href="(/operator/batches\?[^"]+)"', page)[1])
    page = browser.get(link)
    count = Entry.objects.filter(recorded_at=life[1].recorded_at, link__source__code="bank").count()
    assert f"{count} records of Bank of Tests" in text_of(page)
    form = {
        "source": "bank",
        "recorded_at": life[1].recorded_at.isoformat(),
        "ground": "wrong_value",
        "reason": "Swapped columns.",
    }
    assert "Another operator has to confirm it." in text_of(browser.post("/operator/batches", form, follow=True))
    assert "was proposed already" in text_of(browser.post("/operator/batches", form, follow=True))
    proposal = MassUpholding.objects.get()
    path = f"/operator/batches/{proposal.public_id}/confirm"
    assert path not in browser.get("/operator/batches").content.decode()
    assert "another operator than the first" in text_of(browser.post(path, follow=True))
    second = browser_for(operator_with("disputes"))
    assert path in second.get("/operator/batches").content.decode()
    assert "Confirmed." in text_of(second.post(path, follow=True))
    run_due()
    assert Entry.objects.get(pk=life[1].pk).status == "struck"
    assert "Done" in text_of(second.get("/operator/batches"))


def test_a_proposal_is_dropped(browser, life):
    form = {
        "source": "bank",
        "recorded_at": life[1].recorded_at.isoformat(),
        "ground": "other",
        "reason": "Perhaps.",
    }
    browser.post("/operator/batches", form)
    path = f"/operator/batches/{MassUpholding.objects.get().public_id}/drop"
    assert "Dropped. Nothing was struck." in text_of(browser.post(path, follow=True))
    assert Entry.objects.get(pk=life[1].pk).status == "disputed"


@pytest.mark.parametrize("query", ["source=bank&recorded_at=x", "source=nobody&recorded_at=2026-11-23T12:00:00Z", ""])
def test_a_batch_that_is_none_is_not_there(browser, life, query):
    assert browser.get(f"/operator/batches?{query}").status_code == (404 if query else 200)
