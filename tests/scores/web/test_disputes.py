"""The citizen's pages of disputes: from a record to a dispute, along its steps, back out, and on to an appeal."""

import html
import re
from datetime import timedelta

import pytest
import time_machine

from scores.models import Dispute, Entry, Evidence
from scores.services.linking import switch_source
from tests.factories.disputes import citizen_in_arrears, dispute_of, photograph, rejected
from tests.factories.people import CitizenFactory, browser_for
from tests.factories.scores import NOW, EnrolmentFactory, SourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def life():
    return citizen_in_arrears(SourceFactory(code="bank", name="Bank of Tests"))


@pytest.fixture
def browser(life):
    return browser_for(life[0])


def text_of(response):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def sent(browser, *entries, **changes):
    form = {
        "source": "bank",
        "entries": [one.public_id for one in entries],
        "ground": "wrong_value",
        "statement": "I paid in time.",
    }
    return browser.post("/disputes/new", {k: v for k, v in (form | changes).items() if v}, follow=True)


def test_a_record_leads_to_its_dispute_and_back(browser, life):
    page = browser.get(f"/records/{life[1].public_id}")
    assert f'href="/disputes/new?entry={life[1].public_id}"' in page.content.decode()
    form = browser.get(f"/disputes/new?entry={life[1].public_id}")
    assert "Dispute what Bank of Tests recorded" in text_of(form)
    assert re.search(rf'value="{life[1].public_id}"[^>]* checked', form.content.decode())
    page = sent(browser, life[1], evidence=photograph())
    assert "Your dispute is received. You can follow it here." in text_of(page)
    assert "30 days left for the source" in text_of(page)
    assert "You have the benefit of the doubt." in text_of(page)
    page = browser.get(f"/records/{life[1].public_id}")
    assert "You dispute it." in text_of(page)
    assert "/disputes/new?entry" not in page.content.decode()


def test_several_records_of_one_source_are_chosen_together(browser, life):
    others = list(Entry.objects.of(life[0].pk).filter(external_id__in=["p1", "p2"]))
    page = sent(browser, life[1], *others)
    assert "3 records from Bank of Tests" in text_of(page)
    assert Dispute.objects.get().disputed.count() == 3


def test_without_a_record_the_source_is_chosen_first(browser):
    page = browser.get("/disputes/new")
    assert "Which source recorded it?" in text_of(page)
    assert 'href="?source=bank"' in page.content.decode()


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [({"entries": []}, "entries"), ({"ground": ""}, "ground"), ({"statement": " "}, "statement")],
)
def test_a_mistake_is_said_beside_its_field(browser, life, changes, wrong):
    page = sent(browser, life[1], **changes)
    assert re.findall(r'<ul class="err" id="id_(\w+)_error">', page.content.decode()) == [wrong]
    assert not Dispute.objects.exists()


def test_a_file_that_is_not_taken_is_said_and_nothing_is_sent(browser, life):
    from django.core.files.uploadedfile import SimpleUploadedFile

    page = sent(browser, life[1], evidence=SimpleUploadedFile("a.gif", b"GIF89a.."))
    assert "neither a picture" in text_of(page)
    assert not Dispute.objects.exists()


def test_what_is_raised_again_without_something_new_is_said(browser, life):
    sent(browser, life[1])
    browser.post(f"/disputes/{Dispute.objects.get().public_id}/withdraw")
    page = sent(browser, life[1])
    assert "only with new evidence" in text_of(page)
    page = sent(browser, life[1], evidence=photograph())
    assert "First an operator looks at what is new" in text_of(page)
    assert "You had the benefit of the doubt for it already." in text_of(page)


def test_the_page_says_what_each_decision_would_do_and_what_each_step_did(browser, life):
    page = text_of(sent(browser, life[1]))
    effect = re.search(r"Your score now (\d+) Decided for you (\d+), as now Rejected (\d+)", page)
    assert int(effect[1]) == int(effect[2]) > int(effect[3])
    assert f"+{int(effect[1]) - int(effect[3])}" in page


def test_withdrawing_from_the_page(browser, life):
    sent(browser, life[1])
    dispute = Dispute.objects.get()
    page = browser.post(f"/disputes/{dispute.public_id}/withdraw", follow=True)
    assert "Withdrawn. Everything counts as it did before." in text_of(page)
    assert "Withdraw the dispute" not in text_of(page)
    page = browser.post(f"/disputes/{dispute.public_id}/withdraw", follow=True)
    assert "Its state does not allow this." in text_of(page)


def test_appealing_from_the_page(life):
    dispute = rejected(dispute_of(*life))
    with time_machine.travel(NOW + timedelta(days=3)):
        browser = browser_for(life[0])
        page = browser.get(f"/disputes/{dispute.public_id}")
        assert "The statement of the bank shows it." in text_of(page)
        form = {"statement": "Look again.", "evidence": photograph()}
        page = browser.post(f"/disputes/{dispute.public_id}/appeal", form, follow=True)
        assert "Your appeal is received. Somebody else decides." in text_of(page)
        assert Dispute.objects.get().state == "appealed"
        page = browser.post(f"/disputes/{dispute.public_id}/appeal", {}, follow=True)
        assert "Its state does not allow this." in text_of(page)


def test_the_list_shows_each_with_its_state(browser, life):
    sent(browser, life[1])
    page = text_of(browser.get("/disputes"))
    assert "The value is wrong. Bank of Tests, 23 November 30 days left for the source" in page
    assert "/disputes" in browser.get("/records").content.decode()


def test_an_empty_list_says_what_a_dispute_is():
    browser = browser_for(EnrolmentFactory().citizen)
    assert "Nothing disputed" in text_of(browser.get("/disputes"))
    assert "Nothing to dispute" in text_of(browser.get("/disputes/new")) or "Which source" in text_of(
        browser.get("/disputes/new")
    )


def test_one_s_own_file_is_an_attachment_and_nobody_else_s(browser, life):
    dispute = dispute_of(*life, evidence=photograph())
    evidence = Evidence.objects.get()
    answer = browser.get(f"/disputes/{dispute.public_id}/evidence/{evidence.public_id}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Cache-Control"]) == ("nosniff", "no-store")
    stranger = browser_for(EnrolmentFactory().citizen)
    assert stranger.get(f"/disputes/{dispute.public_id}").status_code == 404
    assert stranger.get(f"/disputes/{dispute.public_id}/evidence/{evidence.public_id}").status_code == 404
    unknown = browser_for(CitizenFactory()).get(f"/disputes/{dispute.public_id}")
    assert unknown.headers["Location"] == "/enrol"


def test_a_switched_off_source_can_be_disputed_too(browser, life):
    switch_source(citizen=life[0], source_code="bank", on=False)
    assert "Your dispute is received" in text_of(sent(browser, life[1]))


def test_a_form_of_more_than_twelve_mebibytes_is_not_read(browser, life):
    body = b"--x\r\n" + b"a" * (12 * 1024 * 1024)
    answer = browser.generic("POST", "/disputes/new", body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413
    assert not Dispute.objects.exists()
