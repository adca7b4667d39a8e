"""The console's code lists: making, uploading, watching, choosing for a perk, withdrawing."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due
from perks.models import CodeList, OutsideCode, Perk
from perks.services.redemptions import take_perk
from tests.factories.people import browser_for
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, person_of
from tests.perks.web.merchant.pages import PERK, errors_of, problem_of, text_of, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return MerchantFactory()


@pytest.fixture
def browser(merchant):
    return browser_for(person_of(merchant, "manager"))


def upload(browser, raw, name="Shop"):
    file = SimpleUploadedFile("codes.csv", raw, content_type="text/csv")
    return browser.post("/merchant/code-lists", {"upload": "1", "own-name": name, "own-file": file}, follow=True)


def test_a_file_becomes_a_list_and_the_page_tells_what_was_rejected(browser):
    page = upload(browser, b"code\nA1\nA1\n=1\nB2\n")
    assert "Being made" in text_of(page)
    assert "0 of 4 done" in text_of(page)
    run_due()
    code_list = CodeList.objects.get()
    page = text_of(browser.get(f"/merchant/code-lists/{code_list.public_id}"))
    assert "Left to give 2 Given, for good 0 Withdrawn 0 Rejected 2" in page
    assert "3 stood there before 4 no code" in page
    assert "A1" not in page


def test_new_codes_are_made_and_mistakes_are_told_beside_their_fields(browser):
    wrong = browser.post("/merchant/code-lists", {"new-name": "Shop", "new-count": "5", "new-length": "3"})
    assert "new-length" in errors_of(wrong)
    assert not CodeList.objects.exists()
    right = {"new-name": "Shop", "new-count": "5", "new-length": "12", "new-begins_with": "SPA-"}
    assert "Being made" in text_of(browser.post("/merchant/code-lists", right, follow=True))
    for _ in range(2):
        browser.post("/merchant/code-lists", right)
    assert "still being made" in problem_of(browser.post("/merchant/code-lists", right))
    assert CodeList.objects.count() == 3


def test_an_empty_file_is_told_beside_it(browser):
    assert "own-file" in errors_of(upload(browser, b"\n\n"))
    assert not CodeList.objects.exists()


def test_a_list_is_chosen_for_a_discount_and_its_code_shown_to_who_takes_it(merchant, browser):
    upload(browser, b"A1\nB2\n")
    run_due()
    code_list = CodeList.objects.get()
    written = write(browser, code_list=code_list.public_id)
    assert written.status_code == 302, errors_of(written)
    assert Perk.objects.get().code_list == code_list
    perk = PerkFactory(merchant=merchant, code_list=code_list)
    citizen = citizen_with()
    redemption = take_perk(citizen=citizen, perk=perk)
    assert "own shop A1" in text_of(browser_for(citizen).get(f"/codes/{redemption.public_id}"))
    assert "A1" not in text_of(browser_for(citizen).get("/codes"))
    edit = browser.get(f"/merchant/perks/{perk.public_id}/edit")
    assert f'value="{code_list.public_id}" selected' in edit.content.decode()


def test_an_edit_that_shows_no_list_keeps_the_perk_s(merchant, browser):
    perk = PerkFactory(merchant=merchant)
    body = {**PERK, "title": "Other", "tiers-0-min_score": "", "revision": perk.revision}
    answer = browser.post(f"/merchant/perks/{perk.public_id}/edit", body)
    assert answer.status_code == 302, errors_of(answer)
    assert Perk.objects.get(pk=perk.pk).code_list is None


def test_the_file_holds_every_code_and_is_on_record(merchant, browser):
    upload(browser, b"A1\nB2\n")
    run_due()
    code_list = CodeList.objects.get()
    take_perk(citizen=citizen_with(), perk=PerkFactory(merchant=merchant, code_list=code_list))
    file = browser.get(f"/merchant/code-lists/{code_list.public_id}/file")
    rows = list(csv.reader(io.StringIO(file.getvalue().decode(), newline="")))
    assert rows == [["code", "state"], ["A1", "given"], ["B2", "free"]]
    assert file["Cache-Control"] == "no-store"
    assert AuditEvent.objects.filter(action="code_list.download", object=code_list.public_id).count() == 1


def test_withdrawing_is_one_press_and_a_second_one_says_so(browser):
    upload(browser, b"A1\n")
    run_due()
    code_list = CodeList.objects.get()
    page = browser.post(f"/merchant/code-lists/{code_list.public_id}", follow=True)
    assert "Withdrawn. What people were given stays theirs." in text_of(page)
    run_due()
    assert not OutsideCode.objects.exists()
    again = browser.post(f"/merchant/code-lists/{code_list.public_id}", follow=True)
    assert "state does not allow" in text_of(again)
